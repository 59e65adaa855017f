//! Tests of that nothing waits which need not: P4, P5, P17, and on which threads: P16.

crate::suite::list::files! {
    live
    effects
    hogs
    busy
    home
    reach
    sharing
    guests
    handles
    park_tokens
}
