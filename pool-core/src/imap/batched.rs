//! `imap_batched`: an imap over blocks, seen as one over items.
//!
//! A block goes through the pool like an item, and comes back as a block of results, which are handed out one by one. A
//! panic takes the place of its item, and the loop over the block goes on behind it. The first call turns the settings
//! for items into settings for blocks: a window of items is rounded down to whole blocks, and a limit for each item
//! makes blocks of one item.

use super::adapted::{Adapted, Controls};
use super::engine::Held;
use super::engine::{Settings, Wait};
use super::iter::{Imap, Inner};
use super::policy::MAX_DEFAULT_WINDOW_PER_THREAD;
use super::results::Next;
use crate::block::{Block, Blocks, Results};
use crate::error::{Panic, TimedOut};
use crate::executor::threads_of;
use crate::unwind::{catch, drop_quietly};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// This many blocks are under way for each thread, at least.
const LEAST_BLOCKS_PER_THREAD: usize = 4;

/// The results of a block, with panics in the places of their items.
struct Done<T> {
    values: Results<T>,
    /// Each panic, with its place.
    panics: VecDeque<(usize, Panic)>,
    /// The place of the next result.
    next: usize,
}

/// Runs the function on each item of a block.
fn run<A, T>(f: impl Fn(A) -> T, mut block: Block<A>) -> Done<T> {
    let mut done = Done { values: Results::with_capacity(block.len()), panics: VecDeque::new(), next: 0 };
    while let Err(payload) = catch(|| done.values.0.extend(block.by_ref().map(&f))) {
        done.panics.push_back((done.values.0.len() + done.panics.len(), Panic::new(payload)));
    }
    // Results are taken from the end.
    done.values.0.reverse();
    done
}

impl<T> Done<T> {
    fn take(&mut self) -> Next<T> {
        let place = self.next;
        self.next += 1;
        if self.panics.front().is_some_and(|(panicked, _)| *panicked == place)
            && let Some((_, panic)) = self.panics.pop_front()
        {
            return Next::Panic(panic);
        }
        self.values.0.pop().map_or(Next::End, Next::Result)
    }
}

/// The input of the imap of blocks.
struct Cut<I: Iterator> {
    blocks: Blocks<I>,
    len: Arc<AtomicUsize>,
    /// The input's size hint, until something is pulled.
    hint: Option<(usize, Option<usize>)>,
}

impl<I: Iterator> Iterator for Cut<I> {
    type Item = Block<I::Item>;

    fn next(&mut self) -> Option<Block<I::Item>> {
        self.hint = None;
        self.blocks.take(self.len.load(Ordering::Relaxed))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.len.load(Ordering::Relaxed);
        let (least, most) = self.hint.unwrap_or_else(|| self.blocks.size_hint());
        (least.div_ceil(len), most.map(|most| most.div_ceil(len)))
    }
}

struct Batched<'p, T> {
    inner: Imap<'p, Done<T>>,
    threads: usize,
    /// How many items a block has.
    len: Arc<AtomicUsize>,
    /// The input's size hint.
    hint: (usize, Option<usize>),
    begun: bool,
    ended: bool,
    unordered: bool,
    /// The block whose results are being handed out.
    block: Option<Done<T>>,
    /// How many results have been handed out or given up.
    head: u64,
    /// How many of the next block were given up.
    given_up: usize,
}

impl<'p, T: Send + 'static> Imap<'p, T> {
    pub(crate) fn batched<I, F>(executor: Held<'p>, items: I, len: usize, f: F) -> Imap<'p, T>
    where
        I: Iterator + Send + 'static,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
    {
        let (hint, threads) = (items.size_hint(), threads_of(executor.get()));
        let len = Arc::new(AtomicUsize::new(len));
        let input = Cut { blocks: Blocks::new(items), len: len.clone(), hint: Some(hint) };
        let inner = Imap::new(executor, input, move |block| run(&f, block));
        let batched = Batched {
            inner,
            threads,
            len,
            hint,
            begun: false,
            ended: false,
            unordered: false,
            block: None,
            head: 0,
            given_up: 0,
        };
        let batched: Box<dyn Adapted<T> + Send + 'p> = Box::new(batched);
        Imap { inner: Inner::Adapted(batched) }
    }
}

impl<T> Batched<'_, T> {
    /// Tells the imap of blocks what was set for items.
    fn begin(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let mut len = self.len.load(Ordering::Relaxed);
        let Some(settings) = self.inner.settings_mut() else { return };
        if settings.item_limit.is_some() {
            len = 1;
        }
        self.unordered = settings.unordered;
        settings.window = Some(match settings.window {
            Some(window) => {
                len = len.min(usize::try_from(window).unwrap_or(usize::MAX));
                window / len as u64
            }
            None => {
                let blocks = (MAX_DEFAULT_WINDOW_PER_THREAD / len).max(LEAST_BLOCKS_PER_THREAD);
                blocks.saturating_mul(self.threads) as u64
            }
        });
        self.len.store(len, Ordering::Relaxed);
    }
}

impl<T> Adapted<T> for Batched<'_, T> {
    fn next(&mut self, wait: Wait<'_>) -> Next<T> {
        self.begin();
        loop {
            if let Some(block) = &mut self.block {
                match block.take() {
                    Next::End => self.block = None,
                    given_up if self.given_up > 0 => {
                        self.given_up -= 1;
                        drop_quietly(given_up);
                        continue;
                    }
                    next => {
                        self.head += 1;
                        return next;
                    }
                }
            }
            match self.inner.next_caught(wait) {
                Next::Result(block) => self.block = Some(block),
                // A panic of the input.
                Next::Panic(panic) => return Next::Panic(panic),
                Next::End => {
                    self.ended = true;
                    return Next::End;
                }
                Next::CallLate(late) => return Next::CallLate(TimedOut { index: self.head, ..late }),
                Next::ItemLate(late) => {
                    self.head += 1;
                    return Next::ItemLate(late);
                }
            }
        }
    }

    fn give_up(&mut self) -> bool {
        if self.unordered {
            return false;
        }
        self.head += 1;
        self.given_up += 1;
        if self.given_up == self.len.load(Ordering::Relaxed) {
            self.given_up = 0;
            self.inner.give_up();
        }
        true
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.ended {
            return (0, Some(0));
        }
        let head = usize::try_from(self.head).unwrap_or(usize::MAX);
        (self.hint.0.saturating_sub(head), self.hint.1.map(|most| most.saturating_sub(head)))
    }

    fn input_has_panicked(&self) -> bool {
        self.inner.input_has_panicked()
    }

    fn position(&self) -> u64 {
        self.head
    }

    fn settings(&mut self) -> Option<&mut Settings> {
        if self.begun { None } else { self.inner.settings_mut() }
    }

    fn start(&mut self) {
        self.begin();
        self.inner.begin();
    }

    fn below(&self) -> &dyn Controls {
        &self.inner
    }

    fn below_mut(&mut self) -> &mut dyn Controls {
        &mut self.inner
    }
}
