//! What travels instead of a function: its name and its two types.

use sha2::{Digest, Sha256};
use std::any::type_name;
use std::fmt::{self, Write};
use std::marker::PhantomData;

/// Part of every fingerprint: builds whose frames differ do not see each other's tasks.
const FRAMES: u32 = 2;

/// The name of a function from `I` to `T` that worker programs offer, and master programs call.
///
/// A closure cannot travel to another process, so both programs name the function, best with one constant that they
/// share. Name, version and the names of both types go into a fingerprint. A worker sees the items of a task only if
/// its own fingerprint is the same, so two builds that mean different things by one name do not meet.
///
/// The fingerprint knows the *names* of the types, not what is in them. If a field of a struct changes, or what the
/// function means, then give the task the next [`version`](Task::version).
///
/// Items and results travel with `postcard`, so both types are `serde`'s `Serialize` and `Deserialize`. `postcard`
/// writes no names of fields: `#[serde(skip_serializing_if)]`, `flatten`, `untagged` and formats that describe
/// themselves, as `serde_json::Value`, do not work with it.
///
/// ```
/// use pool_remote::Task;
///
/// pub const WORDS: Task<String, u64> = Task::named("words");
/// pub const THUMBNAIL: Task<Vec<u8>, Result<Vec<u8>, String>> = Task::named("thumbnail").version(2);
/// assert_eq!(THUMBNAIL.to_string(), "thumbnail, version 2");
/// ```
pub struct Task<I, T> {
    name: &'static str,
    version: u32,
    types: PhantomData<fn(I) -> T>,
}

impl<I, T> Task<I, T> {
    /// A task with this name, version 1.
    pub const fn named(name: &'static str) -> Task<I, T> {
        Task { name, version: 1, types: PhantomData }
    }

    /// The same with another version. Workers of other versions do not see its items.
    pub const fn version(mut self, version: u32) -> Task<I, T> {
        self.version = version;
        self
    }

    /// The task without its types.
    pub fn identity(&self) -> Identity {
        let mut hash = Sha256::new();
        let version = self.version.to_string();
        for part in [&FRAMES.to_string(), self.name, &version, type_name::<I>(), type_name::<T>()] {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut fingerprint = String::new();
        for byte in &hash.finalize()[..12] {
            let _ = write!(fingerprint, "{byte:02x}");
        }
        Identity {
            fingerprint,
            name: self.name,
            description: format!("{self} ({} -> {})", type_name::<I>(), type_name::<T>()),
        }
    }
}

impl<I, T> Clone for Task<I, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, T> Copy for Task<I, T> {}

impl<I, T> fmt::Display for Task<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, version {}", self.name, self.version)
    }
}

impl<I, T> fmt::Debug for Task<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Task").field(&self.identity().description).finish()
    }
}

/// A task without its types.
#[derive(Debug, Clone)]
pub struct Identity {
    /// 24 hexadecimal digits: a token of a subject.
    pub fingerprint: String,
    /// Its name alone.
    pub name: &'static str,
    /// For messages: name, version and types.
    pub description: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_version_or_type_is_another_task() {
        let words: Task<String, u64> = Task::named("words");
        let fingerprint = words.identity().fingerprint;
        assert_eq!(fingerprint, words.version(1).identity().fingerprint);
        assert_eq!(fingerprint.len(), 24);
        let others = [
            Task::<String, u64>::named("word").identity(),
            words.version(2).identity(),
            Task::<Vec<u8>, u64>::named("words").identity(),
            Task::<String, u32>::named("words").identity(),
        ];
        assert!(others.iter().all(|other| other.fingerprint != fingerprint));
    }
}
