//! An HTTP server that maps the lines of a request on a pool, and answers while the request still comes.
//!
//! tokio's threads only move bytes; what costs time runs on one pool that all requests share. See
//! [`server`] for how the two meet.

mod digest;
mod lines;
mod server;

use clap::Parser;
use example_common::{parse, tell, with_causes};
use pool_stealing::StealingPool;
use std::error::Error;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long requests may go on after Ctrl-C. One can be endless, so there has to be a limit.
const GRACE: Duration = Duration::from_secs(10);

/// Answers each line of a request with its SHA-256.
///
/// POST lines to `/map`, which answers line by line as they come, or a whole text to `/batch`. Both take
/// `?rounds=N`, for more work.
#[derive(Parser, Debug)]
#[command(name = "line_server")]
struct Arguments {
    /// Where to listen. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    addr: SocketAddr,

    /// Threads for the work [default: one per core].
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(format_args!("line_server: {}", with_causes(&*error)));
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let arguments: Arguments = parse("line_server", std::env::args_os());
    let mut pool = StealingPool::builder().thread_name(|index| format!("lines-{index}"));
    if let Some(threads) = arguments.threads {
        pool = pool.threads(threads.get());
    }
    let router = server::router(Arc::new(pool.build()?), digest::sha256);
    let listener = TcpListener::bind(arguments.addr).await.map_err(|error| {
        let hint = if error.kind() == ErrorKind::AddrInUse { "; choose another with --addr" } else { "" };
        format!("{}: {error}{hint}", arguments.addr)
    })?;
    tell(format_args!("listening on http://{}", listener.local_addr()?));
    let serving = axum::serve(listener, router).with_graceful_shutdown(ctrl_c());
    tokio::select! {
        served = serving => served?,
        () = out_of_patience() => tell("some requests did not end in time"),
    }
    Ok(())
}

async fn ctrl_c() {
    // Where Ctrl-C cannot be caught, it ends the program at once.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// Ends after Ctrl-C, and then a second Ctrl-C or the end of `GRACE`.
async fn out_of_patience() {
    ctrl_c().await;
    tell("waiting for the requests that are open; Ctrl-C again to stop at once");
    let _ = tokio::time::timeout(GRACE, ctrl_c()).await;
}
