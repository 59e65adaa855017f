//! The span of an imap: it is below the caller's, and around the function on each thread.

use pool_core::{Executor, Sequential};
use pool_stealing::StealingPool;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::with_default;
use tracing::{Event, Metadata, Subscriber, info_span};

/// Writes down each new span with its parent, each event, and what is entered.
#[derive(Clone, Default)]
struct Log(Arc<State>);

#[derive(Default)]
struct State {
    ids: AtomicU64,
    inside: Mutex<Vec<u64>>,
    lines: Mutex<Vec<String>>,
}

impl Log {
    fn note(&self, line: String) {
        self.0.lines.lock().unwrap().push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lines.lock().unwrap().clone()
    }
}

#[derive(Default)]
struct Index(Option<u64>);

impl Visit for Index {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "index" {
            self.0 = Some(value);
        }
    }
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.0.ids.fetch_add(1, Ordering::SeqCst) + 1;
        let parent = self.0.inside.lock().unwrap().last().copied().unwrap_or(0);
        self.note(format!("{id} {} in {parent}", attributes.metadata().name()));
        Id::from_u64(id)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut index = Index::default();
        event.record(&mut index);
        let parent = event.parent().map(Id::into_u64);
        self.note(format!("{} {:?} {:?}", event.metadata().level(), index.0, parent));
    }
    fn enter(&self, id: &Id) {
        self.0.inside.lock().unwrap().push(id.into_u64());
        self.note(format!("enter {}", id.into_u64()));
    }
    fn exit(&self, id: &Id) {
        self.0.inside.lock().unwrap().retain(|inside| *inside != id.into_u64());
    }
}

#[test]
fn the_span_of_an_imap_is_below_the_caller_s_and_around_the_function() {
    let pool = StealingPool::new(1).unwrap();
    let log = Log::default();
    let seen = log.clone();
    with_default(log.clone(), || {
        info_span!("request").in_scope(|| {
            let inside = seen.clone();
            assert_eq!(
                pool.imap(0..1, move |_| inside.0.inside.lock().unwrap().clone()).next(),
                Some(vec![1, 2])
            );
            let inside = seen.clone();
            let sequential = Sequential.imap(0..1, move |_| inside.0.inside.lock().unwrap().clone()).next();
            assert_eq!(sequential, Some(vec![1, 3]));
        });
    });
    let lines = log.lines();
    assert!(lines.contains(&"2 imap in 1".into()) && lines.contains(&"enter 2".into()), "{lines:?}");
}

#[test]
fn what_is_late_is_an_event() {
    let pool = StealingPool::new(1).unwrap();
    let log = Log::default();
    with_default(log.clone(), || {
        let (send, wait) = std::sync::mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let f = move |x: u64| (x == 1).then(|| wait.lock().unwrap().recv());
        let mut results = pool.imap(0..2, f).item_timeout(Duration::from_millis(200));
        assert!(results.next().is_some_and(|first| first.is_ok()));
        assert!(results.next_timeout(Duration::from_millis(1)).is_err());
        assert!(results.next().is_some_and(|second| second.is_err()));
        drop(send);
    });
    let events: Vec<_> = log.lines().into_iter().filter(|line| line.contains("Some")).collect();
    assert_eq!(events, ["INFO Some(1) Some(1)", "WARN Some(1) Some(1)"]);
}
