//! What an imap keeps under its lock: one field for each part, and what needs more than one of them.
//!
//! No user code runs here, and no value of the user is dropped here. The two participants decide here what they do next:
//! a worker by [`step`](State::step), the consumer by [`next_move`](State::next_move). What they are told to do, they do
//! after the lock has been left.

mod next_move;
mod step;

use super::backlog::{Backlog, Taken};
use super::begun::ItemLimit;
use super::chunk::{Chunk, Current, Items};
use super::control::Control;
use super::cursor::Cursor;
use super::input::{Input, InputEnd, Returned};
use super::outputs::{Output, Outputs};
use super::ring::{Receiver, Sender};
use super::source::Settings;
use super::stats::ImapStats;
use super::wakeup::Wakeup;
use super::window::Window;
use super::workers::Workers;
use crate::imap::policy::{Policy, Task};
use crate::sync::fence;
use crate::unwind::{Payload, drop_each, drop_quietly};
pub(super) use next_move::{Call, Move};
use std::sync::Arc;
use std::time::Duration;
pub(super) use step::{Done, Step};

pub(super) struct State<I: Iterator, T> {
    control: Arc<Control>,
    /// The consumer has the input.
    local: bool,
    input: Input<I>,
    backlog: Backlog<I::Item>,
    outputs: Outputs<T>,
    workers: Workers,
    wakeup: Wakeup,
    policy: Policy,
    /// Every item begins before the next is pulled, and is alone in its worker's hands.
    singly: bool,
    /// Where to note when each item begins, if there is a limit from then on. Then items go singly, too.
    item_limit: Option<ItemLimit>,
    counts: Counts,
}

/// What only the statistics are interested in.
#[derive(Default)]
struct Counts {
    /// How many pulled items were told of before. A feeder counts when it comes back.
    pulled: u64,
    /// How long the consumer slept, and for how much of that a finished result waited for the head.
    waited: Duration,
    head_blocked: Duration,
}

impl<I: Iterator, T> State<I, T> {
    /// Of an imap over this input; without one, the consumer has it.
    pub(super) fn new(input: Option<I>, threads: usize, control: Arc<Control>) -> State<I, T> {
        State {
            local: input.is_none(),
            input: Input::new(input),
            backlog: Backlog::new(control.flags().clone()),
            outputs: Outputs::new(control.flags().clone()),
            workers: Workers::new(threads),
            wakeup: Wakeup::new(),
            policy: Policy::new(Task { threads, window: None, chunk: None, unordered: false }),
            singly: false,
            item_limit: None,
            counts: Counts::default(),
            control,
        }
    }

    /// Takes over what was set before the iteration began.
    pub(super) fn configure(&mut self, settings: &Settings) {
        self.outputs.set_unordered(settings.unordered);
        self.singly = settings.item_limit.is_some();
        self.item_limit = settings.item_limit.clone();
        self.policy = Policy::new(Task {
            threads: self.workers.most(),
            window: settings.window,
            chunk: settings.chunk,
            unordered: settings.unordered,
        });
    }

