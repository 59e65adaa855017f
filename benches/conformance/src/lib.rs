//! The promises of `pool-core` as tests, for every backend.
//!
//! In a test target of your crate with `harness = false`:
//!
//! ```no_run
//! # use pool_core::{Executor, backend::Job};
//! # struct MyPool;
//! # impl MyPool { fn new(_: usize) -> MyPool { MyPool } fn terminate(&self) {} }
//! # impl Executor for MyPool {
//! #     fn threads(&self) -> usize { 1 }
//! #     fn spawn(&self, job: Job) { job.run(self) }
//! # }
//! use pool_conformance::{Subject, Suite};
//!
//! fn main() {
//!     let mut suite = Suite::from_args();
//!     suite.add(Subject::new("mine", MyPool::new).terminated_by(MyPool::terminate));
//!     suite.run();
//! }
//! ```
//!
//! Every promise of the engine is then a named test (`mine::p4_…`), the same for every backend. Each runs under a
//! [watchdog](pool_core::watchdog), so that a hang is a failure. Before them comes the [`smoke`] test, which says in
//! words why a backend cannot be tested at all.

pub mod chaos;
mod every_method;
pub mod oracle;
mod own_process;
#[cfg(feature = "stress")]
mod stress;
mod subject;
mod suite;

pub use every_method::use_every_method;
pub use own_process::in_own_process;
#[cfg(feature = "stress")]
pub use stress::Stress;
pub use subject::Subject;
pub use suite::{Suite, smoke};

/// The example in the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
