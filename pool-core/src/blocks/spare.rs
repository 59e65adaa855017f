//! Buffers that are used again: a new one would have to be filled with zeros, and its pages be asked of the system.

use crate::sync::{Mutex, lock};

/// How many are kept.
const MOST: usize = 64;

/// Buffers that are in use nowhere.
pub(super) struct Spare {
    buffers: Mutex<Vec<Vec<u8>>>,
    /// The largest that is kept: one that had to be larger was so for a record that is rare.
    largest: usize,
}

impl Spare {
    pub(super) fn new(largest: usize) -> Spare {
        Spare { buffers: Mutex::new(Vec::new()), largest }
    }

    /// A buffer with what was left in it, or an empty one.
    pub(super) fn take(&self) -> Vec<u8> {
        lock(&self.buffers).pop().unwrap_or_default()
    }

    /// Keeps a buffer, unless it is too small to be worth it, too large, or one too many.
    pub(super) fn put(&self, buffer: Vec<u8>) {
        let worth = self.largest / 8..=self.largest;
        let mut buffers = lock(&self.buffers);
        if worth.contains(&buffer.capacity()) && buffers.len() < MOST {
            buffers.push(buffer);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded() {
        let spare = Spare::new(800);
        for capacity in [99, 801] {
            spare.put(Vec::with_capacity(capacity));
            assert_eq!(spare.take().capacity(), 0, "{capacity}");
        }
        (0..2 * MOST).for_each(|_| spare.put(vec![0; 100]));
        let kept = std::iter::from_fn(|| Some(spare.take()).filter(|buffer| !buffer.is_empty()));
        assert_eq!(kept.count(), MOST);
    }
}
