//! The list of backends, for the suite and for `Stress`.

use pool_channel::ChannelPool;
#[cfg(feature = "stress")]
use pool_conformance::Stress;
use pool_conformance::chaos::Chaos;
use pool_conformance::{Subject, Suite};
use pool_core::Executor;
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;

/// What tests backends.
pub trait Tests {
    fn test<P: Executor + 'static>(&mut self, subject: Subject<P>);
}

impl Tests for Suite {
    fn test<P: Executor + 'static>(&mut self, subject: Subject<P>) {
        self.add(subject);
    }
}

#[cfg(feature = "stress")]
impl Tests for Stress {
    fn test<P: Executor + 'static>(&mut self, subject: Subject<P>) {
        self.add(subject);
    }
}

pub fn test_all(tests: &mut impl Tests) {
    let channel = |threads| ChannelPool::new(threads).expect("the system has threads");
    let stealing = |threads| StealingPool::new(threads).expect("the system has threads");
    let rayon = |threads| RayonPool::new(threads).expect("the system has threads");
    tests.test(
        Subject::new("channel", channel).terminated_by(ChannelPool::terminate).counted_by(ChannelPool::stats),
    );
    tests.test(
        Subject::new("stealing", stealing)
            .terminated_by(StealingPool::terminate)
            .counted_by(StealingPool::stats),
    );
    tests.test(Subject::new("rayon", rayon).terminated_by(RayonPool::terminate).counted_by(RayonPool::stats));
    tests.test(Subject::new("chaos", Chaos::new));
}
