//! A list of things that end by themselves, at amortised constant cost for each.
//!
//! Ended members are swept out when the list is twice as long as the last sweep left it. So a sweep over `n` members
//! comes after at least `n / 2` additions, and at most half of the list (or [`SHORT`]) has ended.

/// A list of this length is not worth a sweep.
const SHORT: usize = 16;

pub(crate) struct Roster<T> {
    members: Vec<T>,
    /// The length at which the next sweep is due.
    sweep_at: usize,
}

impl<T> Default for Roster<T> {
    fn default() -> Roster<T> {
        Roster { members: Vec::new(), sweep_at: SHORT }
    }
}

impl<T> Roster<T> {
    /// Adds a member. Returns the members that a sweep took out. Drop them when no lock is held: they may hold user
    /// values.
    #[must_use = "to be dropped outside of the lock"]
    pub(crate) fn add(&mut self, member: T, has_ended: impl Fn(&T) -> bool) -> Vec<T> {
        let mut ended = Vec::new();
        if self.members.len() >= self.sweep_at {
            ended = self.members.extract_if(.., |member| has_ended(member)).collect();
            self.sweep_at = (2 * self.members.len()).max(SHORT);
        }
        self.members.push(member);
        ended
    }

    /// Whether it has no members, not even ended ones.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Takes all of them out.
    pub(crate) fn take(&mut self) -> Vec<T> {
        std::mem::take(self).members
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Adds this many, of which every `nth` ends at once. Returns how often one was looked at, and how long the
    /// list became.
    fn cost_of(count: usize, nth: usize) -> (usize, usize) {
        let (looks, mut longest) = (Cell::new(0), 0);
        let mut roster = Roster::default();
        for member in 0..count {
            let _ended = roster.add(member, |member| {
                looks.set(looks.get() + 1);
                member % nth == 0
            });
            longest = longest.max(roster.members.len());
        }
        assert!(
            roster
                .take()
                .into_iter()
                .filter(|member| member % nth != 0)
                .eq((0..count).filter(|n| n % nth != 0))
        );
        (looks.get(), longest)
    }

    #[test]
    fn each_costs_the_same_however_many_live() {
        for nth in [1, 2, 3, 1_000, usize::MAX] {
            let (looks, _) = cost_of(100_000, nth);
            assert!(looks <= 3 * 100_000, "{looks} looks with every {nth}th gone");
        }
    }

    #[test]
    fn what_has_ended_does_not_pile_up() {
        assert!(cost_of(100_000, 1).1 <= SHORT + 1);
    }
}
