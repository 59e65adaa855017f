//! The iterator that the user holds: settings, and the consumer's side.
//!
//! The job puts outcomes into [`Results`] in the order in which they are to be handed out. They are decoded here, on the
//! thread that iterates.

use crate::cancelled::OnCancel;
use crate::control::{Bell, Control, Settings};
use crate::error::TaskError;
use crate::frame::Outcome;
use crate::input::Feed;
use crate::ledger::Segment;
use crate::results::Results;
use crate::stats::RemoteStats;
use crate::task::Identity;
use crate::unwind::drop_quietly;
use crate::waiting::wait_for;
use bytes::Bytes;
use pool_core::{CancelToken, TimedOut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;
#[cfg(feature = "stream")]
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// What carries items to workers, and outcomes back.
pub trait Transport: Send + Sync {
    /// The settings of an imap of which nothing has been set.
    fn settings(&self) -> Settings;

    /// What the threads that pull inputs are called.
    fn input_name(&self) -> &'static str;

    /// Works for an imap, from now on until all is there, or its [`Control`] is stopped. It sets the bell.
    fn launch(&self, launch: Launch);
}

/// An imap that begins.
#[derive(Debug)]
pub struct Launch {
    /// The function.
    pub task: Identity,
    /// What was set.
    pub settings: Settings,
    /// Where items come from.
    pub feed: Arc<Feed>,
    /// Whether it goes on.
    pub control: Arc<Control>,
    /// Where outcomes go.
    pub results: Arc<Results>,
    /// Rung by the feed and the control.
    pub bell: Arc<Bell>,
}

/// Workers are processes on any machine: [`RemoteImap`] has the settings for what gets lost on the way.
#[derive(Debug)]
pub struct Machines(());

/// Workers are child processes of this one.
#[derive(Debug)]
pub struct Children(());

/// An ordered, lazy map whose function runs in worker processes. From the `imap` of a pool.
///
/// It is an iterator of `Result<T, TaskError>`, in the order of the input. Nothing happens before the first `next` or
/// [`start`](RemoteImap::start). `K` is the kind of worker, [`Children`] or [`Machines`], for which there are settings
/// of its own.
///
/// # What is promised
///
/// While this process lives, each item has exactly one result, at its place, whatever happens to workers and servers.
/// The function may run more than once for an item (if a worker vanishes after it has begun), so it must be
/// *idempotent*: to run twice must do no harm. See [`TaskError`] for the items that have no result.
///
/// A result never waits for the next item: the input may block for ever, or depend on results.
///
/// # Dropping
///
/// Dropping it ends the work and does not wait: workers drop what they hold and have not begun. The thread that pulls
/// ends when the input's `next` comes back.
///
/// # Panics
///
/// `next` goes on with a panic of the input, after the results of all items before it.
///
/// ```
/// # use pool_remote::{Children, RemoteImap, TaskError};
/// fn all(counts: RemoteImap<u64, Children>) -> Result<Vec<u64>, TaskError> {
///     counts.window(1000).collect()
/// }
/// ```
#[must_use = "an imap is lazy: it does nothing until it is iterated or started"]
pub struct RemoteImap<T, K> {
    transport: Arc<dyn Transport>,
    task: Identity,
    stage: Stage,
    bell: Arc<Bell>,
    control: Arc<Control>,
    tokens: Vec<(CancelToken, OnCancel)>,
    /// What the input said of its length.
    hint: (usize, Option<usize>),
    /// Results that were handed out.
    delivered: u64,
    segment: Option<Unread>,
    results: PhantomData<fn() -> (T, K)>,
}

type Pull = Box<dyn FnOnce(&Feed) + Send>;

enum Stage {
    Fresh { settings: Settings, pull: Pull },
    Running { feed: Arc<Feed>, results: Arc<Results> },
    Over,
}

/// Outcomes that have come and are not handed out.
struct Unread {
    outcomes: Bytes,
    at: usize,
    left: u32,
}

impl<T, K> RemoteImap<T, K> {
    /// An imap that has not begun.
    pub fn new<I: Serialize>(
        transport: Arc<dyn Transport>,
        task: Identity,
        input: impl Iterator<Item = I> + Send + 'static,
    ) -> RemoteImap<T, K> {
        let bell: Arc<Bell> = Arc::default();
        RemoteImap {
            task,
            hint: input.size_hint(),
            stage: Stage::Fresh { settings: transport.settings(), pull: Box::new(|feed| feed.pull(input)) },
            transport,
            control: Arc::new(Control::new(bell.clone())),
            bell,
            tokens: Vec::new(),
            delivered: 0,
            segment: None,
            results: PhantomData,
        }
    }

    #[track_caller]
    fn settings(&mut self, name: &str) -> &mut Settings {
        match &mut self.stage {
            Stage::Fresh { settings, .. } => settings,
            _ => panic!("{name} must be set before the iteration begins"),
        }
    }

    /// Bounds how many items are between the input and the consumer, exactly: item *k + n* is not pulled before result
    /// *k* has been handed out and `next` called again.
    ///
    /// The default follows the batches: 64 messages of items, or four for each thread of all workers if that is more;
    /// at most 65,536 items. See also [`window_bytes`](RemoteImap::window_bytes).
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the iteration has begun.
    #[track_caller]
    pub fn window(mut self, n: usize) -> Self {
        assert!(n > 0, "window(0): no item could ever be pulled; the smallest window is 1");
        self.settings("window").window = Some(n as u64);
        self
    }

    /// Bounds how many bytes of items and results this process holds, about. Default 32 MiB.
    ///
    /// What counts is what is encoded. At least one item is always on its way, and the results of a window that were
    /// expected to be small may be large.
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the iteration has begun.
    #[track_caller]
    pub fn window_bytes(mut self, n: u64) -> Self {
        assert!(n > 0, "window_bytes(0): no item could ever be pulled");
        self.settings("window_bytes").window_bytes = n;
        self
    }

    /// Puts up to `n` items into a message, instead of as many as are measured to be worth a message.
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the iteration has begun.
    #[track_caller]
    pub fn batch(mut self, n: usize) -> Self {
        assert!(n > 0, "batch(0): a message must hold at least 1 item");
        self.settings("batch").batch = Some(n as u64);
        self
    }

    /// Hands out results as they come, instead of in the order of the input. All else stays.
    ///
    /// # Panics
    ///
    /// If the iteration has begun.
    #[track_caller]
    pub fn unordered(mut self) -> Self {
        self.settings("unordered").unordered = true;
        self
    }

    /// Gives an item at most this long, counted from when it began: then it is [`TaskError::TimedOut`] at its place.
    ///
    /// A function cannot be stopped, so its *process* ends. A child is killed, and another one takes its place. A worker of
    /// `pool-nats` hands back what else it holds and ends with the status `EXIT_ITEM_TIMED_OUT`; its supervisor should
    /// start it anew.
    ///
    /// # Panics
    ///
    /// If the limit is zero, or the iteration has begun.
    #[track_caller]
    pub fn item_timeout(mut self, limit: Duration) -> Self {
        assert!(!limit.is_zero(), "item_timeout(0): no item could ever be in time");
        self.settings("item_timeout").item_timeout = Some(limit);
        self
    }

    /// The largest item and the largest result, in bytes when encoded. Default 64 MiB, at most 1 GiB.
    ///
    /// A larger one is [`TaskError::TooLarge`] at its place.
    ///
    /// # Panics
    ///
    /// If it is 0 or above 1 GiB, or the iteration has begun.
    #[track_caller]
    pub fn size_limit(mut self, bytes: u64) -> Self {
        assert!((1..=1 << 30).contains(&bytes), "size_limit({bytes}): 1 to {} bytes", 1 << 30);
        self.settings("size_limit").size_limit = bytes;
        self
    }

    /// A token that cancels this imap, from any thread: results that have come are still handed out, up to the first
    /// that has not, and then [`TaskError::Cancelled`].
    pub fn cancel_token(&mut self) -> CancelToken {
        if let Some((token, _)) = self.tokens.first() {
            return token.clone();
        }
        let token = CancelToken::new();
        self.attach(&token);
        token
    }

    /// Lets this token, too, cancel the imap. One token can cancel many imaps, local ones as well.
    pub fn cancel_with(mut self, token: &CancelToken) -> Self {
        self.attach(token);
        self
    }

    fn attach(&mut self, token: &CancelToken) {
        let control = self.control.clone();
        self.tokens.push((token.clone(), OnCancel::new(token, move || control.cancel())));
    }

    /// Begins to pull and to send now, up to the window, instead of at the first `next`.
    pub fn start(mut self) -> Self {
        self.begin();
        self
    }

    fn begin(&mut self) {
        if !matches!(self.stage, Stage::Fresh { .. }) {
            return;
        }
        let Stage::Fresh { settings, pull } = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        let feed = Arc::new(Feed::new(&settings, self.bell.clone()));
        let results: Arc<Results> = Arc::default();
        self.transport.launch(Launch {
            task: self.task.clone(),
            settings,
            feed: feed.clone(),
            control: self.control.clone(),
            results: results.clone(),
            bell: self.bell.clone(),
        });
        let pulled = feed.clone();
        let thread = std::thread::Builder::new().name(self.transport.input_name().into());
        if let Err(error) = thread.spawn(move || pull(&pulled)) {
            let why = format!("the operating system refused a thread for the input: {error}");
            self.control.fail(TaskError::Start(why));
            self.control.end();
        }
        self.stage = Stage::Running { feed, results };
    }

    /// How it is doing, from the side of this process.
    pub fn stats(&self) -> RemoteStats {
        let mut stats = self.control.stats().clone();
        if let Stage::Running { feed, .. } = &self.stage {
            stats.pulled = feed.pulled();
        }
        stats.delivered = self.delivered;
        stats
    }

    fn note_wait(&self, waited: Duration) {
        let mut stats = self.control.stats();
        stats.waited += waited;
        stats.longest_wait = stats.longest_wait.max(waited);
    }
}

impl<T> RemoteImap<T, Machines> {
    /// How often an item is tried whose worker dies of it, before it is [`TaskError::Lost`]. Default 3.
    ///
    /// Only an item that a worker was heard to have begun, and beside which nothing ran, has made an attempt. To find it, two
    /// workers more may die. So an item that kills stalls the iteration for at most (`n` + 3) × `ack_wait`, its neighbours
    /// for less. See also [`never_give_up`](RemoteImap::never_give_up).
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the iteration has begun.
    #[track_caller]
    pub fn max_deliver(mut self, n: u32) -> Self {
        assert!(n > 0, "max_deliver(0): no item could ever be tried");
        self.settings("max_deliver").attempts = n;
        self
    }

    /// No item is ever [`TaskError::Lost`]: it is tried until a worker survives it.
    ///
    /// For machines that come and go all the time. An item that kills each of its workers is then tried for ever.
    ///
    /// # Panics
    ///
    /// If the iteration has begun.
    #[track_caller]
    pub fn never_give_up(mut self) -> Self {
        self.settings("never_give_up").attempts = u32::MAX;
        self
    }

    /// Ends the iteration with [`TaskError::NoWorker`] if for this long no worker was heard of that offers the function.
    ///
    /// Without it (the default) the consumer waits until one comes. Below about 2 s a worker that is starting, or a
    /// connection that comes back, may be missed.
    ///
    /// # Panics
    ///
    /// If the iteration has begun.
    #[track_caller]
    pub fn no_worker_timeout(mut self, limit: Duration) -> Self {
        self.settings("no_worker_timeout").no_worker_timeout = Some(limit);
        self
    }
}

impl<T> RemoteImap<T, Children> {
    /// How often an item is tried whose process dies of it, before it is [`TaskError::Lost`]. Default 1.
    ///
    /// Only the item that was running counts an attempt, and each further one is made in a process of its own.
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the iteration has begun.
    #[track_caller]
    pub fn max_attempts(mut self, n: u32) -> Self {
        assert!(n > 0, "max_attempts(0): no item could ever be tried");
        self.settings("max_attempts").attempts = n;
        self
    }
}

impl<T: DeserializeOwned, K> RemoteImap<T, K> {
    /// The next result, waiting for at most `limit`. With `Duration::ZERO` it only looks.
    ///
    /// # Errors
    ///
    /// [`TimedOut`], and nothing is lost: the next call waits for the same item.
    ///
    /// # Panics
    ///
    /// With the panic of the input.
    pub fn next_timeout(&mut self, limit: Duration) -> Result<Option<Result<T, TaskError>>, TimedOut> {
        let late = TimedOut::new(self.delivered, limit);
        self.wait(Instant::now().checked_add(limit)).ok_or(late)
    }

    /// An iterator that waits for each result for at most `limit`, and else gives [`TimedOut`].
    pub fn timeout(self, limit: Duration) -> Timeout<T, K> {
        Timeout { inner: self, limit }
    }

    /// The imap as a `Stream` (feature `stream`), for consumers that must not block their thread.
    #[cfg(feature = "stream")]
    pub fn into_stream(self) -> RemoteStream<T, K> {
        RemoteStream { inner: self }
    }

    /// The next item or the end, or `None` when it is too late.
    fn wait(&mut self, deadline: Option<Instant>) -> Option<Option<Result<T, TaskError>>> {
        self.begin();
        if let Some(result) = self.next_unread() {
            return Some(Some(result));
        }
        let began = Instant::now();
        let item = wait_for(deadline, |context| self.poll(context))?;
        self.note_wait(began.elapsed());
        Some(item)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, TaskError>>> {
        self.begin();
        loop {
            if let Some(result) = self.next_unread() {
                return Poll::Ready(Some(result));
            }
            let Stage::Running { feed, results } = &self.stage else {
                return Poll::Ready(None);
            };
            match results.poll(context) {
                Poll::Pending => {
                    feed.delivered(self.delivered, true);
                    return Poll::Pending;
                }
                Poll::Ready(Some(Segment { count, outcomes, .. })) => {
                    self.segment = Some(Unread { outcomes, at: 0, left: count });
                    continue;
                }
                Poll::Ready(None) => {}
            }
            let panic = feed.take_panic();
            let failure = self.control.take_failure();
            self.finish();
            return match (failure, panic) {
                (Some(error), panic) => {
                    drop_quietly(panic);
                    Poll::Ready(Some(Err(error)))
                }
                (None, Some(payload)) => std::panic::resume_unwind(payload),
                (None, None) => Poll::Ready(None),
            };
        }
    }

    /// A result that has come already.
    fn next_unread(&mut self) -> Option<Result<T, TaskError>> {
        let Stage::Running { feed, .. } = &self.stage else { return None };
        feed.delivered(self.delivered, false);
        let unread = self.segment.as_mut()?;
        let outcomes = &unread.outcomes[unread.at..];
        // The job has looked at all of them, so there is one.
        let (outcome, rest) = Outcome::take(outcomes)?;
        unread.at = unread.outcomes.len() - rest.len();
        unread.left -= 1;
        self.delivered += 1;
        let last = (unread.left == 0).then(|| unread.outcomes.clone());
        let result = match outcome {
            Outcome::Ok(bytes) => {
                postcard::from_bytes(bytes).map_err(|error| TaskError::Decode(error.to_string()))
            }
            Outcome::Panicked(message) => Err(TaskError::Panicked(message.to_owned())),
            Outcome::TimedOut => Err(TaskError::TimedOut),
            Outcome::Encode(why) => Err(TaskError::Encode(why.to_owned())),
            Outcome::Decode(why) => Err(TaskError::Decode(why.to_owned())),
            Outcome::TooLarge { size, limit } => Err(TaskError::TooLarge { size, limit }),
            Outcome::Lost { attempts, death } => Err(TaskError::Lost { attempts, death }),
        };
        if let Some(outcomes) = last {
            self.segment = None;
            feed.remove_bytes(outcomes.len());
        }
        Some(result)
    }
}

impl<T, K> RemoteImap<T, K> {
    /// Ends it, without waiting for anything.
    fn finish(&mut self) {
        if let Stage::Running { feed, .. } = std::mem::replace(&mut self.stage, Stage::Over) {
            self.control.stats().pulled = feed.pulled();
            feed.stop();
        }
        self.segment = None;
        self.control.end();
    }
}

impl<T, K> Drop for RemoteImap<T, K> {
    fn drop(&mut self) {
        self.finish();
    }
}

impl<T: DeserializeOwned, K> Iterator for RemoteImap<T, K> {
    type Item = Result<T, TaskError>;

    #[inline]
    fn next(&mut self) -> Option<Result<T, TaskError>> {
        if let Some(result) = self.next_unread() {
            return Some(result);
        }
        self.wait(None).flatten()
    }

    /// Exact if the input's is, unless a final error ends it early.
    fn size_hint(&self) -> (usize, Option<usize>) {
        if matches!(self.stage, Stage::Over) {
            return (0, Some(0));
        }
        let delivered = self.delivered as usize;
        (self.hint.0.saturating_sub(delivered), self.hint.1.map(|most| most.saturating_sub(delivered)))
    }
}

impl<T: DeserializeOwned, K> std::iter::FusedIterator for RemoteImap<T, K> {}

impl<T, K> fmt::Debug for RemoteImap<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteImap")
            .field("task", &self.task.description)
            .field("delivered", &self.delivered)
            .finish_non_exhaustive()
    }
}

