//! What a run does: a plain value, which a seed decides, so that it can be printed and made again.

use fastrand::Rng;
use std::time::Duration;

/// The policies of the engine, as `POOL_POLICY` names them. A process has one.
pub(super) const POLICIES: [&str; 3] = ["measured", "chaos", "fixed"];

/// The policy of the scenario with this seed, as an index.
pub(super) fn policy_of(seed: u64) -> usize {
    (seed % POLICIES.len() as u64) as usize
}

/// One pool, and consumers that use it at the same time.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    /// Which of the backends, modulo their number.
    pub backend: usize,
    pub threads: usize,
    /// The owner of the pool drops it while the consumers run.
    pub dropped_early: bool,
    /// When the pool is terminated, if the backend can.
    pub terminated: Option<Duration>,
    /// A budget that imaps share.
    pub shared_bytes: Option<usize>,
    pub parts: Vec<Part>,
}

/// What a consumer does.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Imap(Plan),
    /// The results of the first imap are the input of the second one.
    Chain(Plan, Box<Plan>),
    Stream(Plan),
    /// The input is a stream, which is pending now and then.
    Stage(Plan),
    Sink(Plan),
    Map(Plan),
    Jobs(Plan),
}

/// An imap from its input to its end.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub entrance: Entrance,
    /// The results are consumed inside a job of the pool.
    pub in_job: bool,
    /// The consumer pulls the input.
    pub local: bool,
    /// Each thread at work has a state.
    pub state: bool,
    pub input: Input,
    pub work: Work,
    pub settings: Settings,
    pub results: Results,
    pub call: Call,
    pub end: End,
    /// How long the consumer pauses now and then.
    pub pause: Pause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entrance {
    /// `pool.imap`
    Borrowed,
    /// `pool.into_imap`
    Owned,
    /// `items.imap(pool)`
    OfItems,
    /// `scope.imap`, with a function that borrows
    Scoped,
}

#[derive(Debug, Clone)]
pub(super) struct Input {
    pub items: u64,
    pub hint: Hint,
    pub pause: Pause,
    /// Instead of giving this item.
    pub panics_at: Option<u64>,
    /// Item *k* is there when all but this many of the results before it have been handed out.
    pub awaits: Option<u64>,
    /// It panics when it is dropped.
    pub bomb: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    Exact,
    None,
    TooLow,
    TooHigh,
    Huge,
}

/// Now and then, for some microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    /// One call in this many pauses, none if it is 0.
    pub odds: u64,
    pub micros: u64,
}

