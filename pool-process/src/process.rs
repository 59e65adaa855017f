//! A child as its parent has it: the process, its socket and its positions.

use crate::position::{Position, Positions};
use crate::serve::{VARIABLE, mark};
use crate::wire::{Incoming, Order, Outgoing, VERSION, message};
use bytes::Bytes;
use pool_remote::Death;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command};

/// What children are started as.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recipe {
    /// `None`: this program.
    pub program: Option<PathBuf>,
    pub arguments: Vec<OsString>,
    pub environment: Vec<(OsString, OsString)>,
    pub threads: u32,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    socket: UnixStream,
    incoming: Incoming,
    outgoing: Outgoing,
    positions: Positions,
    threads: u32,
}

impl Process {
    /// Starts one. The thread that does so must live as long as the child.
    pub fn start(recipe: &Recipe) -> io::Result<Process> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let positions = Positions::new()?;
        let mark = mark(&theirs)?;
        // Before the child begins, which may end at once: a new socket has room for a byte.
        send_file(&ours, &positions)?;
        let mut command = recipe.command()?;
        command.env(VARIABLE, mark).stdin(OwnedFd::from(theirs));
        // Ctrl-C is for the parent: its children end with it, or do what it asks for in the meantime.
        command.process_group(0);
        let child = command.spawn()?;
        // The child's end of the socket.
        drop(command);
        let mut process = Process {
            child,
            socket: ours,
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            positions,
            threads: recipe.threads,
        };
        process.tell(&Order::Welcome { version: VERSION, threads: recipe.threads }, Bytes::new());
        Ok(process)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Says something, as soon as there is room.
    pub fn tell(&mut self, order: &Order, items: Bytes) {
        // Large items are not copied.
        if items.len() < 16 * 1024 {
            return self.outgoing.push(message(order, &items));
        }
        let header = pool_remote::frame::encode(order);
        self.outgoing.push(Bytes::copy_from_slice(&crate::wire::length(header.len() + items.len())));
        self.outgoing.push(header);
        self.outgoing.push(items);
    }

    /// Sends what there is room for. An error means that it is gone, which reading finds.
    pub fn flush(&mut self) {
        if self.outgoing.send(&self.socket).is_err() {
            self.outgoing = Outgoing::default();
        }
    }

    /// Whether something waits for room.
    pub fn is_waiting(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// What can be waited for.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Reads once. Whether it still is there.
    pub fn read(&mut self) -> bool {
        match self.incoming.read(&self.socket) {
            Ok(open) => open,
            Err(error) => error == Errno::AGAIN,
        }
    }

    /// The next message that has come.
    pub fn next(&mut self) -> Option<Bytes> {
        self.incoming.next()
    }

    /// Where its threads are.
    pub fn positions(&self) -> Vec<Position> {
        (0..self.threads).filter_map(|thread| self.positions.read(thread)).collect()
    }

    /// Kills it, and what it has started.
    pub fn kill(&mut self) {
        let Some(pid) = Pid::from_raw(self.child.id() as i32) else { return };
        // While it has not been waited for, its number is its own.
        if kill_process_group(pid, Signal::KILL).is_err() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// What it died of, if it is dead. Then there is nothing left of it.
    pub fn reap(&mut self) -> Option<Death> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(match (status.code(), status.signal()) {
                (Some(code), _) => Death::Exited(code),
                (None, Some(signal)) => Death::Killed(signal),
                (None, None) => Death::Unseen,
            }),
            // The program has waited for it itself, or lets the system do so.
            Err(_) => Some(Death::Unseen),
        }
    }

    /// The bytes of memory that it holds, where the system tells.
    pub fn memory(&self) -> Option<u64> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).ok()?;
        let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    }
}

/// The first byte, which comes with the file of positions.
fn send_file(socket: &UnixStream, positions: &Positions) -> io::Result<()> {
    let files = [positions.file().as_fd()];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&files));
    sendmsg(socket, &[IoSlice::new(b"P")], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

impl Recipe {
    fn command(&self) -> io::Result<Command> {
        let mut command = match &self.program {
            Some(program) => Command::new(program),
            None => this_program()?,
        };
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// For messages.
    pub fn name(&self) -> String {
        match &self.program {
            Some(program) => program.display().to_string(),
            None => "this program".into(),
        }
    }
}

/// Also if its file was replaced since it began.
fn this_program() -> io::Result<Command> {
    #[cfg(target_os = "linux")]
    let mut command = Command::new("/proc/self/exe");
    #[cfg(not(target_os = "linux"))]
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    Ok(command)
}
