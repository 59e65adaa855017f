//! Every backend under the conformance suite.

use pool_channel::ChannelPool;
use pool_conformance::Subject;
use pool_conformance::Suite;
use pool_conformance::chaos::Chaos;
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;

fn main() {
    let mut suite = Suite::from_args();
    let channel = |threads| ChannelPool::new(threads).expect("the system has threads");
    let stealing = |threads| StealingPool::new(threads).expect("the system has threads");
    let rayon = |threads| RayonPool::new(threads).expect("the system has threads");
    suite.add(
        Subject::new("channel", channel).terminated_by(ChannelPool::terminate).counted_by(ChannelPool::stats),
    );
    suite.add(
        Subject::new("stealing", stealing)
            .terminated_by(StealingPool::terminate)
            .counted_by(StealingPool::stats),
    );
    suite.add(Subject::new("rayon", rayon).terminated_by(RayonPool::terminate).counted_by(RayonPool::stats));
    suite.add(Subject::new("chaos", Chaos::new));
    suite.add_hostile();
    suite.run();
}
