//! The guide: what to do with an imap, from the first five minutes to a backend of one's own.
//!
//! This module holds no code, only documentation. Every snippet in it is compiled, and runs as a test. The snippets use
//! `pool_stealing`; each of them works with any other backend in its place.
//!
//! | to begin with | |
//! |---|---|
//! | [`five_minutes`] | An ordered parallel map, and what can be set. |
//! | [`windows`] | How far the pool runs ahead, how many items a worker takes at once, and what that costs in memory. |
//! | [`text`] | Lines of text, records, blocks of a file, and why the allocator matters. |
//! | [`errors`] | Functions that give a `Result`, and functions that panic. |
//! | [`cancelling`] | Ending early: by dropping, and by a token. |
//! | [`borrowing`] | Data that is not `'static`. |
//! | [`compiler_errors`](crate::compiler_errors) | What the compiler says, and the cure. |
//!
//! | when it has to hold | |
//! |---|---|
//! | [`time_limits`] | A limit for each result, or for each item. |
//! | [`leaving`] | How a program ends although an item hangs. |
//! | [`nesting`] | Imaps inside imaps, and many on one pool. |
//! | [`servers`] | Streams, futures, and where blocking is allowed. |
//! | [`measuring`] | Why it is not faster, and how to find out. |
//! | [`resuming`] | A program that is killed, and goes on where it was. |
//! | [`recipes`] | Tracing, retries and pace, randomness, pinning, reading ahead. |
//! | [`libraries`] | A library that lets its callers bring the pool. |
//! | [`promises`] | For sceptics: what is promised, by which tests, and what is not. |
//! | [`own_backend`] | The engine on your own threads, in 60 lines. |
//! | [`many_machines`] | When one machine is not enough. |
//!
//! | coming from | |
//! |---|---|
//! | [`from_python`] | `multiprocessing.Pool`, `concurrent.futures`, and the module `threadpool`. |
//! | [`from_rayon`] | `par_iter`, `par_bridge`, `join`, `scope`. |
//! | [`from_pariter`] | `parallel_map` and its relatives. |
//! | [`from_futures`] | `buffered` and `buffer_unordered`. |

pub mod borrowing;
pub mod cancelling;
pub mod errors;
pub mod five_minutes;
pub mod from_futures;
pub mod from_pariter;
pub mod from_python;
pub mod from_rayon;
pub mod leaving;
pub mod libraries;
pub mod many_machines;
pub mod measuring;
pub mod nesting;
pub mod own_backend;
pub mod promises;
pub mod recipes;
pub mod resuming;
pub mod servers;
pub mod text;
pub mod time_limits;
pub mod windows;
