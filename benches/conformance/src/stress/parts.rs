//! The parts that are more than one imap, or none.

use super::code::Body;
use super::drive::{Iterated, consume, consume_stage, set};
use super::made::{Made, enter, make};
use super::oracle::{Act, Check, Expected, Got, Outcome, Ret, happens};
use super::pool::{Pool, drop_quietly};
use super::scenario::{Bytes, End, Entrance, Plan};
use super::values::{Kind, Ledger, Thrown, Value};
use super::watch::Watch;
use pool_core::{Executor, Imap, IterExt, JobError, JobHandle, Sink, StreamImapExt};
use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

/// What a payload says that is no fault of a plan's.
pub(super) fn text(payload: Box<dyn Any + Send>) -> String {
    match Thrown::of(payload) {
        Thrown::Number(number) => format!("the one of item {number}"),
        Thrown::Cancelled => String::from("Cancelled"),
        Thrown::Other(text) => text,
    }
}

/// The results of an imap as the items of another one.
struct Between {
    first: Imap<'static, Ret>,
    watch: Arc<Watch>,
    ledger: Ledger,
    plan: Arc<Plan>,
    received: u64,
    bytes: u64,
}

impl Iterator for Between {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        self.watch.ask(self.received, self.bytes);
        let (Ok((item, value)) | Err((item, value))) = self.first.next()?;
        value.defuse();
        self.received += 1;
        self.watch.receive(self.received);
        self.bytes += self.plan.work.size(item) as u64;
        Some(Value::new(&self.ledger, Kind::Item, item, self.plan.work.is_bomb(item)))
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        self.watch.end();
    }
}

pub(super) fn chain(first: &Plan, second: &Plan, pool: &Pool, waits: bool) {
    let expected = Expected::of_chain(first, second);
    // It is consumed by the second one, wherever that pulls.
    let Made { plan, watch, source, body } = make(first, pool, false);
    let sizes = plan.clone();
    let items = source.with_sizes(move |item| sizes.work.size(item.number));
    let first = items.imap(pool.pool.clone(), move |item| body.run(item));
    let first = set(first, &plan, pool, &watch);
    let begins = plan.settings.started;
    if begins {
        watch.ask(0, 0);
    }
    let first = if begins { first.start() } else { first };
    let ledger = pool.ledger.clone();
    let between = Between { first, watch, ledger, plan, received: 0, bytes: 0 };

    let made = make(second, pool, waits);
    let sizes = made.plan.clone();
    drop_quietly(made.source);
    let items =
        Watched { items: between, watch: made.watch.clone(), pulled: 0, bytes: 0, plan: sizes.clone() };
    let items = items.with_sizes(move |item| sizes.work.size(item.number));
    let (plan, body) = (&*made.plan, made.body);
    if plan.local {
        let imap = pool.pool.imap(items.local(), move |item| body.run(item));
        return consume::<Iterated, _>(imap, plan, expected, pool, &made.watch);
    }
    consume::<Iterated, _>(enter(items, body, plan, &pool.pool), plan, expected, pool, &made.watch);
}

/// Checks when the second stage pulls.
struct Watched {
    items: Between,
    watch: Arc<Watch>,
    plan: Arc<Plan>,
    pulled: u64,
    bytes: u64,
}

impl Iterator for Watched {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        self.watch.check_pull(self.pulled, self.bytes);
        self.pulled += 1;
        let item = self.items.next()?;
        self.bytes += self.plan.work.size(item.number) as u64;
        Some(item)
    }
}

