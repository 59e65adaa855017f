//! The consumer: asks for results in one of the ways there are, and checks what comes.

use super::oracle::{Check, Expected, Got, Outcome, Ret};
use super::pool::Pool;
use super::scenario::{Bytes, Call, End, Plan, Results};
use super::values::Thrown;
use super::watch::Watch;
use futures::StreamExt;
use futures::executor::block_on;
use pool_core::{Imap, ImapStream, Place, Pooled, StreamImap, TimedOut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

/// An imap that has begun, whatever its results are.
pub(super) trait Calls {
    fn next(&mut self) -> Result<Option<Got>, TimedOut>;
    fn give_up(&mut self) -> bool;
    fn is_cancelled(&self) -> bool;
}

struct OfImap<'p, T, P: Place>(Imap<'p, T, P>, Call);

impl<T: Outcome, P: Place> Calls for OfImap<'_, T, P> {
    fn next(&mut self) -> Result<Option<Got>, TimedOut> {
        let next = match self.1 {
            Call::Next => self.0.next(),
            Call::Limit { limit, .. } => self.0.next_timeout(limit)?,
        };
        Ok(next.map(Outcome::got))
    }

    fn give_up(&mut self) -> bool {
        self.0.give_up()
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl<T: Outcome> Calls for ImapStream<'_, T> {
    fn next(&mut self) -> Result<Option<Got>, TimedOut> {
        Ok(block_on(StreamExt::next(self)).map(Outcome::got))
    }

    fn give_up(&mut self) -> bool {
        false
    }

    fn is_cancelled(&self) -> bool {
        ImapStream::is_cancelled(self)
    }
}

impl<T: Outcome> Calls for StreamImap<'_, T> {
    fn next(&mut self) -> Result<Option<Got>, TimedOut> {
        Ok(block_on(StreamExt::next(self)).map(Outcome::got))
    }

    fn give_up(&mut self) -> bool {
        false
    }

    fn is_cancelled(&self) -> bool {
        StreamImap::is_cancelled(self)
    }
}

/// How an imap is iterated.
pub(super) trait Way<P: Place + 'static> {
    fn calls<'p, T: Outcome + 'p>(imap: Imap<'p, T, P>, call: Call) -> Box<dyn Calls + 'p>;
}

pub(super) struct Iterated;
pub(super) struct Polled;

impl<P: Place + 'static> Way<P> for Iterated {
    fn calls<'p, T: Outcome + 'p>(imap: Imap<'p, T, P>, call: Call) -> Box<dyn Calls + 'p> {
        Box::new(OfImap(imap, call))
    }
}

impl Way<Pooled> for Polled {
    fn calls<'p, T: Outcome + 'p>(imap: Imap<'p, T>, _: Call) -> Box<dyn Calls + 'p> {
        Box::new(imap.into_stream())
    }
}

/// The settings that come before the results are made something else.
pub(super) fn set<'p, P: Place>(
    mut imap: Imap<'p, Ret, P>,
    plan: &Plan,
    pool: &Pool,
    watch: &Watch,
) -> Imap<'p, Ret, P> {
    let settings = &plan.settings;
    if let Some(window) = settings.window {
        imap = imap.window(window);
    }
    if let Some(chunk) = settings.chunk {
        imap = imap.chunk(chunk);
    }
    if let Some(threads) = settings.threads {
        imap = imap.threads(threads);
    }
    imap = match (settings.bytes, &pool.budget) {
        (Bytes::Own(limit), _) => imap.window_bytes(limit),
        (Bytes::Shared, Some(budget)) => imap.window_bytes(budget),
        _ => imap,
    };
    let imap = if settings.unordered { imap.unordered() } else { imap };
    imap.cancel_with(&watch.token)
}

