//! The thread that has the children: it waits for what happens, tells the [`Staff`], and does what that says.

use crate::position::now;
use crate::process::{Process, Recipe};
use crate::staff::{Action, Staff};
use crate::wire::{Order, Report, VERSION};
use bytes::Bytes;
use pool_remote::control::Control;
use pool_remote::frame::{are_outcomes, split};
use pool_remote::input::Feed;
use pool_remote::job::{Job, Reply, What};
use pool_remote::pace::Portion;
use pool_remote::{Identity, Launch};
use rustix::event::{PollFd, PollFlags, poll};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How much work goes into one message. It costs parent and child together some 20 µs.
const PORTION: Portion = Portion { message: 5e5, thread: 1e4 };

/// How often it looks whether a child is dead whose socket has ended.
const REAP: Duration = Duration::from_millis(1);

/// How often the memory of a child is measured.
const MEASURE: Duration = Duration::from_millis(10);

/// What the thread is told from outside.
pub(crate) struct Mail {
    launches: Mutex<Vec<Launch>>,
    ended: AtomicBool,
    /// Something has come since the thread last looked.
    rung: AtomicBool,
    /// The thread sleeps, or is about to: it looks at `rung` once more.
    asleep: AtomicBool,
    wake: UnixStream,
}

impl Mail {
    /// Something has happened.
    pub fn ring(&self) {
        self.rung.store(true, Ordering::SeqCst);
        if self.asleep.swap(false, Ordering::SeqCst) {
            // If the socket is full, the thread is awake.
            let _ = (&self.wake).write(&[0]);
        }
    }

    pub fn launch(&self, launch: Launch) {
        self.launches.lock().unwrap_or_else(PoisonError::into_inner).push(launch);
        self.ring();
    }

    /// Ends everything.
    pub fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.ring();
    }
}

/// Whether children run, or why not.
pub(crate) type Opened = Result<(), String>;

/// See the [module](self).
pub(crate) struct Office {
    mail: Arc<Mail>,
    woken: UnixStream,
    recipe: Recipe,
    max_memory: Option<u64>,
    staff: Staff,
    processes: BTreeMap<u64, Process>,
    /// Those whose sockets have ended.
    closed: BTreeSet<u64>,
    /// What has to be said to children.
    unsent: BTreeSet<u64>,
    measured: BTreeMap<u64, Duration>,
    controls: BTreeMap<u64, Arc<Control>>,
    opened: Option<Sender<Opened>>,
    ended: bool,
}

