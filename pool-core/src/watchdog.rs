//! Makes a hang a failure.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long a test may take. Some hundred times what it does take, since test machines are noisy.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Runs `body` on a thread of its own and returns what it returns.
///
/// # Panics
///
/// With the panic of `body`; or with a message if it has not ended within `limit`. Its thread is then
/// left behind.
pub fn within<R: Send + 'static>(limit: Duration, body: impl FnOnce() -> R + Send + 'static) -> R {
    let (send, receive) = mpsc::channel();
    let thread = thread::spawn(move || {
        let result = body();
        // After the limit no thread listens.
        let _ = send.send(result);
    });
    match receive.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("it hangs: no end after {limit:?}"),
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(payload) => std::panic::resume_unwind(payload),
            Ok(()) => unreachable!("the body sends before it ends"),
        },
    }
}
