//! Standard input and output whose errors are told.
//!
//! std hides two kinds of errors, so that a program reads an empty input, or writes to nowhere, and ends with status 0:
//!
//! - A stream that was closed when the program began (`program <&-`). std opens `/dev/null` in its place before `main`,
//!   and nothing tells this `/dev/null` from one that was meant. So `look` runs before that.
//! - A standard input that cannot be read, or a standard output that cannot be written (`program 0>file`). Its error,
//!   `EBADF`, counts as the end of the input, or as written. So the streams are files here, whose errors std passes on.

use std::io::{self, Read, Write};

/// Standard input, without a buffer.
///
/// # Errors
///
/// It was closed when the program began.
pub fn stdin() -> io::Result<impl Read + Send + 'static> {
    system::stdin()
}

/// Standard output, without a buffer.
///
/// # Errors
///
/// It was closed when the program began.
pub fn stdout() -> io::Result<impl Write + Send + 'static> {
    system::stdout()
}

#[cfg(unix)]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsFd;
    use std::sync::atomic::{AtomicBool, Ordering};

    static STDIN_CLOSED: AtomicBool = AtomicBool::new(false);
    static STDOUT_CLOSED: AtomicBool = AtomicBool::new(false);

    /// The error of a descriptor that is not open, which has this number on every Unix.
    const EBADF: i32 = 9;

    /// Notes which streams are closed. `unsafe` says that this uses nothing that std sets up before `main`: the streams are
    /// made when they are asked for, and the rest is system calls and two atomics.
    #[ctor::ctor(unsafe)]
    fn look() {
        STDIN_CLOSED.store(is_closed(io::stdin()), Ordering::Relaxed);
        STDOUT_CLOSED.store(is_closed(io::stdout()), Ordering::Relaxed);
    }

    fn is_closed(stream: impl AsFd) -> bool {
        stream.as_fd().try_clone_to_owned().is_err_and(|error| error.raw_os_error() == Some(EBADF))
    }

    pub fn stdin() -> io::Result<File> {
        open(io::stdin(), &STDIN_CLOSED)
    }

    pub fn stdout() -> io::Result<File> {
        open(io::stdout(), &STDOUT_CLOSED)
    }

    fn open(stream: impl AsFd, closed: &AtomicBool) -> io::Result<File> {
        if closed.load(Ordering::Relaxed) {
            return Err(io::Error::other("it is closed"));
        }
        stream.as_fd().try_clone_to_owned().map(File::from)
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;

    pub fn stdin() -> io::Result<io::Stdin> {
        Ok(io::stdin())
    }

    pub fn stdout() -> io::Result<io::Stdout> {
        Ok(io::stdout())
    }
}