/// The task polls the input, where it polls the results.
pub(super) fn stage(plan: &Plan, pool: &Pool) {
    let Made { plan, watch, mut source, body } = make(plan, pool, true);
    let mut polls = 0;
    let stream = futures::stream::poll_fn(move |context| {
        polls += 1;
        if polls % 7 == 0 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(source.next())
    });
    let init = body.init();
    let mut imap = match plan.state {
        true => stream.imap_init(pool.pool.clone(), init, move |_: &mut Value, item| body.run(item)),
        false => stream.imap(pool.pool.clone(), move |item| body.run(item)),
    };
    if let Some(window) = plan.settings.window {
        imap = imap.window(window);
    }
    if let Some(chunk) = plan.settings.chunk {
        imap = imap.chunk(chunk);
    }
    if plan.settings.unordered {
        imap = imap.unordered();
    }
    let imap = imap.cancel_with(&watch.token);
    consume_stage(imap, &plan, pool, &watch);
}

pub(super) fn sink(plan: &Plan, pool: &Pool, waits: bool) {
    let Made { plan, watch, source, body } = make(plan, pool, waits);
    drop_quietly(source);
    let expected = Expected::of(&plan);
    let check = RefCell::new(Check::new(&plan, expected, &pool.ledger, &watch.cancelled, &pool.terminated));
    let consume = |ret: Ret| {
        let handed = check.borrow().received() + 1;
        watch.ask(handed, 0);
        check.borrow_mut().got(ret.got());
    };
    let init = body.init();
    watch.ask(0, 0);
    let mut sink = match (plan.entrance, plan.state) {
        (Entrance::Owned, _) => pool.pool.clone().into_sink(move |item| body.run(item), consume),
        (_, true) => pool.pool.sink_init(init, move |_: &mut Value, item| body.run(item), consume),
        (_, false) => pool.pool.sink(move |item| body.run(item), consume),
    };
    if let Some(window) = plan.settings.window {
        sink = sink.window(window);
    }
    if let Some(chunk) = plan.settings.chunk {
        sink = sink.chunk(chunk);
    }
    if plan.settings.unordered {
        sink = sink.unordered();
    }
    push(sink, &plan, pool, &watch, &check);
    watch.end();
}

fn push<C: FnMut(Ret)>(
    mut sink: Sink<'_, Value, Ret, C>,
    plan: &Plan,
    pool: &Pool,
    watch: &Watch,
    check: &RefCell<Check<'_>>,
) {
    let attempt = |call: &mut dyn FnMut()| {
        watch.ask(check.borrow().received(), 0);
        let Err(payload) = catch_unwind(AssertUnwindSafe(call)) else { return true };
        check.borrow_mut().got(Got::Thrown(Thrown::of(payload)));
        false
    };
    for item in 0..plan.input.items {
        if matches!(plan.end, End::DroppedAfter(items) if items == item) {
            return drop(sink);
        }
        plan.pause.take(plan.work.seed, item);
        let mut value = Some(Value::new(&pool.ledger, Kind::Item, item, plan.work.is_bomb(item)));
        attempt(&mut || sink.push(value.take().expect("it is called once")));
        match item % 16 {
            3 => _ = attempt(&mut || sink.consume_ready()),
            11 => _ = attempt(&mut || sink.flush()),
            _ => {}
        }
    }
    while !attempt(&mut || sink.flush()) {
        if pool.terminated.load(Ordering::SeqCst) {
            return drop(sink);
        }
    }
    let mut sink = Some(sink);
    attempt(&mut || sink.take().expect("it is called once").finish());
    check.borrow_mut().got(Got::End);
}

pub(super) fn map(plan: &Plan, pool: &Pool, waits: bool) {
    let plan = in_blocks(plan);
    let Made { plan, watch, source, body } = make(&plan, pool, waits);
    watch.ask(0, 0);
    let got = catch_unwind(AssertUnwindSafe(|| (*pool.pool).map(source, |item| body.run(item))));
    watch.check_idle();
    check_map(got, &Expected::of(&plan), pool);
    drop_quietly(body);
}

/// As it is where neither a window nor a consumer is.
fn in_blocks(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.settings.window = Some(usize::MAX >> 1);
    plan.settings.threads = None;
    plan.settings.bytes = Bytes::Unbounded;
    plan.input.awaits = None;
    plan.local = false;
    plan.work.cancels_at = None;
    plan
}

