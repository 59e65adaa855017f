//! The conformance suite and the benchmarks that every backend of `pool-core` shares.
//!
//! # Put your backend under the suite
//!
//! In a test target of your crate with `harness = false`:
//!
//! ```no_run
//! # use pool_core::{Executor, Job};
//! # struct MyPool;
//! # impl MyPool { fn new(_: usize) -> MyPool { MyPool } fn terminate(&self) {} }
//! # impl Executor for MyPool {
//! #     fn threads(&self) -> usize { 1 }
//! #     fn spawn(&self, job: Job) { job.run(self) }
//! # }
//! use pool_harness::{Subject, conformance};
//!
//! fn main() {
//!     let mut suite = conformance::Suite::from_args();
//!     suite.add(Subject::new("mine", MyPool::new).terminated_by(MyPool::terminate));
//!     suite.run();
//! }
//! ```
//!
//! For this alone, depend on this crate with `default-features = false`.
//!
//! Every promise of the engine is then a named test (`mine::p4_…`), the same for every backend. Each
//! runs under a [watchdog](pool_core::watchdog), so that a hang is a failure.
//!
//! # Compare your backend
//!
//! In a binary or an example of your crate, whose command line is that of our own `compare`:
//!
//! ```no_run
//! # #[cfg(all(feature = "backends", feature = "peers"))]
//! # mod program {
//! # use pool_channel::ChannelPool as MyPool;
//! use pool_harness::{compare, ours, peers};
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     let mut entries = vec![ours::sequential()];
//!     entries.extend(ours::backend("mine", |threads| MyPool::new(threads).unwrap()));
//!     entries.extend(ours::backends()); // feature `backends`
//!     entries.extend(peers::all()); // feature `peers`
//!     compare::main(entries)
//! }
//! # }
//! # fn main() {}
//! ```
//!
//! The feature `compare` has the program, the workloads and sequential code; `backends` adds the three backends of
//! this workspace, and `peers` the crates of others. All are on by default. A contender that is no backend
//! implements `contender::Contender`.

pub mod chaos;
#[cfg(feature = "compare")]
pub mod compare;
pub mod conformance;
#[cfg(feature = "compare")]
pub mod contender;
#[cfg(feature = "compare")]
mod corpus;
#[cfg(feature = "compare")]
pub mod facts;
pub mod oracle;
#[cfg(feature = "compare")]
pub mod ours;
pub mod peak;
#[cfg(feature = "peers")]
pub mod peers;
#[cfg(feature = "compare")]
pub mod render;
#[cfg(feature = "compare")]
pub mod report;
mod subject;
pub mod work;
#[cfg(feature = "compare")]
pub mod workloads;

pub use subject::Subject;

/// The example in the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
