//! The child's side: which process is a child, and its life.
//!
//! A child gets a socket as its standard input. It takes it away from there, so that functions read nothing, and what they
//! print cannot be taken for a message. One thread reads the socket all the time; if the parent is gone, it ends the
//! process, whatever functions do. The other threads run items; one of them is the one that has come to
//! [`Tasks::serve`](crate::Tasks::serve), in the end the main thread.

use crate::desk::{Desk, LOOK, Work};
use crate::position::{Positions, now};
use crate::wire::{Incoming, Order, Report, VERSION, message};
use bytes::Bytes;
use pool_remote::frame::split;
use pool_remote::functions::Functions;
use pool_remote::unwind::catch;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, fstat};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{Signal, getpgrp, getpid, getppid, kill_current_process_group, kill_process};
use std::fs::File;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The variable that tells a process that it is a child: the parent's process, and which socket is meant for the child. What
/// a child starts has the variable, too, but not this socket.
pub(crate) const VARIABLE: &str = "POOL_PROCESS_CHILD";

/// The status with which a child ends that cannot begin.
const CANNOT_BEGIN: i32 = 70;

/// Whether this process has taken its role as a child.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Runs before the first item.
pub(crate) type Initializer = Box<dyn FnOnce() + Send>;

pub(crate) enum Role {
    Parent,
    /// Another thread serves already, or this is a function that it runs.
    InChild,
    Child(UnixStream),
}

/// What this process is.
pub(crate) fn role() -> Role {
    if TAKEN.load(Ordering::SeqCst) {
        return Role::InChild;
    }
    if !is_child() {
        return Role::Parent;
    }
    if TAKEN.swap(true, Ordering::SeqCst) {
        return Role::InChild;
    }
    match take_socket() {
        Ok(socket) => Role::Child(socket),
        Err(error) => give_up(&format!("the socket to the parent cannot be used: {error}")),
    }
}

/// What the variable says of a socket that is given to a child.
pub(crate) fn mark(socket: &UnixStream) -> rustix::io::Result<String> {
    Ok(format!("{}:{}", std::process::id(), fstat(socket)?.st_ino))
}

fn is_child() -> bool {
    let Some((_, inode)) = marked() else { return false };
    fstat(std::io::stdin())
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket && stat.st_ino == inode)
}

/// The parent's process, and the socket.
fn marked() -> Option<(u32, u64)> {
    let value = std::env::var(VARIABLE).ok()?;
    let (parent, inode) = value.split_once(':')?;
    Some((parent.parse().ok()?, inode.parse().ok()?))
}

fn take_socket() -> std::io::Result<UnixStream> {
    // Above the standard streams, also if some of them are closed.
    let socket: OwnedFd = rustix::io::fcntl_dupfd_cloexec(std::io::stdin(), 3)?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(socket.into())
}

fn give_up(why: &str) -> ! {
    eprintln!("pool-process: this child process ends: {why}");
    std::process::exit(CANNOT_BEGIN)
}

/// The life of a child.
pub(crate) fn run(functions: &Functions, initializer: Option<Initializer>, socket: UnixStream) -> ! {
    die_with_the_parent();
    go_first_when_memory_runs_out();
    let (positions, incoming, threads) = match begin(&socket) {
        Ok(Some(begun)) => begun,
        Ok(None) => std::process::exit(0),
        Err(why) => give_up(&why),
    };
    let writer = match socket.try_clone() {
        Ok(writer) => writer,
        Err(error) => give_up(&error.to_string()),
    };
    let in_order = functions.offers().map(|offer| offer.function()).collect();
    let desk = Arc::new(Desk::new(threads, positions, writer, in_order));
    let reading = desk.clone();
    start("pool-process reader".into(), move || read(&socket, incoming, &reading));
    if let Some(initializer) = initializer
        && catch(initializer).is_err()
    {
        give_up("its initializer panicked");
    }
    let offers = functions.offers().map(|offer| offer.task().fingerprint.clone()).collect();
    desk.send(&message(&Report::Hello { version: VERSION, offers }, &[]));
    work(&desk, threads);
    // Runs what the program has registered with the system for its end.
    std::process::exit(0)
}

