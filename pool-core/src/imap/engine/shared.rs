//! What the jobs of an imap and its consumer share, and the one way into its lock.

use super::budget::{Budget, Weights};
use super::control::Control;
use super::fail_fast::FailFast;
use super::function::Clear;
use super::nesting::current_item;
use super::ring::Receiver;
use super::state::State;
use crate::Executor;
use crate::executor::{terminated, threads_of};
use crate::job::Job;
use crate::lease::Lease;
use crate::sync::{Mutex, lock};
use crate::unwind::Quiet;
use std::sync::{Arc, OnceLock};

pub struct Shared<I: Iterator, F, T> {
    /// Dropped where the last owner is, be it a worker or the consumer.
    function: Quiet<F>,
    threads: usize,
    job: fn(&Arc<Shared<I, F, T>>) -> Job,
    control: Arc<Control>,
    /// What its jobs go through, if it borrows.
    lease: OnceLock<Arc<Lease>>,
    /// What threads must know without the lock of what was set.
    asked: OnceLock<(FailFast<T>, Option<Budget>)>,
    state: Mutex<State<I, T>>,
}

impl<I: Iterator, F, T> Shared<I, F, T> {
    /// For this input; `None` if the consumer has it.
    pub(crate) fn new(
        input: Option<I>,
        function: F,
        executor: &dyn Executor,
        job: fn(&Arc<Shared<I, F, T>>) -> Job,
    ) -> Shared<I, F, T> {
        // First, since what follows asks the input, which may panic.
        let function = Quiet::new(function);
        let threads = threads_of(executor);
        let control = Arc::new(Control::new(current_item(), terminated(executor)));
        let state = Mutex::new(State::new(input, threads, control.clone()));
        Shared { function, threads, job, control, lease: OnceLock::new(), asked: OnceLock::new(), state }
    }

    pub(crate) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// What its jobs go through, if it borrows.
    pub(crate) fn lease(&self) -> Option<&Arc<Lease>> {
        self.lease.get()
    }

    /// To be called before the first job.
    pub(crate) fn set_lease(&self, lease: Arc<Lease>) {
        let _ = self.lease.set(lease);
    }

    /// To be called before the first job.
    pub(super) fn set_asked(&self, fail_fast: FailFast<T>, budget: Option<Budget>) {
        let _ = self.asked.set((fail_fast, budget));
    }

    pub(super) fn budget(&self) -> Option<&Budget> {
        self.asked.get()?.1.as_ref()
    }

    /// For what is pulled next, if there is a budget.
    pub(super) fn weights(&self) -> Option<Box<Weights>> {
        self.budget().map(Weights::new)
    }

    pub(super) fn fail_fast(&self) -> FailFast<T> {
        self.asked.get().map_or(FailFast::new(), |asked| asked.0)
    }

    pub(super) fn function(&self) -> &F {
        self.function.get()
    }

    /// How many threads the pool has.
    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// Decides something under the lock. Should the consumer be woken by that, it is after the lock has been left: else
    /// it would wake up only to wait for the lock.
    pub(super) fn locked<R>(&self, decide: impl FnOnce(&mut State<I, T>) -> R) -> R {
        let mut state = lock(&self.state);
        let decision = decide(&mut state);
        let wakes = state.take_due_notification();
        drop(state);
        if wakes {
            self.control.parker().notify();
        }
        decision
    }

    /// Spawns a job that has been reserved.
    ///
    /// # Panics
    ///
    /// With the panic of the executor's `spawn`. The job counts as dropped then, unless the executor has kept it.
    pub(super) fn spawn_job(self: &Arc<Self>, executor: &dyn Executor) {
        executor.spawn((self.job)(self));
    }

    /// Spawns a job if there is work that no thread has taken. Returns whether there is a job for each thread now.
    ///
    /// # Panics
    ///
    /// As [`spawn_job`](Shared::spawn_job).
    pub(super) fn spawn_if_needed(self: &Arc<Self>, executor: &dyn Executor) -> bool {
        let (spawns, full) = self.locked(|state| (state.try_reserve_worker(false), state.has_every_job()));
        if spawns {
            self.spawn_job(executor);
        }
        full
    }
}

impl<I: Iterator, F: Clear, T> Shared<I, F, T> {
    /// Ends the imap for a consumer that leaves these rings. Nothing is kept.
    pub(super) fn consumer_gone(&self, rings: Vec<Receiver<T>>) {
        self.locked(|state| state.consumer_gone(rings));
        self.clear();
        #[cfg(feature = "stream")]
        self.control().parker().set_task(None);
        if let Some(lease) = self.lease() {
            lease.close();
        }
    }

    /// Drops everything that no thread will come for.
    pub(super) fn clear(&self) {
        let mut left = self.locked(|state| state.take_leftovers(Vec::new(), true));
        while !left.is_empty() {
            let open = left.drop_each();
            left = self.locked(|state| state.take_leftovers(open, false));
        }
        self.function().clear();
    }
}
