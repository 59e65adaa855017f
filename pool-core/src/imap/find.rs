//! Where the head is: the consumer's look at the state.

use super::consumer::Place;
use super::front::{Arrival, Front};
use super::state::{Output, State};

impl<I: Iterator, T> State<I, T> {
    /// Finds the head, and makes the front's lane the one that it is in, or will be in.
    pub(super) fn find(&mut self, front: &mut Front<T>) -> Place {
        let ended = self.end.is_some_and(|end| end <= front.head);
        let place = if self.unordered { self.find_any(front) } else { self.find_head(front, ended) };
        match place {
            Place::Untaken if ended => Place::Arrived(match self.input_panic.take() {
                Some(payload) => Arrival::InputPanicked(payload),
                None => Arrival::End,
            }),
            place => place,
        }
    }

    fn find_head(&mut self, front: &mut Front<T>, ended: bool) -> Place {
        self.put_given_up_away(front);
        loop {
            if let Some(lane) = front.lane.take() {
                if !self.result_lanes.is_exhausted(&lane) {
                    let ready = !lane.is_empty();
                    front.lane = Some(lane);
                    return if ready { Place::Arrived(Arrival::Ready) } else { Place::Taken };
                }
                self.result_lanes.give_back(lane);
            }
            if let Some((lane, left)) = front.late.take() {
                let exhausted = self.result_lanes.is_exhausted(&lane);
                if !lane.is_empty() {
                    front.late = Some((lane, left));
                    return Place::GivenUp(None);
                }
                if exhausted {
                    self.result_lanes.give_back(lane);
                } else if ended || self.reorder.reaches(front.head) {
                    // Lanes do not overlap, so the head will not be in this one.
                    front.given_up.push(lane);
                } else {
                    front.late = Some((lane, left));
                    return Place::Taken;
                }
            }
            match self.reorder.take(front.head) {
                Some((first, Output::Lane(lane))) if first < front.head => {
                    front.late = Some((lane, front.head - first));
                }
                Some((first, Output::Panicked(payload))) if first < front.head => {
                    return Place::GivenUp(Some(payload));
                }
                Some((_, Output::Lane(lane))) => front.lane = Some(lane),
                Some((_, Output::Panicked(payload))) => {
                    return Place::Arrived(Arrival::Panicked(payload));
                }
                None => return Place::Untaken,
            }
        }
    }

    /// Any finished result will do. It counts as untaken while nobody has any item.
    fn find_any(&mut self, front: &mut Front<T>) -> Place {
        loop {
            if let Some(lane) = front.lane.take() {
                let exhausted = self.result_lanes.is_exhausted(&lane);
                if !lane.is_empty() {
                    front.lane = Some(lane);
                    return Place::Arrived(Arrival::Ready);
                }
                if exhausted {
                    self.result_lanes.give_back(lane);
                } else {
                    self.reorder.insert(0, Output::Lane(lane));
                }
            }
            let lanes = &self.result_lanes;
            let moves = |output: &Output<T>| match output {
                Output::Lane(lane) => lanes.is_closed(lane.id()) || !lane.is_empty(),
                Output::Panicked(_) => true,
            };
            match self.reorder.take_any(moves) {
                Some(Output::Lane(lane)) => front.lane = Some(lane),
                Some(Output::Panicked(payload)) => return Place::Arrived(Arrival::Panicked(payload)),
                None if self.reorder.values().next().is_some() => return Place::Taken,
                None => return Place::Untaken,
            }
        }
    }

    /// Makes the lane of these results the front's.
    pub(super) fn look_at(&mut self, front: &mut Front<T>, id: usize) {
        let mine = |output: &Output<T>| matches!(output, Output::Lane(lane) if lane.id() == id);
        if let Some(Output::Lane(lane)) = self.reorder.take_any(mine) {
            front.lane = Some(lane);
        }
    }

    /// Whether there may be more to find than at the last look.
    pub(super) fn has_news(&self, head: u64) -> bool {
        if !self.unordered {
            return self.reorder.reaches(head);
        }
        self.reorder.values().any(Output::is_ready)
    }

    fn put_given_up_away(&mut self, front: &mut Front<T>) {
        let (lanes, given_up) = (&mut self.result_lanes, &mut front.given_up);
        for lane in std::mem::take(given_up) {
            if lanes.is_exhausted(&lane) {
                lanes.give_back(lane);
            } else {
                given_up.push(lane);
            }
        }
    }
}
