//! The work: something that costs as much as one likes and can be checked with `sha256sum`.

use sha2::{Digest, Sha256};

/// The SHA-256 of `line` in hexadecimal. Each further round hashes the sum of the round before.
pub fn sha256(line: &[u8], rounds: u32) -> String {
    let mut sum = Sha256::digest(line);
    for _ in 1..rounds {
        sum = Sha256::digest(sum);
    }
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}
