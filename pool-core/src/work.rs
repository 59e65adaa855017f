//! Work of a known length, for tests and benchmarks.

use std::time::Instant;

/// `rounds` rounds of xorshift: work that the compiler can neither skip nor do for two items at once.
///
/// Different seeds give different results, so that a checksum tells any two of them apart.
#[inline]
pub fn xorshift(seed: u64, rounds: u64) -> u64 {
    // Zero would stay zero.
    let mut x = seed.wrapping_add(1);
    for _ in 0..rounds {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    x
}

/// How many rounds take about `nanoseconds` on this machine.
pub fn rounds_for(nanoseconds: f64) -> u64 {
    const SAMPLE: u64 = 20_000_000;
    let started = Instant::now();
    std::hint::black_box(xorshift(1, SAMPLE));
    let per_round = started.elapsed().as_nanos() as f64 / SAMPLE as f64;
    (nanoseconds / per_round) as u64
}

/// Adds a result to a checksum in which the order counts.
#[inline]
pub fn checksum(sum: u64, result: u64) -> u64 {
    sum.wrapping_mul(31).wrapping_add(result)
}
