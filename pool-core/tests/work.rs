//! What other tests rely on: a checksum in which the order counts.

use pool_core::work::{checksum, xorshift};

#[test]
fn two_results_in_the_wrong_order_change_the_checksum() {
    for rounds in [0, 1, 100] {
        let results: Vec<_> = (0..100).map(|x| xorshift(x, rounds)).collect();
        let right = results.iter().copied().fold(0, checksum);
        for first in 0..99 {
            let mut wrong = results.clone();
            wrong.swap(first, first + 1);
            assert_ne!(wrong.into_iter().fold(0, checksum), right, "{rounds} rounds, item {first}");
        }
    }
}
