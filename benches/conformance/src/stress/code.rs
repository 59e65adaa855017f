//! The code of the user: an input and a function that pause, panic, lie, and use the pool.

use super::oracle::{Act, OF_INPUT, Ret, happens, nested_sum, nested_value};
use super::scenario::{Hint, Pause, Plan};
use super::values::{Kind, Ledger, Value};
use super::watch::Watch;
use crate::subject::AnyPool;
use pool_core::work::xorshift;
use pool_core::{Cancelled, Executor, JobError};
use std::hint::black_box;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

impl Pause {
    pub(super) fn take(&self, seed: u64, item: u64) {
        if happens(seed, item, 8, self.odds) {
            match self.micros {
                0 => thread::yield_now(),
                micros => thread::sleep(Duration::from_micros(micros)),
            }
        }
    }
}

/// The input.
pub(super) struct Source {
    plan: Arc<Plan>,
    watch: Arc<Watch>,
    ledger: Ledger,
    next: u64,
    bytes: u64,
    _value: Value,
}

impl Source {
    pub(super) fn new(plan: &Arc<Plan>, watch: &Arc<Watch>, ledger: &Ledger) -> Source {
        let value = Value::new(ledger, Kind::Input, 0, plan.input.bomb);
        let (plan, watch) = (plan.clone(), watch.clone());
        Source { plan, watch, ledger: ledger.clone(), next: 0, bytes: 0, _value: value }
    }
}

impl Iterator for Source {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        let (item, input) = (self.next, &self.plan.input);
        self.watch.check_pull(item, self.bytes);
        if let Some(behind) = input.awaits {
            self.watch.wait_for(item.saturating_sub(behind));
        }
        input.pause.take(self.plan.work.seed, item);
        self.next += 1;
        if input.panics_at == Some(item) {
            Value::new(&self.ledger, Kind::Payload, item + OF_INPUT, self.plan.work.is_bomb(item)).throw();
        }
        self.bytes += self.plan.work.size(item) as u64;
        (item < input.items).then(|| Value::new(&self.ledger, Kind::Item, item, self.plan.work.is_bomb(item)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.plan.input.items.saturating_sub(self.next) as usize;
        match self.plan.input.hint {
            Hint::Exact => (left, Some(left)),
            Hint::None => (0, None),
            Hint::TooLow => (left / 2, Some(left / 2)),
            Hint::TooHigh => (left + 10, Some(2 * left + 20)),
            Hint::Huge => (usize::MAX, Some(usize::MAX)),
        }
    }
}

/// What the function holds.
pub(super) struct Body {
    plan: Arc<Plan>,
    watch: Arc<Watch>,
    ledger: Ledger,
    pool: Arc<AnyPool>,
    _value: Value,
}

impl Body {
    pub(super) fn new(plan: &Arc<Plan>, watch: &Arc<Watch>, ledger: &Ledger, pool: &Arc<AnyPool>) -> Body {
        let value = Value::new(ledger, Kind::Function, 0, plan.work.is_bomb(u64::MAX));
        Body {
            plan: plan.clone(),
            watch: watch.clone(),
            ledger: ledger.clone(),
            pool: pool.clone(),
            _value: value,
        }
    }

    /// The state of a thread at work.
    pub(super) fn state(&self) -> Value {
        Value::new(&self.ledger, Kind::State, 0, self.plan.work.is_bomb(1 << 50))
    }

    /// What makes such a state, without the function.
    pub(super) fn init(&self) -> impl Fn() -> Value + Send + Sync + use<> {
        let (ledger, bomb) = (self.ledger.clone(), self.plan.work.is_bomb(1 << 50));
        move || Value::new(&ledger, Kind::State, 0, bomb)
    }

    /// The function.
    pub(super) fn run(&self, item: Value) -> Ret {
        // First, or a panic below would meet one of the item's.
        let item = item.defuse();
        let work = &self.plan.work;
        let _running = self.watch.begin(item);
        if work.cancels_at == Some(item) {
            self.watch.cancel();
        }
        work.pause.take(work.seed, item);
        black_box(xorshift(item, work.rounds_of(item)));
        let act = work.act(item);
        if let (Act::Value(_) | Act::Fail(_), Some(count)) = (act, work.nested(item)) {
            self.nest(item, count);
        }
        let new = |number| {
            let mut value = Value::new(&self.ledger, Kind::Result, number, work.is_bomb(item));
            value.bytes = vec![1; work.large];
            (item, value)
        };
        match act {
            Act::Value(number) => Ok(new(number)),
            Act::Fail(number) => Err(new(number)),
            Act::Panic(_) => Value::new(&self.ledger, Kind::Payload, item, work.is_bomb(item)).throw(),
        }
    }

    /// Uses the pool inside an item.
    fn nest(&self, item: u64, count: u64) {
        let pool = &self.pool;
        let sum = match item % 6 {
            0 => total(pool.imap(0..count, nested_value)),
            1 => total((**pool).map(0..count, nested_value)),
            2 => total(pool.imap(0..count, nested_value).window(2).chunk(3)),
            3 => joined(pool, count),
            4 => pool.scope(|s| total(s.imap(0..count, nested_value).unordered())),
            _ => deeper(pool, count),
        };
        if sum != nested_sum(count) {
            self.ledger.note(format!("P8: item {item}: nested calls over {count} items gave {sum}"));
        }
    }
}

fn total(values: impl IntoIterator<Item = u64>) -> u64 {
    values.into_iter().fold(0, u64::wrapping_add)
}

/// A job for each item, and an imap that is dropped on the way.
fn joined(pool: &Arc<AnyPool>, count: u64) -> u64 {
    let jobs: Vec<_> = (0..count).map(|item| pool.submit(move || nested_value(item))).collect();
    let _ = pool.imap(0.., nested_value).nth(3);
    total(jobs.into_iter().map(|job| match job.join() {
        Ok(value) => value,
        Err(JobError::Cancelled) => resume_unwind(Box::new(Cancelled)),
        Err(JobError::Panicked(panic)) => panic.resume(),
        Err(error) => panic!("{error}"),
    }))
}

/// An imap in each item of an imap.
fn deeper(pool: &Arc<AnyPool>, count: u64) -> u64 {
    let inner = pool.clone();
    let one = move |item| total(inner.imap(item..item + 1, nested_value));
    total(pool.clone().into_imap(0..count, one))
}
