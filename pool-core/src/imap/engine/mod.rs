//! The engine: what makes an `imap` out of a pool's threads and one mutex.
//!
//! ```text
//!             feeder                   worker                    consumer
//!   input ─────────────▶ ring of items ─────────▶ ring of results ─────────▶ next()
//!           one by one   in `Backlog`  one by one   in `Outputs`   one by one
//! ```
//!
//! # The protocol
//!
//! A job of an imap points to its [`shared`] state and means "come and do one turn". A worker and the consumer do the same:
//! they bring to the lock what they have done, are told what to do next, and do it without the lock.
//!
//! ```text
//! a job (worker.rs):                          next() (results.rs, consumer.rs):
//!   loop                                        the head is in the cursor's ring? return it
//!     lock                                      loop
//!       take over what was done                   lock
//!       what is to do? (state/step.rs)              where is the head? (outputs.rs)
//!         items wait        → work on some          found, or the end → return it
//!         the input is here → pull                  what is to do? (state/next_move.rs)
//!           and there is room                         the pool needs this thread → work on the head
//!         a feeder's items  → work on some            else → look, nap, or register and sleep
//!         nothing           → look, or leave        more work than workers? reserve a job
//!       more work than workers? reserve a job     unlock
//!     unlock; wake the consumer; spawn            spawn; do it
//!     do it
//! ```
//!
//! To work is to go through a [`chunk`]: each result is pushed into the chunk's ring and can be seen at once, and a push
//! tells whether the consumer waits for it.
//!
//! # Invariants
//!
//! 1. **Under the lock no user code runs**, and no value of the user is dropped there.
//! 2. **Each item has one place**: in the [`backlog`], in a worker's chunk, in a ring of [`outputs`], or delivered. Its index
//!    is how many items were pulled before it.
//! 3. **The ring of a chunk is in `outputs`, or in the cursor, before the chunk's first item begins.** So if the head has
//!    begun, the cursor has its ring, or else the entry with the smallest index is its ring (P1). (A consumer that works
//!    inline has a ring of its own.)
//! 4. **What was pulled never waits for the input** (P4): `state/step.rs`.
//! 5. **A thread that leaves the lock leaves no work behind** for which there could be a worker and is none: it reserves
//!    one ([`workers`]). Two kinds of work appear without the lock. Items in a ring that is being filled: its feeder sees
//!    by the flag that no other worker is left, or one comes back for them. Room in the window: the consumer calls
//!    ([`window`]).
//! 6. **A sleeping consumer is woken** by what it waits for (P5): [`wakeup`].
//! 7. **Measured numbers decide how much and how long, never whether** ([`policy`](super::policy)).
//!
//! *Why the consumer gets every result.* Take the head. If no thread has begun with it, it is in the backlog or not
//! pulled, so by 5 there is a job for it, or the pool has none to give: then jobs of this imap are queued or running, and
//! each takes the oldest item first; or it is the consumer's to pull ([`local`]) or to work on ([`inline`], [`consumer`]).
//! If a worker has it, its ring is found by 3, and its push wakes the consumer by 6. If its worker ends without it, by a
//! panic of the function, the payload is there in its place; and if the pool drops its jobs, the last one says so
//! ([`workers`]).
//!
//! **Ending early.** Cancelling sets an atomic, and every waiter flag, so that a worker looks up after its present item. A
//! consumer that stays takes what is finished before the first gap. One that leaves drops what is there, and each worker
//! that comes back later does the same again, so that nothing waits for a job that is still queued.
//!
//! # Reading order
//!
//! [`worker`] and [`consumer`] are the two sides; [`state`], with `step` and `next_move`, decides; [`window`] (P3),
//! [`input`] (P2, P4, P7), [`backlog`] (P4), [`chunk`] (P5, P6), [`outputs`] and [`reorder`] (P1, P6), [`wakeup`] (P5, P13)
//! and [`workers`] (P12, P14) are the parts, with a promise each; [`control`] is what is shared without the lock.
//! [`local`], [`inline`] and [`nesting`] are special cases. Models for loom are in `models`, a file for each lemma.

mod backlog;
mod chunk;
mod consumer;
mod control;
mod ending;
mod executor_ref;
mod function;
mod input;
#[cfg(all(test, loom))]
mod models;
mod nesting;
mod order;
mod ring;
#[cfg(loom)]
mod ring_loom;
mod shared;
mod source;
mod state;
mod stats;
mod turn;
mod wakeup;
mod window;
mod workers;

pub(super) use consumer::Consumer;
pub(crate) use control::Control;
pub(crate) use executor_ref::ExecutorRef as Held;
pub(super) use function::{Function, Plain, WithState};
pub(super) use order::Order;
pub(super) use shared::Shared;
pub(super) use source::{Head, Settings, Source, Wait};
pub use stats::ImapStats;
