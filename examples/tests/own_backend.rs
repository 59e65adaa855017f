//! The backend of the example `own_backend` under the whole conformance suite.

#[path = "../own_backend/pool.rs"]
mod pool;

use pool::OwnPool;
use pool_conformance::{Subject, Suite};
use pool_core::Builder;

fn main() {
    let make = |threads| Builder::<OwnPool>::new().threads(threads).build().expect("threads start");
    let mut suite = Suite::from_args();
    suite.add(Subject::new("own", make).terminated_by(OwnPool::terminate));
    suite.run();
}
