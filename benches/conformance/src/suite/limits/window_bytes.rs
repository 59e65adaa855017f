//! A bound in bytes on what is under way.

use crate::subject::AnyPool;
use crate::suite::list::promises;
use crate::suite::parts::{Gate, SHORT, at_last, late, soon};
use pool_core::{Budget, Executor, Imap, IterExt, Place};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const LIMIT: u64 = 10_000;

/// Sizes from nothing to twice the limit.
fn size(item: u64) -> u64 {
    let random = item.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    if random.is_multiple_of(50) { random % (2 * LIMIT) } else { random % (LIMIT / 8) }
}

/// How much has been handed over, by count and by size.
#[derive(Clone, Default)]
struct Handed(Arc<(AtomicU64, AtomicU64)>);

impl Handed {
    /// Items that look themselves whether they are pulled too early.
    fn items(&self, count: u64) -> impl Iterator<Item = u64> + Send + 'static + use<> {
        let handed = self.clone();
        let mut pulled = 0;
        (0..count).inspect(move |&item| {
            let (count, bytes) = (handed.0.0.load(Ordering::SeqCst), handed.0.1.load(Ordering::SeqCst));
            assert!(
                pulled - bytes < LIMIT || item <= count,
                "item {item} was pulled beside {} bytes, when {count} had been handed over",
                pulled - bytes
            );
            pulled += size(item);
        })
    }

    fn check<P: Place>(&self, results: Imap<'_, u64, P>, count: u64) {
        let mut seen = 0;
        for item in results {
            // The size first, so that an item never sees less than there is.
            self.0.1.fetch_add(size(item), Ordering::SeqCst);
            self.0.0.fetch_add(1, Ordering::SeqCst);
            seen += 1;
        }
        assert_eq!(seen, count);
    }
}

/// What blocks of memory need, as if it were touched: now, and at most.
#[derive(Clone, Default)]
struct Memory(Arc<(AtomicU64, AtomicU64)>);

struct Block {
    index: u64,
    bytes: u64,
    memory: Memory,
}

const MIB: u64 = 1 << 20;
const BUDGET: u64 = 128 * MIB;
const LARGEST: u64 = 64 * MIB;

