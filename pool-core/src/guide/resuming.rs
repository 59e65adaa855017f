//! A program that is killed, and goes on where it was.
//!
//! Results come in order, so all items before the next result are done, and where a program is is one number:
//! [`next_index`](crate::Imap::next_index), the index of the next result. Write the results first and the number afterwards. A kill
//! between the two repeats what was written since the last number, and loses nothing.
//!
//! # One number
//!
//! The number counts the *items* that are done, from the first item of this imap:
//!
//! - An item that panicked counts, and so does one that was [given up](crate::Imap::give_up): the next result is the one behind it.
//! - A `filter` behind the imap leaves results out, and the number does not mind, since it is asked of the imap. Iterate with
//!   [`by_ref`](Iterator::by_ref), so that the imap is still there to be asked; or let [`numbered`](crate::Imap::numbered) give the number
//!   with each result, directly behind the imap. A count of what comes out further down is wrong.
//! - After a restart it counts from 0 again, so add where this run began.
//! - `zip` may take one result from the imap and drop it, when the other side has ended.
//! - Without order one number is not enough. Keep the set of all that are done.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! let (mut output, mut done) = (Vec::new(), 0_u64);
//! for run in 0..3 {
//!     // What was noted last is where this run begins.
//!     let begin = done;
//!     let mut squares = pool.imap(begin..10, |x| x * x);
//!     while let Some(even) = squares.by_ref().find(|square| square % 2 == 0) {
//!         output.push(even);
//!         done = begin + squares.next_index();
//!         if run < 2 {
//!             break; // a crash, in the middle
//!         }
//!     }
//! }
//! assert_eq!(output, [0, 4, 16, 36, 64]);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # Output that is whole, and has nothing twice
//!
//! A file that was written beyond the number is cut off there at the next start. So note three numbers together: the next item,
//! where it begins in the input, and how long the output is. With the feature `blocks` an input begins at any offset, and counts
//! from there:
//!
//! ```
//! use pool_stealing::{Blocks, Executor, StealingPool};
//! use std::io::{Cursor, Error};
//!
//! let pool = StealingPool::new(2)?;
//! let (text, mut output) = ("one\ntwo\nthree\nfour", Vec::new());
//! // The next line, where it begins, and how long the output is.
//! let mut place = (0_u64, 0_u64, 0_usize);
//! for blocks_until_the_crash in [1, 1, usize::MAX] {
//!     output.truncate(place.2);
//!     let mut input = Cursor::new(text);
//!     input.set_position(place.1); // `seek` in a file
//!     let blocks = Blocks::lines(input).block_size(8).starting_at(place.0, place.1);
//!     let lines = pool.imap(blocks, |block| {
//!         let block = block?;
//!         let lines = block.numbers().zip(&block).map(|(n, line)| format!("{n} {} bytes\n", line.len()));
//!         Ok::<_, Error>((lines.collect::<String>(), block.numbers().end, block.offsets().end))
//!     });
//!     for result in lines.window(8).take(blocks_until_the_crash) {
//!         let (lines, line, offset) = result?;
//!         output.extend(lines.bytes());
//!         place = (line, offset, output.len()); // to be saved, behind the output
//!     }
//!     output.extend(b"what a crash has left behind");
//! }
//! output.truncate(place.2);
//! assert_eq!(output, b"0 3 bytes\n1 3 bytes\n2 5 bytes\n3 4 bytes\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The example `resume` is this as a program. Its test kills it at random, again and again, until its output is whole, and
//! compares that with the output of one run.
//!
//! - Save the place in a new file, and rename that over the old one: then there is always one that is whole.
//! - A kill ends the program, and not the system, which writes what it was given. To survive a loss of power, call `sync_data` on the
//!   output before the place is saved, and on the place before it is renamed.
//! - What is done with an item must not matter twice, or be undone like the end of the file. A mail that was sent is sent again.
//! - Saving costs something for each result. Save every second, or every thousand results: more is repeated then, and nothing lost.
