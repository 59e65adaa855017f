//! The comparison of the backends of `pool-core` with sequential code and with what others use, and the benchmarks.
//!
//! In a binary or an example of your crate, whose command line is that of our own `compare`:
//!
//! ```no_run
//! # use pool_channel::ChannelPool as MyPool;
//! use pool_compare::{ours, registry};
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     let mut entries = registry::all();
//!     entries.extend(ours::backend("mine", |threads| MyPool::new(threads).unwrap()));
//!     pool_compare::main(entries)
//! }
//! ```
//!
//! A contender that is no backend implements [`Contender`](contender::Contender).
//!
//! # Layers
//!
//! A module uses those above it only.
//!
//! | module | what it is |
//! |---|---|
//! | [`contender`] | a way to map an iterator in parallel: the trait |
//! | [`workloads`], [`facts`] | what runs on any contender |
//! | [`entry`] | a contender whose type is not known, and what it can run |
//! | [`ours`], [`peers`] | the entries |
//! | [`registry`] | all of them |
//! | [`report`] | what was measured, as plain data |
//! | [`render`] | the report for people |
//! | [`compare`] | measures; the command line |

pub mod compare;
pub mod contender;
mod corpus;
pub mod entry;
pub mod facts;
pub mod ours;
pub mod peers;
pub mod registry;
pub mod render;
pub mod report;
pub mod workloads;

pub use compare::main;

/// The example in the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
