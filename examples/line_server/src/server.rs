//! Where HTTP and the pool meet: the routes.
//!
//! A thread of the pool must never wait for a client: otherwise as many slow clients as the pool has threads would stop
//! all requests. An imap waits in its input on a thread of the pool, so its input must be here already:
//!
//! - `/batch` has the whole body before it begins. It is one `imap`, whose stream is the answer: `into_imap` makes one
//!   that owns a clone of the `Arc` of the pool, since the answer outlives the function that makes it.
//! - `/map` reads the body in the task that answers, and submits each line as a job of its own when it has
//!   arrived. The handles are futures, and `buffered` puts them in order. Its number is the window: at most that many
//!   lines are in flight, and while the client does not take the answer, its body is not read.
//!
//! Both are only polled, so no thread of tokio waits, and a thread of the pool is held only while it computes. When the
//! client hangs up, the answer is dropped, and lines that have not begun are cancelled.
//!
//! A job for each line costs some microseconds, most of them tokio's. Where a line takes less than that, submit several
//! lines as one job.

use crate::lines;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use pool_stealing::{Executor, JobHandle, StealingPool};
use serde::Deserialize;
use std::convert::Infallible;
use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The longest body for `/batch`, in bytes. The body of `/map` has no limit, since only its window is in memory.
pub const LARGEST_BATCH: usize = 16 * 1024 * 1024;

/// The most rounds for a line, which take a fraction of a second. A thread cannot be stopped, so a line must end soon.
pub const MOST_ROUNDS: u32 = 1_000_000;

/// Lines of one request of `/map` that are in flight for each thread of the pool: enough that no thread waits for
/// tokio. More would make other requests wait, since the jobs of all requests stand in one queue.
const WINDOW_PER_THREAD: usize = 4;

/// Maps a line, in this many rounds.
type Function = dyn Fn(&[u8], u32) -> String + Send + Sync;

type Answer = Result<String, lines::Error>;

#[derive(Clone)]
struct Server {
    pool: Arc<StealingPool>,
    function: Arc<Function>,
}

#[derive(Deserialize)]
struct Options {
    #[serde(default)]
    rounds: Rounds,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(try_from = "u32")]
struct Rounds(u32);

impl Default for Rounds {
    fn default() -> Rounds {
        Rounds(1)
    }
}

impl TryFrom<u32> for Rounds {
    type Error = String;

    fn try_from(rounds: u32) -> Result<Rounds, String> {
        let allowed = (1..=MOST_ROUNDS).contains(&rounds);
        allowed.then_some(Rounds(rounds)).ok_or_else(|| format!("it must be 1 to {MOST_ROUNDS}"))
    }
}

/// `POST /map`, `POST /batch` and `GET /health`, with the work done on `pool`.
pub fn router(
    pool: Arc<StealingPool>,
    function: impl Fn(&[u8], u32) -> String + Send + Sync + 'static,
) -> Router {
    Router::new()
        .route("/map", post(map))
        .route("/batch", post(batch).layer(DefaultBodyLimit::max(LARGEST_BATCH)))
        .route("/health", get(async || "ok\n"))
        .with_state(Server { pool, function: Arc::new(function) })
}

/// Maps lines while they arrive, of a body that may be endless.
///
/// axum limits the length of a body only where an extractor collects it, so this body has no limit.
async fn map(State(server): State<Server>, Query(options): Query<Options>, body: Body) -> Response {
    let window = WINDOW_PER_THREAD * server.pool.threads();
    let work = server.work(options.rounds);
    let submit = move |line| {
        let work = work.clone();
        Wanted(server.pool.submit(move || work(line)))
    };
    answer(lines::of_stream(body).map(submit).buffered(window))
}

/// Maps lines after all of them have arrived.
async fn batch(State(server): State<Server>, Query(options): Query<Options>, body: Bytes) -> Response {
    let work = server.work(options.rounds);
    answer(server.pool.into_imap(lines::of_bytes(body), work).catch_panics().into_stream())
}

impl Server {
    /// The function of the pool. A line that could not be read goes through the pool too, so that its error is in its
    /// place.
    fn work(&self, Rounds(rounds): Rounds) -> impl Fn(lines::Line) -> Answer + Clone + use<> {
        let function = self.function.clone();
        move |line| Ok(function(&line?, rounds))
    }
}

/// A job and its result. Dropping it cancels a job that has not begun.
struct Wanted<T>(JobHandle<T>);

impl<T> Future for Wanted<T> {
    type Output = <JobHandle<T> as Future>::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for Wanted<T> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// A line of text for each result. The status has been sent when a line fails, so the failure is told in that line.
fn answer<E: Display>(results: impl Stream<Item = Result<Answer, E>> + Send + 'static) -> Response {
    let text = results.map(|result| match result {
        Ok(Ok(result)) => Ok::<_, Infallible>(result + "\n"),
        Ok(Err(error)) => Ok(format!("error: {error}\n")),
        Err(error) => Ok(format!("error: {error}\n")),
    });
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], Body::from_stream(text)).into_response()
}
