//! Random scenarios on every backend: `--seconds N`, `--backend NAME`, `--seed N`.

#[path = "../tests/backends/mod.rs"]
mod backends;

use pool_conformance::Stress;

fn main() {
    let mut stress = Stress::from_args();
    backends::test_all(&mut stress);
    stress.run();
}