fn check_map(got: std::thread::Result<Vec<Ret>>, expected: &Expected, pool: &Pool) {
    let Expected { items, panics } = expected;
    let first = items.iter().find_map(|act| if let Act::Panic(item) = act { Some(*item) } else { None });
    let first = first.or(*panics);
    let is_terminated = pool.terminated.load(Ordering::SeqCst);
    let fault = match got.map_err(Thrown::of) {
        Ok(results) => {
            let got = results.into_iter().map(Outcome::got).map(|got| match got {
                Got::Result(act, item) => Some((item, act)),
                _ => None,
            });
            let got: Vec<_> = got.collect();
            let same = got.into_iter().eq((0..).zip(items).map(|(item, act)| Some((item, *act))));
            (!same || first.is_some()).then(|| String::from("it gave other results"))
        }
        Err(Thrown::Number(number)) => (first != Some(number) && !(is_terminated && first.is_some()))
            .then(|| format!("it panicked with {number}, and the first is {first:?}")),
        Err(Thrown::Cancelled) => (!is_terminated).then(|| String::from("it was cancelled")),
        Err(Thrown::Other(text)) => Some(format!("it panicked with: {text}")),
    };
    fault.into_iter().for_each(|fault| pool.ledger.note(format!("a map: {fault}")));
}

pub(super) fn jobs(plan: &Plan, pool: &Pool) {
    let mut plan = in_blocks(plan);
    plan.input.items = plan.input.items.min(60);
    // Its last owner is often a job.
    plan.work.bombs = 0;
    let Made { plan, watch, source, body } = make(&plan, pool, true);
    drop_quietly(source);
    let body = Arc::new(body);
    watch.ask(0, 0);
    let submit = |item| {
        let (body, value) = (body.clone(), Value::new(&pool.ledger, Kind::Item, item, false));
        pool.pool.submit(move || body.run(value))
    };
    let handles: Vec<_> = (0..plan.input.items).map(submit).collect();
    for (item, handle) in (0..).zip(handles) {
        join(item, handle, &plan, pool, &body);
    }
}

fn join(item: u64, mut handle: JobHandle<Ret>, plan: &Plan, pool: &Pool, _body: &Body) {
    let seed = plan.work.seed;
    let mut may_be_cancelled = pool.terminated.load(Ordering::SeqCst);
    if happens(seed, item, 10, 5) {
        return drop(handle);
    }
    if happens(seed, item, 11, 5) {
        may_be_cancelled |= handle.cancel();
    }
    if happens(seed, item, 12, 3) {
        let _ = handle.is_finished();
        if let Ok(result) = handle.join_timeout(Duration::from_micros(100)) {
            return check_job(item, result, plan, pool, may_be_cancelled);
        }
    }
    check_job(item, handle.join(), plan, pool, may_be_cancelled);
}

fn check_job(item: u64, result: Result<Ret, JobError>, plan: &Plan, pool: &Pool, may_be_cancelled: bool) {
    let act = match result {
        Ok(ret) => match ret.got() {
            Got::Result(act, _) => act,
            _ => unreachable!("a value is a result"),
        },
        Err(JobError::Panicked(panic)) => match Thrown::of(panic.into_payload()) {
            Thrown::Number(number) => Act::Panic(number),
            Thrown::Cancelled if pool.terminated.load(Ordering::SeqCst) => return,
            Thrown::Cancelled => return pool.ledger.note("a job panicked with Cancelled"),
            Thrown::Other(text) => return pool.ledger.note(format!("a job panicked with: {text}")),
        },
        Err(_) if may_be_cancelled || pool.terminated.load(Ordering::SeqCst) => return,
        Err(_) => return pool.ledger.note(format!("job {item} was cancelled")),
    };
    if act != plan.work.act(item) {
        pool.ledger.note(format!("job {item} gave {act:?}"));
    }
}
