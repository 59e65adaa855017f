//! Results of handles that will not be taken are dropped as those of imaps are.

use crate::oracle::panic_on_purpose;
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Counted, Gate, LONG, soon};
use pool_core::Executor;
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, ThreadId};

/// Says on which thread it is dropped, and then panics.
struct Told(Arc<Mutex<Vec<ThreadId>>>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(thread::current().id());
        panic_on_purpose(0);
    }
}

fn is_unwind_safe<T: UnwindSafe + RefUnwindSafe>(_: &T) {}

promises! {
    fn p9_unwanted_result_of_a_finished_job_is_dropped_with_its_handle(subject) {
        let pool = subject.pool(2);
        let me = thread::current().id();
        for scoped in [false, true] {
            for _ in 0..100 {
                let dropped: Arc<Mutex<Vec<ThreadId>>> = Arc::default();
                let told = Told(dropped.clone());
                if scoped {
                    pool.scope(|s| {
                        let handle = s.submit(move || told);
                        soon("it has run", || handle.is_finished());
                        drop(handle);
                        assert_eq!(*dropped.lock().unwrap(), [me], "here, and before this returns");
                    });
                } else {
                    let handle = pool.submit(move || told);
                    soon("it has run", || handle.is_finished());
                    drop(handle);
                    assert_eq!(*dropped.lock().unwrap(), [me], "here, and before this returns");
                }
            }
        }
    }

    fn p9_unwanted_result_that_comes_later_is_dropped_at_once(subject) {
        let pool = subject.pool(1);
        let (dropped, gate): (Arc<Mutex<Vec<ThreadId>>>, _) = (Arc::default(), Gate::closed());
        let (told, door, (begin, begun)) = (Told(dropped.clone()), gate.door(), mpsc::channel());
        let handle = pool.submit(move || {
            begin.send(thread::current().id()).unwrap();
            door.pass();
            told
        });
        let worker = begun.recv_timeout(LONG).unwrap();
        drop(handle);
        assert!(dropped.lock().unwrap().is_empty());
        gate.open();
        soon("it is dropped", || *dropped.lock().unwrap() == [worker]);
        assert_eq!(pool.submit(|| 1).join().unwrap(), 1);
    }

    fn p9_unwanted_results_are_dropped_once(subject) {
        let pool = subject.pool(2);
        let alive = Alive::default();
        for keep in 0..3 {
            let handles: Vec<_> = (0..300)
                .map(|_| {
                    let of_results = alive.clone();
                    pool.submit(move || of_results.new_one())
                })
                .collect();
            for (index, handle) in handles.into_iter().enumerate() {
                if index % 3 == keep {
                    let _result: Counted = handle.join().unwrap();
                }
            }
        }
        alive.wait_for(0);
    }

    /// The panic of a job whose handle was dropped is the scope's, whether it comes before or after.
    fn p6_unwanted_panic_goes_to_the_scope(subject) {
        for finished in [false, true] {
            let pool = subject.pool(2);
            let payload = catch_unwind(std::panic::AssertUnwindSafe(|| pool.scope(|s| {
                let handle = s.submit(|| panic_on_purpose(3));
                if finished {
                    soon("it has run", || handle.is_finished());
                }
                drop::<pool_core::ScopedJobHandle<'_, ()>>(handle);
            })));
            assert_eq!(payload.unwrap_err().downcast_ref(), Some(&crate::oracle::OnPurpose(3)));
        }
    }

    fn p11_handles_are_unwind_safe(subject) {
        let pool = subject.pool(2);
        let handle = pool.submit(|| 3);
        is_unwind_safe(&handle);
        // By value and by reference, and no assertion.
        assert!(catch_unwind(|| handle.is_finished()).is_ok());
        assert_eq!(catch_unwind(move || handle.join().unwrap()).unwrap(), 3);
        pool.scope(|s| is_unwind_safe(&s.submit(|| 3)));
    }
}
