//! What sequential code would give, and whether an imap gave that.

use super::scenario::{Call, Plan, Results, Work};
use super::values::{Ledger, Thrown, Value};
use pool_core::work::xorshift;
use pool_core::{Panic, TimedOut};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

/// Added to the number of the item at which an input panics.
pub(super) const OF_INPUT: u64 = 1 << 40;

/// What the function does with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Value(u64),
    Fail(u64),
    Panic(u64),
}

/// A number that looks random, for an item and a purpose.
fn draw(seed: u64, item: u64, purpose: u64) -> u64 {
    let mixed = (seed ^ item.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .wrapping_add(purpose.wrapping_mul(0xD6E8_FEB8_6659_FD93));
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^ (mixed >> 32)
}

/// Whether it happens to this item: one in `odds`, never if that is 0.
pub(super) fn happens(seed: u64, item: u64, purpose: u64, odds: u64) -> bool {
    odds > 0 && draw(seed, item, purpose).is_multiple_of(odds)
}

impl Work {
    pub(super) fn act(&self, item: u64) -> Act {
        if happens(self.seed, item, 1, self.panics) {
            return Act::Panic(item);
        }
        let value = xorshift(item, self.rounds_of(item) % 7 + 1) ^ self.nested(item).map_or(0, nested_sum);
        if happens(self.seed, item, 2, self.fails) { Act::Fail(value) } else { Act::Value(value) }
    }

    pub(super) fn rounds_of(&self, item: u64) -> u64 {
        if happens(self.seed, item, 3, 16) { self.slow_rounds } else { self.rounds }
    }

    /// How many items it maps on the pool, and what by.
    pub(super) fn nested(&self, item: u64) -> Option<u64> {
        happens(self.seed, item, 4, self.nests).then(|| draw(self.seed, item, 5) % 20)
    }

    pub(super) fn is_bomb(&self, item: u64) -> bool {
        happens(self.seed, item, 6, self.bombs)
    }

    /// How large an item says it is.
    pub(super) fn size(&self, item: u64) -> usize {
        (draw(self.seed, item, 7) % 2_000) as usize
    }
}

/// What nested calls over this many items give.
pub(super) fn nested_sum(items: u64) -> u64 {
    (0..items).map(nested_value).fold(0, u64::wrapping_add)
}

pub(super) fn nested_value(item: u64) -> u64 {
    xorshift(item, 20)
}

/// What a consumer got by one call.
pub(super) enum Got {
    Result(Act, u64),
    Thrown(Thrown),
    CallLate(u64),
    ItemLate(u64),
    End,
}

/// The result of a function, with the number of its item.
pub(super) type Ret = Result<(u64, Value), (u64, Value)>;

/// What is made of a result by the wrappers of an imap.
pub(super) trait Outcome: Send {
    fn got(self) -> Got;
}

impl Outcome for Ret {
    fn got(self) -> Got {
        match self {
            Ok((item, value)) => Got::Result(Act::Value(value.defuse()), item),
            Err((item, value)) => Got::Result(Act::Fail(value.defuse()), item),
        }
    }
}

impl Outcome for Result<Ret, Panic> {
    fn got(self) -> Got {
        self.map_or_else(|panic| Got::Thrown(Thrown::of(panic.into_payload())), Outcome::got)
    }
}

impl Outcome for Result<Ret, TimedOut> {
    fn got(self) -> Got {
        self.map_or_else(|late| Got::ItemLate(late.index()), Outcome::got)
    }
}

/// What the sequential code gives: what becomes of each item, and whether the input panics after them.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub items: Vec<Act>,
    pub panics: Option<u64>,
}

impl Expected {
    pub(super) fn of(plan: &Plan) -> Expected {
        let input = &plan.input;
        let panics = input.panics_at.filter(|at| *at <= input.items);
        let end = panics.unwrap_or(input.items);
        Expected {
            items: (0..end).map(|item| plan.work.act(item)).collect(),
            panics: panics.map(|at| at + OF_INPUT),
        }
    }

    /// Of the second stage, whose items are the values of the first one.
    pub(super) fn of_chain(first: &Plan, second: &Plan) -> Expected {
        let of_first = Expected::of(first);
        let panic = of_first.items.iter().find_map(|act| match act {
            Act::Panic(item) => Some(*item),
            _ => None,
        });
        let end = panic.unwrap_or(of_first.items.len() as u64);
        let items = (0..end).map(|item| second.work.act(item)).collect();
        Expected { items, panics: panic.or(of_first.panics) }
    }
}