/// Iterates it as planned.
pub(super) fn consume<W: Way<P>, P: Place + 'static>(
    imap: Imap<'_, Ret, P>,
    plan: &Plan,
    expected: Expected,
    pool: &Pool,
    watch: &Arc<Watch>,
) {
    let imap = set(imap, plan, pool, watch);
    let call = plan.call;
    let begins = plan.settings.started;
    if begins {
        watch.ask(0, 0);
    }
    let fails_fast = plan.settings.fail_fast;
    let calls = match plan.results {
        Results::Plain => W::calls(ready(if fails_fast { imap.fail_fast() } else { imap }, begins), call),
        Results::Caught => {
            let imap = imap.catch_panics();
            W::calls(ready(if fails_fast { imap.fail_fast() } else { imap }, begins), call)
        }
        Results::ItemLimit(limit) => {
            let imap = imap.item_timeout(limit);
            W::calls(ready(if fails_fast { imap.fail_fast() } else { imap }, begins), call)
        }
    };
    let check = Check::new(plan, expected, &pool.ledger, &watch.cancelled, &pool.terminated);
    drive(calls, check, plan, watch);
    watch.end();
}

/// Polls it as planned.
pub(super) fn consume_stage(imap: StreamImap<'_, Ret>, plan: &Plan, pool: &Pool, watch: &Arc<Watch>) {
    let calls: Box<dyn Calls + '_> =
        if plan.results == Results::Caught { Box::new(imap.catch_panics()) } else { Box::new(imap) };
    let expected = Expected::of(plan);
    let check = Check::new(plan, expected, &pool.ledger, &watch.cancelled, &pool.terminated);
    drive(calls, check, plan, watch);
    watch.end();
}

fn ready<T, P: Place>(imap: Imap<'_, T, P>, begins: bool) -> Imap<'_, T, P> {
    if begins { imap.start() } else { imap }
}

fn drive(mut calls: Box<dyn Calls + '_>, mut check: Check<'_>, plan: &Plan, watch: &Arc<Watch>) {
    let canceller = canceller(plan, watch);
    let mut call = 0;
    loop {
        match plan.end {
            End::DroppedAfter(results) if check.received() >= results => break,
            End::CancelledAfter(results) if check.received() >= results => watch.cancel(),
            _ => {}
        }
        watch.ask(check.received(), check.bytes());
        let got = call_once(&mut *calls);
        let is_late = matches!(got, Got::CallLate(_));
        if !check.got(got) {
            check_after_the_end(&mut *calls, &check, watch);
            break;
        }
        if is_late && matches!(plan.call, Call::Limit { gives_up: true, .. }) && calls.give_up() {
            check.gave_up();
        }
        watch.receive(check.received());
        call += 1;
        plan.pause.take(plan.work.seed, call);
    }
    // Before the canceller: a panic in here is a fault.
    drop(calls);
    if let Some(canceller) = canceller {
        canceller.join().expect("it only sleeps");
    }
}

/// Cancels at a time that was decided before.
fn canceller(plan: &Plan, watch: &Arc<Watch>) -> Option<thread::JoinHandle<()>> {
    let End::CancelledMeanwhile(after) = plan.end else { return None };
    let watch = watch.clone();
    Some(thread::spawn(move || {
        thread::sleep(after);
        watch.cancel();
    }))
}

fn call_once(calls: &mut dyn Calls) -> Got {
    match catch_unwind(AssertUnwindSafe(|| calls.next())) {
        Ok(Ok(Some(got))) => got,
        Ok(Ok(None)) => Got::End,
        Ok(Err(late)) => Got::CallLate(late.index()),
        Err(payload) => Got::Thrown(Thrown::of(payload)),
    }
}

fn check_after_the_end(calls: &mut dyn Calls, check: &Check<'_>, watch: &Watch) {
    if !matches!(call_once(calls), Got::End) {
        check.fault("P11: something comes after the end");
    }
    if calls.is_cancelled() && !watch.token.is_cancelled() {
        check.fault("it says that it was cancelled, and was not");
    }
}