impl Memory {
    /// Blocks of 1 KiB to 64 MiB, as many of each order of magnitude.
    fn blocks(&self, count: u64) -> impl Iterator<Item = Block> + Send + 'static + use<> {
        let memory = self.clone();
        let blocks = (0..count).map(move |index| {
            let random = index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let least = 1024 << (random >> 60);
            let bytes = least + random % least;
            let now = memory.0.0.fetch_add(bytes, Ordering::SeqCst) + bytes;
            memory.0.1.fetch_max(now, Ordering::SeqCst);
            Block { index, bytes, memory: memory.clone() }
        });
        blocks.with_sizes(|block| block.bytes as usize)
    }

    /// `imaps` is how many share the budget at a time: each may exceed it by one block.
    #[track_caller]
    fn check(&self, imaps: u64) {
        let most = self.0.1.load(Ordering::SeqCst);
        assert!(most < BUDGET + imaps * LARGEST, "{} MiB at a time", most / MIB);
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.memory.0.0.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

fn sized(items: impl Iterator<Item = u64> + Send + 'static) -> impl Iterator<Item = u64> + Send + 'static {
    items.with_sizes(|&item| size(item) as usize)
}

promises! {
    fn p3_no_item_is_pulled_while_the_budget_is_used_up(subject) {
        const COUNT: u64 = 2_000;
        for threads in [1, 2, 4] {
            let pool = Arc::new(subject.pool(threads));
            let check = |pool: &Arc<AnyPool>, unordered| {
                let (handed, limit) = (Handed::default(), LIMIT as usize);
                let results = pool.imap(sized(handed.items(COUNT)), |item| item).window_bytes(limit);
                let results = if unordered { results.unordered() } else { results };
                handed.check(results.start(), COUNT);
            };
            check(&pool, false);
            check(&pool, true);
            let handed = Handed::default();
            handed.check(sized(handed.items(COUNT)).local().imap(&pool, |item| item).window_bytes(LIMIT as usize), COUNT);
            let handed = Handed::default();
            let results = pool.imap_init(sized(handed.items(COUNT)), || (), |(), item| item);
            handed.check(results.chunk(9).window(50).window_bytes(LIMIT as usize), COUNT);
            let inner = pool.clone();
            pool.submit(move || check(&inner, false)).join().unwrap();
        }
        let handed = Handed::default();
        handed.check(pool_core::Sequential.imap(sized(handed.items(50)), |item| item).window_bytes(1), 50);
    }

    fn p3_memory_stays_within_the_budget_where_the_consumer_is_slow(subject) {
        for (threads, unordered) in [(1, false), (2, false), (4, true)] {
            let pool = subject.pool(threads);
            let (memory, budget) = (Memory::default(), Budget::bytes(BUDGET as usize));
            let results = pool.imap(memory.blocks(2_000), |block| block).window_bytes(&budget).window(10_000);
            let mut results = if unordered { results.unordered() } else { results };
            for _ in 0..200 {
                assert!(results.next().is_some());
                soon("the budget is used up", || budget.used() as u64 >= BUDGET);
            }
            assert_eq!(results.count(), 1_800);
            memory.check(1);
        }
    }

    fn p3_memory_stays_within_the_budget_where_the_head_is_slow(subject) {
        let pool = subject.pool(2);
        let (memory, budget, gate) = (Memory::default(), Budget::bytes(BUDGET as usize), Gate::closed());
        let holds = gate.holds(30);
        let same = move |block: Block| {
            holds(block.index);
            block
        };
        let mut results = pool.imap(memory.blocks(2_000), same).window_bytes(&budget).window(10_000);
        for expected in 0..30 {
            assert_eq!(results.next().unwrap().index, expected);
        }
        soon("the budget is used up", || {
            assert!(results.next_timeout(SHORT).is_err());
            budget.used() as u64 >= BUDGET
        });
        gate.open();
        assert!(results.map(|block| block.index).eq(30..2_000));
        memory.check(1);
    }

    /// At most two of the inner imaps are there at a time, one on each thread.
    fn p3_memory_stays_within_the_budget_in_nested_imaps(subject) {
        let pool = Arc::new(subject.pool(2));
        let (memory, budget) = (Memory::default(), Budget::bytes(BUDGET as usize));
        let (inner, blocks) = (pool.clone(), memory.clone());
        let counts = pool.imap(0..8u64, move |_| {
            let results = inner.imap(blocks.blocks(300), |block| block).window_bytes(&budget).window(10_000);
            results.map(|block| block.index).zip(0..).filter(|(index, expected)| index == expected).count()
        });
        assert!(counts.eq([300; 8]));
        memory.check(2);
    }

    fn p1_a_budget_changes_no_result(subject) {
        let pool = subject.pool(3);
        for limit in [1, 1_000, usize::MAX] {
            assert!(pool.imap(sized(0..1_000), |item| item * 3).window_bytes(limit).eq((0..1_000).map(|item| item * 3)));
        }
        let huge = (0..100u64).with_sizes(|_| usize::MAX);
        assert!(pool.imap(huge, |item| item).window_bytes(10).eq(0..100));
    }

    fn p14_imaps_that_share_a_budget_go_on_in_turn(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let budget = Budget::bytes(LIMIT as usize);
            let most = Arc::new(AtomicU64::new(0));
            let imap = |first: u64| {
                let (seen, sees) = (budget.clone(), most.clone());
                let items = sized((first..first + 500).inspect(move |_| {
                    sees.fetch_max(seen.used() as u64, Ordering::SeqCst);
                }));
                pool.imap(items, |item| item).window_bytes(&budget)
            };
            let (mut left, mut right) = (imap(0), imap(1_000));
            // One is read alone at first, beside another one that holds what it has.
            assert_eq!(left.next(), Some(0));
            for item in 0..250 {
                assert_eq!(right.next(), Some(1_000 + item));
            }
            for item in 0..250 {
                assert_eq!((left.next(), right.next()), (Some(item + 1), Some(item + 1_250)));
            }
            assert_eq!((left.count(), right.count()), (249, 0));
            assert_eq!(budget.used(), 0);
            // Each may exceed it by an item, and pass its head.
            assert!(most.load(Ordering::SeqCst) < LIMIT + 4 * 2 * LIMIT);
        }
    }

    fn p9_what_is_dropped_is_given_back(subject) {
        for unordered in [false, true] {
            let pool = subject.pool(2);
            let budget = Budget::bytes(LIMIT as usize);
            let (gate, gate_of_input) = (Gate::closed(), Gate::closed());
            let results = pool.imap(sized(0..1_000), gate.holds(20)).window_bytes(&budget);
            let mut results = if unordered { results.unordered() } else { results };
            assert!(results.by_ref().take(20).count() == 20);
            results.cancel_token().cancel();
            gate.open();
            drop(results);
            soon("nothing is under way", || budget.used() == 0);
            // The state never hears of what is pulled now.
            let pulls = Arc::new(AtomicBool::new(false));
            let pulling = pulls.clone();
            let input = (0..1_000).inspect(move |&item| pulling.store(item == 20, Ordering::SeqCst));
            let input = sized(input.map(gate_of_input.holds(20)));
            let imap = pool.imap(input, |item| item).window_bytes(&budget);
            let mut results = if unordered { imap.unordered() } else { imap };
            assert!(results.by_ref().take(20).count() == 20);
            soon("a thread is in the input", || {
                assert!(results.next_timeout(SHORT).is_err());
                pulls.load(Ordering::SeqCst)
            });
            drop(results);
            gate_of_input.open();
            soon("nothing is pulled", || budget.used() == 0);
            let bombs = sized((0..100).map(|item| if item == 50 { panic!("on purpose") } else { item }));
            let results = pool.imap(bombs, |item| item).window_bytes(&budget).catch_panics();
            assert_eq!(results.filter(Result::is_err).count(), 1);
            soon("nothing is under way behind a panic", || budget.used() == 0);
        }
    }

    fn p3_what_is_delivered_without_order_makes_room(subject) {
        let pool = subject.pool(2);
        let budget = Budget::bytes(LIMIT as usize);
        let results = pool.imap(sized(0..2_000), |item| item).window_bytes(&budget).unordered();
        for _ in results {
            assert!(budget.used() as u64 <= 3 * LIMIT);
        }
    }

    fn p10_what_is_given_up_makes_room(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let input = (0..100u64).with_sizes(|_| 60);
        let mut results = pool.imap(input, gate.holds(3)).window_bytes(100).timeout(SHORT);
        for item in 0..3 {
            assert_eq!(at_last(&mut results), Some(item));
        }
        assert_eq!(late(&mut results), 3);
        assert!(results.give_up());
        for item in 4..100 {
            assert_eq!(at_last(&mut results), Some(item));
        }
    }

    fn p7_an_input_without_sizes_is_told_so(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let mut results = pool.imap(0..1_000u64, |item| item).window_bytes(100);
            let ended = catch_unwind(AssertUnwindSafe(|| results.by_ref().count()));
            let message = *ended.unwrap_err().downcast::<&str>().unwrap();
            assert!(message.contains("items.with_sizes("), "{message}");
            assert_eq!(results.next(), None);
            let mut local = (0..10u64).local().imap(&pool, |item| item).window_bytes(100);
            assert!(catch_unwind(AssertUnwindSafe(|| local.by_ref().count())).is_err());
        }
    }
}
