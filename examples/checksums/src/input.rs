//! Which files to hash: the walks and lists, as one lazy iterator.

use example_common::stdin;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// Something that could not be read, and why.
#[derive(Debug)]
pub struct Failure {
    pub name: PathBuf,
    pub error: io::Error,
}

/// A file to hash, or what went wrong while looking for one.
pub type Entry = Result<PathBuf, Failure>;

/// The files below each of `paths`, in that order. `-` stands for the names on standard input, each with this end.
///
/// Errors are items like any other, so that they are reported when their turn has come.
pub fn files(paths: Vec<PathBuf>, end: u8) -> impl Iterator<Item = Entry> + Send {
    paths.into_iter().flat_map(move |path| -> Box<dyn Iterator<Item = Entry> + Send> {
        if path.as_os_str() == "-" {
            match stdin() {
                Ok(stdin) => Box::new(names(BufReader::new(stdin), end)),
                Err(error) => Box::new(std::iter::once(Err(unread(error)))),
            }
        } else {
            Box::new(walk(&path))
        }
    })
}

fn walk(root: &Path) -> impl Iterator<Item = Entry> + Send + use<> {
    let root = root.to_path_buf();
    let walk = WalkDir::new(&root).sort_by_file_name();
    walk.into_iter().filter_map(move |entry| match entry {
        Ok(entry) => is_wanted(&entry).then(|| Ok(entry.into_path())),
        Err(error) => {
            let name = error.path().unwrap_or(&root).to_path_buf();
            let text = error.to_string();
            let error = error.into_io_error().unwrap_or_else(|| io::Error::other(text));
            Some(Err(Failure { name, error }))
        }
    })
}

/// Below a directory, only regular files are hashed. A path that the user has named is read whatever kind of file it
/// is, as `sha256sum` does: so `<(command)` works, and a link to a file.
fn is_wanted(entry: &DirEntry) -> bool {
    if entry.depth() > 0 {
        // The type comes with the directory entry, which saves a `stat` for each file.
        return entry.file_type().is_file();
    }
    !entry.path().is_dir()
}

/// Names, each with this end, as they come. Empty ones are skipped. Nothing comes after an error.
fn names(input: impl BufRead, end: u8) -> impl Iterator<Item = Entry> {
    let mut failed = false;
    let names = input.split(end).take_while(move |name| !std::mem::replace(&mut failed, name.is_err()));
    names.filter(|name| !name.as_ref().is_ok_and(Vec::is_empty)).map(|name| match name {
        Ok(name) => Ok(PathBuf::from(os_string(name))),
        Err(error) => Err(unread(error)),
    })
}

fn unread(error: io::Error) -> Failure {
    Failure { name: PathBuf::from("standard input"), error }
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(&bytes)).into_owned().into()
}
