//! Lines to standard output, messages to standard error, and a progress bar that keeps out of their way.

use crate::hash::Sum;
use crate::input::{Entry, Failure};
use indicatif::{HumanBytes, ProgressBar, ProgressState, ProgressStyle};
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a line may wait for others to be written together with it.
pub const FLUSH_AFTER: Duration = Duration::from_millis(50);

/// How many bytes may wait.
const FULL: usize = 32 * 1024;

/// Where the results go.
///
/// Lines are gathered here and not in a `BufWriter`, which would write when it is full: on a terminal the
/// bar must step aside first.
#[derive(Debug)]
pub struct Output<W> {
    stdout: W,
    lines: Vec<u8>,
    flushed: Instant,
    progress: Progress,
}

impl<W: Write> Output<W> {
    pub fn new(stdout: W, progress: Progress) -> Output<W> {
        Output { stdout, lines: Vec::with_capacity(2 * FULL), flushed: Instant::now(), progress }
    }

    /// Writes one line as `sha256sum` does.
    pub fn line(&mut self, sum: &Sum, name: &Path) -> io::Result<()> {
        push_line(&mut self.lines, sum, name);
        self.progress.done();
        if self.lines.len() >= FULL || self.flushed.elapsed() >= FLUSH_AFTER {
            self.flush()?;
        }
        Ok(())
    }

    /// Says what could not be read. The lines before it go first, in case both end in the same place.
    pub fn failure(&mut self, failure: &Failure) -> io::Result<()> {
        self.flush()?;
        self.progress.done();
        let mut message = b"checksums: ".to_vec();
        push_escaped(&mut message, &bytes(&failure.name));
        message.extend_from_slice(b": ");
        message.extend_from_slice(reason(&failure.error).as_bytes());
        message.push(b'\n');
        self.tell(&message);
        Ok(())
    }

    /// Says something to the user, on standard error.
    pub fn message(&self, message: &str) {
        self.tell(message.as_bytes());
    }

    fn tell(&self, message: &[u8]) {
        // If standard error does not work, there is nowhere left to say so.
        self.progress.suspend(|| {
            let _ = io::stderr().write_all(message);
        });
    }

    /// Hands over the lines that wait.
    pub fn flush(&mut self) -> io::Result<()> {
        if !self.lines.is_empty() {
            self.progress.suspend(|| self.stdout.write_all(&self.lines))?;
            self.lines.clear();
        }
        self.flushed = Instant::now();
        Ok(())
    }
}

impl<W> Drop for Output<W> {
    fn drop(&mut self) {
        if let Some(bar) = &self.progress.bar {
            bar.finish_and_clear();
        }
    }
}

/// `<hex>  <name>`. A name with a backslash or an end of line in it is escaped, which a backslash before
/// the sum announces.
fn push_line(line: &mut Vec<u8>, sum: &Sum, name: &Path) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let name = bytes(name);
    if name.iter().any(|byte| matches!(byte, b'\\' | b'\n' | b'\r')) {
        line.push(b'\\');
    }
    for byte in sum {
        line.push(HEX[usize::from(byte >> 4)]);
        line.push(HEX[usize::from(byte & 15)]);
    }
    line.extend_from_slice(b"  ");
    push_escaped(line, &name);
    line.push(b'\n');
}

fn push_escaped(line: &mut Vec<u8>, name: &[u8]) {
    for &byte in name {
        match byte {
            b'\\' => line.extend_from_slice(b"\\\\"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            _ => line.push(byte),
        }
    }
}

#[cfg(unix)]
fn bytes(name: &Path) -> Cow<'_, [u8]> {
    use std::os::unix::ffi::OsStrExt;
    Cow::Borrowed(name.as_os_str().as_bytes())
}

#[cfg(not(unix))]
fn bytes(name: &Path) -> Cow<'_, [u8]> {
    Cow::Owned(name.to_string_lossy().into_owned().into_bytes())
}

/// The system's message for an error, without the number that std appends.
pub fn reason(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(at) = text.rfind(" (os error ") {
        text.truncate(at);
    }
    text
}

/// The progress, for a person at a terminal. Clones share it.
#[derive(Debug, Clone)]
pub struct Progress {
    bar: Option<ProgressBar>,
    bytes: Arc<AtomicU64>,
}

/// The style of the bar while the walk goes on, and the one when the number of files is known.
const STYLES: [&str; 2] =
    ["{spinner} {pos} files, {read}", "{bar:30} {pos}/{len} files, {read}, {eta} to go"];

impl Progress {
    /// Shows a bar if standard error is a terminal.
    ///
    /// There is none if standard output is a pipe: the program at its other end may write to the same terminal, and
    /// would write into the bar.
    pub fn new() -> Progress {
        let bar = (io::stderr().is_terminal() && !stdout_is_pipe()).then(ProgressBar::no_length);
        let progress = Progress { bar, bytes: Arc::default() };
        if let Some(bar) = &progress.bar {
            bar.set_style(progress.style(STYLES[0]));
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        progress
    }

    /// Passes on what the walk finds. At its end the bar has a total.
    pub fn count(self, entries: impl Iterator<Item = Entry> + Send) -> impl Iterator<Item = Entry> + Send {
        let (mut entries, mut total) = (entries.fuse(), 0);
        std::iter::from_fn(move || {
            let entry = entries.next();
            match (&entry, &self.bar) {
                (Some(_), _) => total += 1,
                (None, Some(bar)) => {
                    bar.set_length(total);
                    bar.set_style(self.style(STYLES[1]));
                }
                (None, None) => {}
            }
            entry
        })
    }

    fn style(&self, template: &str) -> ProgressStyle {
        let bytes = self.bytes.clone();
        ProgressStyle::with_template(template).expect("the template is valid").with_key(
            "read",
            move |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                let bytes = bytes.load(Ordering::Relaxed);
                let rate = (bytes as f64 / state.elapsed().as_secs_f64()) as u64;
                let _ = write!(text, "{} read, {}/s", HumanBytes(bytes), HumanBytes(rate));
            },
        )
    }

    /// Counts bytes that have been read.
    pub fn read(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts a file that has been reported.
    fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

#[cfg(unix)]
fn stdout_is_pipe() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;
    let file = io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from);
    let kind = file.and_then(|file| file.metadata()).map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket())
}

#[cfg(not(unix))]
fn stdout_is_pipe() -> bool {
    !io::stdout().is_terminal()
}
