//! Rings: what the items and the results of one chunk travel through.
//!
//! A ring is a single-producer single-consumer queue (`rtrb`) with a *waiter flag*. Values become visible one by one,
//! without a lock, which is what keeps results prompt inside a chunk. The flag is for a thread that has found the ring
//! empty and goes away: the sender's [`push`](Sender::push) tells whether it is set. See [`crate::sync::fence`] for why
//! either the push sees the flag or the thread sees the value.
//!
//! Rings are used again: the two halves come back to [`Rings`] at different times, from different threads, and are
//! paired by the ring's number.

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::fence;
use crate::sync::{Mutex, lock};
use crate::unwind::drop_quietly;
use std::sync::Arc;

#[cfg(loom)]
use super::ring_loom::{Consumer, Producer, ring};
#[cfg(not(loom))]
use rtrb::{Consumer, Producer};

#[cfg(not(loom))]
fn ring<A>(capacity: usize) -> (Producer<A>, Consumer<A>) {
    rtrb::RingBuffer::new(capacity)
}

pub(crate) struct Sender<A> {
    ring: Producer<A>,
    flag: Arc<AtomicBool>,
    id: usize,
    fenced: bool,
    pushed: usize,
}

pub(crate) struct Receiver<A> {
    ring: Consumer<A>,
    flag: Arc<AtomicBool>,
    id: usize,
    fenced: bool,
    capacity: usize,
    /// How many values may still come.
    left: usize,
}

impl<A> Sender<A> {
    /// Makes a value visible. Returns whether the flag is set.
    #[inline(always)]
    pub(crate) fn push(&mut self, value: A) -> bool {
        self.pushed += 1;
        let pushed = self.ring.push(value);
        assert!(pushed.is_ok(), "a ring has room for its whole chunk");
        fence::light(self.fenced);
        self.flag.load(Ordering::Relaxed)
    }

    /// How many values have been pushed since the ring was opened.
    pub(crate) fn pushed(&self) -> usize {
        self.pushed
    }

    /// Takes the flag down. Acquire: pairs with the store in [`set_waiting`](Receiver::set_waiting) and in
    /// [`Flags::set_all`], so that the reason for setting it, which was written before, can be read after this.
    pub(crate) fn clear_flag(&self) {
        self.flag.swap(false, Ordering::AcqRel);
    }

    pub(crate) fn flag_is_set(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }
}

impl<A> Receiver<A> {
    pub(crate) fn id(&self) -> usize {
        self.id
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<A> {
        // A large value is moved as seldom as can be: each move takes room on the stack in a build without optimisation.
        let value = self.ring.pop();
        self.left -= usize::from(value.is_ok());
        value.ok()
    }

    /// What can be seen now, value by value; what is not taken stays. Cheaper than to [`pop`](Self::pop) each, since
    /// the sender is told once.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = A> {
        let seen = self.ring.slots();
        self.ring.read_chunk(seen).into_iter().flatten()
    }

