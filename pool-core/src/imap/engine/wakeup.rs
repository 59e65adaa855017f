//! P5, P13: what the consumer is doing, and who has to wake it.
//!
//! **Promise.** A consumer that sleeps is woken when the head is ready, when the imap ends, is cancelled or loses its
//! pool, and when there is something that only the consumer can do. A consumer that naps wakes up by itself.
//!
//! **Protocol.** Three things wake a consumer, each through the [parker](crate::sync::Parker):
//!
//! 1. *A push of the result that it awaits.* The index is a signal in [`control`](super::control), which each push looks at.
//!    The worker that pushed takes the signal down, and notifies.
//! 2. *A change under the lock* that concerns it: [`wake`](Wakeup::wake) asks for a notification, which is given after the
//!    lock has been left, since the consumer would wake up only to wait for it. The result of a single item comes so.
//! 3. *[`Control::cancel`](super::control::Control::cancel)*, without the lock.
//!
//! The consumer *registers*. Under the lock it
//!
//! - makes the parker remember notifications ([`prepare`](crate::sync::Parker::prepare); a poll has done so before),
//! - looks whether the imap was cancelled, and has taken all that was told,
//! - writes down for which result it [waits](Wakeup::wait_for), and sets the signal,
//! - reserves a worker if there is work for one: once it is parked and no worker runs, no thread is left to do it.
//!
//! Then it leaves the lock, spawns the job, puts a heavy fence behind the signal, and looks once more into the rings that the
//! result can come from. If it is not there, it parks.
//!
//! **Why no wake-up is lost.** Take the event that the consumer waits for.
//!
//! - *A push into a ring that was told of before it registered.* The push is followed by a light fence and a load of the
//!   signal; the store of the signal is followed by a heavy fence and a look into the ring. So the push sees the signal, or
//!   the consumer sees the value ([`fence`](crate::sync::fence)). A worker that answers an earlier registration may take the
//!   new signal down, but notifies after that, and the parker remembers. Where the kernel refuses the heavy fence, the
//!   consumer parks for a millisecond at most, and looks again.
//! - *A push into a ring that is opened later.* Rings are opened under the lock, so the push comes after the signal.
//! - *A change under the lock*, before the consumer registered: it has seen it. Afterwards: it is asleep by what is
//!   written here, so `wake` asks for a notification.
//! - *A cancel.* It is set before the notification, and the parker remembers from `prepare` on; `prepare` comes before
//!   the consumer's look at it.
//!
//! A notification that comes between `prepare` and `park` makes `park` return at once. One that comes for an earlier
//! registration costs one more look.
//!
//! **A nap** is a park of at most a millisecond for which no signal is set and nothing is registered, so workers pay
//! nothing for it. Some changes under the lock end it, and so does a cancel.

use super::control::ANY;

/// What the consumer does, as far as those who could wake it must know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Consumer {
    /// It looks for itself.
    Awake,
    /// It naps, and has asked for no wake-up.
    Napping,
    /// It waits for the result with this index, or for any.
    WaitsFor(u64),
    /// It has left: what comes is to be dropped.
    Gone,
}

pub(super) struct Wakeup {
    consumer: Consumer,
    /// A sleeping consumer could work, since it is on a thread that its pool needs.
    could_work: bool,
    /// It waits for an item to begin, too, since the limit of the item counts from then.
    needs_begin: bool,
    /// A notification is to be given when the lock has been left.
    due: bool,
}

impl Wakeup {
    pub(super) fn new() -> Wakeup {
        Wakeup { consumer: Consumer::Awake, could_work: false, needs_begin: false, due: false }
    }

    /// The consumer is back from its sleep, or has not slept. Returns whether it had registered.
    pub(super) fn awake(&mut self) -> bool {
        let registered = matches!(self.consumer, Consumer::WaitsFor(_));
        self.set(Consumer::Awake, false);
        registered
    }

