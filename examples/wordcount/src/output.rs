//! Lines to standard output, failures to standard error, and a progress bar.

use crate::input::Name;
use example_common::tell;
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::mpsc::Receiver;

pub struct Output<W: Write> {
    names: Receiver<Name>,
    lines: BufWriter<W>,
    bar: Option<ProgressBar>,
    words: u64,
    all_read: bool,
}

impl<W: Write> Output<W> {
    /// Shows a bar if standard error is a terminal and standard output is not, so that lines do not mix with the bar.
    pub fn new(stdout: W, names: Receiver<Name>) -> Output<W> {
        let bar = (io::stderr().is_terminal() && !io::stdout().is_terminal()).then(|| {
            let template = "{spinner} {pos} files, {per_sec}";
            ProgressBar::new_spinner()
                .with_style(ProgressStyle::with_template(template).expect("the template is valid"))
        });
        Output { names, lines: BufWriter::new(stdout), bar, words: 0, all_read: true }
    }

    /// Prints the number of words of the next file.
    pub fn line(&mut self, words: u64) -> io::Result<()> {
        self.words += words;
        if let Some(name) = self.next_name() {
            writeln!(self.lines, "{words:>8} {}", name.display())?;
        }
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
        Ok(())
    }

    /// Prints that the next file could not be counted.
    pub fn failure(&mut self, error: &dyn Display) -> io::Result<()> {
        self.lines.flush()?;
        if let Some(name) = self.next_name() {
            self.tell(&format!("{}: {error}", name.display()));
        }
        Ok(())
    }

    /// Prints failures that are left, and the total. Returns whether all files were counted.
    pub fn finish(mut self) -> io::Result<bool> {
        // Only failures behind the last file are left.
        let _ = self.next_name();
        writeln!(self.lines, "{:>8} total", self.words)?;
        self.lines.flush()?;
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        Ok(self.all_read)
    }

    /// Prints failures before the next result, and returns the name of its file.
    fn next_name(&mut self) -> Option<PathBuf> {
        loop {
            match self.names.try_recv().ok()? {
                Name::Counted(path) => return Some(path),
                Name::Failed(failure) => self.tell(&failure),
            }
        }
    }

    fn tell(&mut self, failure: &str) {
        self.all_read = false;
        tell(format_args!("wordcount: {failure}"));
    }
}
