//! The worker's side: functions by name.

use crate::frame::Outcome;
use crate::task::{Identity, Task};
use crate::unwind::{catch, drop_quietly};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Runs the function for an encoded item, and appends the outcome. A result above the limit is none.
pub type Function = Arc<dyn Fn(&[u8], u64, &mut Vec<u8>) + Send + Sync>;

/// The functions that a worker offers, by the fingerprints of their tasks.
#[derive(Default)]
pub struct Functions(BTreeMap<String, Offer>);

/// A task that a worker offers.
#[derive(Clone)]
pub struct Offer {
    task: Identity,
    function: Function,
}

impl Functions {
    /// Offers one more.
    ///
    /// # Panics
    ///
    /// If the same task is offered twice.
    #[track_caller]
    pub fn add<I, T, F>(&mut self, task: Task<I, T>, function: F)
    where
        I: DeserializeOwned,
        T: Serialize,
        F: Fn(I) -> T + Send + Sync + 'static,
    {
        let identity = task.identity();
        let function = move |item: &[u8], limit: u64, outcomes: &mut Vec<u8>| {
            call(&function, item, limit, outcomes);
        };
        let offer = Offer { task: identity.clone(), function: Arc::new(function) };
        let before = self.0.insert(identity.fingerprint, offer);
        assert!(before.is_none(), "the task {} is offered twice", identity.description);
    }

    /// The offer of this fingerprint.
    pub fn get(&self, fingerprint: &str) -> Option<&Offer> {
        self.0.get(fingerprint)
    }

    /// All of them, in the order of their fingerprints.
    pub fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.0.values()
    }
}

impl Offer {
    /// Which task it is.
    pub fn task(&self) -> &Identity {
        &self.task
    }

    /// The function.
    pub fn function(&self) -> Function {
        self.function.clone()
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.values()).finish()
    }
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.task.description)
    }
}

/// The function for one item. Whatever it does, there is an outcome.
fn call<I, T>(function: &impl Fn(I) -> T, item: &[u8], limit: u64, outcomes: &mut Vec<u8>)
where
    I: DeserializeOwned,
    T: Serialize,
{
    // Decoding and encoding run the user's code, too.
    let result = catch(|| {
        let item = postcard::from_bytes(item).map_err(|error| Failure::Decode(error.to_string()))?;
        let value = function(item);
        let mut bytes = Vec::new();
        bytes = postcard::to_extend(&value, bytes).map_err(|error| Failure::Encode(error.to_string()))?;
        Ok(bytes)
    });
    let outcome = match &result {
        Ok(Ok(bytes)) if bytes.len() as u64 > limit => Outcome::TooLarge { size: bytes.len() as u64, limit },
        Ok(Ok(bytes)) => Outcome::Ok(bytes),
        Ok(Err(Failure::Decode(why))) => Outcome::Decode(why),
        Ok(Err(Failure::Encode(why))) => Outcome::Encode(why),
        Err(payload) => Outcome::Panicked(message(payload.as_ref())),
    };
    outcome.push(outcomes);
    // A payload may panic in its destructor.
    drop_quietly(result);
}

enum Failure {
    Decode(String),
    Encode(String),
}

/// What was said, at most 16 KiB of it.
fn message(payload: &(dyn Any + Send)) -> &str {
    let string = payload.downcast_ref::<String>().map(String::as_str);
    let text = string.or_else(|| payload.downcast_ref::<&'static str>().copied());
    let text = text.unwrap_or("a payload that is not a string");
    let mut end = text.len().min(16 * 1024);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