/// Compares what comes with what is expected.
pub(super) struct Check<'a> {
    plan: &'a Plan,
    expected: Expected,
    ledger: &'a Ledger,
    /// The iteration may end early: set before it is cancelled.
    cancelled: &'a AtomicBool,
    terminated: &'a AtomicBool,
    /// How many results came, or were given up.
    at: u64,
    /// Without order: whose results came.
    seen: BTreeSet<u64>,
    failed: bool,
    input_panicked: bool,
    /// The pool said that it was terminated.
    told: bool,
    ended: bool,
    /// How many bytes the items had whose results came.
    bytes: u64,
}

impl<'a> Check<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        expected: Expected,
        ledger: &'a Ledger,
        cancelled: &'a AtomicBool,
        terminated: &'a AtomicBool,
    ) -> Check<'a> {
        let seen = BTreeSet::new();
        Check {
            plan,
            expected,
            ledger,
            cancelled,
            terminated,
            at: 0,
            seen,
            failed: false,
            input_panicked: false,
            told: false,
            ended: false,
            bytes: 0,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many results came, or were given up.
    pub(super) fn received(&self) -> u64 {
        self.at
    }

    /// What came. Returns whether the iteration goes on.
    pub(super) fn got(&mut self, got: Got) -> bool {
        if self.ended {
            self.fault("something comes after the end");
        }
        match got {
            Got::Result(act, item) => self.took(item, act),
            Got::Thrown(Thrown::Number(item))
                if Some(item) == self.expected.panics && !self.input_panicked =>
            {
                self.input_panicked = true;
                self.check_all_came("before the panic of the input");
            }
            Got::Thrown(Thrown::Number(item)) => self.took(item, Act::Panic(item)),
            Got::Thrown(Thrown::Cancelled) if self.terminated.load(Ordering::SeqCst) => self.took_cancelled(),
            Got::Thrown(Thrown::Cancelled) => self.fault("Cancelled, though the pool was not terminated"),
            Got::Thrown(Thrown::Other(text)) => self.fault(&format!("a panic that no item has: {text}")),
            Got::ItemLate(item) => self.item_late(item),
            Got::CallLate(item) => self.call_late(item),
            Got::End => {
                self.check_end();
                self.ended = true;
            }
        }
        !self.ended
    }

    /// An item's nested call may have been cancelled, or this imap.
    fn took_cancelled(&mut self) {
        self.at += 1;
        self.told = true;
        // Without an index there is no size: as many as could be.
        self.bytes = u64::MAX >> 1;
    }

    fn took(&mut self, item: u64, act: Act) {
        let place = self.at;
        self.at += 1;
        if self.is_past_failure() && !self.plan.settings.unordered {
            self.fault(&format!("item {item} comes behind a failure"));
        }
        match self.expected.items.get(item as usize) {
            Some(expected) if *expected == act => {}
            expected => self.fault(&format!("item {item} gave {act:?} instead of {expected:?}")),
        }
        self.place(item, place);
        self.failed |= match self.plan.results {
            Results::Plain => matches!(act, Act::Fail(_)),
            Results::Caught => matches!(act, Act::Panic(_)),
            Results::ItemLimit(_) => false,
        };
    }

    fn place(&mut self, item: u64, place: u64) {
        self.bytes += self.plan.work.size(item) as u64;
        if self.plan.settings.unordered {
            if !self.seen.insert(item) {
                self.fault(&format!("item {item} comes twice"));
            }
        } else if item != place {
            self.fault(&format!("item {item} comes at place {place}"));
        }
    }

    fn item_late(&mut self, item: u64) {
        let place = self.at;
        self.at += 1;
        if !matches!(self.plan.results, Results::ItemLimit(limit) if limit < super::scenario::FOREVER) {
            self.fault(&format!("item {item} is late, without a limit"));
        }
        self.place(item, place);
        self.failed = true;
    }

    fn call_late(&mut self, item: u64) {
        if !matches!(self.plan.call, Call::Limit { limit, .. } if limit < super::scenario::FOREVER) {
            self.fault("a call is late, without a limit");
        }
        if !self.plan.settings.unordered && item != self.at {
            self.fault(&format!("the call for item {} says that item {item} is late", self.at));
        }
    }

    /// The item that was late has been given up.
    pub(super) fn gave_up(&mut self) {
        self.at += 1;
    }

    fn is_past_failure(&self) -> bool {
        self.failed && self.plan.settings.fail_fast
    }

    fn check_end(&mut self) {
        let may_end = self.cancelled.load(Ordering::SeqCst) || self.is_past_failure();
        if may_end || self.told {
            return;
        }
        self.check_all_came("before the end");
        if self.expected.panics.is_some() && !self.input_panicked {
            self.fault("the panic of the input is missing");
        }
    }

    fn check_all_came(&self, when: &str) {
        let (came, all) = (self.at, self.expected.items.len() as u64);
        if came < all && !self.is_past_failure() && !self.told {
            self.fault(&format!("only {came} of {all} items came {when}"));
        }
    }

    pub(super) fn fault(&self, what: &str) {
        self.ledger.note(what);
    }
}
