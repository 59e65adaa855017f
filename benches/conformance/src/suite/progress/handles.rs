//! Handles of submitted jobs as futures.

use crate::oracle::{OnPurpose, panic_on_purpose};
use crate::suite::list::promises;
use crate::suite::parts::{Gate, LONG, soon};
use crate::suite::tasks::{Woken, current_thread, multi_thread};
use futures::executor::block_on;
use futures::task::waker;
use pool_core::{Executor, JobError};
use std::pin::{Pin, pin};
use std::sync::{Arc, mpsc};
use std::task::Context;
use std::thread;

promises! {
    fn p5_handle_as_a_future(subject) {
        let pool = subject.pool(2);
        for runtime in [current_thread(), multi_thread()] {
            let me = thread::current().id();
            runtime.block_on(async {
                let answer = pool.submit(move || (thread::current().id(), 42)).await.unwrap();
                assert!(answer.0 != me && answer.1 == 42);
                let failed = pool.submit(|| panic_on_purpose(7)).await.unwrap_err();
                let JobError::Panicked(panic) = failed else { panic!("not a panic: {failed}") };
                assert_eq!(panic.into_payload().downcast_ref(), Some(&OnPurpose(7)));
                let all = futures::future::join_all((0..500u64).map(|x| pool.submit(move || x))).await;
                assert!(all.into_iter().map(Result::unwrap).eq(0..500));
            });
        }
    }

    fn p5_handle_wakes_the_task_that_polled_last(subject) {
        let pool = subject.pool(1);
        let gate = Gate::closed();
        let door = gate.door();
        let mut handle = pin!(pool.submit(move || door.pass()));
        let (first, second) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
        for task in [&first, &second] {
            let poll = handle.as_mut().poll(&mut Context::from_waker(&waker(task.clone())));
            assert!(poll.is_pending());
        }
        gate.open();
        soon("the last task is woken", || second.count() > 0);
        assert_eq!(first.count(), 0);
        assert!(block_on(handle).is_ok());
    }

    fn p9_handle_of_a_cancelled_job(subject) {
        let pool = subject.pool(1);
        let gate = Gate::closed();
        let door = gate.door();
        let (begun, begins) = mpsc::channel();
        let first = pool.submit(move || (begun.send(()).unwrap(), door.pass()).1);
        begins.recv_timeout(LONG).unwrap();
        let mut handle = pool.submit(|| panic!("it must not run"));
        let task = Arc::new(Woken::default());
        assert!(Pin::new(&mut handle).poll(&mut Context::from_waker(&waker(task.clone()))).is_pending());
        assert!(handle.cancel());
        assert_eq!(task.count(), 1);
        assert!(matches!(block_on(handle), Err::<(), _>(JobError::Cancelled)));
        gate.open();
        block_on(first).unwrap();
    }

    fn p12_handle_of_a_terminated_pool(subject) {
        if !subject.terminates() {
            return;
        }
        let pool = subject.pool(1);
        let gate = Gate::closed();
        let (door, (begun, begins)) = (gate.door(), mpsc::channel());
        let running = pool.submit(move || (begun.send(()).unwrap(), door.pass()).1);
        let queued: Vec<_> = (0..20).map(|_| pool.submit(|| ())).collect();
        begins.recv_timeout(LONG).unwrap();
        pool.terminate();
        for result in block_on(futures::future::join_all(queued)) {
            assert!(matches!(result, Err(JobError::Cancelled)));
        }
        gate.open();
        block_on(running).unwrap();
        drop(pool);
    }
}
