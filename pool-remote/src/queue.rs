//! What a master believes of the frames that it gave to a queue: only what it has seen.
//!
//! A server takes frames and hands them out to workers. It may lose a frame, and still refuse to take it again; its
//! consumer may move past frames that it never handed out, or stand still. "It refuses the frame, so it has it, so it will
//! hand it out" is therefore not believed.
//!
//! # What is believed
//!
//! A frame is well if a worker was heard to hold it a short time ago, or if it is still *pending*: the consumer says that it
//! has not come to it. Where the frame is in the queue is not known, but it was stored before the [`View`] in which it
//! was first missed, so a consumer that has come to the end of that view has passed it. A consumer that stands still
//! while a worker is idle is not believed, either.
//!
//! A frame that is not well is *offered*: sent again under its number. A server that takes it had lost it, and then all
//! others that are not heard of are offered, too. If it refuses the frame, and has passed it, and no worker is heard of for
//! another while, then it is sent anew, by steps: under a new number; with a new consumer; in a new stream. A step is
//! taken only if nothing came of the one before.
//!
//! Frames that are pending behind those of other masters are left alone, however long that takes.

#[cfg(test)]
mod simulation;

use crate::ledger::Route;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How far a queue says that it is, for one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Which stream this is: another one if it was made anew.
    pub stream: u64,
    /// The place of the last frame that was stored.
    pub last: u64,
    /// The place of the last frame that was handed out.
    pub delivered: u64,
    /// How many frames have not been handed out.
    pub pending: u64,
}

/// What a transport is to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Ask how far the queue is, for [`Queue::seen`], and which workers are idle, for [`Queue::idle`].
    Look,
    /// Send this frame again under its number, and ask whether it was taken.
    Offer(u64),
    /// Send what is open of this frame under a new number, and take the old one out of the queue.
    Renew(u64),
    /// Make the consumer of this route anew.
    NewConsumer(Route),
    /// Make the stream anew, and say so to [`Queue::made_stream`].
    NewStream,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Queue {
    /// For how long a frame may be unheard of before anything is asked.
    patience: Duration,
    frames: BTreeMap<u64, Entry>,
    sides: [Side; 2],
    look_at: Instant,
    /// When a worker last said that it has had nothing to do for some time.
    idle: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    route: Route,
    sent: Instant,
    /// When it was sent, or a worker last said that it has it.
    heard: Instant,
    /// It is not behind this place of the queue.
    mark: Option<u64>,
    /// Since when the consumer is known to have passed it.
    passed: Option<Instant>,
    /// It was offered after the last look.
    offered: bool,
}

/// What is known of a route.
#[derive(Debug, Default)]
struct Side {
    view: Option<View>,
    /// What has come since the last look: a view; and that the frame was refused.
    seen: bool,
    refused: bool,
    /// Nothing was handed out between two looks, though frames are pending.
    stands: bool,
    step: Step,
    stepped: Option<Instant>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Number,
    Consumer,
    Stream,
}

const ROUTES: [Route; 2] = [Route::Work, Route::Solo];

impl Queue {
    /// An empty queue. A frame is looked for when nothing was heard of it for as long as `patience`, which is more than
    /// twice the time after which the server hands out a dead worker's frames.
    pub fn new(patience: Duration, now: Instant) -> Queue {
        Queue { patience, frames: BTreeMap::new(), sides: Default::default(), look_at: now, idle: None }
    }

    // What happens.

    /// A frame was sent, the first time or again.
    pub fn sent(&mut self, number: u64, route: Route, now: Instant) {
        self.frames
            .insert(number, Entry { route, sent: now, heard: now, mark: None, passed: None, offered: false });
    }

    /// A worker has this frame.
    pub fn heard(&mut self, number: u64, now: Instant) {
        let Some(entry) = self.frames.get_mut(&number) else { return };
        (entry.heard, entry.passed) = (now, None);
        self.sides[entry.route as usize].came(entry.sent);
    }

    /// Whether the worker that has this frame must be taken for dead, if the queue hands it out again. It is not, if it was
    /// heard a short time ago: then two have it.
    pub fn is_silent(&self, number: u64, now: Instant) -> bool {
        self.frames.get(&number).is_none_or(|entry| now - entry.heard >= self.patience * 8 / 25)
    }

    /// This frame is done with.
    pub fn gone(&mut self, number: u64) {
        if let Some(entry) = self.frames.remove(&number) {
            self.sides[entry.route as usize].came(entry.sent);
        }
    }

