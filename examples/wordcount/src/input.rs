//! The files below a directory: their bytes for the workers, their names for the output.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use walkdir::WalkDir;

/// The name of a file whose result will come, or a failure.
pub enum Name {
    Counted(PathBuf),
    Failed(String),
}

/// The bytes of each file, in the order of their names. Each name is received before the bytes are handed out, so the
/// names are in the order of the results; failures are between them, at their places.
pub fn files(path: PathBuf) -> (impl Iterator<Item = Vec<u8>> + Send + 'static, Receiver<Name>) {
    let (send, names) = channel();
    let walk = WalkDir::new(path).sort_by_file_name().into_iter();
    let files = walk.filter_map(move |entry| {
        let read = match entry {
            Ok(entry) if !entry.file_type().is_file() => return None,
            Ok(entry) => {
                let path = entry.into_path();
                std::fs::read(&path).map_err(|error| describe(&path, &error)).map(|bytes| (path, bytes))
            }
            Err(error) => Err(error.to_string()),
        };
        // The other end is dropped only when the program ends.
        match read {
            Ok((path, bytes)) => {
                let _ = send.send(Name::Counted(path));
                Some(bytes)
            }
            Err(failure) => {
                let _ = send.send(Name::Failed(failure));
                None
            }
        }
    });
    (files, names)
}

fn describe(path: &std::path::Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}
