//! Every backend under the conformance suite.

mod backends;

use pool_conformance::Suite;

fn main() {
    let mut suite = Suite::from_args();
    backends::test_all(&mut suite);
    suite.add_hostile();
    suite.run();
}
