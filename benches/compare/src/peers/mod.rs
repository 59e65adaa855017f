//! What others use for the same thing, as contenders.
//!
//! What the list says of each (whether it is lazy, live, cold) is not taken from its documents: `tests/facts.rs`
//! finds it out by running it.

mod crates;
mod on_rayon;

use crate::contender::{Contender, Family, Settings, Traits};
use crate::entry::Entry;
use crates::{OrxParallel, ParIterSync, ParMap, Pariter, PariterTuned, Parseq, Pipeliner, Plmap};
use on_rayon::{Blocks, Bridge, Collect, FuturesBuffered};

/// What is known of a peer, as in [`Traits`].
#[derive(Clone, Copy)]
struct Known {
    lazy: bool,
    live: bool,
    cold: bool,
    nests: bool,
}

/// The input first goes into a `Vec`, and all results into another; the pool is there already.
const EAGER: Known = Known { lazy: false, live: false, cold: false, nests: true };
/// Threads for each call, and a buffer that is filled from the input before the first result comes out.
const AHEAD: Known = Known { lazy: true, live: false, cold: true, nests: true };
/// Threads for each call, and the input is pulled by a thread of its own, or by those that work.
const LIVE: Known = Known { lazy: true, live: true, cold: true, nests: true };

/// All peers.
pub fn all() -> Vec<Entry> {
    vec![
        peer(
            "rayon-collect",
            "items.collect::<Vec<_>>().into_par_iter().map(f).collect()",
            EAGER,
            Collect::new,
        ),
        peer(
            "rayon-blocks",
            "the same for 1024 items (`window` if that is less), again and again",
            Known { lazy: true, ..EAGER },
            Blocks::new,
        ),
        peer(
            "rayon-bridge",
            "items.enumerate().par_bridge().map(f).collect(), then sorted",
            EAGER,
            Bridge::new,
        ),
        peer(
            "futures-buffered",
            "a job on a rayon pool and a oneshot channel for each item, stream.buffered(64 for each thread)",
            Known { cold: false, nests: false, ..AHEAD },
            FuturesBuffered::new,
        ),
        peer("pariter", "items.parallel_map(f): as many threads as cores", AHEAD, |_| Pariter),
        peer(
            "pariter-tuned",
            "items.parallel_map_custom(|o| o.threads(n).buffer_size(window), f)",
            AHEAD,
            PariterTuned,
        ),
        peer(
            "par-iter-sync",
            "items.into_par_iter_sync(f): as many threads as cores, nothing can be set",
            LIVE,
            |_| ParIterSync,
        ),
        peer("par-map", "items.with_nb_threads(n).par_map(f)", AHEAD, ParMap),
        peer("parseq", "items.map_parallel_limit(n, window, f)", AHEAD, Parseq),
        peer("pipeliner", "items.with_threads(n).out_buffer(window).ordered_map(f)", LIVE, Pipeliner),
        peer("plmap", "items.plmap(n, f)", AHEAD, Plmap),
        peer(
            "orx-parallel",
            "items.iter_into_par().num_threads(n).map(f).collect(), at most as many threads as cores",
            Known { nests: false, ..EAGER },
            OrxParallel,
        ),
    ]
}

fn peer<C: Contender>(
    name: &str,
    about: &str,
    known: Known,
    make: impl Fn(Settings) -> C + 'static,
) -> Entry {
    let Known { lazy, live, cold, nests } = known;
    let (name, about) = (name.into(), about.into());
    Entry::new(Traits { name, family: Family::Peer, about, lazy, live, cold, variant: false, nests }, make)
}