/// Results that are waited for no longer than a limit each. From [`RemoteImap::timeout`].
#[must_use = "an imap is lazy: it does nothing until it is iterated or started"]
#[derive(Debug)]
pub struct Timeout<T, K> {
    inner: RemoteImap<T, K>,
    limit: Duration,
}

impl<T, K> Timeout<T, K> {
    /// The imap, for [`stats`](RemoteImap::stats) and the like.
    pub fn get_ref(&self) -> &RemoteImap<T, K> {
        &self.inner
    }

    /// The imap without the limit. A late item is waited for again.
    pub fn into_inner(self) -> RemoteImap<T, K> {
        self.inner
    }
}

impl<T: DeserializeOwned, K> Iterator for Timeout<T, K> {
    type Item = Result<Result<T, TaskError>, TimedOut>;

    fn next(&mut self) -> Option<Self::Item> {
        self.inner.next_timeout(self.limit).transpose()
    }
}

/// A [`RemoteImap`] as a `Stream`. From [`RemoteImap::into_stream`].
#[cfg(feature = "stream")]
#[must_use = "a stream does nothing until it is polled"]
#[derive(Debug)]
pub struct RemoteStream<T, K> {
    inner: RemoteImap<T, K>,
}

#[cfg(feature = "stream")]
impl<T, K> RemoteStream<T, K> {
    /// The imap, for [`stats`](RemoteImap::stats) and the like.
    pub fn get_ref(&self) -> &RemoteImap<T, K> {
        &self.inner
    }
}

#[cfg(feature = "stream")]
impl<T: DeserializeOwned, K> futures_core::Stream for RemoteStream<T, K> {
    type Item = Result<T, TaskError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.poll(context)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}
