//! Many writers that compress on one pool.

use flate2::Compression;
use flate2::read::GzDecoder;
use pgz::GzWriter;
use pool_stealing::StealingPool;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

/// Text of this writer, which differs from line to line.
fn line(writer: usize, number: u64) -> String {
    format!("writer {writer}, line {number}: {}\n", number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn unpacked(compressed: &[u8]) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    GzDecoder::new(compressed).read_to_end(&mut data).map(|_| data)
}

/// What was written, for a test that has given the output away.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Shared {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk with room for this many bytes.
struct Disk(usize);

impl Write for Disk {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = data.len().min(self.0);
        self.0 -= written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines of all files come in turn, as when a program sorts its input into them.
#[test]
fn a_dozen_files_at_once_on_one_pool() {
    let pool = Arc::new(StealingPool::new(2).unwrap());
    let mut files = vec![Vec::new(); 12];
    let mut writers: Vec<_> =
        files.iter_mut().map(|file| GzWriter::new(pool.clone(), file, Compression::fast())).collect();
    for number in 0..15_000 {
        for (index, writer) in writers.iter_mut().enumerate() {
            writer.write_all(line(index, number).as_bytes()).unwrap();
        }
    }
    writers.into_iter().try_for_each(GzWriter::finish).unwrap();
    for (index, file) in files.iter().enumerate() {
        let expected: String = (0..15_000).map(|number| line(index, number)).collect();
        assert!(unpacked(file).unwrap() == expected.as_bytes(), "file {index}");
    }
}

#[test]
fn an_empty_file_is_whole() {
    let (pool, output) = (StealingPool::new(1).unwrap(), Shared::default());
    GzWriter::new(&pool, output.clone(), Compression::default()).finish().unwrap();
    assert_eq!(unpacked(&output.bytes()).unwrap(), b"");
}

#[test]
fn what_was_flushed_can_be_read() {
    let (pool, output) = (StealingPool::new(2).unwrap(), Shared::default());
    let mut writer = GzWriter::new(&pool, output.clone(), Compression::default());
    writer.write_all(b"a first line\n").unwrap();
    writer.flush().unwrap();
    let mut begun = [0; 13];
    GzDecoder::new(&output.bytes()[..]).read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"a first line\n");
    writer.write_all(b"and a second").unwrap();
    writer.finish().unwrap();
    assert_eq!(unpacked(&output.bytes()).unwrap(), b"a first line\nand a second");
}

/// Wherever the disk is full, the error comes from a call, and dropping panics nowhere.
#[test]
fn a_full_disk_is_an_error_of_write_or_finish() {
    let pool = StealingPool::new(2).unwrap();
    let data: Vec<u8> = (0..60_000).flat_map(|number| line(0, number).into_bytes()).collect();
    for room in [0, 5, 100, 100_000] {
        let mut writer = GzWriter::new(&pool, Disk(room), Compression::fast());
        let written = writer.write_all(&data);
        if let Err(error) = &written {
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            assert!(writer.write(b"more").is_err() && writer.flush().is_err());
            assert!(catch_unwind(AssertUnwindSafe(|| drop(writer))).is_ok());
        } else {
            assert_eq!(writer.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
    }
}

#[test]
fn a_writer_that_is_dropped_leaves_no_whole_file() {
    let (pool, output) = (StealingPool::new(2).unwrap(), Shared::default());
    let mut writer = GzWriter::new(&pool, output.clone(), Compression::fast());
    (0..40_000).for_each(|number| writer.write_all(line(0, number).as_bytes()).unwrap());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(writer))).is_ok());
    assert!(unpacked(&output.bytes()).is_err());
}