    fn window(&self) -> Window<'_> {
        Window::new(self.control.progress(), self.policy.window(), self.input.pulled())
    }

    /// How many items to take at a time.
    fn chunk_len(&mut self) -> usize {
        if self.singly {
            return 1;
        }
        let left = self.input.left().map(|left| left.saturating_add(self.backlog.waiting_len()));
        self.policy.chunk_len(left)
    }

    /// How many items to pull at a time.
    fn batch_len(&mut self) -> usize {
        if self.singly { 1 } else { self.policy.batch_len() }
    }

    /// Whether the rings that are opened now need a fence with each push.
    fn fenced(&mut self) -> bool {
        !(fence::is_asymmetric() && self.policy.is_tiny())
    }

    /// Whether no work will come any more.
    fn is_finished(&self) -> bool {
        self.input.end().is_some() && self.backlog.is_empty()
    }

    /// Whether one more job should come: there is work that no thread has taken. Counts the job; the caller must spawn
    /// it, after it has left the lock.
    pub(super) fn try_reserve_worker(&mut self) -> bool {
        let full = self.workers.is_full();
        // A consumer that waits behind all that was pulled needs the end, whatever the input says of itself.
        let wanted = self.wakeup.waits_for().is_some_and(|head| head >= self.input.pulled());
        let can_pull = self.input.is_here() && (wanted || !self.input.seems_empty());
        let more = self.backlog.has_waiting() || can_pull;
        self.control.note_busy(full && more);
        if full || self.control.is_cancelled() {
            return false;
        }
        let window = self.window();
        // Where no worker is left, the end must be found, whatever the input says of itself.
        let can_feed = (more || (self.input.is_here() && self.workers.is_empty()))
            && self.input.end().is_none()
            && window.room() > 0
            && !window.is_stalled();
        // A feeder may be blocked in the input beside these, with no other worker to come back for them.
        let can_take = self.backlog.has_visible() && (self.local || self.workers.active() <= 1);
        let reserved = (self.backlog.has_waiting() || can_feed || can_take) && self.workers.try_reserve();
        if reserved {
            self.control.progress().forget_stall();
        }
        reserved
    }

    /// The consumer has got as many results as the waiting feeder should be called for.
    pub(super) fn wake_feeder(&mut self) -> bool {
        self.control.progress().forget_stall();
        self.try_reserve_worker()
    }

    /// Whether a notification is to be given, now that the lock is being left.
    pub(super) fn take_due_notification(&mut self) -> bool {
        self.wakeup.take_due()
    }

    /// Opens a ring for `len` items that the caller pulls.
    pub(super) fn begin_filling(&mut self, len: usize) -> Sender<I::Item> {
        let fenced = self.fenced();
        self.backlog.open(self.input.pulled(), len, fenced)
    }

    /// The items in a feeder's ring have been pulled. What others have left of them waits for all.
    pub(super) fn end_filling(&mut self, sender: Sender<I::Item>) {
        self.input.count(sender.pushed() as u64);
        self.backlog.close(sender);
    }

    /// Puts the input back after a pull. At its end the consumer looks up.
    pub(super) fn give_back_input(&mut self, returned: Returned<I>, pulled: u64) {
        if self.input.give_back(returned, pulled) {
            self.wakeup.wake();
        }
    }

    /// A consumer that has the input has got this hint from it.
    pub(super) fn set_hint(&mut self, hint: (usize, Option<usize>)) {
        self.input.set_hint(hint);
    }

    /// A consumer that has the input has come to its end.
    pub(super) fn finish_input(&mut self, end: InputEnd) {
        self.input.finish(end);
    }

    fn take_chunk(&mut self, current: &mut Current<I::Item, T>, len: usize) -> bool {
        let Some(taken) = self.backlog.take(len) else { return false };
        self.begin(current, taken);
        true
    }

    /// The item that was pulled last, in the hands of the thread that pulled it.
    fn begin_pulled(&mut self, current: &mut Current<I::Item, T>, item: I::Item) {
        self.begin(current, Taken { first: self.input.pulled() - 1, items: Items::One(Some(item)), len: 1 });
    }

    /// For as many items, which the worker pulls itself while it works on them.
    fn begin_solo(&mut self, current: &mut Current<I::Item, T>, most: usize) {
        self.begin(current, Taken { first: self.input.pulled(), items: Items::One(None), len: most });
    }

    /// Opens the way for the results of these items.
    fn begin(&mut self, current: &mut Current<I::Item, T>, taken: Taken<I::Item>) {
        let Taken { first, items, len } = taken;
        if let Some(limit) = &self.item_limit {
            limit.begin(first);
        }
        let results = self.open_results(first, len);
        let threads_idle = len > 1 && !self.workers.is_full();
        *current = Some(Chunk::new(first, items, results, len, self.policy.hand_back_after(), threads_idle));
    }

    fn open_results(&mut self, first: u64, most: usize) -> Sender<T> {
        let fenced = self.fenced();
        self.outputs.open(first, most, fenced, self.wakeup.waits_for())
    }

    /// The next item of the chunk has panicked: its results go on behind it.
    pub(super) fn note_panic(&mut self, chunk: &mut Chunk<I::Item, T>, payload: Payload) {
        let panicked = chunk.next();
        let results = self.open_results(panicked + 1, chunk.left());
        self.outputs.close(chunk.go_on_behind_panic(results));
        self.outputs.insert_panic(panicked, payload);
        self.wakeup.wake();
    }

    /// Takes back a chunk, and what is left of it.
    fn release(&mut self, current: &mut Current<I::Item, T>) {
        let Some(chunk) = current.take() else { return };
        let next = chunk.next();
        let (results, items) = chunk.into_parts();
        if results.flag_is_set() {
            self.wakeup.wake();
        }
        self.outputs.close(results);
        self.backlog.hand_back(next, items);
    }

    /// The pool has dropped a queued job.
    pub(super) fn discard_job(&mut self) {
        self.workers.discard();
        self.wakeup.wake();
    }

    /// A turn has not come to its end.
    pub(super) fn lose_worker(&mut self) {
        self.workers.lose();
        self.wakeup.wake();
    }

    /// The consumer stops working inline, and gives back what it had.
    pub(super) fn end_inline(&mut self, returned: Returned<I>, pulled: u64, results: Sender<T>) {
        self.give_back_input(returned, pulled);
        self.outputs.close(results);
    }

    /// Whether there may be more to find for the consumer than at its last look.
    pub(super) fn has_news(&self, head: u64) -> bool {
        self.outputs.has_news(head)
    }

    /// How many items were pulled, the input's hint after that, and whether it has ended.
    pub(super) fn input_figures(&self) -> (u64, (usize, Option<usize>), bool) {
        (self.input.pulled(), self.input.hint(), self.input.end().is_some())
    }

    pub(super) fn input_has_panicked(&self) -> bool {
        self.input.has_panicked()
    }

    /// `inline` is what the consumer has pulled and not told of.
    pub(super) fn stats(&mut self, cursor: &Cursor<T>, inline: u64) -> ImapStats {
        let blocked = self.outputs.ready_len() + cursor.ready_len();
        let (waiting, visible_end) = self.backlog.seen();
        // A feeder counts when it comes back. What can be seen of its items was pulled.
        let seen = cursor.head() - cursor.skipped() + waiting + blocked;
        let pulled = (self.input.pulled() + inline).max(visible_end).max(seen);
        let pulled = pulled.max(self.counts.pulled).max(self.control.pulled_in_hand());
        self.counts.pulled = pulled;
        ImapStats {
            pulled,
            waiting,
            running: pulled.saturating_sub(cursor.head() + waiting + blocked),
            blocked,
            delivered: cursor.head(),
            chunk: self.chunk_len(),
            helped: cursor.ran(),
            waited: self.counts.waited,
            head_blocked: self.counts.head_blocked,
        }
    }

    /// The consumer has left, and gives back these rings.
    pub(super) fn consumer_gone(&mut self, rings: Vec<Receiver<T>>) {
        self.wakeup.leave();
        rings.into_iter().for_each(|ring| self.outputs.give_back(ring));
    }

    /// Takes out what no thread will come for, for a consumer that has left; and takes back rings that were emptied.
    pub(super) fn take_rest(&mut self, emptied: Emptied<I::Item, T>) -> Rest<I, T> {
        // Their senders may still push: what comes is dropped when both halves are together.
        emptied.items.into_iter().for_each(|ring| self.backlog.give_back(ring));
        emptied.results.into_iter().for_each(|ring| self.outputs.give_back(ring));
        let (items, unused_items) = self.backlog.take_all();
        let (outputs, unused_results) = self.outputs.take_all();
        let (input, panic) = (self.input.take(), self.input.take_panic());
        Rest { input, panic, items, outputs, unused_items, unused_results }
    }
}

