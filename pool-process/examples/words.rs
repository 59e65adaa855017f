//! Counts words in two child processes. One text makes its process abort, and one hangs: both are told at their places.

use pool_process::{ProcessPool, Task, Tasks};
use std::time::Duration;

const WORDS: Task<String, u64> = Task::named("words");

fn words(text: String) -> u64 {
    match text.as_str() {
        "abort" => std::process::abort(),
        "hang" => loop {
            std::thread::park();
        },
        text => text.split_whitespace().count() as u64,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The first line of `main`: a child runs tasks here, and never goes on.
    let program = Tasks::new().task(WORDS, words).serve();
    let pool = ProcessPool::builder(program).processes(2).build()?;
    let texts = ["one", "two words", "abort", "hang", "these are four words"];
    let counts = pool.imap(WORDS, texts.map(String::from)).item_timeout(Duration::from_millis(300));
    for (text, words) in texts.iter().zip(counts) {
        match words {
            Ok(words) => println!("{text}: {words}"),
            Err(error) => println!("{text}: {error}"),
        }
    }
    Ok(())
}
