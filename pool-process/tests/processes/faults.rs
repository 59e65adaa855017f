//! What items do to their processes, and what the user sees of it.

use crate::Test;
use crate::tasks::{ACT, Act, DOUBLE, builder, pool};
use pool_process::{Death, ProcessError, TaskError};
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub const TESTS: &[Test] = &[
    ("an_item_that_kills_its_process_is_named_and_no_other_is_lost", killers_are_named),
    ("the_function_runs_once_for_each_item_beside_killers", innocents_run_once),
    ("an_item_that_hangs_is_killed_at_its_limit", a_hang_is_killed),
    ("hangs_among_short_items_are_named", hangs_among_short_items),
    ("a_limit_counts_from_when_the_item_begins", a_limit_counts_from_the_beginning),
    ("p6_a_panic_is_told_and_its_child_lives_on", a_panic_is_told),
    ("attempts_are_counted", attempts_are_counted),
    ("among_threads_only_the_killer_is_lost", killers_among_threads),
    ("children_shot_at_random_lose_what_they_ran_and_no_more", shot_at_random),
    ("a_new_child_comes_soon", a_new_child_comes_soon),
    ("programs_that_do_not_serve_are_errors", bad_programs),
    ("a_program_that_is_not_there_is_an_error", no_program),
    ("a_program_that_was_removed_goes_on", removed_program),
    ("no_zombie_is_left", no_zombie),
];

/// What becomes of an item that does this.
fn fates() -> Vec<(Act, Death)> {
    vec![
        (Act::Abort, Death::Killed(6)),
        (Act::Exit(3), Death::Exited(3)),
        (Act::Exit(0), Death::Exited(0)),
        (Act::Overflow, Death::Killed(6)),
        (Act::Shoot(9), Death::Killed(9)),
        (Act::Shoot(15), Death::Killed(15)),
    ]
}

fn killers_are_named() {
    let pool = pool();
    for (killer, death) in fates() {
        let mut acts: Vec<Act> = (0..300).map(Act::Give).collect();
        acts[120] = killer.clone();
        for (index, result) in pool.imap(ACT, acts).enumerate() {
            match index {
                120 => assert_eq!(result, Err(TaskError::Lost { attempts: 1, death }), "{killer:?}"),
                _ => assert_eq!(result, Ok(index as u64), "{killer:?}"),
            }
        }
    }
    // A process that leaves its socket is not waited for.
    let result = pool.imap(ACT, [Act::CloseEverything, Act::Give(1)]).collect::<Vec<_>>();
    assert_eq!(result, [Err(TaskError::Lost { attempts: 1, death: Death::Killed(9) }), Ok(1)]);
}

fn innocents_run_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ran").to_str().unwrap().to_owned();
    let mut acts: Vec<Act> = (0..60).map(|x| Act::Append(path.clone(), x)).collect();
    for place in [10, 30, 31] {
        acts[place] = Act::Abort;
    }
    // One to a message, and each is told before the next begins.
    let results: Vec<_> = pool().imap(ACT, acts).batch(1).window(1).collect();
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 3);
    let ran: Vec<u64> =
        std::fs::read_to_string(path).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(ran, (0..60).filter(|x| ![10, 30, 31].contains(x)).collect::<Vec<_>>());
}

fn a_hang_is_killed() {
    let pool = pool();
    let limit = Duration::from_millis(400);
    let mut acts: Vec<Act> = (0..100).map(Act::Give).collect();
    acts[40] = Act::Hang;
    let began = Instant::now();
    let mut at = Duration::ZERO;
    for (index, result) in pool.imap(ACT, acts).item_timeout(limit).enumerate() {
        match index {
            40 => {
                assert_eq!(result, Err(TaskError::TimedOut));
                at = began.elapsed();
            }
            _ => assert_eq!(result, Ok(index as u64)),
        }
    }
    assert!(at >= limit && at < limit + Duration::from_millis(300), "{at:?}");
}

fn hangs_among_short_items() {
    let pool = pool();
    let hangs = |x: u64| x % 7_001 == 7_000;
    let acts = (0..30_000).map(move |x| if hangs(x) { Act::Hang } else { Act::Give(x) });
    for (index, result) in (0..).zip(pool.imap(ACT, acts).item_timeout(Duration::from_millis(100))) {
        assert_eq!(result, if hangs(index) { Err(TaskError::TimedOut) } else { Ok(index) });
    }
    // The last ones of their messages, of which all items have one position.
    let pool = builder().processes(1).build().unwrap();
    let hangs = |x: u64| [4_007, 6_007, 7_999].contains(&x);
    let acts = (0..8_000).map(move |x| if hangs(x) { Act::Hang } else { Act::Give(x) });
    let limited = pool.imap(ACT, acts).batch(8).item_timeout(Duration::from_millis(100));
    for (index, result) in (0..).zip(limited) {
        assert_eq!(result, if hangs(index) { Err(TaskError::TimedOut) } else { Ok(index) });
    }
}

