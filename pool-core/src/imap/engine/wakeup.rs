//! P5, P13: what the consumer is doing, and who has to wake it.
//!
//! **Promise.** A consumer that sleeps is woken when the head is ready, when the imap ends, is cancelled or loses its
//! pool, and when there is something that only the consumer can do. A consumer that naps wakes up by itself.
//!
//! **Protocol.** Three things wake a consumer, each through the [parker](crate::sync::Parker):
//!
//! 1. *A push into a ring whose waiter flag is set.* The worker that pushed takes the flag down, and notifies.
//! 2. *A change under the lock* that concerns it: [`wake`](Wakeup::wake) asks for a notification, which is given after the
//!    lock has been left, since the consumer would wake up only to wait for it.
//! 3. *[`Control::cancel`](super::control::Control::cancel)*, without the lock.
//!
//! The consumer *registers*: under the lock it
//!
//! - makes the parker remember notifications ([`prepare`](crate::sync::Parker::prepare); a poll has done so before),
//! - sets the flag of each ring that the head can come from, and puts a heavy fence behind that,
//! - looks at these rings once more, and whether the imap was cancelled, and leaves if there is news,
//! - writes down that it [waits](Wakeup::wait_for) for the head,
//! - reserves a worker if there is work for one: once it is parked and no worker runs, no thread is left to do it. If it
//!   has reserved one, it is awake again: it leaves the lock, spawns, and begins anew.
//!
//! Then it leaves the lock, and parks.
//!
//! **Why no wake-up is lost.** Take the event that the consumer waits for.
//!
//! - *A push into a ring that was open when it registered.* The push is followed by a light fence and a load of the flag;
//!   the store of the flag is followed by a heavy fence and a look into the ring. So the push sees the flag, or the
//!   consumer sees the value ([`fence`](crate::sync::fence)). A worker that answers an earlier registration may take the
//!   new flag down, but notifies after that, and the parker remembers. Where the kernel refuses the heavy fence, the consumer parks
//!   for a millisecond at most, and looks again.
//! - *A push into a ring that is opened later.* Rings are opened under the lock. The thread that opens the ring of the
//!   head sees [`waits_for`](Wakeup::waits_for), and sets the flag before the first push. The head is the first item of
//!   that ring: what was delivered before it was in other rings; and what was given up before it had been called for with a
//!   limit, after which items go singly.
//! - *A change under the lock*, before the consumer registered: it has seen it. Afterwards: it is asleep by what is
//!   written here, so `wake` asks for a notification.
//! - *A cancel.* It is set before the notification, and the parker remembers from `prepare` on; `prepare` comes before
//!   the consumer's look at it.
//!
//! A notification that comes between `prepare` and `park` makes `park` return at once. One that comes for an earlier
//! registration costs one more look.
//!
//! **A nap** is a park of at most a millisecond for which no flag is set and nothing is registered, so workers pay
//! nothing for it. Changes under the lock end it, and a cancel; and so does a push that finds a flag from before.

/// What the consumer does, as far as those who could wake it must know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Consumer {
    /// It looks for itself.
    Awake,
    /// It naps, and has asked for no wake-up.
    Napping,
    /// It waits for the result with this index.
    WaitsFor(u64),
    /// It has left: what comes is to be dropped.
    Gone,
}

pub(super) struct Wakeup {
    consumer: Consumer,
    /// A sleeping consumer could work, since it is on a thread that its pool needs.
    could_work: bool,
    /// A notification is to be given when the lock has been left.
    due: bool,
}

impl Wakeup {
    pub(super) fn new() -> Wakeup {
        Wakeup { consumer: Consumer::Awake, could_work: false, due: false }
    }

    /// The consumer is back from its sleep, or has not slept.
    pub(super) fn awake(&mut self) {
        self.set(Consumer::Awake, false);
    }

    /// The consumer will nap.
    pub(super) fn nap(&mut self, could_work: bool) {
        self.set(Consumer::Napping, could_work);
    }

    /// The consumer has registered, and will sleep until it has this result.
    pub(super) fn wait_for(&mut self, head: u64, could_work: bool) {
        self.set(Consumer::WaitsFor(head), could_work);
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

    /// Which result a consumer that has registered waits for.
    pub(super) fn waits_for(&self) -> Option<u64> {
        match self.consumer {
            Consumer::WaitsFor(head) => Some(head),
            _ => None,
        }
    }

    /// Whether the consumer sleeps on a thread that its pool needs.
    pub(super) fn could_work(&self) -> bool {
        self.could_work
    }

    /// Asks for a notification if the consumer sleeps. It looks for itself whether that was worth it.
    pub(super) fn wake(&mut self) {
        if matches!(self.consumer, Consumer::Napping | Consumer::WaitsFor(_)) {
            self.consumer = Consumer::Awake;
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
    use super::Wakeup;

    #[test]
    fn p5_a_sleeping_consumer_is_woken_once() {
        let mut wakeup = Wakeup::new();
        wakeup.wake();
        assert!(!wakeup.take_due(), "it is awake");
        wakeup.wait_for(7, false);
        assert_eq!(wakeup.waits_for(), Some(7));
        wakeup.wake_napper();
        assert!(!wakeup.take_due(), "it does not nap");
        wakeup.wake();
        assert_eq!(wakeup.waits_for(), None, "it looks for itself now");
        assert!(wakeup.take_due() && !wakeup.take_due());
    }

    #[test]
    fn p5_a_nap_is_ended_by_a_change_under_the_lock() {
        let mut wakeup = Wakeup::new();
        wakeup.nap(true);
        assert!(wakeup.could_work() && wakeup.waits_for().is_none());
        wakeup.wake_napper();
        assert!(wakeup.take_due());
        wakeup.awake();
        assert!(!wakeup.could_work());
    }

    #[test]
    fn p9_a_consumer_that_is_gone_is_woken_no_more() {
        let mut wakeup = Wakeup::new();
        wakeup.wait_for(0, false);
        wakeup.leave();
        wakeup.wake();
        wakeup.awake();
        assert!(wakeup.consumer_gone() && !wakeup.take_due());
    }
}
