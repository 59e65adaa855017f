//! The names of everything on the server that belongs to one namespace.
//!
//! | subject | from → to | |
//! |---|---|---|
//! | `<ns>.work.<task>.<job>.<frame>` | master → stream `<ns>` | items |
//! | `<ns>.solo.<task>.<job>.<frame>` | master → stream `<ns>` | items that may have killed workers |
//! | `<ns>.result.<job>` | worker → master | results, and where the master acknowledges |
//! | `<ns>.alive.<job>` | worker → master | which frames it holds, at which items it is, and whether to run what was handed out before |
//! | `<ns>.fetch.<job>` | worker → master | asks for a piece of a large frame |
//! | `<ns>.worker.<task>` | worker → masters | "I offer this task" |
//! | `<ns>.call.<task>` | master → workers | "who offers this task?", and "this job is over" |
//! | `<ns>.fetch.<worker>` | master → worker | asks for a piece of a large result, and says whether to run a frame |

use pool_remote::Identity;
use pool_remote::ledger::Route;

/// The subjects of a namespace. The stream has its name.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    namespace: String,
}

/// The two consumers of a task: one for each way to run a frame.
pub(crate) const ROUTES: [Route; 2] = [Route::Work, Route::Solo];

fn name(route: Route) -> &'static str {
    match route {
        Route::Work => "work",
        Route::Solo => "solo",
    }
}

/// Where a frame belongs, read from its subject.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    pub route: Route,
    pub task: &'a str,
    pub job: &'a str,
    pub frame: u64,
}

/// Whether this can be a token of a subject and the name of a stream.
pub(crate) fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !text.is_empty() && text.len() <= 64 && text.bytes().all(allowed)
}

impl Subjects {
    /// `namespace` is a token.
    pub fn new(namespace: &str) -> Subjects {
        Subjects { namespace: namespace.to_owned() }
    }

    pub fn stream(&self) -> &str {
        &self.namespace
    }

    /// All subjects of the stream.
    pub fn streamed(&self) -> Vec<String> {
        ROUTES.map(|route| format!("{}.{}.>", self.namespace, name(route))).into()
    }

    pub fn consumer(&self, route: Route, task: &Identity) -> String {
        format!("{}_{}", name(route), task.fingerprint)
    }

    pub fn consumed(&self, route: Route, task: &Identity) -> String {
        format!("{}.{}.{}.>", self.namespace, name(route), task.fingerprint)
    }

    /// Where a worker asks for frames.
    pub fn pull(&self, route: Route, task: &Identity) -> String {
        format!("$JS.API.CONSUMER.MSG.NEXT.{}.{}", self.namespace, self.consumer(route, task))
    }

    pub fn frame(&self, route: Route, task: &Identity, job: &str, frame: u64) -> String {
        format!("{}.{}.{}.{job}.{frame}", self.namespace, name(route), task.fingerprint)
    }

    /// All frames of a job on one route.
    pub fn frames(&self, route: Route, task: &Identity, job: &str) -> String {
        format!("{}.{}.{}.{job}.>", self.namespace, name(route), task.fingerprint)
    }

    pub fn parse_frame<'a>(&self, subject: &'a str) -> Option<Address<'a>> {
        let mut tokens = subject.strip_prefix(&self.namespace)?.strip_prefix('.')?.split('.');
        let route = tokens.next()?;
        let route = ROUTES.into_iter().find(|known| name(*known) == route)?;
        let address =
            Address { route, task: tokens.next()?, job: tokens.next()?, frame: tokens.next()?.parse().ok()? };
        (tokens.next().is_none() && is_token(address.job)).then_some(address)
    }

    pub fn result(&self, job: &str) -> String {
        format!("{}.result.{job}", self.namespace)
    }

    pub fn alive(&self, job: &str) -> String {
        format!("{}.alive.{job}", self.namespace)
    }

    /// Where a master (by its job) or a worker is asked for pieces, and a worker is told whether to run a frame.
    pub fn fetch(&self, job_or_worker: &str) -> String {
        format!("{}.fetch.{job_or_worker}", self.namespace)
    }

    pub fn worker(&self, task: &Identity) -> String {
        format!("{}.worker.{}", self.namespace, task.fingerprint)
    }

    pub fn call(&self, task: &Identity) -> String {
        format!("{}.call.{}", self.namespace, task.fingerprint)
    }

    /// Whether a message to this subject acknowledges a frame of this task, and can do nothing else.
    ///
    /// The subject comes from a worker, and the master will publish to it, so a stranger must not be able to choose it.
    /// Servers write either `$JS.ACK.<stream>.<consumer>.` and five numbers, or put the domain and a hash of the
    /// account before the stream, and a random token behind the numbers.
    pub fn is_ack(&self, task: &Identity, subject: &str) -> bool {
        let Some(rest) = subject.strip_prefix("$JS.ACK.") else { return false };
        let tokens: Vec<&str> = rest.split('.').collect();
        let stream = match tokens.len() {
            7 => 0,
            9.. => 2,
            _ => return false,
        };
        let consumer = tokens[stream + 1];
        tokens[stream] == self.namespace
            && ROUTES.iter().any(|&route| consumer == self.consumer(route, task))
            && tokens.iter().all(|token| !token.is_empty() && !token.contains(['*', '>', ' ']))
    }
}

