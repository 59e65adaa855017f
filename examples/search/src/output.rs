//! Standard output, to which the files come in turn, and the text of a file that waits for its turn.
//!
//! What a file prints has no bound: one line is found a million times, and its path stands before each. So a text that is
//! [full](TEXT) waits until all files before it have been printed, and goes on to standard output. Each item of the imap
//! holds at most [`Entry::size`](crate::walk::Entry::size) bytes, whatever is found.

use std::io::{self, Write};
use std::mem::{replace, take};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use termcolor::{Ansi, ColorSpec, WriteColor};

/// How many bytes of text a file may have before its turn.
pub const TEXT: usize = 32 * 1024;

/// How long a text may wait for others to be written together with it.
pub const LATE: Duration = Duration::from_millis(1);

/// The line between the texts of two files, where lines are printed with those around them.
const SEPARATOR: &[u8] = b"--\n";

/// Standard output. Only the file whose turn it is writes to it.
pub struct Output {
    state: Mutex<State>,
    /// For files that wait for their turn.
    next: Condvar,
    /// For the thread that hands over.
    changed: Condvar,
    /// Of each worker, the text of the file that it searches.
    texts: Mutex<Vec<Arc<Mutex<Waiting>>>>,
}

struct State {
    stdout: Box<dyn Write + Send>,
    /// Short texts, to be written together: to write each alone took longer than to find it.
    short: Vec<u8>,
    written: Instant,
    /// The index of the file whose turn it is.
    turn: u64,
    /// Of the last file that began its turn and was handed over. Its worker knows that it is its turn.
    handed_over: Option<u64>,
    /// How many files wait for their turn, and whether the thread that hands over has nothing to do. To notify is a system
    /// call, so it is done only then.
    waiting: usize,
    idle: bool,
    /// What is left out of the text of a file that begins with it, since nothing was printed before.
    left_out: &'static [u8],
    failure: Option<io::Error>,
}

impl Output {
    /// If the texts are separated, each begins with a line of `--`, and the first is printed without.
    pub fn new(stdout: impl Write + Send + 'static, separated: bool) -> Output {
        let left_out = if separated { SEPARATOR } else { b"" };
        let state = State {
            stdout: Box::new(stdout),
            short: Vec::new(),
            written: Instant::now(),
            turn: 0,
            handed_over: None,
            waiting: 0,
            idle: false,
            left_out,
            failure: None,
        };
        Output {
            state: Mutex::new(state),
            next: Condvar::new(),
            changed: Condvar::new(),
            texts: Mutex::default(),
        }
    }

    /// Writes the end of the text of the file whose turn it is. It is the next one's turn then.
    ///
    /// # Errors
    ///
    /// This could not be written, or what the file has written before.
    pub fn finish(&self, text: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        state.failure.take().map_or(Ok(()), Err)?;
        state.add(text)?;
        state.turn += 1;
        if state.waiting > 0 {
            self.next.notify_all();
        }
        if state.idle {
            self.changed.notify_all();
        }
        Ok(())
    }

    /// Writes what waits for more.
    ///
    /// # Errors
    ///
    /// As of [`finish`](Output::finish).
    pub fn flush(&self) -> io::Result<()> {
        let mut state = self.lock();
        state.failure.take().map_or(Ok(()), Err)?;
        state.flush()
    }

    /// Waits for the turn of this file, and writes.
    fn write(&self, index: u64, text: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        state.waiting += 1;
        let state = self.next.wait_while(state, |state| state.turn != index);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.add(text).and_then(|()| state.flush()).map_err(|error| {
            let kind = error.kind();
            state.failure = Some(error);
            kind.into()
        })
    }

    /// Writes what is late: texts that wait for more, and what the file whose turn it is has found. For a thread of its own,
    /// which comes [`LATE`] after each change; a limit for each result would cost as much as many a search.
    pub fn hand_over_late(&self) {
        loop {
            let mut state = self.lock();
            state.idle = true;
            let state = self.changed.wait_while(state, |state| state.is_handed_over());
            state.unwrap_or_else(PoisonError::into_inner).idle = false;
            sleep(LATE);
            if self.hand_over().is_err() {
                return;
            }
        }
    }

