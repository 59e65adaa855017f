use pool_core::backend::{Backend, Config, Job, Pool, Workers};
use pool_core::{BuildError, Executor};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};

/// Jobs that wait, or `None` after `terminate`; and whether the pool is being dropped.
type State = (Option<VecDeque<Job>>, bool);

/// The queue, as each thread and each job has it.
#[derive(Clone)]
pub struct Own {
    threads: usize,
    shared: Arc<(Mutex<State>, Condvar)>,
}

/// A pool with builder, hooks, limits, and all that every pool has.
pub type OwnPool = Pool<Own>;

impl Own {
    fn work(self) {
        let (state, changed) = &*self.shared;
        let idle = |now: &mut State| !now.1 && now.0.as_ref().is_some_and(VecDeque::is_empty);
        let next = || changed.wait_while(state.lock().unwrap(), idle).unwrap().0.as_mut()?.pop_front();
        while let Some(job) = next() {
            job.run(&self);
        }
    }
}

impl Executor for Own {
    fn threads(&self) -> usize {
        self.threads
    }
    fn spawn(&self, job: Job) {
        if let Some(jobs) = &mut self.shared.0.lock().unwrap().0 {
            jobs.push_back(job);
            self.shared.1.notify_one();
        }
    }
}

impl Backend for Own {
    const NAME: &'static str = "own";
    fn start(config: &Config) -> Result<(Own, Workers), BuildError> {
        let state = Mutex::new((Some(VecDeque::new()), false));
        let own = Own { threads: config.threads()?, shared: Arc::new((state, Condvar::new())) };
        let workers = config.start(vec![own.clone(); own.threads].into_iter().map(|own| || own.work()))?;
        Ok((own, workers))
    }
    fn close(self) {
        self.shared.0.lock().unwrap().1 = true;
        self.shared.1.notify_all();
    }
    fn terminate(&self) -> Vec<Job> {
        let queued = self.shared.0.lock().unwrap().0.take();
        self.shared.1.notify_all();
        queued.unwrap_or_default().into()
    }
}
