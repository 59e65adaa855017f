//! One dependency, one `use`: each backend has every public item of `pool_core` at its root.

use std::collections::BTreeSet;

/// Imports each of these from each backend, or this file does not compile.
macro_rules! public {
    ($($name:ident)*) => {
        const PUBLIC: &[&str] = &[$(stringify!($name)),*];
        #[allow(unused_imports, reason = "to name them is the test")]
        mod imported {
            mod channel {
                use pool_channel::{$($name),*};
            }
            mod stealing {
                use pool_stealing::{$($name),*};
            }
            mod rayon {
                use pool_rayon::{$($name),*};
            }
        }
    };
}

public! {
    Batches Block Blocks Budget BuildError Builder CancelToken Cancelled Current Executor Imap ImapStats ImapStream Input ItemTime ItemTimeout
    IterExt JobError JobHandle JobTimedOut Local LocalInput MAX_DEFAULT_WINDOW_PER_THREAD Outcome Panic Place PoolStats Pooled RecordTooLong
    Records Scope ScopedJobHandle Sequential Sink StreamImap StreamImapExt TimedOut Timeout WithSizes WorkerStats backend compiler_errors
    current guide
}

/// What `pool_core` exports, as its `lib.rs` says; not what it has for tests.
fn exported() -> BTreeSet<&'static str> {
    let source = include_str!("../../../pool-core/src/lib.rs");
    let after = |start: &'static str| source.split(start).skip(1).filter_map(|rest| rest.split(';').next());
    let uses = after("\npub use ").flat_map(|path| {
        let names = path.split_once('{').map_or(path, |(_, names)| names);
        names.split([',', '}']).filter_map(|name| name.trim().rsplit("::").next())
    });
    let for_tests = ["#[cfg(feature = \"testing\")]\npub mod ", "#[cfg(loom)]\n#[doc(hidden)]\npub mod "];
    let for_tests: BTreeSet<_> = for_tests.into_iter().flat_map(after).collect();
    let modules = after("\npub mod ").filter(|name| !for_tests.contains(name));
    uses.chain(modules).filter(|name| !name.is_empty()).collect()
}

#[test]
fn every_public_item_of_the_core_is_at_the_root_of_each_backend() {
    let listed: BTreeSet<_> = PUBLIC.iter().copied().collect();
    assert!(exported().contains("Executor") && exported().contains("PoolStats"));
    assert_eq!(listed, exported(), "the list above and what pool_core exports");
}
