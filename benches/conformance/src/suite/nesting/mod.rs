//! Tests of imaps in imaps, in scopes and in chains: P8.

crate::suite::list::files! {
    inside_items
    inline
    inline_results
    chaining
    owned
    scopes
    scope_imaps
    scope_ends
}
