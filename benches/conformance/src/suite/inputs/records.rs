//! Records in blocks: P4 live, errors and panics at their places, and `pipe`.

use crate::oracle::{OnPurpose, panic_on_purpose};
use crate::suite::list::promises;
use crate::suite::parts::{Gate, soon};
use pool_core::{Block, Blocks, Executor, IterExt, RecordTooLong, Sequential};
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;

/// The lines of a block, each as a `String`.
fn strings(block: io::Result<Block>) -> io::Result<Vec<String>> {
    Ok(block?.records().map(|line| String::from_utf8(line.to_vec()).unwrap()).collect())
}

/// Lines of all lengths, with empty ones and `\r\n` among them, and none at the end of the last.
fn text(lines: usize) -> Vec<u8> {
    let line =
        |n: usize| [format!("{n} "), "x".repeat(n * 7 % 90), ["\n", "\r\n", "\n\n"][n % 3].into()].concat();
    let mut text = (0..lines).map(line).collect::<String>().into_bytes();
    text.extend(b"the end");
    text
}

/// What is appended for a line: its length, and the line in another order.
fn reversed(line: &[u8], output: &mut Vec<u8>) {
    write!(output, "{} ", line.len()).unwrap();
    output.extend(line.iter().rev());
    output.push(b'\n');
}

/// The sequential loop.
fn expected(text: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    str::from_utf8(text).unwrap().lines().for_each(|line| reversed(line.as_bytes(), &mut output));
    output
}

/// A reader of many short reads of different lengths.
struct Short<R>(R, usize);

impl<R: Read> Read for Short<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1 * 31 % 10_007;
        let most = room.len().min(1 + self.1);
        self.0.read(&mut room[..most])
    }
}

fn fails() -> io::Error {
    io::Error::other("on purpose")
}

/// A reader or a writer that fails.
struct Fails;

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(fails())
    }
}

impl Write for Fails {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(fails())
    }
    fn flush(&mut self) -> io::Result<()> {
        Err(fails())
    }
}

/// A writer that keeps what is written to itself until it is flushed.
struct Flushed(Vec<u8>, Sender<Vec<u8>>);

impl Write for Flushed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.1.send(std::mem::take(&mut self.0)).map_err(io::Error::other)
    }
}

/// A line with each read, which must not be read before all but `window` are written.
struct InWindow {
    read: Arc<AtomicU64>,
    written: Arc<AtomicU64>,
    window: u64,
    lines: u64,
}

impl Read for InWindow {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.read.load(Ordering::SeqCst);
        if read == self.lines {
            return Ok(0);
        }
        let written = self.written.load(Ordering::SeqCst);
        assert!(read < written + self.window, "line {read} was read when {written} had been written");
        self.read.store(read + 1, Ordering::SeqCst);
        room[..2].copy_from_slice(b"x\n");
        Ok(2)
    }
}