fn a_limit_counts_from_the_beginning() {
    let pool = pool();
    // Each waits for others, and takes less than the limit.
    let acts = vec![Act::Sleep(60); 30];
    let results: Vec<_> = pool.imap(ACT, acts).batch(10).item_timeout(Duration::from_millis(250)).collect();
    assert_eq!(results, vec![Ok(60); 30]);
}

fn a_panic_is_told() {
    let pool = builder().processes(1).build().unwrap();
    let acts = [Act::Process, Act::Panic("not this one".into()), Act::Process];
    let results: Vec<_> = pool.imap(ACT, acts).collect();
    assert_eq!(results[1], Err(TaskError::Panicked("not this one".into())));
    assert_eq!(results[0], results[2]);
}

fn attempts_are_counted() {
    let pool = pool();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ran").to_str().unwrap().to_owned();
    let mut acts: Vec<Act> = (0..40).map(Act::Give).collect();
    acts[20] = Act::Abort;
    acts[21] = Act::Append(path.clone(), 21);
    let results: Vec<_> = pool.imap(ACT, acts).max_attempts(3).collect();
    assert_eq!(results[20], Err(TaskError::Lost { attempts: 3, death: Death::Killed(6) }));
    assert_eq!((results.len(), &results[21]), (40, &Ok(21)));
}

fn killers_among_threads() {
    let pool = builder().threads(3).build().unwrap();
    let acts = (0..200).map(|x| match x {
        70 => Act::Exit(9),
        _ => Act::Sleep(2 + x % 2),
    });
    for (index, result) in pool.imap(ACT, acts).enumerate() {
        match index {
            70 => assert_eq!(result, Err(TaskError::Lost { attempts: 1, death: Death::Exited(9) })),
            _ => assert_eq!(result, Ok(2 + index as u64 % 2)),
        }
    }
}

/// A number that looks random.
fn noise(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

fn shot_at_random() {
    let pool = builder().processes(3).build().unwrap();
    let mut seed = 0x1234_5678_9abc_def1;
    let count = 6_000;
    let mut imap =
        pool.imap(ACT, (0..count).map(|x| if x % 50 == 0 { Act::Process } else { Act::Give(x) })).window(200);
    let (mut lost, mut shots) = (0, 0);
    for index in 0..count {
        match imap.next().unwrap() {
            Ok(process) if index % 50 == 0 => {
                if noise(&mut seed).is_multiple_of(2) {
                    shots += 1;
                    let _ = std::process::Command::new("kill").args(["-9", &process.to_string()]).output();
                }
            }
            Ok(value) => assert_eq!(value, index),
            Err(TaskError::Lost { attempts: 1, death: Death::Killed(9) }) => lost += 1,
            Err(error) => panic!("{index}: {error}"),
        }
    }
    assert_eq!(imap.next(), None);
    assert!(lost <= shots && shots > 20, "{lost} lost by {shots} shots");
}

fn a_new_child_comes_soon() {
    let pool = builder().processes(1).build().unwrap();
    let mut waits: Vec<Duration> = (0..20)
        .map(|_| {
            let mut imap = pool.imap(ACT, [Act::Exit(1), Act::Give(1)]).batch(1);
            let began = Instant::now();
            assert!(imap.next().unwrap().is_err());
            assert_eq!(imap.next(), Some(Ok(1)));
            began.elapsed()
        })
        .collect();
    waits.sort();
    println!("from an item that ends its process to the next result: {:?} .. {:?}", waits[10], waits[19]);
    assert!(waits[10] < Duration::from_millis(500), "{waits:?}");
}

fn bad_programs() {
    let limit = Duration::from_millis(300);
    let words = [
        ("ends", "before it came to `Tasks::serve`"),
        ("aborts", "was killed by signal 6 (SIGABRT) before it came to `Tasks::serve`"),
        ("reads", "has not come to `Tasks::serve` within 300ms"),
        ("sleeps", "has not come to `Tasks::serve` within 300ms"),
        ("initializer", "ended with status 70"),
    ];
    for (kind, expected) in words {
        let began = Instant::now();
        let error = builder().args([format!("as={kind}")]).start_timeout(limit).build().unwrap_err();
        assert!(error.to_string().contains(expected), "{kind}: {error}");
        assert!(began.elapsed() < Duration::from_secs(20), "{kind}: {:?}", began.elapsed());
    }
}

fn no_program() {
    let error = builder().program("/nowhere/at/all").build().unwrap_err();
    assert!(matches!(&error, ProcessError::Start(why) if why.contains("/nowhere/at/all")), "{error}");
}

fn removed_program() {
    let folder = tempfile::tempdir().unwrap();
    let copy: PathBuf = folder.path().join("copy");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let output = std::process::Command::new(&copy).arg("parent=removed").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "all there\n", "{output:?}");
}

fn no_zombie() {
    let pool = pool();
    let mut acts: Vec<Act> = vec![Act::Process; 40];
    for place in (0..40).step_by(4) {
        acts[place] = Act::Abort;
    }
    let mut children: Vec<u64> = pool.imap(ACT, acts).batch(1).filter_map(Result::ok).collect();
    drop(pool);
    children.dedup();
    for child in children {
        assert!(!PathBuf::from(format!("/proc/{child}")).exists(), "{child} is left");
    }
    let _ = DOUBLE;
}
