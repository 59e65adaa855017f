//! Lines of text, records, blocks of a file, and allocators.
//!
//! # Lines in, bytes out
//!
//! Most programs that read lines write something for each, in the same order. With the feature `blocks` that is one call: a loop
//! over lines on all threads, without an allocation for a line.
//!
//! ```
//! use pool_stealing::{Blocks, StealingPool};
//! use std::io::Write;
//!
//! let pool = StealingPool::new(2)?;
//! let input = std::io::Cursor::new("3\n\nx\r\n5"); // or a `File`, or `std::io::stdin()`: no `BufReader`
//! let mut output = Vec::new(); // or `std::io::stdout().lock()`
//! Blocks::lines(input).pipe(&pool, &mut output, |line, output| {
//!     match str::from_utf8(line).ok().and_then(|line| line.parse::<u32>().ok()) {
//!         Some(number) => writeln!(output, "{}", number * number).unwrap(), // memory takes everything
//!         None => writeln!(output, "{} bytes", line.len()).unwrap(),
//!     }
//! })?;
//! assert_eq!(output, b"9\n0 bytes\n1 bytes\n25\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - A line is bytes, without its `\n` or `\r\n`. It may be empty, and need not be UTF-8.
//! - The output is written and flushed as soon as a block of lines is done. A block is what one `read` has brought, so with
//!   `tail -f log | program` each line comes out at once; from a file a block is up to 256 KiB.
//! - Lines for which nothing is appended are left out: a filter.
//! - An error of the reader or the writer is returned, and a panic comes out at its place: what comes before has been written.
//!
//! # Blocks of lines
//!
//! Where results are no bytes, or errors have line numbers, iterate over the blocks. An item is a block of whole lines. The function
//! goes through its lines, and gives back what came of them; the results are in order, and so are the lines in each.
//!
//! ```
//! use pool_stealing::{Blocks, Executor, StealingPool};
//! use std::io::{Cursor, Error};
//!
//! let pool = StealingPool::new(2)?;
//! let text = (0..1000).map(|n| if n == 700 { "x\n".into() } else { format!("{n}\n") }).collect::<String>();
//! let blocks = Blocks::lines(Cursor::new(text));
//! let parsed = pool.imap(blocks, |block| {
//!     let (mut sum, mut bad) = (0, Vec::new());
//!     let block = block?;
//!     for (number, line) in block.numbers().zip(&block) {
//!         match str::from_utf8(line).ok().and_then(|line| line.parse::<u64>().ok()) {
//!             Some(number) => sum += number,
//!             None => bad.push(number + 1), // they count from 0
//!         }
//!     }
//!     Ok::<_, Error>((sum, bad))
//! });
//! let (mut sum, mut bad) = (0, Vec::new());
//! for block in parsed.window(8) {
//!     let (sum_of_block, bad_in_block) = block?;
//!     sum += sum_of_block;
//!     bad.extend(bad_in_block);
//! }
//! assert_eq!((sum, bad), (499_500 - 700, vec![701]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - **Set the window**: it counts blocks. Four for each thread are enough.
//! - `Blocks::by_byte(reader, 0)` reads what `find -print0` writes. `Blocks::by(reader, f)` takes a function that says where a
//!   record ends; its documentation has one for FASTQ, and one for CSV with line ends within quotes.
//! - A line that is longer than a limit is an error, which says which line it is, and where. So no input takes all memory.
//! - `block.offsets()` says where the block is in the file. [Resuming](super::resuming) needs no more than that.
//!
//! The example `jsonl` filters and transforms lines of JSON in blocks.
//!
//! # Lines as items
//!
//! Where a line costs some microseconds or more, it may be an item for itself: a result for each line, and no feature. Then the
//! work of a few costly lines that come together is divided, too. But a line for itself costs an allocation, and short lines
//! gain little or nothing.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//! use std::io::{BufRead, BufReader};
//!
//! let pool = StealingPool::new(2)?;
//! let input = BufReader::new("3\nx\n5\n".as_bytes()); // or a `File`, or `std::io::stdin()`
//! let parsed = pool.imap(input.lines(), |line| line?.parse::<u32>().map_err(std::io::Error::other));
//! let mut bad = Vec::new();
//! for (number, line) in (1..).zip(parsed) {
//!     if line.is_err() {
//!         bad.push(number);
//!     }
//! }
//! assert_eq!(bad, [2]);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! - A result does not wait for the next line (P4), and results are in order, so the number of a line is the number of its result.
//! - `stdin().lock()` cannot move to another thread: use `BufReader::new(stdin())`.
//! - `lines` refuses what is not UTF-8. `split(b'\n')` gives bytes.
//! - For lines that come one by one from a person or a program, write out each result, or flush when
//!   [`next_timeout`](crate::Imap::next_timeout) finds nothing. From its first call on workers take items one by one,
//!   which slows tiny items down; for those, flush after each line instead.
//!
//! # Items in batches
//!
//! What is no reader is grouped by [`batches`](crate::IterExt::batches): rows for a database, a hundred at a time.
//!
//! # Blocks of a file
//!
//! Larger items cost the pool less, and a file does not care about lines: compress, hash or encrypt blocks. Set the window, since
//! it counts blocks.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//! use std::io::Read;
//!
//! /// What `input` gives, in blocks of this size.
//! fn blocks(mut input: impl Read + Send, size: usize) -> impl Iterator<Item = std::io::Result<Vec<u8>>> + Send {
//!     std::iter::from_fn(move || {
//!         let mut block = Vec::with_capacity(size);
//!         match input.by_ref().take(size as u64).read_to_end(&mut block) {
//!             Ok(0) => None,
//!             Ok(_) => Some(Ok(block)),
//!             Err(error) => Some(Err(error)),
//!         }
//!     })
//! }
//!
//! let pool = StealingPool::new(2)?;
//! let zeros = std::io::repeat(0).take(1_000_000);
//! let sums = pool.imap(blocks(zeros, 1 << 16), |block| block.map(|block| block.len())).window(8);
//! assert_eq!(sums.sum::<std::io::Result<usize>>().unwrap(), 1_000_000);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! (After an error this iterator would try again; the example `pgz` stops there.)
//!
//! # The allocator
//!
//! With lines and blocks one thread allocates what another one frees: a worker makes a `String`, and your loop drops it. The C
//! library's allocator takes a lock for that, and with short items this lock is where the time goes. There are two cures:
//!
//! - An allocator that is made for it, in the program's `main.rs`.
//!
//!   ```text
//!   #[global_allocator]
//!   static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
//!   ```
//!
//! - Fewer allocations: reuse the item's memory for the result, keep buffers in the state of
//!   [`imap_init`](crate::Executor::imap_init), give back numbers instead of `String`s, or let an item be a [block of lines](#lines-in-bytes-out).
//!
//! ```
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2)?;
//! let lines = ["a,b,c", "d"].map(String::from);
//! // The result lives in the item's own memory.
//! let upper = pool.imap(lines.clone(), |mut line| {
//!     line.make_ascii_uppercase();
//!     line
//! });
//! assert!(upper.eq(["A,B,C", "D"]));
//! // One buffer for each thread at work.
//! let fields = pool.imap_init(lines, Vec::new, |ends: &mut Vec<usize>, line| {
//!     ends.clear();
//!     ends.extend(line.match_indices(',').map(|(at, _)| at));
//!     ends.len() + 1
//! });
//! assert!(fields.eq([3, 1]));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
