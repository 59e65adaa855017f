//! Lines of text, blocks of a file, and allocators.
//!
//! # Lines
//!
//! Where a line costs some microseconds or more, or lines come slowly, let the pool read them: a result does not wait for the
//! next line (P4), and reading overlaps with your loop. Short lines that are all there already cost less in
//! [blocks](#blocks-of-lines): a line for itself costs an allocation, and often more than what is done with it.
//!
//! ```
//! use pool_channel::{ChannelPool, Executor};
//! use std::io::{BufRead, BufReader};
//!
//! let pool = ChannelPool::new(2)?;
//! let input = BufReader::new("3\nx\n5\n".as_bytes()); // or a `File`, or `std::io::stdin()`
//! let parsed = pool.imap(input.lines(), |line| line?.parse::<u32>().map_err(std::io::Error::other));
//! let mut bad = Vec::new();
//! for (number, line) in (1..).zip(parsed) {
//!     if line.is_err() {
//!         bad.push(number);
//!     }
//! }
//! assert_eq!(bad, [2]);
//! # Ok::<(), pool_channel::BuildError>(())
//! ```
//!
//! - Results are in order, so the number of a line is the number of its result.
//! - `stdin().lock()` cannot move to another thread: use `BufReader::new(stdin())`.
//! - `lines` refuses what is not UTF-8. `split(b'\n')` gives bytes.
//! - For lines that come one by one from a person or a program, write out each result, or flush when
//!   [`next_timeout`](crate::Imap::next_timeout) finds nothing. From its first call on workers take items one by one,
//!   which slows tiny items down; for those, flush after each line instead.
//!
//! The example `jsonl` filters and transforms lines of JSON.
//!
//! # Blocks of lines
//!
//! An item can be a block that ends where a line ends. The function goes through its lines, and gives back what came of them;
//! the results are in order, and so are the lines in each, so `flatten` gives them one by one.
//!
//! ```
//! use pool_channel::{ChannelPool, Executor};
//! use std::io::{BufRead, Read, Result};
//!
//! /// Whole lines, at least this many bytes at a time.
//! fn lines(mut input: impl BufRead, size: u64) -> impl Iterator<Item = Result<Vec<u8>>> {
//!     let mut ended = false;
//!     std::iter::from_fn(move || {
//!         let mut block = Vec::new();
//!         let read = input.by_ref().take(size).read_to_end(&mut block);
//!         let read = read.and_then(|_| input.read_until(b'\n', &mut block));
//!         // Nothing comes after an error.
//!         let over = std::mem::replace(&mut ended, read.is_err());
//!         (!over && (read.is_err() || !block.is_empty())).then(|| read.map(|_| block))
//!     })
//! }
//!
//! let pool = ChannelPool::new(2)?;
//! let text = (0..1000).map(|n| format!("{n}\n")).collect::<String>();
//! let numbers = pool.imap(lines(std::io::Cursor::new(text), 64), |block| match block {
//!     Ok(block) => String::from_utf8_lossy(&block).lines().map(|line| line.parse().map_err(|_| "bad")).collect(),
//!     Err(_) => vec![Err("cannot read")],
//! });
//! assert!(numbers.flatten().eq((0..1000).map(Ok::<u32, &str>)));
//! # Ok::<(), pool_channel::BuildError>(())
//! ```
//!
//! The same goes for records of any kind, as long as the input finds where one ends. The window counts blocks.
//!
//! # Blocks
//!
//! Larger items cost the pool less, and a file does not care about lines: compress, hash or encrypt blocks. Set the window, since
//! it counts blocks.
//!
//! ```
//! use pool_channel::{ChannelPool, Executor};
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
//! let pool = ChannelPool::new(2)?;
//! let zeros = std::io::repeat(0).take(1_000_000);
//! let sums = pool.imap(blocks(zeros, 1 << 16), |block| block.map(|block| block.len())).window(8);
//! assert_eq!(sums.sum::<std::io::Result<usize>>().unwrap(), 1_000_000);
//! # Ok::<(), pool_channel::BuildError>(())
//! ```
//!
//! (After an error this iterator would try again; the example `pgz` stops there.)
//!
//! # The allocator
//!
//! With lines and blocks one thread allocates what another one frees: a worker makes a `String`, and your loop drops it. The C
//! library's allocator takes a lock for that, and with short items this lock is where the time goes. There are two cures:
//!
//! - An allocator that is made for it, in the program's `main.rs`. The example `jsonl` has `mimalloc`.
//!
//!   ```text
//!   #[global_allocator]
//!   static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
//!   ```
//!
//! - Fewer allocations: reuse the item's memory for the result, keep buffers in the state of
//!   [`imap_init`](crate::Executor::imap_init), give back numbers instead of `String`s, or let an item be a [block of lines](#blocks-of-lines).
//!
//! ```
//! # use pool_channel::{ChannelPool, Executor};
//! # let pool = ChannelPool::new(2)?;
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
//! # Ok::<(), pool_channel::BuildError>(())
//! ```
