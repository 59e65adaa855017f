//! Tests of limits of time and of room: P3, P10, P15.

crate::suite::list::files! {
    call_limits
    item_limits
    giving_up
    away
    wrapping
    windows
    window_bytes
}
