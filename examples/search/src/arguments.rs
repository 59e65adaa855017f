//! The command line, in the words of `rg`.

use clap::{Parser, ValueEnum};
use std::io::{self, IsTerminal};
use std::path::PathBuf;

/// Searches files for a regular expression, on all cores and in the order of their paths.
///
/// Prints what `rg --sort path` prints on the same arguments to a pipe, in less time: `rg` sorts on one thread. Files that
/// are hidden, binary, or ignored by git are left out below a directory. The exit status is 0 if something was found, 1 if
/// nothing was, and 2 if anything could not be read or written.
#[derive(Parser, Debug)]
#[command(name = "search", args_override_self = true)]
pub struct Arguments {
    /// A regular expression.
    pub pattern: String,

    /// Files and directories; `-` is standard input [default: standard input if it is a file or a pipe, or the current directory].
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Upper and lower case are the same.
    #[arg(short, long)]
    pub ignore_case: bool,

    /// PATTERN is between the ends of words.
    #[arg(short, long)]
    pub word_regexp: bool,

    /// PATTERN is text, and no regular expression.
    #[arg(short = 'F', long)]
    pub fixed_strings: bool,

    /// Find the lines in which PATTERN is not.
    #[arg(short = 'v', long)]
    pub invert_match: bool,

    /// Print the number of each line [default: on a terminal].
    #[arg(short = 'n', long, overrides_with = "no_line_number")]
    pub line_number: bool,

    /// Print no numbers of lines.
    #[arg(short = 'N', long)]
    pub no_line_number: bool,

    /// Print only the paths of files with a match.
    #[arg(short = 'l', long, overrides_with = "count")]
    pub files_with_matches: bool,

    /// Print only how many lines of a file match, where there are any.
    #[arg(short, long)]
    pub count: bool,

    /// Print this many lines behind each match.
    #[arg(short = 'A', long, value_name = "LINES")]
    pub after_context: Option<usize>,

    /// Print this many lines before each match.
    #[arg(short = 'B', long, value_name = "LINES")]
    pub before_context: Option<usize>,

    /// Print this many lines on both sides of each match.
    #[arg(short = 'C', long, value_name = "LINES", default_value_t = 0, hide_default_value = true)]
    pub context: usize,

    /// Search only files that this glob matches, or that it does not if it begins with `!`. May be given several times; the
    /// last that matches counts.
    #[arg(short, long = "glob", value_name = "GLOB", action = clap::ArgAction::Append)]
    pub globs: Vec<String>,

    /// Search hidden files and directories, too.
    #[arg(short = '.', long)]
    pub hidden: bool,

    /// Search what `.gitignore`, `.ignore` and `.rgignore` leave out, too.
    #[arg(long)]
    pub no_ignore: bool,

    /// When to print in colors.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,

    /// How many files to search at the same time [default: POOL_THREADS, or one per core].
    #[arg(short = 'j', long, value_name = "N")]
    pub threads: Option<usize>,

    /// How many MiB the texts of files may take that wait for their turn to be printed.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub memory: u16,
}

/// When to print in colors.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// Never.
    Never,
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Always.
    Ansi,
}

impl Arguments {
    /// The paths to search, of which there is one at least.
    pub fn searched_paths(&self) -> Vec<PathBuf> {
        match &self.paths[..] {
            [] if stdin_is_readable() => vec!["-".into()],
            [] => vec!["./".into()],
            paths => paths.to_vec(),
        }
    }

    /// Lines before and behind each match.
    pub fn lines_around(&self) -> (usize, usize) {
        (self.before_context.unwrap_or(self.context), self.after_context.unwrap_or(self.context))
    }

    /// Whether a line of `--` stands between the texts of two files.
    pub fn are_separated(&self) -> bool {
        !self.count && !self.files_with_matches && self.lines_around() != (0, 0)
    }

    pub fn has_colors(&self) -> bool {
        match self.color {
            Color::Never => false,
            Color::Auto => io::stdout().is_terminal(),
            Color::Always | Color::Ansi => true,
        }
    }

    pub fn has_line_numbers(&self) -> bool {
        let terminal = || io::stdout().is_terminal() && self.searched_paths() != [PathBuf::from("-")];
        self.line_number || !self.no_line_number && terminal()
    }
}

/// Whether someone has put a file or a pipe there to be read.
#[cfg(unix)]
fn stdin_is_readable() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;
    let file = io::stdin().as_fd().try_clone_to_owned().map(std::fs::File::from);
    let kind = file.and_then(|file| file.metadata()).map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_file() || kind.is_fifo() || kind.is_socket())
}

#[cfg(not(unix))]
fn stdin_is_readable() -> bool {
    !io::stdin().is_terminal()
}
