//! Values that are counted, and may panic when they are dropped; and the ledger, where faults are noted.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a value is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Item,
    Result,
    Payload,
    Input,
    Function,
    State,
}

const KINDS: [Kind; 6] = [Kind::Item, Kind::Result, Kind::Payload, Kind::Input, Kind::Function, Kind::State];

/// How many values of each kind are alive, and what went wrong. A clone is the same ledger.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Book>);

#[derive(Default)]
struct Book {
    alive: [AtomicI64; KINDS.len()],
    /// Each text once, with how often it was noted.
    faults: Mutex<BTreeMap<String, u64>>,
}

impl Ledger {
    pub(super) fn note(&self, fault: impl Into<String>) {
        *self.0.faults.lock().unwrap_or_else(PoisonError::into_inner).entry(fault.into()).or_default() += 1;
    }

    pub(super) fn faults(&self) -> Vec<String> {
        let faults = self.0.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.iter().map(|(fault, times)| format!("{fault} ({times} times)")).collect()
    }

    fn alive(&self, kind: Kind) -> &AtomicI64 {
        &self.0.alive[kind as usize]
    }

    /// Notes a fault for each kind of which a value is left after `limit`, or was dropped twice.
    pub(super) fn check_dropped(&self, limit: Duration) {
        let since = Instant::now();
        for kind in KINDS {
            while self.alive(kind).load(Ordering::SeqCst) != 0 && since.elapsed() < limit {
                thread::sleep(Duration::from_micros(50));
            }
            match self.alive(kind).load(Ordering::SeqCst) {
                0 => {}
                less if less < 0 => {
                    self.note(format!("{kind:?}: dropped more often than made, by {}", -less))
                }
                left => self.note(format!("{kind:?}: {left} values were never dropped")),
            }
        }
    }
}

/// A counted value with a number.
pub(super) struct Value {
    pub number: u64,
    kind: Kind,
    bomb: bool,
    ledger: Ledger,
    pub bytes: Vec<u8>,
}

/// The payload of the panic of a bomb.
pub(super) struct Boom;

impl Value {
    pub(super) fn new(ledger: &Ledger, kind: Kind, number: u64, bomb: bool) -> Value {
        ledger.alive(kind).fetch_add(1, Ordering::SeqCst);
        Value { number, kind, bomb, ledger: ledger.clone(), bytes: Vec::new() }
    }

    /// Drops it without harm, and gives its number.
    pub(super) fn defuse(mut self) -> u64 {
        self.bomb = false;
        self.number
    }

    /// Panics with this value as the payload. The panic hook says nothing.
    pub(super) fn throw(self) -> ! {
        resume_unwind(Box::new(self))
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.ledger.alive(self.kind).fetch_sub(1, Ordering::SeqCst);
        if self.bomb {
            resume_unwind(Box::new(Boom));
        }
    }
}

/// What a payload says.
pub(super) enum Thrown {
    /// A panic on purpose, with its number.
    Number(u64),
    /// The pool was terminated.
    Cancelled,
    /// It should not have been.
    Other(String),
}

impl Thrown {
    pub(super) fn of(payload: Box<dyn Any + Send>) -> Thrown {
        let payload = match payload.downcast::<Value>() {
            Ok(value) => return Thrown::Number(value.defuse()),
            Err(payload) => payload,
        };
        if payload.is::<pool_core::Cancelled>() {
            return Thrown::Cancelled;
        }
        if payload.is::<Boom>() {
            return Thrown::Other(String::from("a panic of a destructor came out"));
        }
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()));
        Thrown::Other(text.unwrap_or_else(|| String::from("a payload of an unknown type")))
    }
}