/// What the function does. Odds are one in this many, 0 is never.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    pub seed: u64,
    /// Rounds of work for most items, and for one in 16.
    pub rounds: u64,
    pub slow_rounds: u64,
    pub pause: Pause,
    pub panics: u64,
    pub fails: u64,
    pub nests: u64,
    /// Items, results and payloads that panic when they are dropped.
    pub bombs: u64,
    /// Bytes of a large result.
    pub large: usize,
    pub cancels_at: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub window: Option<usize>,
    pub chunk: Option<usize>,
    pub threads: Option<usize>,
    pub bytes: Bytes,
    pub unordered: bool,
    pub fail_fast: bool,
    pub started: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bytes {
    Unbounded,
    Own(usize),
    Shared,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Results {
    Plain,
    Caught,
    ItemLimit(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Next,
    Limit { limit: Duration, gives_up: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Exhausted,
    DroppedAfter(u64),
    CancelledAfter(u64),
    CancelledMeanwhile(Duration),
}

impl Scenario {
    pub(super) fn new(seed: u64) -> Scenario {
        let mut random = Rng::with_seed(seed);
        let random = &mut random;
        let count = if random.u8(..3) == 0 { 2 + random.usize(..3) } else { 1 };
        let terminated = one_in(random, 12).then(|| Duration::from_micros(random.u64(..5_000)));
        Scenario {
            backend: random.usize(..1 << 16),
            threads: [1, 1, 2, 2, 3, 8][random.usize(..6)],
            dropped_early: one_in(random, 4),
            terminated,
            shared_bytes: one_in(random, 4).then(|| 1 << random.u32(..16)),
            parts: (0..count).map(|_| Part::new(random)).collect(),
        }
    }
}

impl Part {
    fn new(random: &mut Rng) -> Part {
        match random.u8(..16) {
            0..=8 => Part::Imap(Plan::new(random)),
            9..=10 => Part::chain(random),
            11 => Part::Stream(Plan { in_job: false, local: false, ..Plan::new(random) }),
            12 => Part::stage(random),
            13 => Part::sink(random),
            14 => Part::Map(Plan::new(random)),
            _ => Part::Jobs(Plan::new(random)),
        }
    }

    /// The first stage owns its pool, and hands out all it has. A panic in it is one of the second one's input.
    fn chain(random: &mut Rng) -> Part {
        let first =
            Plan { in_job: false, local: false, call: Call::Next, end: End::Exhausted, ..Plan::new(random) };
        let settings = Settings { unordered: false, fail_fast: false, ..first.settings };
        let work = Work { cancels_at: None, ..first.work };
        let first = Plan { entrance: Entrance::OfItems, results: Results::Plain, settings, work, ..first };
        // On a pool of one thread the input would hold the thread that is to take the results.
        let input = Input { awaits: None, ..first.input.clone() };
        let first = Plan { input, ..first };
        let mut second = Plan::new(random);
        if second.entrance == Entrance::Scoped {
            second.entrance = Entrance::Borrowed;
        }
        second.input.hint = Hint::Exact;
        Part::Chain(first, Box::new(second))
    }

    /// The task pulls. There are fewer settings.
    fn stage(random: &mut Rng) -> Part {
        let mut plan = Plan { in_job: false, local: true, call: Call::Next, ..Plan::new(random) };
        plan.input.awaits = None;
        plan.settings = Settings {
            threads: None,
            bytes: Bytes::Unbounded,
            fail_fast: false,
            started: false,
            ..plan.settings
        };
        if plan.results != Results::Caught {
            plan.results = Results::Plain;
        }
        Part::Stage(plan)
    }

    /// What a sink has not: an input, a token, and limits.
    fn sink(random: &mut Rng) -> Part {
        let mut plan = Plan::new(random);
        plan.call = Call::Next;
        plan.results = Results::Plain;
        plan.settings = Settings {
            fail_fast: false,
            bytes: Bytes::Unbounded,
            threads: None,
            started: true,
            ..plan.settings
        };
        plan.work.cancels_at = None;
        plan.input.panics_at = None;
        if !matches!(plan.end, End::DroppedAfter(_)) {
            plan.end = End::Exhausted;
        }
        Part::Sink(plan)
    }
}

impl Plan {
    fn new(random: &mut Rng) -> Plan {
        let items = match random.u8(..6) {
            0..=2 => random.u64(..24),
            3..=4 => random.u64(..300),
            _ => random.u64(..4_000),
        };
        let entrances = [Entrance::Borrowed, Entrance::Owned, Entrance::OfItems, Entrance::Scoped];
        let mut plan = Plan {
            entrance: entrances[random.usize(..4)],
            in_job: one_in(random, 4),
            local: one_in(random, 6),
            state: one_in(random, 4),
            input: Input::new(random, items),
            work: Work::new(random, items),
            settings: Settings::new(random),
            results: Results::new(random),
            call: Call::new(random),
            end: End::new(random, items),
            pause: Pause::new(random, 3, items),
        };
        plan.make_possible();
        plan
    }

    /// Leaves out what is not promised: calls with a limit inside a job, and limits of items whose number is not known.
    fn make_possible(&mut self) {
        if self.in_job {
            self.call = Call::Next;
        }
        if matches!(self.results, Results::ItemLimit(_)) {
            self.input.hint = Hint::Exact;
            // Behind its last item nothing more is waited for.
            self.input.panics_at = self.input.panics_at.filter(|at| *at < self.input.items);
        }
        // A local input that waits for a result is waited for by the thread that would take it.
        if self.local {
            self.input.awaits = None;
        }
    }
}

impl Input {
    fn new(random: &mut Rng, items: u64) -> Input {
        let hints = [Hint::Exact, Hint::Exact, Hint::None, Hint::TooLow, Hint::TooHigh, Hint::Huge];
        Input {
            items,
            hint: hints[random.usize(..6)],
            pause: Pause::new(random, 3, items),
            panics_at: one_in(random, 6).then(|| random.u64(..=items)),
            awaits: one_in(random, 6).then(|| random.u64(..4)),
            bomb: one_in(random, 8),
        }
    }
}

impl Pause {
    /// In one plan of `odds`, and about 20 times in this many calls at most.
    fn new(random: &mut Rng, odds: u8, calls: u64) -> Pause {
        if !one_in(random, odds) {
            return Pause { odds: 0, micros: 0 };
        }
        let odds = (1 + random.u64(..40)).max(calls / 20);
        Pause { odds, micros: [0, 1, 30, 300, 1_500][random.usize(..5)] }
    }
}

impl Work {
    fn new(random: &mut Rng, items: u64) -> Work {
        let rare = |random: &mut Rng, odds| if one_in(random, odds) { 1 + random.u64(..30) } else { 0 };
        Work {
            seed: random.u64(..),
            // Not more than some milliseconds for all.
            rounds: [0, 0, 10, 1_000, 20_000][random.usize(..5)].min(2_000_000 / (items + 1)),
            slow_rounds: [0, 10, 5_000, 100_000][random.usize(..4)].min(20_000_000 / (items + 1)),
            pause: Pause::new(random, 4, items),
            panics: rare(random, 3),
            fails: rare(random, 4),
            nests: if one_in(random, 4) { 3 + random.u64(..60) } else { 0 },
            bombs: rare(random, 4),
            large: if one_in(random, 6) {
                (1 << random.u32(..18)).min((8 << 20) / (items as usize + 1))
            } else {
                0
            },
            cancels_at: one_in(random, 16).then(|| random.u64(..=items)),
        }
    }
}

impl Settings {
    fn new(random: &mut Rng) -> Settings {
        let window = [1, 2, 3, 4, 7, 16, 64, 1_000][random.usize(..8)];
        let bytes = match random.u8(..8) {
            0 => Bytes::Own(1 << random.u32(..14)),
            1 => Bytes::Shared,
            _ => Bytes::Unbounded,
        };
        Settings {
            window: (!one_in(random, 3)).then_some(window),
            chunk: one_in(random, 3).then(|| 1 + random.usize(..40)),
            threads: one_in(random, 5).then(|| 1 + random.usize(..4)),
            bytes,
            unordered: one_in(random, 4),
            fail_fast: one_in(random, 6),
            started: one_in(random, 4),
        }
    }
}

impl Results {
    fn new(random: &mut Rng) -> Results {
        match random.u8(..8) {
            0..=4 => Results::Plain,
            5..=6 => Results::Caught,
            _ => Results::ItemLimit(limit(random)),
        }
    }
}

impl Call {
    fn new(random: &mut Rng) -> Call {
        if !one_in(random, 5) {
            return Call::Next;
        }
        Call::Limit { limit: limit(random), gives_up: one_in(random, 2) }
    }
}

impl End {
    fn new(random: &mut Rng, items: u64) -> End {
        match random.u8(..10) {
            0..=5 => End::Exhausted,
            6..=7 => End::DroppedAfter(random.u64(..=items)),
            8 => End::CancelledAfter(random.u64(..=items)),
            _ => End::CancelledMeanwhile(Duration::from_micros(random.u64(..3_000))),
        }
    }
}

/// Short limits, which are met now and then, and one that never is.
fn limit(random: &mut Rng) -> Duration {
    [Duration::ZERO, Duration::from_micros(50), Duration::from_millis(1), FOREVER][random.usize(..4)]
}

/// A limit that nothing meets.
pub(super) const FOREVER: Duration = Duration::from_secs(600);

fn one_in(random: &mut Rng, odds: u8) -> bool {
    random.u8(..odds) == 0
}