/// Rings of items and of results that are empty, and whose senders are not back yet.
pub(super) struct Emptied<A, T> {
    items: Vec<Receiver<A>>,
    results: Vec<Receiver<T>>,
}

impl<A, T> Default for Emptied<A, T> {
    fn default() -> Self {
        Emptied { items: Vec::new(), results: Vec::new() }
    }
}

/// What is left in the state of an imap that has lost its consumer.
pub(super) struct Rest<I: Iterator, T> {
    input: Option<Box<I>>,
    panic: Option<Payload>,
    items: Vec<Receiver<I::Item>>,
    outputs: Vec<Output<T>>,
    /// Rings in no thread's hands.
    unused_items: Vec<Receiver<I::Item>>,
    unused_results: Vec<Receiver<T>>,
}

impl<I: Iterator, T> Rest<I, T> {
    /// Drops every value, and gives the rings whose senders are not back yet. `None` if there was nothing to give back,
    /// so that nothing can have come to be unused by that. Not under the lock.
    ///
    /// Rings are emptied value by value: one whose two halves are together is dropped empty.
    pub(super) fn drop_each(mut self) -> Option<Emptied<I::Item, T>> {
        drop_quietly(self.input);
        drop_quietly(self.panic);
        drop_each(self.unused_items);
        drop_each(self.unused_results);
        self.items.iter_mut().for_each(|ring| ring.drop_values());
        let mut results = Vec::new();
        for output in self.outputs {
            match output {
                Output::Ring(mut ring) => {
                    ring.drop_values();
                    results.push(ring);
                }
                Output::Panicked(payload) => drop_quietly(payload),
            }
        }
        let is_empty = self.items.is_empty() && results.is_empty();
        (!is_empty).then_some(Emptied { items: self.items, results })
    }
}