    #[cfg(loom)]
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = A> {
        std::iter::from_fn(|| self.pop())
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// How many values can be seen now.
    pub(crate) fn len(&self) -> usize {
        self.ring.slots()
    }

    /// How many values may still come.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// Lets more values come than the ring holds at a time.
    pub(crate) fn without_limit(mut self) -> Receiver<A> {
        self.left = usize::MAX;
        self
    }

    /// Sets the flag. Alone, that is enough for a ring into which nothing has been pushed yet. Release: pairs with the swap
    /// in [`clear_flag`](Sender::clear_flag). A swap and not a store, so that a flag that [`Flags::set_all`] has set before
    /// stays paired with that, too.
    pub(crate) fn set_waiting(&self) {
        self.flag.swap(true, Ordering::Release);
    }

    /// After the flag was set: makes sure that the next push sees it, or that its value can be seen here.
    #[must_use]
    pub(crate) fn settle_flag(&self) -> bool {
        fence::heavy(self.fenced)
    }

    pub(crate) fn is_fenced(&self) -> bool {
        self.fenced
    }

    /// Drops what is in it. To be called without a lock.
    pub(crate) fn drop_values(&mut self) {
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

/// The flags of all rings of an imap, so that a cancelled one can set them: then a thread that pushes looks up after its
/// present value. That saves a look at the imap's own flag for every item.
#[derive(Default)]
pub(crate) struct Flags(Mutex<Vec<Arc<AtomicBool>>>);

impl Flags {
    fn add(&self, flag: Arc<AtomicBool>) {
        lock(&self.0).push(flag);
    }

    /// Sets every flag. Release: pairs with the swap in [`clear_flag`](Sender::clear_flag), so that a worker that sees its
    /// flag sees the cancel.
    pub(crate) fn set_all(&self) {
        for flag in lock(&self.0).iter() {
            flag.swap(true, Ordering::Release);
        }
    }
}

/// The rings of one imap and one type, for reuse. Used under the imap's lock.
pub(crate) struct Rings<A> {
    flags: Arc<Flags>,
    /// By the binary logarithm of their capacity, as far as there have been any. A small ring is not used up for a long
    /// chunk, nor a large one for a short chunk: else all of them would be large in the end, and a window of single items
    /// has thousands.
    spare: Vec<Vec<(Sender<A>, Receiver<A>)>>,
    /// By ring number: the half that has come back already.
    halves: Vec<Half<A>>,
}

/// A ring may be this many sizes larger than what it is used for.
const LARGER: usize = 3;

enum Half<A> {
    Neither,
    Sender(Sender<A>),
    Receiver(Receiver<A>),
}

fn size_of(capacity: usize) -> usize {
    capacity.next_power_of_two().ilog2() as usize
}

impl<A> Rings<A> {
    pub(crate) fn new(flags: Arc<Flags>) -> Rings<A> {
        Rings { flags, spare: Vec::new(), halves: Vec::new() }
    }

    /// A ring for at most `capacity` values. `fenced` says which barrier its flag uses.
    pub(crate) fn open(&mut self, capacity: usize, fenced: bool) -> (Sender<A>, Receiver<A>) {
        let mut fitting = self.spare.iter_mut().skip(size_of(capacity)).take(1 + LARGER);
        // One with a value in it was left by an imap that has lost its consumer: it is dropped without the lock. Where all
        // that may come has been popped, that is known without a look at what the other thread has written.
        let is_empty = |receiver: &Receiver<A>| receiver.left == 0 || receiver.is_empty();
        let spare = fitting.find_map(|spare| spare.pop_if(|(_, receiver)| is_empty(receiver)));
        let (mut sender, mut receiver) = spare.unwrap_or_else(|| {
            self.halves.push(Half::Neither);
            let flag = Arc::new(AtomicBool::new(false));
            self.flags.add(flag.clone());
            new_ring(capacity, self.halves.len() - 1, flag)
        });
        sender.pushed = 0;
        receiver.left = capacity;
        sender.fenced = fenced;
        receiver.fenced = fenced;
        // A look costs less than a swap, and the flag is seldom set. One that is set after the look stays set.
        if sender.flag_is_set() {
            sender.clear_flag();
        }
        (sender, receiver)
    }

    fn keep(&mut self, sender: Sender<A>, receiver: Receiver<A>) {
        let size = size_of(receiver.capacity);
        if self.spare.len() <= size {
            self.spare.resize_with(size + 1, Vec::new);
        }
        self.spare[size].push((sender, receiver));
    }

    /// Whether the sender has come back, so that nothing more will be pushed.
    pub(crate) fn is_closed(&self, id: usize) -> bool {
        matches!(self.halves[id], Half::Sender(_))
    }

    /// Whether nothing more will come out of a ring: it has given all that it may, or its sender has come back. (Asked in
    /// this order: what is closed stays empty.) A sender that has pushed its last value may be switched out before it
    /// comes back, and what is behind must not wait for that.
    pub(crate) fn is_exhausted(&self, ring: &Receiver<A>) -> bool {
        ring.left == 0 || (self.is_closed(ring.id) && ring.is_empty())
    }

    pub(crate) fn close(&mut self, sender: Sender<A>) {
        let half = &mut self.halves[sender.id];
        match std::mem::replace(half, Half::Neither) {
            Half::Receiver(receiver) => self.keep(sender, receiver),
            _ => *half = Half::Sender(sender),
        }
    }

    pub(crate) fn give_back(&mut self, receiver: Receiver<A>) {
        let half = &mut self.halves[receiver.id];
        match std::mem::replace(half, Half::Neither) {
            Half::Sender(sender) => self.keep(sender, receiver),
            _ => *half = Half::Receiver(receiver),
        }
    }

    /// Takes out the receivers of rings that are in no thread's hands. If the imap has lost its consumer, there may be
    /// values in them, which are then to be dropped without the lock.
    pub(crate) fn take_unused(&mut self) -> Vec<Receiver<A>> {
        // Their numbers are not used again: the imap has ended.
        self.spare.drain(..).flatten().map(|(_, receiver)| receiver).collect()
    }
}

fn new_ring<A>(capacity: usize, id: usize, flag: Arc<AtomicBool>) -> (Sender<A>, Receiver<A>) {
    let capacity = capacity.next_power_of_two();
    let (producer, consumer) = ring(capacity);
    let sender = Sender { ring: producer, flag: flag.clone(), id, fenced: true, pushed: 0 };
    (sender, Receiver { ring: consumer, flag, id, fenced: true, capacity, left: capacity })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn p15_small_rings_do_not_become_large() {
        let mut rings = Rings::<u64>::new(Arc::default());
        let close = |rings: &mut Rings<u64>, (sender, receiver)| {
            rings.close(sender);
            rings.give_back(receiver);
        };
        for _ in 0..100 {
            let small: Vec<_> = (0..100).map(|_| rings.open(1, true)).collect();
            let large = rings.open(1000, true);
            assert!(large.1.capacity >= 1000);
            close(&mut rings, large);
            small.into_iter().for_each(|ring| close(&mut rings, ring));
        }
        assert_eq!(rings.halves.len(), 101, "as many as were open at a time");
        assert_eq!((rings.spare[0].len(), rings.spare[10].len()), (100, 1));
    }
}
