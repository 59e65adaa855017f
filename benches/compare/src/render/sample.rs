//! Reports made by hand, for the tests.

use crate::contender::{Family, Traits};
use crate::report::{Curve, Latency, Measured, Report, Results, Setup, Timeline};
use crate::workloads::{self, Span};

fn setup() -> Setup {
    Setup {
        command: "cargo run --release -p pool-compare --bin compare -- --threads 4".into(),
        cores: 4,
        processor: "A processor with a name, 3.2 GHz".into(),
        system: "Linux 6.1".into(),
        time: 1_750_000_000,
        quick: false,
        rounds: 5,
        threads: 4,
        seconds: 613.0,
    }
}

fn traits(name: &str, family: Family, lazy: bool) -> Traits {
    let about = format!("{name}.imap(items, f).with(<settings> & more)");
    Traits {
        name: name.into(),
        family,
        about,
        lazy,
        live: lazy,
        cold: name.ends_with("cold"),
        variant: family == Family::Backend && (name.ends_with("-by-1") || name.ends_with("-cold")),
        nests: true,
    }
}

fn measured(contender: &str, nanoseconds: [f64; 5]) -> Measured {
    let cpu = nanoseconds.map(|time| time * 2.0).to_vec();
    Measured {
        contender: contender.into(),
        items: 1000,
        nanoseconds: nanoseconds.to_vec(),
        cpu,
        memory: Some(4321),
    }
}

/// Three contenders, one workload, no plots.
pub fn small() -> Report {
    let entries = vec![
        measured("sequential", [1000.0, 1010.0, 990.0, 1005.0, 995.0]),
        measured("rayon-collect", [500.0, 501.0, 502.0, 503.0, 504.0]),
        measured("stealing", [555.0, 556.0, 557.0, 558.0, 559.0]),
        measured("slow", [700.0, 710.0, 720.0, 730.0, 740.0]),
    ];
    let contenders = vec![
        traits("sequential", Family::Sequential, true),
        traits("stealing", Family::Backend, true),
        traits("rayon-collect", Family::Peer, false),
        traits("slow", Family::Peer, true),
    ];
    let results = Results {
        workload: "1us".into(),
        about: "1 µs of arithmetic".into(),
        allocator: "system".into(),
        ideal: vec![500.0, 505.0, 495.0, 502.0, 498.0],
        entries,
    };
    Report { contenders, workloads: vec![results], ..empty() }
}

/// Nothing at all.
pub fn empty() -> Report {
    Report {
        setup: setup(),
        contenders: Vec::new(),
        workloads: vec![Results {
            workload: "none".into(),
            about: "was not run".into(),
            allocator: "system".into(),
            ideal: Vec::new(),
            entries: vec![Measured {
                contender: "unknown".into(),
                items: 0,
                nanoseconds: Vec::new(),
                cpu: Vec::new(),
                memory: None,
            }],
        }],
        with_other_allocator: Vec::new(),
        overhead: Vec::new(),
        scaling: Vec::new(),
        memory: Vec::new(),
        latencies: Vec::new(),
        timelines: Vec::new(),
    }
}

/// Names that are markup, and figures that are none.
pub fn hostile() -> Report {
    let mut report = large();
    let name = "<script>alert(1)</script>\u{1b}[31m\n\"'|&";
    report.contenders[1].name = name.into();
    report.contenders[1].about = name.into();
    report.setup.command = name.into();
    report.setup.processor = name.into();
    for results in &mut report.workloads {
        results.workload = format!("{name}{}", results.workload);
        results.about = name.into();
        results.entries[1].contender = name.into();
        results.entries[1].nanoseconds = vec![f64::NAN, 0.0, f64::INFINITY, -1.0, 1e300];
        results.entries[2].nanoseconds = vec![0.0; 5];
        results.entries[3].nanoseconds = vec![f64::NAN; 5];
        results.ideal[0] = 0.0;
    }
    let curves = [&mut report.overhead, &mut report.scaling, &mut report.memory];
    for curve in curves.into_iter().flatten() {
        curve.contender = format!("{name}{}", curve.contender);
        curve.points[0] = (0.0, f64::NAN);
        curve.points[1].1 = f64::INFINITY;
        curve.points[2].1 = -1.0;
    }
    report.latencies[0].contender = name.into();
    report.latencies[0].percentiles = vec![(50.0, 0.0), (99.0, f64::NAN)];
    report.latencies[1].percentiles.clear();
    report.timelines[0].contender = name.into();
    report.timelines[1].spans.clear();
    report.timelines[2].spans[0] = Span { thread: 1, item: 0, start: f64::NAN, end: f64::INFINITY };
    report
}

const PEERS: [&str; 11] = [
    "rayon-collect",
    "rayon-par-bridge",
    "orx-collect",
    "orx-iter",
    "pariter",
    "par-iter-sync",
    "par-map",
    "parseq",
    "pipeliner",
    "plmap",
    "threads-and-channels",
];

