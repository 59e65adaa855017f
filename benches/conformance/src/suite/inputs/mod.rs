//! Tests of inputs and consumers of other kinds, for which the promises hold, too.

crate::suite::list::files! {
    local
    records
    stream
    stream_inputs
    sinks
}
