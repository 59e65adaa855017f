//! Tests of what comes out, and in which order: P1, P2, P6, P7, P11.

crate::suite::list::files! {
    order
    random
    iterator_traits
    positions
    unordered
    panics
    fallible
    fail_fast
    states
    current
    unwanted
    erased
    stats
}