promises! {
    /// A line is written only when the result of the one before it is there.
    fn p4_blocks_give_each_line_at_once(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let (reader, mut writer) = io::pipe().unwrap();
            let mut results = pool.imap(Blocks::lines(reader), strings);
            let mut begun = "";
            for line in 0..200 {
                // Another line or none, and half of the next.
                let more = if line % 3 == 0 { "more\n" } else { "" };
                writer.write_all(format!("{line}\n{more}ha").as_bytes()).unwrap();
                let mut expected = vec![format!("{begun}{line}")];
                expected.extend(more.lines().map(String::from));
                assert_eq!(results.next().unwrap().unwrap(), expected, "threads {threads}");
                writer.write_all(b"lf").unwrap();
                begun = "half";
            }
            drop(writer);
            assert_eq!(results.next().unwrap().unwrap(), ["half"]);
            assert!(results.next().is_none());
        }
    }

    /// The same through `pipe`: the line has been flushed before the next one is there.
    fn p4_pipe_flushes_each_line_at_once(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let (reader, mut writer) = io::pipe().unwrap();
            let (send, receive) = mpsc::channel();
            let executor = pool.clone();
            let pipe = thread::spawn(move || {
                Blocks::lines(reader).pipe(&*executor, Flushed(Vec::new(), send), reversed)
            });
            for line in 0..100 {
                writeln!(writer, "{line:03}").unwrap();
                assert_eq!(receive.recv().unwrap(), expected(format!("{line:03}").as_bytes()));
            }
            drop(writer);
            assert!(receive.recv().is_err());
            pipe.join().unwrap().unwrap();
        }
    }

    fn p1_pipe_is_the_sequential_loop(subject) {
        let text = text(20_000);
        let expected = expected(&text);
        let check = |pool: &dyn Executor| {
            for reader in [Box::new(io::Cursor::new(text.clone())) as Box<dyn Read + Send>, Box::new(Short(io::Cursor::new(text.clone()), 1))] {
                let mut output = Vec::new();
                Blocks::lines(reader).pipe(pool, &mut output, reversed).unwrap();
                assert!(output == expected);
            }
        };
        for threads in [1, 2, 4] {
            check(&subject.pool(threads));
        }
        check(&Sequential);
    }

    /// After the blocks before it, and nothing comes after it.
    fn p7_blocks_have_errors_at_their_places(subject) {
        let text = text(5_000);
        let whole = text.len() - "the end".len();
        let lines = || str::from_utf8(&text[..whole]).unwrap().lines();
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let failing = Blocks::lines(Short(io::Cursor::new(text.clone()).chain(Fails), 1));
            let long = [&text[..whole], &[b'x'; 200][..], b"\nnever\n"].concat();
            let too_long = Blocks::lines(Short(io::Cursor::new(long), 1)).max_record(100);
            let inputs: [Box<dyn Iterator<Item = io::Result<Block>> + Send>; 2] = [Box::new(failing), Box::new(too_long)];
            for (index, input) in inputs.into_iter().enumerate() {
                let mut results = input.imap(&pool, strings);
                let mut seen = Vec::new();
                let error = loop {
                    match results.next().expect("the error comes first") {
                        Ok(lines) => seen.extend(lines),
                        Err(error) => break error,
                    }
                };
                assert!(results.next().is_none());
                assert!(seen.iter().eq(lines()));
                let too_long = error.get_ref().unwrap().downcast_ref::<RecordTooLong>();
                let place = too_long.map(|error| (error.record(), error.offset()));
                assert_eq!(place, (index == 1).then_some((lines().count() as u64, whole as u64)));
            }
        }
    }

    fn p7_pipe_writes_what_comes_before_an_error(subject) {
        let text = text(5_000);
        let whole = text.len() - "the end".len();
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let reader = Short(io::Cursor::new(text.clone()).chain(Fails), 1);
            let (mut output, error) = (Vec::new(), fails().to_string());
            let result = Blocks::lines(reader).pipe(&pool, &mut output, reversed);
            assert_eq!(result.unwrap_err().to_string(), error);
            assert!(output == expected(&text[..whole]));
        }
    }

    fn p6_pipe_writes_what_comes_before_a_panic(subject) {
        for line in [0, 1, 700, 9_999] {
            let pool = subject.pool(2);
            let text: String = (0..10_000).map(|n| format!("{n}\n")).collect();
            let mut output = Vec::new();
            let pipe = AssertUnwindSafe(|| {
                Blocks::lines(io::Cursor::new(text)).pipe(&pool, &mut output, move |number, output| {
                    output.extend(number);
                    if number == line.to_string().as_bytes() {
                        panic_on_purpose(line);
                    }
                    output.push(b'\n');
                })
            });
            let payload = catch_unwind(pipe).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&OnPurpose(line)));
            assert_eq!(output, (0..line).map(|n| format!("{n}\n")).collect::<String>().into_bytes());
        }
    }

    /// Its reader waits for ever, as that of `program | head` does.
    fn p9_pipe_returns_when_the_output_fails_while_the_reader_waits(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let (reader, mut writer) = io::pipe().unwrap();
            writeln!(writer, "line").unwrap();
            let result = Blocks::lines(reader).pipe(&pool, Fails, reversed);
            assert_eq!(result.unwrap_err().to_string(), fails().to_string());
            drop(writer);
        }
    }

    /// The output is slow.
    fn p3_pipe_reads_four_blocks_for_each_thread_ahead(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            let (read, written) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let window = 4 * threads as u64;
            let reader = InWindow { read: read.clone(), written: written.clone(), window, lines: 100 };
            let (door, writes) = (gate.door(), written.clone());
            thread::scope(|s| {
                let pipe = s.spawn(|| {
                    let output = Gated(door, writes);
                    Blocks::lines(reader).pipe(&pool, output, |line, output| output.extend(line))
                });
                soon("the window is full", || read.load(Ordering::SeqCst) == window);
                gate.open();
                pipe.join().unwrap().unwrap();
            });
            assert_eq!(written.load(Ordering::SeqCst), 100);
        }
    }

    fn p8_pipe_inside_f(subject) {
        let text = text(500);
        let expected = expected(&text);
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let (inner, text) = (pool.clone(), text.clone());
            let mut outputs = pool.imap(0..8, move |_| {
                let mut output = Vec::new();
                let reader = Short(io::Cursor::new(text.clone()), 1);
                Blocks::lines(reader).pipe(&*inner, &mut output, reversed).unwrap();
                output
            });
            assert!(outputs.all(|output| output == expected));
        }
    }
}

/// A writer that waits at a gate, and counts what is flushed.
struct Gated(crate::suite::parts::Door, Arc<AtomicU64>);

impl Write for Gated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.pass();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}
