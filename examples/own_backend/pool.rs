use pool_core::{Build, BuildError, Config, Executor, Job, Workers};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};

/// Jobs that wait, or `None` after `terminate`; and whether the pool is being dropped.
type State = (Option<VecDeque<Job>>, bool);

/// A pool, or what one of its threads has of it: all but the threads.
pub struct OwnPool {
    threads: usize,
    workers: Option<Workers>,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl OwnPool {
    fn work(self) {
        let (state, changed) = &*self.shared;
        let idle = |now: &mut State| !now.1 && now.0.as_ref().is_some_and(VecDeque::is_empty);
        let next = || changed.wait_while(state.lock().unwrap(), idle).unwrap().0.as_mut()?.pop_front();
        while let Some(job) = next() {
            job.run(&self);
        }
    }
    pub fn terminate(&self) {
        let _discarded = self.shared.0.lock().unwrap().0.take();
        self.shared.1.notify_all();
    }
}

impl Executor for OwnPool {
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

impl Build for OwnPool {
    const NAME: &'static str = "own";
    fn build(config: Config) -> Result<OwnPool, BuildError> {
        let threads = config.threads()?;
        let shared = Arc::new((Mutex::new((Some(VecDeque::new()), false)), Condvar::new()));
        let handle = |workers| OwnPool { threads, workers, shared: shared.clone() };
        let workers = (0..threads).map(|_| handle(None)).map(|own| || own.work());
        Ok(handle(Some(config.start(workers)?)))
    }
}

impl Drop for OwnPool {
    fn drop(&mut self) {
        let Some(workers) = &mut self.workers else { return };
        self.shared.0.lock().unwrap().1 = true;
        self.shared.1.notify_all();
        workers.join();
    }
}
