//! Rings: what the items and the results of one chunk travel through.
//!
//! A ring is a single-producer single-consumer queue (`rtrb`). Values become visible one by one, without a lock, which is
//! what keeps results prompt inside a chunk (P5). There is a ring for each chunk of more than one item. A *closed* ring has
//! lost its sender, so what is in it is all that will come.
//!
//! A [`push`](Sender::push) ends with a [`light`](fence::light) fence, so that its thread can look at a
//! [signal](super::control) afterwards. Pairs with [`settle`](Receiver::settle) between the other thread's signal and its
//! look into the ring: either the push is seen there, or the signal is seen here.
//!
//! Values are dropped by a receiver, one by one, never by a sender: the sender of a ring that has lost its receiver may have
//! none in it. See [`ending`](super::ending) for who keeps receivers that long.

use crate::sync::fence;
use crate::unwind::drop_quietly;

#[cfg(loom)]
use super::ring_loom::{Consumer, Producer, ring};
#[cfg(not(loom))]
use rtrb::{Consumer, Producer};

#[cfg(not(loom))]
fn ring<A>(capacity: usize) -> (Producer<A>, Consumer<A>) {
    rtrb::RingBuffer::new(capacity)
}

pub(super) struct Sender<A> {
    ring: Producer<A>,
    fenced: bool,
    pushed: u64,
}

pub(super) struct Receiver<A> {
    ring: Consumer<A>,
    fenced: bool,
}

/// A ring for `capacity` values in all. `fenced` says which barrier its pushes use.
pub(super) fn open<A>(capacity: usize, fenced: bool) -> (Sender<A>, Receiver<A>) {
    let (producer, consumer) = ring(capacity);
    (Sender { ring: producer, fenced, pushed: 0 }, Receiver { ring: consumer, fenced })
}

impl<A> Sender<A> {
    /// Makes a value visible. Signals can be looked at after this.
    #[inline(always)]
    pub(super) fn push(&mut self, value: A) {
        self.pushed += 1;
        let pushed = self.ring.push(value);
        assert!(pushed.is_ok(), "a ring has room for its whole chunk");
        fence::light(self.fenced);
    }

    /// How many values have been pushed.
    pub(super) fn pushed(&self) -> u64 {
        self.pushed
    }
}

impl<A> Receiver<A> {
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<A> {
        self.ring.pop().ok()
    }

    /// What can be seen now, value by value; what is not taken stays. Cheaper than to [`pop`](Self::pop) each, since
    /// the sender is told once.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(super) fn drain(&mut self) -> impl Iterator<Item = A> {
        let seen = self.ring.slots();
        self.ring.read_chunk(seen).into_iter().flatten()
    }

    #[cfg(loom)]
    pub(super) fn drain(&mut self) -> impl Iterator<Item = A> {
        std::iter::from_fn(|| self.pop())
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// How many values can be seen now.
    pub(super) fn len(&self) -> u64 {
        self.ring.slots() as u64
    }

    /// Whether its sender is gone. Every push is visible to a look that comes after this.
    pub(super) fn is_closed(&self) -> bool {
        self.ring.is_abandoned()
    }

    /// Whether nothing will come out of it any more. It asks whether the ring is closed first, since a closed ring that is
    /// empty stays so.
    pub(super) fn is_exhausted(&self) -> bool {
        self.is_closed() && self.is_empty()
    }

    /// After a signal was set: makes sure that the next push sees it, or that its value can be seen here. Returns whether
    /// that can be relied on: not where the kernel has begun to refuse.
    #[must_use]
    pub(super) fn settle(&self) -> bool {
        fence::heavy(self.fenced)
    }

    pub(super) fn is_fenced(&self) -> bool {
        self.fenced
    }

    /// Drops what is in it. To be called without a lock.
    pub(super) fn drop_values(&mut self) {
        while let Some(value) = self.pop() {
            drop_quietly(value);
        }
    }
}

impl<A> Drop for Receiver<A> {
    fn drop(&mut self) {
        self.drop_values();
    }
}