/// Which consumer has handed a frame out: its route, and its task. From the same subject.
pub(crate) fn handed_out_by(ack: &str) -> Option<(Route, &str)> {
    let rest = ack.strip_prefix("$JS.ACK.")?;
    let at = if rest.split('.').count() == 7 { 1 } else { 3 };
    let (route, task) = rest.split('.').nth(at)?.split_once('_')?;
    Some((ROUTES.into_iter().find(|known| name(*known) == route)?, task))
}

/// What every subject for answers begins with, whatever the rest of the prefix is.
pub(crate) const INBOX: &str = "_INBOX";

/// Whether answers may go there. Who asks names the subject, and must not be able to make this program publish to
/// others, such as those of JetStream.
pub(crate) fn is_inbox(subject: &str) -> bool {
    subject.starts_with(INBOX)
}

/// How often the server has handed a frame out, this time included. From its acknowledgement subject.
pub(crate) fn deliveries(ack: &str) -> Option<u32> {
    let tokens: Vec<&str> = ack.strip_prefix("$JS.ACK.")?.split('.').collect();
    tokens.get(if tokens.len() == 7 { 2 } else { 4 })?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Task;

    #[test]
    fn frames_are_found_by_their_subject_and_nothing_else_is() {
        let subjects = Subjects::new("pool");
        let task = Task::<u8, u8>::named("t").identity();
        for route in ROUTES {
            let subject = subjects.frame(route, &task, "job", 7);
            let address = Address { route, task: &task.fingerprint, job: "job", frame: 7 };
            assert_eq!(subjects.parse_frame(&subject), Some(address));
        }
        for other in [
            "",
            "pool",
            "pool.work.t.j",
            "pool.work.t.j.x",
            "pool.work.t.j.1.2",
            "pool.x.t.j.1",
            "q.work.t.j.1",
        ] {
            assert_eq!(subjects.parse_frame(other), None, "{other}");
        }
    }

    #[test]
    fn only_acknowledgements_of_this_task_are_answered() {
        let subjects = Subjects::new("pool");
        let task = Task::<u8, u8>::named("t").identity();
        let work = subjects.consumer(Route::Work, &task);
        let short = format!("$JS.ACK.pool.{work}.3.1.2.1700000000000.0");
        let long = format!("$JS.ACK.hub.abcdef.pool.{work}.3.1.2.1700000000000.0.xyz");
        for good in [&short, &long] {
            assert!(subjects.is_ack(&task, good));
            assert_eq!(deliveries(good), Some(3));
            assert_eq!(handed_out_by(good), Some((Route::Work, task.fingerprint.as_str())));
        }
        for bad in [
            "pool.work.t.j.1".to_owned(),
            format!("$JS.ACK.other.{work}.3.1.2.1700000000000.0"),
            "$JS.ACK.pool.work_x.3.1.2.1700000000000.0".to_owned(),
            format!("$JS.ACK.pool.{work}.3.1.2.*.0"),
            format!("$JS.ACK.pool.{work}"),
        ] {
            assert!(!subjects.is_ack(&task, &bad), "{bad}");
        }
    }
}
