//! All contenders of this crate.

use crate::entry::Entry;
use crate::{ours, peers};

/// Sequential code first, then the three backends of this workspace, then what others use.
pub fn all() -> Vec<Entry> {
    let mut entries = vec![ours::sequential()];
    entries.extend(ours::backends());
    entries.extend(peers::all());
    entries
}