impl Office {
    /// One that has not begun, how to tell it something, and where it says whether children run.
    pub fn new(
        staff: Staff,
        recipe: Recipe,
        max_memory: Option<u64>,
    ) -> std::io::Result<(Office, Arc<Mail>, Receiver<Opened>)> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let mail = Arc::new(Mail {
            launches: Mutex::default(),
            ended: AtomicBool::new(false),
            rung: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            wake,
        });
        let (opened, whether) = channel();
        let office = Office {
            mail: mail.clone(),
            woken,
            recipe,
            max_memory,
            staff,
            processes: BTreeMap::new(),
            closed: BTreeSet::new(),
            unsent: BTreeSet::new(),
            measured: BTreeMap::new(),
            controls: BTreeMap::new(),
            opened: Some(opened),
            ended: false,
        };
        Ok((office, mail, whether))
    }

    /// Works until the pool has ended and no child is left.
    pub fn run(mut self) {
        self.staff.tick(now());
        loop {
            self.act();
            self.say_whether_open();
            if self.staff.has_ended() {
                return;
            }
            if let Some(ready) = self.wait() {
                for child in ready {
                    self.read(child);
                }
            }
            self.reap();
            self.look_at_mail();
            self.staff.tick(now());
        }
    }

    fn say_whether_open(&mut self) {
        if let Some(whether) = self.staff.is_open()
            && let Some(opened) = self.opened.take()
        {
            let _ = opened.send(whether.map_err(str::to_owned));
        }
    }

    // Doing what the staff says.

    fn act(&mut self) {
        loop {
            let actions = self.staff.actions();
            if actions.is_empty() {
                break;
            }
            for action in actions {
                match action {
                    Action::Spawn(child) => self.spawn(child),
                    Action::Work { child, job, frame, task } => self.send_work(child, job, frame, task),
                    Action::Tell(child, order) => self.tell(child, &order, Bytes::new()),
                    Action::Look(child) => {
                        let positions =
                            self.processes.get(&child).map(Process::positions).unwrap_or_default();
                        self.staff.looked(child, &positions, now());
                    }
                    Action::Kill(child) => {
                        if let Some(process) = self.processes.get_mut(&child) {
                            process.kill();
                        }
                    }
                }
            }
        }
        for child in std::mem::take(&mut self.unsent) {
            if let Some(process) = self.processes.get_mut(&child) {
                process.flush();
            }
        }
    }

    fn spawn(&mut self, child: u64) {
        match Process::start(&self.recipe) {
            Ok(process) => {
                self.processes.insert(child, process);
                self.unsent.insert(child);
            }
            Err(error) => {
                let why = format!("the operating system cannot start {}: {error}", self.recipe.name());
                self.staff.refused(child, why, now());
            }
        }
    }

    fn send_work(&mut self, child: u64, job: u64, frame: u64, task: u32) {
        // It may be over since.
        let Some((it, count, careful, items)) = self.staff.frame(job, frame) else { return };
        let order = Order::Work { job, frame, task, count, careful, size_limit: it.settings().size_limit };
        self.tell(child, &order, items);
        if let Some(control) = self.controls.get(&job) {
            control.stats().sent += 1;
        }
    }

    fn tell(&mut self, child: u64, order: &Order, items: Bytes) {
        if let Some(process) = self.processes.get_mut(&child) {
            process.tell(order, items);
            self.unsent.insert(child);
        }
    }

    // Waiting.

    /// Waits for something to happen. The children that have something to say, or whose sockets have room.
    fn wait(&mut self) -> Option<Vec<u64>> {
        self.mail.asleep.store(true, Ordering::SeqCst);
        let rung = self.mail.rung.load(Ordering::SeqCst);
        let mut timeout = self.staff.deadline().map(|at| at.saturating_sub(now()));
        if rung {
            timeout = Some(Duration::ZERO);
        } else if !self.closed.is_empty() {
            timeout = Some(timeout.unwrap_or(REAP).min(REAP));
        }
        let open: Vec<(u64, &Process)> = self
            .processes
            .iter()
            .filter(|(child, _)| !self.closed.contains(child))
            .map(|(&c, p)| (c, p))
            .collect();
        let mut polled = vec![PollFd::new(&self.woken, PollFlags::IN)];
        polled.extend(open.iter().map(|(_, process)| {
            let wanted = if process.is_waiting() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            PollFd::from_borrowed_fd(process.socket(), wanted)
        }));
        let timeout = timeout.map(|timeout| timeout.try_into().unwrap_or_default());
        let count = poll(&mut polled, timeout.as_ref()).unwrap_or(0);
        self.mail.asleep.store(false, Ordering::SeqCst);
        if count == 0 {
            return None;
        }
        if !polled[0].revents().is_empty() {
            let _ = (&self.woken).read(&mut [0; 64]);
        }
        let happened = |place: &PollFd<'_>| !place.revents().is_empty();
        let ready = open.iter().zip(&polled[1..]).filter(|(_, place)| happened(place));
        Some(ready.map(|((child, _), _)| *child).collect())
    }

    fn look_at_mail(&mut self) {
        if !self.mail.rung.swap(false, Ordering::SeqCst) {
            return;
        }
        let launches =
            std::mem::take(&mut *self.mail.launches.lock().unwrap_or_else(PoisonError::into_inner));
        for launch in launches {
            let Launch { task, settings, feed, control, results, .. } = launch;
            self.add(task, settings, feed, control, results);
        }
        if self.mail.ended.load(Ordering::SeqCst) && !self.ended {
            self.ended = true;
            self.staff.end(now());
        }
    }

    fn add(
        &mut self,
        task: Identity,
        settings: pool_remote::control::Settings,
        feed: Arc<Feed>,
        control: Arc<Control>,
        results: Arc<pool_remote::results::Results>,
    ) {
        let job = Job::new(settings, PORTION, feed, control.clone(), results);
        self.controls.retain(|_, control| !control.is_stopped());
        let job = self.staff.add(task, job, now());
        self.controls.insert(job, control);
    }

    // Listening.

    fn read(&mut self, child: u64) {
        let Some(process) = self.processes.get_mut(&child) else { return };
        process.flush();
        let open = process.read();
        while let Some(message) = self.processes.get_mut(&child).and_then(Process::next) {
            if self.take(child, &message).is_none() {
                // It is not one of ours.
                if let Some(process) = self.processes.get_mut(&child) {
                    process.kill();
                }
            }
        }
        if !open {
            self.closed.insert(child);
            self.staff.closed(child, now());
        }
    }

    fn take(&mut self, child: u64, message: &Bytes) -> Option<()> {
        let (report, outcomes): (Report, _) = split(message)?;
        match report {
            Report::Hello { version: VERSION, offers } => self.staff.hello(child, offers, now()),
            Report::Hello { .. } => return None,
            Report::Reply { job, frame, start, count, busy, what } => {
                if !are_outcomes(&outcomes, count) {
                    return None;
                }
                let reply = Reply { frame, start, count, busy, what };
                self.staff.reply(child, job, &reply, outcomes, now());
                self.note(child, job, &reply);
            }
        }
        Some(())
    }

    /// For the statistics, and the limit of memory.
    fn note(&mut self, child: u64, job: u64, reply: &Reply) {
        let Some(process) = self.processes.get(&child) else { return };
        if let Some(control) = self.controls.get(&job) {
            let mut stats = control.stats();
            if let Some(worker) = stats.saw(&process.id().to_string(), self.recipe.threads) {
                worker.frames += u64::from(reply.what == What::Done);
                worker.items += u64::from(reply.count);
                worker.busy += Duration::from_nanos(reply.busy);
            }
        }
        let Some(most) = self.max_memory else { return };
        let due = self.measured.get(&child).is_none_or(|at| *at + MEASURE <= now());
        if due {
            self.measured.insert(child, now());
            if process.memory().is_some_and(|memory| memory > most) {
                self.staff.retire(child, now());
            }
        }
    }

    fn reap(&mut self) {
        let mut dead = Vec::new();
        for &child in &self.closed {
            let Some(process) = self.processes.get_mut(&child) else { continue };
            if let Some(death) = process.reap() {
                dead.push((child, death, process.positions()));
            }
        }
        for (child, death, positions) in dead {
            self.closed.remove(&child);
            self.processes.remove(&child);
            self.measured.remove(&child);
            self.staff.dead(child, death, &positions, now());
        }
    }
}