    /// Keeps the frames for which this is so; the others are done with.
    pub fn retain(&mut self, mut is_open: impl FnMut(u64) -> bool) {
        let gone: Vec<u64> = self.frames.keys().copied().filter(|&number| !is_open(number)).collect();
        gone.into_iter().for_each(|number| self.gone(number));
    }

    /// A worker that could run a frame says that it has had none for some time.
    pub fn idle(&mut self, now: Instant) {
        self.idle = Some(now);
    }

    /// The queue has taken a frame that was [offered](Act::Offer): it had lost it, and perhaps others.
    pub fn taken(&mut self, number: u64, now: Instant) -> Vec<Act> {
        if let Some(entry) = self.frames.get(&number) {
            self.sent(number, entry.route, now);
        }
        let patience = self.patience;
        self.offer(|entry| now - entry.heard > patience)
    }

    /// The queue has refused a frame that was [offered](Act::Offer), since it has it.
    pub fn refused(&mut self, number: u64, now: Instant) -> Vec<Act> {
        let Some(entry) = self.frames.get(&number) else { return Vec::new() };
        let route = entry.route;
        self.sides[route as usize].refused = true;
        self.decide(route, now)
    }

    /// How far the queue is, asked for after a [look](Act::Look).
    pub fn seen(&mut self, route: Route, view: View, now: Instant) -> Vec<Act> {
        let side = &mut self.sides[route as usize];
        let before = side.view.replace(view);
        side.stands = view.pending > 0
            && before.is_some_and(|before| {
                before.pending > 0 && (before.stream, before.delivered) == (view.stream, view.delivered)
            });
        side.seen = true;
        let patience = self.patience;
        for entry in self.frames.values_mut().filter(|entry| entry.route == route) {
            if now - entry.heard > patience {
                let mark = *entry.mark.get_or_insert(view.last);
                let passed = view.pending == 0 || view.delivered >= mark;
                entry.passed = passed.then(|| entry.passed.unwrap_or(now));
            }
        }
        self.decide(route, now)
    }

    /// The stream is a new one, with nothing in it.
    pub fn made_stream(&mut self, now: Instant) -> Vec<Act> {
        for entry in self.frames.values_mut() {
            (entry.mark, entry.passed, entry.offered) = (None, None, false);
        }
        let half = self.patience / 2;
        self.offer(|entry| now - entry.heard > half)
    }

    /// Offers those that were not offered after the last look.
    fn offer(&mut self, is_wanted: impl Fn(&Entry) -> bool) -> Vec<Act> {
        let wanted = self.frames.iter_mut().filter(|(_, entry)| !entry.offered && is_wanted(entry));
        wanted
            .map(|(&number, entry)| {
                entry.offered = true;
                Act::Offer(number)
            })
            .collect()
    }

    // What to do.

    /// Looks for frames of which nothing is heard. `head` is the one that is needed next.
    pub fn look(&mut self, now: Instant, head: Option<u64>) -> Vec<Act> {
        if now < self.look_at {
            return Vec::new();
        }
        let mut acts = Vec::new();
        for route in ROUTES {
            let on_route = |(number, entry): (&u64, &Entry)| (entry.route == route).then_some(*number);
            let oldest = self.missed(now).filter_map(on_route).next();
            let head = self.missed(now).filter_map(on_route).find(|&number| Some(number) == head);
            acts.extend(head.or(oldest).map(Act::Offer));
        }
        if !acts.is_empty() {
            for (number, entry) in &mut self.frames {
                entry.offered = acts.contains(&Act::Offer(*number));
            }
            for side in &mut self.sides {
                (side.seen, side.refused) = (false, false);
            }
            let doubted = self.frames.values().any(|entry| entry.passed.is_some());
            self.look_at = now + if doubted { self.patience / 2 } else { self.patience };
            acts.insert(0, Act::Look);
        }
        acts
    }

    fn missed(&self, now: Instant) -> impl Iterator<Item = (&u64, &Entry)> {
        self.frames.iter().filter(move |(_, entry)| now - entry.heard > self.patience)
    }

