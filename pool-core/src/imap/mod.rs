//! `imap`: from the iterator that the user holds down to the engine.
//!
//! Reading order:
//!
//! - [`iter`] is the iterator, and [`settings`], [`timeout`], [`item_timeout`], [`stream`], [`catch_panics`],
//!   [`enumerated`] and [`cancel`] are its methods; [`place`] and [`build`] say how it comes to be;
//! - [`results`] drives the iteration, and [`adapted`] is what stands in its place where items are something else;
//! - [`engine`] is the protocol between the pool's threads and the consumer;
//! - [`policy`] is every number that is measured or guessed.
//!
//! Begin with the engine.

mod adapted;
mod build;
mod cancel;
mod catch_panics;
#[allow(missing_debug_implementations, reason = "it cannot be named outside what is `pub` here")]
mod engine;
mod enumerated;
mod item_timeout;
mod iter;
mod place;
mod policy;
#[cfg(feature = "progress")]
mod progress;
mod results;
mod settings;
#[cfg(feature = "stream")]
mod stream;
mod timeout;

pub use cancel::CancelToken;
pub use engine::ImapStats;
pub(crate) use engine::{Control, Held};
pub use enumerated::Enumerated;
pub use item_timeout::ItemTimeout;
pub use iter::Imap;
pub use place::{Local, Place, Pooled};
pub(crate) use policy::BatchLen;
pub use policy::MAX_DEFAULT_WINDOW_PER_THREAD;
#[cfg(feature = "progress")]
pub use progress::Progress;
#[cfg(feature = "stream")]
pub use stream::ImapStream;
pub use timeout::Timeout;
