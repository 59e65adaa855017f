//! Searching one file: what a thread of the pool does.

use crate::arguments::Arguments;
use crate::output::{Output, Text};
use crate::walk::{Entry, is_one_file};
use example_common::stdin;
use grep_printer::default_color_specs;
use grep_printer::{ColorSpecs, Standard, StandardBuilder, Summary, SummaryBuilder, SummaryKind};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder};
use pool_stealing::current;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// After how many bytes of a file that is long the lines that have been found are handed over before more is read.
const LONG: usize = 1 << 20;

/// So much of a file fits into a new searcher's buffer of 64 KiB, also as UTF-8 of what was UTF-16.
const FITS: usize = 32 * 1024;

/// What comes of an entry.
pub struct Found {
    /// What is still to be printed.
    pub text: Vec<u8>,
    /// Whether there was a match; or what to tell.
    pub matched: Result<bool, Message>,
}

/// A message for standard error.
pub struct Message {
    pub text: String,
    pub is_failure: bool,
}

/// The pattern, compiled.
///
/// # Errors
///
/// It is not a regular expression, or could match across lines.
pub fn matcher(arguments: &Arguments) -> Result<RegexMatcher, String> {
    let mut builder = RegexMatcherBuilder::new();
    builder.multi_line(true).line_terminator(Some(b'\n')).ban_byte(Some(0));
    builder.case_insensitive(arguments.ignore_case).word(arguments.word_regexp);
    builder.fixed_strings(arguments.fixed_strings);
    builder.build(&arguments.pattern).map_err(|error| error.to_string())
}

/// What a thread needs to search files. Each has one.
pub struct Worker {
    matcher: RegexMatcher,
    settings: SearcherBuilder,
    searcher: Searcher,
    printer: Printer,
    text: Text,
}

enum Printer {
    Lines(Standard<Text>),
    Summary(Summary<Text>),
}

impl Worker {
    pub fn new(arguments: &Arguments, matcher: RegexMatcher, output: Arc<Output>) -> Worker {
        let text = Text::new(output, arguments.has_colors());
        let mut settings = SearcherBuilder::new();
        let (before, after) = arguments.lines_around();
        settings.before_context(before).after_context(after).invert_match(arguments.invert_match);
        settings.line_number(arguments.has_line_numbers());
        let printer = Printer::new(arguments, text.clone());
        Worker { matcher, searcher: settings.build(), settings, printer, text }
    }

    /// Searches what the walk has come to.
    pub fn search(&mut self, entry: Entry) -> Found {
        self.text.begin(current().index().expect("this is the function of an imap"));
        let found = |path: &Path, matched: io::Result<bool>| {
            let failure = |error| format!("{}: {error}", path.display());
            matched.map_err(|error| Message { text: failure(error), is_failure: true })
        };
        let matched = match entry {
            Entry::File { path, named } => found(&path, self.search_file(&path, named)),
            Entry::Stdin => found(Path::new("standard input"), self.search_stdin()),
            Entry::Failure(text) => Err(Message { text, is_failure: true }),
            Entry::Warning(text) => Err(Message { text, is_failure: false }),
        };
        Found { text: self.text.end(), matched }
    }

    fn search_file(&mut self, path: &Path, named: bool) -> io::Result<bool> {
        self.search_reader(path, File::open(path)?, named)
    }

    fn search_stdin(&mut self) -> io::Result<bool> {
        self.search_reader(Path::new("<stdin>"), stdin()?, true)
    }

    /// Of a file that was named, only the matches are not printed if it is binary. Others are left out.
    fn search_reader(&mut self, path: &Path, reader: impl Read, named: bool) -> io::Result<bool> {
        let binary = if named { BinaryDetection::convert(0) } else { BinaryDetection::quit(0) };
        self.searcher.set_binary_detection(binary);
        // One that was named may be a pipe, from which a piece comes now and then.
        let mut reader = HandsOver { reader, text: &self.text, read: 0, long: if named { 0 } else { LONG } };
        let found = self.printer.print(&mut self.searcher, &self.matcher, path, &mut reader);
        if reader.read > FITS {
            // Its buffer may have grown, for a long line. So it would read more of the next file at a time, and see that it is
            // binary before it has printed a line: what is printed would depend on which files this thread has searched.
            self.searcher = self.settings.build();
        }
        found
    }
}

impl Printer {
    fn new(arguments: &Arguments, text: Text) -> Printer {
        let colors = ColorSpecs::new(&default_color_specs());
        let with_path = !is_one_file(&arguments.searched_paths());
        if arguments.files_with_matches || arguments.count {
            let kind = if arguments.count { SummaryKind::Count } else { SummaryKind::PathWithMatch };
            let mut builder = SummaryBuilder::new();
            return Printer::Summary(builder.kind(kind).path(with_path).color_specs(colors).build(text));
        }
        let mut builder = StandardBuilder::new();
        builder.path(with_path).color_specs(colors);
        if !arguments.are_separated() {
            return Printer::Lines(builder.build(text));
        }
        let mut printer = builder.separator_search(Some(b"--".to_vec())).build(text);
        write_a_line(&mut printer);
        Printer::Lines(printer)
    }

    /// Prints what is found, and returns whether anything is.
    fn print(
        &mut self,
        searcher: &mut Searcher,
        matcher: &RegexMatcher,
        path: &Path,
        reader: impl Read,
    ) -> io::Result<bool> {
        match self {
            Printer::Lines(printer) => {
                let mut sink = printer.sink_with_path(matcher, path);
                searcher.search_reader(matcher, reader, &mut sink)?;
                Ok(sink.has_match())
            }
            Printer::Summary(printer) => {
                let mut sink = printer.sink_with_path(matcher, path);
                searcher.search_reader(matcher, reader, &mut sink)?;
                Ok(sink.has_match())
            }
        }
    }
}

/// A printer writes a separator before each file but the first that has something to print. So that no file is the first, it
/// prints something before.
fn write_a_line(printer: &mut Standard<Text>) {
    let everything = RegexMatcher::new("").expect("it is a regular expression");
    let sink = printer.sink(&everything);
    Searcher::new().search_slice(&everything, b"\n", sink).expect("it goes to a text in memory");
}

/// Before more is read, what has been found is handed over if the file's turn has come.
struct HandsOver<'w, R> {
    reader: R,
    text: &'w Text,
    /// How many bytes have been read.
    read: usize,
    /// How many bytes are read first: most files are short, and one write for each is enough.
    long: usize,
}

impl<R: Read> Read for HandsOver<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read >= self.long {
            self.text.hand_over()?;
        }
        let length = self.reader.read(buffer)?;
        self.read += length;
        Ok(length)
    }
}