    /// The consumer will nap.
    pub(super) fn nap(&mut self, could_work: bool) {
        self.set(Consumer::Napping, could_work);
    }

    /// The consumer has registered, and will sleep until it has this result, or [any](ANY); `needs_begin` says that it
    /// waits for an item to begin, too.
    pub(super) fn wait_for(&mut self, result: u64, could_work: bool, needs_begin: bool) {
        self.set(Consumer::WaitsFor(result), could_work);
        self.needs_begin = needs_begin;
    }

    fn set(&mut self, consumer: Consumer, could_work: bool) {
        if self.consumer != Consumer::Gone {
            (self.consumer, self.could_work) = (consumer, could_work);
        }
    }

    /// The consumer has left, and will not come back.
    pub(super) fn leave(&mut self) {
        self.set(Consumer::Gone, false);
    }

    pub(super) fn consumer_gone(&self) -> bool {
        self.consumer == Consumer::Gone
    }

    /// Whether a consumer has registered that waits for what comes behind this many items.
    pub(super) fn waits_behind(&self, pulled: u64) -> bool {
        matches!(self.consumer, Consumer::WaitsFor(result) if result >= pulled && result != ANY)
    }

    /// The result with this index can be had under the lock.
    pub(super) fn tell(&mut self, index: u64) {
        if matches!(self.consumer, Consumer::WaitsFor(result) if result == index || result == ANY) {
            self.wake();
        }
    }

    /// The item with this index begins.
    pub(super) fn tell_begin(&mut self, index: u64) {
        if self.needs_begin {
            self.tell(index);
        }
    }

    /// Whether the consumer sleeps on a thread that its pool needs.
    pub(super) fn could_work(&self) -> bool {
        self.could_work
    }

    /// Asks for a notification if the consumer sleeps. It looks for itself whether that was worth it.
    pub(super) fn wake(&mut self) {
        if matches!(self.consumer, Consumer::Napping | Consumer::WaitsFor(_)) {
            (self.consumer, self.could_work) = (Consumer::Awake, false);
            self.due = true;
        }
    }

    /// Asks for a notification if the consumer naps.
    pub(super) fn wake_napper(&mut self) {
        if self.consumer == Consumer::Napping {
            self.wake();
        }
    }

    /// Whether a notification is to be given, now that the lock is being left.
    pub(super) fn take_due(&mut self) -> bool {
        std::mem::take(&mut self.due)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{ANY, Wakeup};

    #[test]
    fn p5_a_sleeping_consumer_is_woken_once() {
        let mut wakeup = Wakeup::new();
        wakeup.wake();
        assert!(!wakeup.take_due(), "it is awake");
        wakeup.wait_for(7, false, false);
        assert!(wakeup.waits_behind(7) && !wakeup.waits_behind(8));
        wakeup.tell(6);
        wakeup.tell_begin(7);
        wakeup.wake_napper();
        assert!(!wakeup.take_due(), "it does not nap");
        wakeup.tell(7);
        assert!(!wakeup.waits_behind(0), "it looks for itself now");
        assert!(wakeup.take_due() && !wakeup.take_due());
        wakeup.wait_for(ANY, false, true);
        wakeup.tell_begin(3);
        assert!(wakeup.take_due() && !wakeup.awake());
    }

    #[test]
    fn p5_a_nap_is_ended_by_a_change_under_the_lock() {
        let mut wakeup = Wakeup::new();
        wakeup.nap(true);
        assert!(wakeup.could_work() && !wakeup.waits_behind(0));
        wakeup.wake_napper();
        assert!(wakeup.take_due());
        wakeup.awake();
        assert!(!wakeup.could_work());
    }

    #[test]
    fn p9_a_consumer_that_is_gone_is_woken_no_more() {
        let mut wakeup = Wakeup::new();
        wakeup.wait_for(0, false, false);
        wakeup.leave();
        wakeup.wake();
        wakeup.awake();
        assert!(wakeup.consumer_gone() && !wakeup.take_due());
    }
}
