//! `imap`: from the iterator that the user holds down to the engine.
//!
//! Reading order:
//!
//! - [`iter`] is the iterator, and [`settings`], [`timeout`], [`item_timeout`], [`stream`], [`catch_panics`],
//!   [`fail_fast`], [`window_bytes`], [`numbered`] and [`cancel`] are its methods; [`input`] says what it takes, and [`build`] how it comes
//!   to be; [`sink`] and [`stream_input`] are imaps whose items come from the caller;
//! - [`place`] is what it hands its results out of, and [`controls`] what can be done with it whatever they are;
//! - [`results`] drives the iteration, and [`no_item`](crate::no_item) tells how it ended to the next stage of a chain;
//! - [`engine`] is the protocol between the pool's threads and the consumer;
//! - [`policy`] is every number that is measured or guessed.
//!
//! Begin with the engine.

mod build;
mod cancel;
mod catch_panics;
mod controls;
mod current;
#[allow(missing_debug_implementations, reason = "it cannot be named outside what is `pub` here")]
mod engine;
mod fail_fast;
mod input;
mod item_timeout;
mod iter;
mod numbered;
mod place;
mod policy;
#[cfg(feature = "progress")]
mod progress;
mod results;
mod settings;
mod sink;
#[cfg(feature = "stream")]
mod stream;
#[cfg(feature = "stream")]
mod stream_input;
mod timeout;
mod window_bytes;
mod wrapper;

pub use cancel::CancelToken;
pub use current::{Current, current};
pub use engine::{Budget, ImapStats, ItemTime};
pub(crate) use engine::{Control, ExecutorRef, enter_item};
pub use input::{Input, LocalInput};
pub use item_timeout::ItemTimeout;
pub use iter::Imap;
pub use place::{Local, Place, Pooled};
pub(crate) use policy::BatchLen;
pub use policy::MAX_DEFAULT_WINDOW_PER_THREAD;
pub use sink::{Outcome, Sink};
#[cfg(feature = "stream")]
pub use stream::ImapStream;
#[cfg(feature = "stream")]
pub use stream_input::StreamImap;
pub use timeout::Timeout;
pub use window_bytes::WithSizes;