    fn decide(&mut self, route: Route, now: Instant) -> Vec<Act> {
        let half = self.patience / 2;
        // It may have been handed out just now, and its worker has not been heard.
        let is_lost = |entry: &Entry| entry.passed.is_some_and(|since| now - since >= half * 9 / 10);
        let on_route = self.missed(now).filter(|(_, entry)| entry.route == route);
        let lost: Vec<u64> =
            on_route.filter(|(_, entry)| is_lost(entry)).map(|(&number, _)| number).collect();
        let doubted = self.frames.values().any(|entry| entry.passed.is_some());
        if doubted {
            self.look_at = self.look_at.min(now + half);
        }
        let worker_waits = self.idle.is_some_and(|idle| now - idle < self.patience);
        let side = &mut self.sides[route as usize];
        let stands = side.stands && worker_waits;
        if !side.seen || !side.refused || (lost.is_empty() && !stands) {
            return Vec::new();
        }
        (side.seen, side.refused, side.stands, side.stepped) = (false, false, false, Some(now));
        let step = if lost.is_empty() && side.step == Step::Number { Step::Consumer } else { side.step };
        side.step = match step {
            Step::Number => Step::Consumer,
            Step::Consumer => Step::Stream,
            Step::Stream => Step::Number,
        };
        match step {
            Step::Number => {
                self.frames.retain(|number, _| !lost.contains(number));
                lost.into_iter().map(Act::Renew).collect()
            }
            Step::Consumer => {
                self.wait_again(now, route);
                vec![Act::NewConsumer(route)]
            }
            Step::Stream => vec![Act::NewStream],
        }
    }

    /// What is there gets another while to be heard of.
    fn wait_again(&mut self, now: Instant, route: Route) {
        for entry in self.frames.values_mut().filter(|entry| entry.route == route) {
            if entry.passed.take().is_some() {
                (entry.heard, entry.sent) = (now, now);
            }
        }
    }
}

impl Side {
    /// Something came of a frame that was sent then.
    fn came(&mut self, sent: Instant) {
        if self.stepped.is_none_or(|stepped| sent >= stepped) {
            self.step = Step::Number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// A queue with five frames that were sent long ago, which has been looked at: the one that is needed next is offered.
    fn looked_at() -> (Queue, Instant) {
        let sent = Instant::now();
        let mut queue = Queue::new(PATIENCE, sent);
        (0..5).for_each(|number| queue.sent(number, Route::Work, sent));
        let now = sent + PATIENCE + Duration::from_millis(1);
        assert_eq!(queue.look(sent, Some(2)), []);
        assert_eq!(queue.look(now, Some(2)), [Act::Look, Act::Offer(2)]);
        (queue, now)
    }

    fn view(delivered: u64, pending: u64) -> View {
        View { stream: 1, last: 5, delivered, pending }
    }

    #[test]
    fn if_one_was_lost_the_others_are_offered_at_once() {
        let (mut queue, now) = looked_at();
        queue.heard(3, now);
        let others = [0, 1, 4].map(Act::Offer);
        assert_eq!(queue.taken(2, now), others);
        // Each once.
        assert_eq!(queue.taken(0, now), []);
    }

    #[test]
    fn all_that_were_passed_are_sent_anew_at_once_and_only_after_a_second_look() {
        let (mut queue, now) = looked_at();
        assert_eq!(queue.refused(2, now), []);
        assert_eq!(queue.seen(Route::Work, view(5, 0), now), []);
        let now = now + PATIENCE / 2;
        queue.heard(3, now);
        assert_eq!(queue.look(now, Some(2)), [Act::Look, Act::Offer(2)]);
        assert_eq!(queue.seen(Route::Work, view(5, 0), now), []);
        assert_eq!(queue.refused(2, now), [0, 1, 2, 4].map(Act::Renew));
    }

    #[test]
    fn what_is_pending_is_left_alone() {
        let (mut queue, mut now) = looked_at();
        for delivered in 0..4 {
            assert_eq!(queue.refused(2, now), []);
            assert_eq!(queue.seen(Route::Work, view(delivered, 5 - delivered), now), []);
            now += PATIENCE + Duration::from_millis(1);
            assert_eq!(queue.look(now, Some(2)), [Act::Look, Act::Offer(2)]);
        }
    }

    #[test]
    fn a_worker_that_was_heard_a_short_time_ago_is_not_dead() {
        let (mut queue, now) = looked_at();
        queue.heard(2, now);
        // Signs come three times in two fifths of the patience, and the queue waits for as long as that.
        assert!(!queue.is_silent(2, now + PATIENCE * 3 / 10));
        assert!(queue.is_silent(2, now + PATIENCE * 2 / 5));
        assert!(queue.is_silent(99, now));
    }

    #[test]
    fn into_a_new_stream_all_are_sent_at_once() {
        let (mut queue, now) = looked_at();
        assert_eq!(queue.made_stream(now), [0, 1, 2, 3, 4].map(Act::Offer));
    }
}
