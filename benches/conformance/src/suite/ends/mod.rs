//! Tests of drops, cancellation and the end of a pool: P9, P12, P13.

crate::suite::list::files! {
    dropping
    bombs
    hostile
    cancel
    late_ends
    wakers
    pools
    pool_stats
}
