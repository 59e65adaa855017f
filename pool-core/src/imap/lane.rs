//! Lanes: the rings through which the items and the results of one chunk travel.
//!
//! A lane is a single-producer single-consumer ring (`rtrb`) with a bell. Values become visible one by
//! one, without a lock, which is what keeps results prompt inside a chunk. The bell is for the consumer
//! that found the ring empty and goes to sleep: the sender's [`push`](Sender::push) tells it whether the
//! bell is set. See [`crate::barrier`] for why no ring is missed.
//!
//! Rings are used again: the two halves of a lane come back to [`Lanes`] at different times, from
//! different threads, and are paired by the lane's number.

use crate::barrier;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, lock};
use crate::unwind::drop_quietly;
use std::sync::Arc;

#[cfg(loom)]
use super::twin::{Consumer, Producer, ring};
#[cfg(not(loom))]
use rtrb::{Consumer, Producer};

#[cfg(not(loom))]
fn ring<A>(capacity: usize) -> (Producer<A>, Consumer<A>) {
    rtrb::RingBuffer::new(capacity)
}

pub(crate) struct Sender<A> {
    ring: Producer<A>,
    bell: Arc<AtomicBool>,
    id: usize,
    fenced: bool,
    pushed: usize,
    ended: Arc<AtomicBool>,
}

pub(crate) struct Receiver<A> {
    ring: Consumer<A>,
    bell: Arc<AtomicBool>,
    id: usize,
    fenced: bool,
    capacity: usize,
    ended: Arc<AtomicBool>,
}

impl<A> Sender<A> {
    pub(crate) fn id(&self) -> usize {
        self.id
    }

    /// Makes a value visible. Returns whether the bell is set: then the receiver must be woken.
    #[inline(always)]
    pub(crate) fn push(&mut self, value: A) -> bool {
        self.pushed += 1;
        let pushed = self.ring.push(value);
        assert!(pushed.is_ok(), "a lane has room for its whole chunk");
        barrier::light(self.fenced);
        self.bell.load(Ordering::Relaxed)
    }

    /// How many values have been pushed since the lane was opened.
    pub(crate) fn pushed(&self) -> usize {
        self.pushed
    }

    /// Whoever set the bell has written down before why; after this the reason can be read.
    pub(crate) fn silence(&self) {
        self.bell.swap(false, Ordering::AcqRel);
    }

    pub(crate) fn bell_is_set(&self) -> bool {
        self.bell.load(Ordering::Relaxed)
    }
}

impl<A> Receiver<A> {
    pub(crate) fn id(&self) -> usize {
        self.id
    }

    /// Whether the sender has closed the lane. Only a hint without the lock.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<A> {
        self.ring.pop().ok()
    }

    /// What can be seen now, value by value; what is not taken stays. Cheaper than to [`pop`](Self::pop)
    /// each, since the sender is told once.
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

    /// Sets the bell, then looks again. If this says empty, the next push will see the bell.
    pub(crate) fn is_empty_with_bell(&self) -> bool {
        if !self.is_empty() {
            return false;
        }
        self.bell.store(true, Ordering::Relaxed);
        barrier::heavy(self.fenced);
        self.is_empty()
    }

    /// Sets the bell of a lane into which nothing has been pushed yet.
    pub(crate) fn set_bell(&self) {
        self.bell.store(true, Ordering::Relaxed);
    }
}

impl<A> Drop for Receiver<A> {
    fn drop(&mut self) {
        while let Some(value) = self.pop() {
            drop_quietly(value);
        }
    }
}

/// The bells of all lanes, so that a cancelled line can set them: then whoever pushes looks up after its
/// present item. That saves a look at the line's own flag for every item.
pub(crate) type Bells = Mutex<Vec<Arc<AtomicBool>>>;

/// The lanes of one line, for reuse. Used under the line's lock.
pub(crate) struct Lanes<A> {
    bells: Arc<Bells>,
    spare: Vec<(Sender<A>, Receiver<A>)>,
    /// By lane number: the half that has come back already.
    halves: Vec<Half<A>>,
}

enum Half<A> {
    Neither,
    Sender(Sender<A>),
    Receiver(Receiver<A>),
}

impl<A> Lanes<A> {
    pub(crate) fn new(bells: Arc<Bells>) -> Lanes<A> {
        Lanes { bells, spare: Vec::new(), halves: Vec::new() }
    }

    /// A lane for at most `capacity` values. `fenced` says which barrier its bell uses.
    pub(crate) fn open(&mut self, capacity: usize, fenced: bool) -> (Sender<A>, Receiver<A>) {
        let (mut sender, mut receiver) = match self.spare.pop() {
            Some(lane) if lane.1.capacity >= capacity => lane,
            Some(small) => new_lane(capacity, small.1.id, small.1.bell.clone()),
            None => {
                self.halves.push(Half::Neither);
                let bell = Arc::new(AtomicBool::new(false));
                lock(&self.bells).push(bell.clone());
                new_lane(capacity, self.halves.len() - 1, bell)
            }
        };
        sender.pushed = 0;
        sender.fenced = fenced;
        receiver.fenced = fenced;
        sender.silence();
        sender.ended.store(false, Ordering::Relaxed);
        (sender, receiver)
    }

    /// Whether the sender of this lane has come back: nothing more will be pushed.
    pub(crate) fn is_closed(&self, id: usize) -> bool {
        matches!(self.halves[id], Half::Sender(_))
    }

    /// Whether nothing more will come out of a lane. Asked in this order: what is closed stays empty.
    pub(crate) fn is_exhausted(&self, lane: &Receiver<A>) -> bool {
        self.is_closed(lane.id) && lane.is_empty()
    }

    pub(crate) fn close(&mut self, sender: Sender<A>) {
        sender.ended.store(true, Ordering::Relaxed);
        let half = &mut self.halves[sender.id];
        match std::mem::replace(half, Half::Neither) {
            Half::Receiver(receiver) => self.spare.push((sender, receiver)),
            _ => *half = Half::Sender(sender),
        }
    }

    /// Takes out the senders that have come back alone, with what their rings hold.
    pub(crate) fn take_closed(&mut self) -> Vec<Sender<A>> {
        let closed = self.halves.iter_mut().filter(|half| matches!(half, Half::Sender(_)));
        let taken = closed.map(|half| std::mem::replace(half, Half::Neither));
        taken.filter_map(|half| if let Half::Sender(sender) = half { Some(sender) } else { None }).collect()
    }

    /// Takes back an emptied receiver.
    pub(crate) fn give_back(&mut self, receiver: Receiver<A>) {
        let half = &mut self.halves[receiver.id];
        match std::mem::replace(half, Half::Neither) {
            Half::Sender(sender) => self.spare.push((sender, receiver)),
            _ => *half = Half::Receiver(receiver),
        }
    }
}

fn new_lane<A>(capacity: usize, id: usize, bell: Arc<AtomicBool>) -> (Sender<A>, Receiver<A>) {
    let capacity = capacity.next_power_of_two();
    let (producer, consumer) = ring(capacity);
    let ended = Arc::new(AtomicBool::new(false));
    let sender =
        Sender { ring: producer, bell: bell.clone(), id, fenced: true, pushed: 0, ended: ended.clone() };
    let receiver = Receiver { ring: consumer, bell, id, fenced: true, capacity, ended };
    (sender, receiver)
}
