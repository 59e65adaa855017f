//! The backend of the example `own_backend` under the whole conformance suite.

#[path = "../src/pool.rs"]
mod pool;

use pool::OwnPool;
use pool_conformance::{Subject, Suite};

fn main() {
    let make = |threads| OwnPool::new(threads).expect("threads start");
    let mut suite = Suite::from_args();
    suite.add(Subject::new("own", make).terminated_by(OwnPool::terminate));
    suite.run();
}
