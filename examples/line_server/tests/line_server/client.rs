//! A server on a free port, and a client that sends and receives step by step.

use crate::server::router;
use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, StreamExt};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use pool_stealing::StealingPool;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs a test, and fails if it takes too long.
///
/// The server has a runtime of its own, so the limit holds also where that runtime is stuck.
pub fn within_limit(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, test).await.expect("it should be done by now") });
    runtime.shutdown_background();
}

/// A server with a pool of its own and a single thread for tokio. A request that blocks this thread blocks them all.
pub struct Server {
    pub address: SocketAddr,
    pool: Weak<StealingPool>,
    at_rest: usize,
    runtime: Option<Runtime>,
}

impl Server {
    pub fn start(threads: usize, function: impl Fn(&[u8], u32) -> String + Send + Sync + 'static) -> Server {
        let pool = Arc::new(StealingPool::new(threads).unwrap());
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        // Another thread drops the pool: after a failed test that may take for ever.
        let weak = Arc::downgrade(&pool);
        let router = router(pool, function);
        let at_rest = weak.strong_count();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        Server { address, pool: weak, at_rest, runtime: Some(runtime) }
    }

    /// Waits until nothing uses the pool: every answer has ended or been dropped.
    pub async fn rest(&self) {
        while self.pool.strong_count() > self.at_rest {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// An answer that is arriving. Dropping it closes the connection.
pub struct Answer {
    pub status: StatusCode,
    body: Incoming,
    read: BytesMut,
    connection: JoinHandle<()>,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Answer {
    /// The next line, without its end.
    pub async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line = self.read.split_to(end);
                self.read.advance(1);
                return Some(String::from_utf8(line.to_vec()).unwrap());
            }
            match self.body.frame().await {
                Some(frame) => self.read.extend_from_slice(&frame.unwrap().into_data().unwrap()),
                None => {
                    assert!(self.read.is_empty(), "an answer ends with an end of line");
                    return None;
                }
            }
        }
    }

    /// The rest of the answer.
    pub async fn lines(mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await {
            lines.push(line);
        }
        lines
    }
}

async fn request(
    address: SocketAddr,
    method: Method,
    path: &str,
    body: impl Stream<Item = Bytes> + Send + 'static,
) -> Answer {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    // It may end with an error: some tests hang up, or do not read to the end.
    let connection = tokio::spawn(async move { drop(connection.await) });
    let body = StreamBody::new(body.map(|bytes| Ok::<_, Infallible>(Frame::data(bytes))));
    let request = Request::builder().method(method).uri(path).header("host", "localhost").body(body);
    let response = sender.send_request(request.unwrap()).await.unwrap();
    Answer { status: response.status(), body: response.into_body(), read: BytesMut::new(), connection }
}

pub async fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, Method::GET, path, futures::stream::empty()).await
}

/// Sends the pieces one by one, as fast as the server reads them.
pub async fn post(
    address: SocketAddr,
    path: &str,
    pieces: impl Stream<Item = Bytes> + Send + 'static,
) -> Answer {
    request(address, Method::POST, path, pieces).await
}

/// Sends all of it, in pieces of this length.
pub async fn post_text(address: SocketAddr, path: &str, text: &[u8], piece: usize) -> Answer {
    let pieces: Vec<_> = text.chunks(piece).map(Bytes::copy_from_slice).collect();
    post(address, path, futures::stream::iter(pieces)).await
}

/// A body that stays open until the sender is dropped, and sends what the sender is given.
pub fn open_body() -> (mpsc::UnboundedSender<&'static str>, impl Stream<Item = Bytes> + Send) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<&str>();
    let pieces = futures::stream::poll_fn(move |context| receiver.poll_recv(context));
    (sender, pieces.map(Bytes::from))
}
