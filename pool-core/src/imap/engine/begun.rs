//! When the items of an imap began, for [`item_timeout`](crate::Imap::item_timeout).
//!
//! The engine notes each item that a thread takes, under the imap's lock, and only where there is such a limit. The
//! consumer takes out what it has been handed. So the record holds as many items as the window does, at most.

use crate::sync::{Mutex, lock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The items that have begun and have not been handed out.
#[derive(Default)]
pub(in crate::imap) struct Begun(Mutex<BTreeMap<u64, Instant>>);

/// How long an item may take, counted from when it began.
#[derive(Clone)]
pub(in crate::imap) struct ItemLimit {
    pub(in crate::imap) limit: Duration,
    begun: Arc<Begun>,
}

impl ItemLimit {
    pub(in crate::imap) fn new(limit: Duration) -> ItemLimit {
        ItemLimit { limit, begun: Arc::default() }
    }

    /// A thread takes this item.
    pub(in crate::imap) fn begin(&self, index: u64) {
        lock(&self.begun.0).insert(index, Instant::now());
    }

    /// This item has been handed out or given up.
    pub(in crate::imap) fn forget(&self, index: u64) {
        lock(&self.begun.0).remove(&index);
    }

    /// Every item before this one has been handed out or given up.
    pub(in crate::imap) fn forget_before(&self, head: u64) {
        let mut begun = lock(&self.begun.0);
        while let Some(first) = begun.first_entry()
            && *first.key() < head
        {
            first.remove();
        }
    }

    /// The item that will be the next to be late, and how long that is from now: the head, or without one the item
    /// that has run for the longest time. `None` if that has not begun, since it has no limit yet.
    pub(in crate::imap) fn next_late(&self, head: Option<u64>) -> Option<(u64, Duration)> {
        let begun = lock(&self.begun.0);
        let (index, since) = match head {
            Some(head) => (head, *begun.get(&head)?),
            None => begun.iter().min_by_key(|(_, since)| **since).map(|(index, since)| (*index, *since))?,
        };
        Some((index, self.limit.saturating_sub(since.elapsed())))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const FOREVER: Duration = Duration::from_secs(3600);

    #[test]
    fn holds_what_has_begun_and_was_not_handed_out() {
        let limit = ItemLimit::new(FOREVER);
        assert!(limit.next_late(None).is_none());
        for index in [4, 2, 3, 9] {
            limit.begin(index);
        }
        assert_eq!(limit.next_late(None).map(|next| next.0), Some(4));
        limit.forget(4);
        assert_eq!(limit.next_late(None).map(|next| next.0), Some(2));
        assert!(limit.next_late(Some(5)).is_none(), "5 has not begun");
        limit.forget_before(9);
        assert_eq!(lock(&limit.begun.0).len(), 1);
        let (index, left) = limit.next_late(Some(9)).unwrap();
        assert!(index == 9 && left > FOREVER / 2);
    }

    #[test]
    fn counts_from_when_the_item_began() {
        let limit = ItemLimit::new(Duration::from_millis(1));
        limit.begin(0);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(limit.next_late(Some(0)), Some((0, Duration::ZERO)));
    }
}