/// As much as a full run has: 20 contenders or so, all workloads, all plots.
pub fn large() -> Report {
    let mut contenders = vec![traits("sequential", Family::Sequential, true)];
    for name in ["channel", "stealing", "rayon"] {
        for suffix in ["", "-by-1", "-cold"] {
            contenders.push(traits(&format!("{name}{suffix}"), Family::Backend, true));
        }
    }
    contenders
        .extend(PEERS.iter().enumerate().map(|(index, name)| traits(name, Family::Peer, index % 4 != 0)));
    let names: Vec<String> = contenders.iter().map(|traits| traits.name.clone()).collect();
    let workloads = workloads::ALL.iter().map(|workload| results(workload, &names)).collect();
    let allocating = workloads::ALL.iter().filter(|workload| workload.allocates);
    let with_other_allocator = allocating.map(|workload| with_mimalloc(results(workload, &names))).collect();
    let curves = |xs: &[f64], y: &dyn Fn(usize, f64) -> f64| -> Vec<Curve> {
        let ideal = std::iter::once("ideal".to_string());
        let curve = |(index, contender): (usize, String)| Curve {
            contender,
            points: xs.iter().map(|x| (*x, y(index, *x))).collect(),
        };
        ideal.chain(names.iter().cloned()).enumerate().map(curve).collect()
    };
    let overhead = |index: usize, x: f64| match index {
        0 => x / 4.0 + 0.1,
        1 => x + 0.6,
        _ => x / 4.0 * (1.0 + 0.002 * index as f64) + cost(index - 1),
    };
    let scaling = |index: usize, x: f64| match index {
        0 => x * 1e5,
        1 => 1e5,
        _ => x * 1e5 / (1.0 + (x - 1.0) * 0.02 * index as f64) * (1.0 - 0.004 * index as f64),
    };
    let memory = |index: usize, x: f64| match index {
        0 | 1 => 4.0,
        index if index > 10 && index % 4 == 3 => 100.0 + x * 0.016 * index as f64,
        _ => (x * 0.02).min(300.0 + 70.0 * index as f64) + 40.0,
    };
    let mut memory = curves(&[1e3, 1e4, 1e5, 1e6, 1e7], &memory);
    memory.remove(0);
    Report {
        workloads,
        with_other_allocator,
        overhead: curves(&[10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 1e5, 1e6], &overhead),
        scaling: curves(&[1.0, 2.0, 3.0, 4.0, 8.0], &scaling),
        memory,
        latencies: names.iter().enumerate().map(|(index, name)| latency(index, name)).collect(),
        timelines: timelines(&names),
        contenders,
        ..empty()
    }
}

/// What an item costs beside its work: little for ours, and up to microseconds for others.
fn cost(index: usize) -> f64 {
    match index {
        0 => 0.0,
        1..=9 => [4.4, 300.0, 9.0][(index - 1) % 3] + index as f64 * 0.1,
        _ => 3.0 * 2.2_f64.powi(index as i32 - 10),
    }
}

fn results(workload: &workloads::Workload, names: &[String]) -> Results {
    let work = match workload.name {
        "empty" => 0.6,
        "50ns" => 34.0,
        "100ns" | "strings" => 90.0,
        "1us" | "small" | "nested" | "storm" | "json" | "json-blocks" | "ping-pong" => 995.0,
        "1ms" | "hash" => 953_138.0,
        "compress" => 20e6,
        "slow-input" => 100e3,
        _ => 10_090.0,
    };
    let noise = |seed: usize| 1.0 + ((seed * 7919) % 13) as f64 * 0.004;
    let entry = |(index, name): (usize, &String)| {
        let time = if index == 0 { work } else { work / 4.0 * (1.0 + 0.003 * index as f64) + cost(index) };
        let rounds: Vec<f64> = (0..5).map(|round| time * noise(index * 5 + round)).collect();
        Measured {
            contender: name.clone(),
            items: 1_000_000,
            cpu: rounds.iter().map(|time| time * if index == 0 { 1.0 } else { 4.0 }).collect(),
            nanoseconds: rounds,
            memory: (index % 5 != 4).then_some(40 + 900 * index as u64),
        }
    };
    let ideal = (0..5).map(|round| work / 4.0 * noise(round)).collect();
    Results {
        workload: workload.name.into(),
        about: workload.about.into(),
        allocator: "system".into(),
        ideal,
        entries: names.iter().enumerate().map(entry).collect(),
    }
}

/// All but sequential code a fifth faster, and without the last contender, which could not take part.
fn with_mimalloc(mut results: Results) -> Results {
    results.allocator = "mimalloc".into();
    results.entries.pop();
    let parallel = results.entries.iter_mut().skip(1);
    parallel.flat_map(|entry| &mut entry.nanoseconds).for_each(|time| *time *= 0.8);
    results
}

fn latency(index: usize, name: &str) -> Latency {
    let middle = 3.0 + cost(index) * 0.05 + index as f64;
    let tail = [(50.0, 1.0), (90.0, 1.6), (99.0, 4.0), (99.9, 30.0 - index as f64)];
    Latency { contender: name.into(), percentiles: tail.map(|(p, factor)| (p, middle * factor)).to_vec() }
}

fn timelines(names: &[String]) -> Vec<Timeline> {
    let mut timelines = Vec::new();
    for workload in ["skewed", "slow-head"] {
        for (index, name) in names.iter().enumerate().filter(|(index, _)| index % 3 == 1 || *index > 10) {
            let length = |item: u64| match (workload, item) {
                ("slow-head", 0) => 10.0 * 300.0 / 3.0,
                ("skewed", item) if item % 100 == 37 => 1000.0,
                _ => 10.0,
            };
            let mut free = [0.0_f64; 4];
            let mut spans = Vec::new();
            for item in 0..300 {
                let thread = (0..4).min_by(|a, b| free[*a].total_cmp(&free[*b])).unwrap_or(0);
                let start = free[thread] + 0.2 * index as f64;
                free[thread] = start + length(item);
                spans.push(Span { thread, item, start, end: free[thread] });
            }
            timelines.push(Timeline { contender: name.clone(), workload: workload.into(), spans });
        }
    }
    timelines
}
