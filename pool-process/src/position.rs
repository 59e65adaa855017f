//! At which item each thread of a child is, where its parent can read it when the child is dead.
//!
//! It is a file without a name, in memory. A child writes a line of 48 bytes when an item begins: one call of the system,
//! some 0.2 µs. For items that are shorter than that it writes one for several items.

use rustix::io::Result;
use rustix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

const LINE: usize = 48;

/// What a thread of a child is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub job: u64,
    pub frame: u64,
    /// The item, counted from the first of the frame; and how many from there on may have begun.
    pub index: u32,
    pub count: u32,
    /// When the first of them began.
    pub began: Duration,
}

/// The file.
#[derive(Debug)]
pub(crate) struct Positions(File);

impl Positions {
    /// A new one, in which no thread is at anything.
    pub fn new() -> Result<Positions> {
        #[cfg(target_os = "linux")]
        let file = {
            use rustix::fs::{MemfdFlags, memfd_create};
            File::from(memfd_create("pool-process", MemfdFlags::CLOEXEC)?)
        };
        #[cfg(not(target_os = "linux"))]
        let file = nameless()?;
        Ok(Positions(file))
    }

    /// One that came from the parent.
    pub fn of(file: File) -> Positions {
        Positions(file)
    }

    /// To be given to a child.
    pub fn file(&self) -> &File {
        &self.0
    }

    /// Notes what a thread is at. `None`: nothing.
    pub fn write(&self, thread: u32, position: Option<Position>) {
        let mut line = [0; LINE];
        if let Some(Position { job, frame, index, count, began }) = position {
            let words = [job, frame, u64::from(index) << 32 | u64::from(count), began.as_nanos() as u64, 1];
            for (place, word) in line.chunks_exact_mut(8).zip(words.into_iter().chain([check(&words)])) {
                place.copy_from_slice(&word.to_le_bytes());
            }
        }
        // It fails when memory is out, and then there is no position, as before an item begins.
        let _ = self.0.write_all_at(&line, u64::from(thread) * LINE as u64);
    }

    /// What a thread is at; `None` also while it is writing that.
    pub fn read(&self, thread: u32) -> Option<Position> {
        let mut line = [0; LINE];
        self.0.read_exact_at(&mut line, u64::from(thread) * LINE as u64).ok()?;
        let mut words = [0; 6];
        for (word, place) in words.iter_mut().zip(line.chunks_exact(8)) {
            *word = u64::from_le_bytes(place.try_into().ok()?);
        }
        let [job, frame, items, began, 1, sum] = words else { return None };
        (sum == check(&words[..5])).then_some(Position {
            job,
            frame,
            index: (items >> 32) as u32,
            count: items as u32,
            began: Duration::from_nanos(began),
        })
    }
}

/// A line that was read while it was written does not pass for one.
fn check(words: &[u64]) -> u64 {
    words.iter().fold(0x9e37_79b9_7f4a_7c15, |sum, &word| {
        (sum ^ word).wrapping_mul(0x2545_f491_4f6c_dd1d).rotate_left(23)
    })
}

#[cfg(not(target_os = "linux"))]
fn nameless() -> Result<File> {
    use rustix::io::Errno;
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("pool-process-{}-{number}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path);
    let file = file.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let _ = std::fs::remove_file(path);
    Ok(file)
}

/// The time on a clock that all processes of this machine share.
pub(crate) fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let positions = Positions::new().unwrap();
        assert_eq!(positions.read(1), None);
        let position = Position { job: 3, frame: 1 << 40, index: 7, count: 2, began: now() };
        positions.write(1, Some(position));
        assert_eq!((positions.read(0), positions.read(1)), (None, Some(position)));
        positions.write(1, None);
        assert_eq!(positions.read(1), None);
    }
}
