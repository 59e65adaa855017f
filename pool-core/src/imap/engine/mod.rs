//! The engine: what makes an `imap` out of a pool's threads and one mutex.
//!
//! ```text
//!             feeder                   worker                    consumer
//!   input ─────────────▶ ring of items ─────────▶ ring of results ─────────▶ next()
//!           one by one     its own       one by one  in `Reorder`   one by one
//! ```
//!
//! **A job** points to the [`shared`] state and means "come and do one turn" ([`worker`]): take what was handed back,
//! or pull, and work on it. To pull, it takes the box with the [`input`] out of the state. It fills a ring of its own,
//! gives the input back, enters a ring for the results into [`reorder`], and goes through the items without a lock.
//! Each result can be seen as soon as it is there (P5).
//!
//! **The consumer** ([`consumer`]) walks the rings of results in order and runs nothing (P16), unless its own thread is
//! one that the pool needs (P8).
//!
//! **The lock** is taken two or three times per chunk. No code of the user runs under it, and no value of the user is
//! dropped under it.
//!
//! Reading order: [`state`] is what is under the lock, [`control`] what is shared without it; [`worker`] and
//! [`consumer`] are the two sides; [`window`], [`workers`], [`input`], [`ring`] and [`reorder`] are the parts, with a
//! promise each. [`local`], [`inline`] and [`nesting`] are special cases.
//!
//! **Ending early.** Cancelling sets an atomic, and every flag, so that a worker looks up after its present item. A
//! consumer that stays takes what is finished before the first gap. One that goes drops what is there, and each worker
//! that comes back later does the same again, so that nothing of the user's waits for a job that is still queued.

mod begun;
mod consumer;
mod control;
mod cursor;
mod function;
mod head;
mod held;
mod inline;
mod input;
mod local;
#[cfg(all(test, loom))]
mod models;
mod nesting;
mod reorder;
mod ring;
#[cfg(loom)]
mod ring_loom;
mod shared;
mod state;
mod stats;
mod window;
mod worker;
mod workers;

pub(super) use begun::ItemLimit;
pub(super) use consumer::Consumer;
pub(crate) use control::Control;
pub(super) use cursor::{Cursor, Head, Settings, Source, Wait};
pub(super) use function::{Function, Plain, WithState};
pub(crate) use held::Held;
pub(super) use local::{Elsewhere, Here};
pub(super) use shared::Shared;
pub use stats::ImapStats;
