//! The engine: what makes an `imap` out of a pool's threads and one mutex.
//!
//! ```text
//!             feeder                   worker                     consumer
//!   input ─────────────▶ ring of items ─────────▶ ring of results ──────────▶ next()
//!           one by one   in `Backlog`  one by one  or told by one   in `Order`
//! ```
//!
//! # The protocol
//!
//! A job of an imap points to its [`shared`] state and means "come and do one turn". A worker and the consumer do the same:
//! they bring to the lock what they have done, are told what to do next, and do it without the lock.
//!
//! ```text
//! a job (turn.rs):                            next() (consumer.rs):
//!   loop                                        the head is in the order? return it
//!     lock                                      loop
//!       take over what was done                   lock
//!       what is to do? (state/step.rs)              something was told → take it
//!         items wait        → work on some          the end → return it
//!         the input is here → pull                  its pool needs this thread? (state/step.rs)
//!           and there is room                         items wait → work on some
//!         a feeder's items  → work on some            nothing was pulled → pull the head
//!         nothing           → look, or leave        else look, nap, or register (state/wait.rs)
//!       more work than workers? reserve a job       more work than workers? reserve a job
//!     unlock; wake the consumer; spawn            unlock; sort what was told (order.rs); spawn
//!     do it                                       do it, and look into the order
//! ```
//!
//! To work is to go through a chunk ([`chunk`]). The result of a single item is told at the lock, where its thread goes next
//! anyway. The results of a longer chunk are pushed into a ring that the consumer was told of before: each can be seen at
//! once (P5), and a push looks whether the consumer waits for it ([`control`]).
//!
//! # Invariants
//!
//! 1. **Under the lock no user code runs**, and no value of the user is dropped there. No step there grows with threads or
//!    rings.
//! 2. **Each item has one place**: in the [`backlog`], in a thread's hand, told to the consumer or in a ring that was told, in
//!    its [`order`], or delivered. Its index is how many items were pulled before it.
//! 3. **The ring of a chunk is told before the chunk's first item begins.** So the consumer has every ring that may hold its
//!    head, or finds it told (P1).
//! 4. **What was pulled never waits for the input** (P4): `state/step.rs`.
//! 5. **Before a thread leaves the lock it reserves a job** if work is left and the pool has a free slot ([`workers`]). Work
//!    appears without the lock in one place: in a ring that is being filled. Its feeder sees that it should look up if no
//!    other thread is left, or one comes back for the items. Room appears when the consumer is at the lock ([`window`]).
//! 6. **A sleeping consumer is woken** by what it waits for (P5): [`wakeup`].
//! 7. **Measured numbers decide how much and how long, never whether** ([`policy`](super::policy)).
//!
//! *Why the consumer gets every result.* Take the head. If no thread has begun with it, it is in the backlog or not
//! pulled, so by 5 there is a job for it, or the pool has none to give: then jobs of this imap are queued or running, and
//! each takes the oldest item first; or a consumer that works takes it, or pulls it. If a worker has it, the result is told,
//! or pushed into a ring that was told, by 3, and the consumer is woken by 6. If the function panics, the payload is told in
//! its place; and if the pool drops its jobs, the last one says so ([`workers`]).
//!
//! **Ending early.** Cancelling sets an atomic, and asks workers to look up after their present item. A
//! consumer that stays takes what is finished before the first gap. One that leaves drops what is there ([`ending`]).
//!
//! **What a promise costs.** That a result can be had before its chunk is done (P5) is why there are rings, signals and
//! fences at all: handing over finished chunks would need a fifth of it.
//!
//! # Reading order
//!
//! [`turn`] and [`consumer`] are the two sides; [`state`], with `step` and `wait`, decides; [`window`] (P3),
//! [`input`] (P2, P4, P7), [`backlog`] (P4), [`chunk`] (P5, P6), [`order`] (P1, P6, P10), [`wakeup`] (P5, P13),
//! [`workers`] (P12, P14) and [`ending`] (P9) are the parts, with a promise each; [`control`] is what is shared without the
//! lock. [`alone`] and [`local`] are special cases of the consumer. Models for loom are in `models`, a file for each lemma.

mod alone;
mod backlog;
mod budget;
mod chunk;
mod consumer;
mod control;
mod ending;
mod executor_ref;
mod fail_fast;
mod function;
mod input;
mod local;
#[cfg(all(test, loom))]
mod models;
mod nesting;
mod order;
mod ring;
#[cfg(loom)]
mod ring_loom;
mod running;
mod shared;
mod source;
mod span;
mod state;
mod stats;
mod turn;
mod unwanted;
mod wakeup;
mod window;
mod workers;

pub use budget::{Budget, note_size};
pub(super) use consumer::Consumer;
pub(crate) use control::Control;
pub(crate) use executor_ref::ExecutorRef;
pub use fail_fast::FailFast;
pub(super) use function::{Function, Plain, WithState};
pub(super) use local::{NoOwn, OwnInput};
pub(crate) use nesting::enter_item;
pub(super) use nesting::{item_index, item_is_unwanted};
pub(super) use order::Order;
pub(super) use shared::Shared;
pub(super) use source::{Head, Settings, Source, Wait};
pub use stats::{ImapStats, ItemTime};
