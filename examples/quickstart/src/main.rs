//! Three workers, five items that take a while, and at most six seconds of waiting for each result.

use example_common::stdout;
use pool_stealing::{Executor, StealingPool};
use std::error::Error;
use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    // Not `println!`: that panics where the output cannot be written, and does not see that it is closed.
    let mut output = stdout()?;
    let pool = StealingPool::new(3)?;
    let results = pool.imap([5, 1, 4, 2, 3], |n: u32| {
        sleep(Duration::from_millis(100) * n);
        format!("{n} slept for {} ms", 100 * n)
    });
    // In the order of the input, although the first is the last to finish.
    for line in results.timeout(Duration::from_secs(6)) {
        writeln!(output, "{}", line?)?;
    }
    Ok(())
}
