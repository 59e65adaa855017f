//! Which files to search: a walk in the order of the paths, as a lazy iterator.

use crate::arguments::Arguments;
use crate::output::TEXT;
use ignore::overrides::OverrideBuilder;
use ignore::{DirEntry, Walk, WalkBuilder};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What the walk comes to.
pub enum Entry {
    /// A file to search.
    File { path: PathBuf, named: bool },
    /// Standard input.
    Stdin,
    /// Something could not be read. So it is told when its turn has come.
    Failure(String),
    /// Something is odd, as a line of a `.gitignore` may be, and nothing is left out for it.
    Warning(String),
}

impl Entry {
    /// How many bytes an entry can hold until it has been printed: its text is at most [`TEXT`] long, in a vector that grows
    /// by doubling.
    pub fn size(&self) -> usize {
        let text = match self {
            Entry::File { path, .. } => path.as_os_str().len(),
            Entry::Stdin => 0,
            Entry::Failure(text) | Entry::Warning(text) => text.len(),
        };
        2 * TEXT + size_of::<Entry>() + text
    }
}

/// The files below each path, sorted by name.
///
/// # Errors
///
/// One of the globs is none, or there is no current directory.
pub fn files(arguments: &Arguments) -> Result<impl Iterator<Item = Entry> + Send + use<>, String> {
    // Without a path, `./` is not printed.
    let strip = arguments.paths.is_empty();
    Ok(walk(arguments)?.flat_map(move |entry| match entry {
        Ok(entry) => {
            let warning = entry.error().map(|error| Entry::Warning(error.to_string()));
            warning.into_iter().chain(wanted(entry, strip))
        }
        Err(error) => None.into_iter().chain(Some(Entry::Failure(error.to_string()))),
    }))
}

fn walk(arguments: &Arguments) -> Result<Walk, String> {
    let directory = std::env::current_dir().map_err(|error| format!("current directory: {error}"))?;
    let mut globs = OverrideBuilder::new(&directory);
    for glob in &arguments.globs {
        globs.add(glob).map_err(|error| error.to_string())?;
    }
    let mut paths = arguments.searched_paths().into_iter();
    let mut walk = WalkBuilder::new(paths.next().expect("there is one at least"));
    paths.for_each(|path| {
        walk.add(path);
    });
    walk.standard_filters(!arguments.no_ignore).hidden(!arguments.hidden).skip_stdout(true);
    walk.overrides(globs.build().map_err(|error| error.to_string())?).current_dir(directory);
    if !arguments.no_ignore {
        walk.add_custom_ignore_filename(".rgignore");
    }
    Ok(walk.sort_by_file_name(OsStr::cmp).build())
}

/// Below a directory, regular files are searched. What the user has named is searched whatever kind of file it is.
fn wanted(entry: DirEntry, strip: bool) -> Option<Entry> {
    if entry.is_stdin() {
        return Some(Entry::Stdin);
    }
    let named = entry.depth() == 0 && !entry.path().is_dir();
    if !named && !entry.file_type().is_some_and(|kind| kind.is_file()) {
        return None;
    }
    let path = match entry.path().strip_prefix("./") {
        Ok(path) if strip => path.to_path_buf(),
        _ => entry.into_path(),
    };
    Some(Entry::File { path, named })
}

/// Whether the text of this path has no path before each line: it is the only one, and no directory.
pub fn is_one_file(paths: &[PathBuf]) -> bool {
    matches!(paths, [path] if path == Path::new("-") || !path.is_dir())
}