    /// An error is told by the next call of [`finish`](Output::finish).
    fn hand_over(&self) -> Result<(), ()> {
        let turn = self.lock().turn;
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        // A text that is locked may wait for its turn. It, and what no worker has begun, is found the next time.
        let text = texts.iter().filter_map(|text| text.try_lock().ok()).find(|text| text.index == turn);
        let mut state = self.lock();
        // It may have ended meanwhile. With the lock it cannot.
        let written = match text.filter(|text| text.index == state.turn) {
            Some(mut text) => {
                state.handed_over = Some(text.index);
                // Whole lines: the printer writes the one between two texts in two pieces.
                let whole = text.bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
                let rest = text.bytes.split_off(whole);
                state.add(&replace(&mut text.bytes, rest))
            }
            None => Ok(()),
        };
        written.and_then(|()| state.flush()).map_err(|error| state.failure = Some(error))
    }

    fn is_turn_of(&self, index: u64) -> bool {
        self.lock().turn == index
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_handed_over(&self) -> bool {
        self.short.is_empty() && self.handed_over == Some(self.turn)
    }

    fn add(&mut self, text: &[u8]) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let text = text.strip_prefix(take(&mut self.left_out)).unwrap_or(text);
        if self.short.len() + text.len() > TEXT {
            self.flush()?;
        }
        if text.len() > TEXT {
            return self.stdout.write_all(text);
        }
        self.short.extend_from_slice(text);
        if self.written.elapsed() < LATE { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.short.is_empty() {
            self.stdout.write_all(&self.short)?;
            self.short.clear();
        }
        self.written = Instant::now();
        Ok(())
    }
}

/// What is printed for a file. Clones share it: the printer writes to it while the reader looks at it.
#[derive(Clone)]
pub struct Text {
    output: Arc<Output>,
    colors: bool,
    waiting: Arc<Mutex<Waiting>>,
}

struct Waiting {
    index: u64,
    bytes: Vec<u8>,
}

impl Text {
    pub fn new(output: Arc<Output>, colors: bool) -> Text {
        let waiting = Arc::new(Mutex::new(Waiting { index: u64::MAX, bytes: Vec::new() }));
        output.texts.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&waiting));
        Text { output, colors, waiting }
    }

    /// Begins the text of this file.
    pub fn begin(&self, index: u64) {
        *self.waiting() = Waiting { index, bytes: Vec::new() };
    }

    /// Takes what has not been written.
    pub fn end(&self) -> Vec<u8> {
        take(&mut self.waiting().bytes)
    }

    /// Writes what is there, if the file's turn has come.
    pub fn hand_over(&self) -> io::Result<()> {
        let mut waiting = self.waiting();
        if !waiting.bytes.is_empty() && self.output.is_turn_of(waiting.index) {
            waiting.write_to(&self.output)?;
        }
        Ok(())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn write_to(&mut self, output: &Output) -> io::Result<()> {
        output.write(self.index, &self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}

impl Write for Text {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut waiting = self.waiting();
        if waiting.bytes.len() + text.len() > TEXT {
            waiting.write_to(&self.output)?;
        }
        if text.len() > TEXT {
            self.output.write(waiting.index, text)?;
        } else {
            waiting.bytes.extend_from_slice(text);
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteColor for Text {
    fn supports_color(&self) -> bool {
        self.colors
    }

    fn set_color(&mut self, color: &ColorSpec) -> io::Result<()> {
        if self.colors { Ansi::new(self).set_color(color) } else { Ok(()) }
    }

    fn reset(&mut self) -> io::Result<()> {
        if self.colors { Ansi::new(self).reset() } else { Ok(()) }
    }
}