/// Runs items on this thread and others, until the parent wants no more.
fn work(desk: &Arc<Desk>, threads: u32) {
    let others: Vec<_> = (1..threads)
        .map(|thread| {
            let desk = desk.clone();
            start(format!("pool-process {thread}"), move || desk.work(thread))
        })
        .collect();
    desk.work(0);
    for other in others {
        let _ = other.join();
    }
}

fn start(name: String, f: impl FnOnce() + Send + 'static) -> std::thread::JoinHandle<()> {
    match std::thread::Builder::new().name(name).spawn(f) {
        Ok(thread) => thread,
        Err(error) => give_up(&format!("the operating system refused a thread: {error}")),
    }
}

/// Waits for the file of positions and the first message. `None`: the parent is gone.
fn begin(socket: &UnixStream) -> Result<Option<(Positions, Incoming, u32)>, String> {
    let Some(file) = receive_file(socket).map_err(|error| error.to_string())? else { return Ok(None) };
    let mut incoming = Incoming::default();
    loop {
        if let Some(message) = incoming.next() {
            return match split(&message) {
                Some((Order::Welcome { version: VERSION, threads }, _)) => {
                    Ok(Some((Positions::of(file), incoming, threads)))
                }
                _ => Err("the parent has another version of pool-process".into()),
            };
        }
        match incoming.read(socket) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// The first byte on the socket comes with a file.
fn receive_file(socket: &UnixStream) -> rustix::io::Result<Option<File>> {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut files = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    #[cfg(not(target_os = "macos"))]
    let flags = RecvFlags::CMSG_CLOEXEC;
    #[cfg(target_os = "macos")]
    let flags = RecvFlags::empty();
    recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut files, flags)?;
    let mut received = files.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    Ok(received.next().and_then(|mut files| files.next()).map(File::from))
}

/// The system kills this process when the thread ends that has started it, which lives as long as the pool. (Not if the
/// program was started by another one in between.) The thread that reads does the same, but not while it is stopped.
fn die_with_the_parent() {
    #[cfg(target_os = "linux")]
    {
        let is_parent =
            |pid: u32| getppid().is_some_and(|parent| parent.as_raw_nonzero().get() as u32 == pid);
        let Some((parent, _)) = marked().filter(|&(parent, _)| is_parent(parent)) else { return };
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
        // It may be gone already.
        if !is_parent(parent) {
            std::process::exit(0);
        }
    }
}

/// The parent has what cannot be had again.
fn go_first_when_memory_runs_out() {
    #[cfg(target_os = "linux")]
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
}

/// Reads what the parent says, and looks after the threads at work.
fn read(socket: &UnixStream, mut incoming: Incoming, desk: &Desk) {
    // When to look next: a moment after something has come, and as long as something goes on.
    let mut look_at: Option<Duration> = None;
    loop {
        while let Some(message) = incoming.next() {
            take(&message, desk);
            look_at = look_at.or_else(|| Some(now() + LOOK));
        }
        if look_at.is_some_and(|at| at <= now()) {
            look_at = desk.look().then(|| now() + LOOK);
        }
        let wait = look_at.map(|at| at.saturating_sub(now()));
        let timeout = wait.map(|wait| wait.try_into().unwrap_or_default());
        let mut ready = [PollFd::new(socket, PollFlags::IN)];
        match poll(&mut ready, timeout.as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) | Err(_) => {}
        }
        if !matches!(incoming.read(socket.as_fd()), Ok(true)) {
            end_at_once();
        }
    }
}

fn take(message: &Bytes, desk: &Desk) {
    match split(message) {
        Some((Order::Work { job, frame, task, count, careful, size_limit }, items)) => {
            desk.put(Work { job, frame, task, count, careful, size_limit, items });
        }
        Some((Order::Over { job }, _)) => desk.drop_job(job),
        Some((Order::Leave, _)) => desk.leave(),
        Some((Order::Welcome { .. }, _)) | None => give_up("the parent has sent what cannot be read"),
    }
}

/// The parent is gone. What functions have started goes, too.
fn end_at_once() -> ! {
    if getpgrp() == getpid() {
        let _ = kill_current_process_group(Signal::KILL);
    }
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort()
}
