//! What can be set on an [`Imap`] before it begins, and asked of it later.

use super::cancel::CancelToken;
use super::engine::{ImapStats, Settings};
use super::iter::Imap;
use super::place::Place;

impl<'p, T, P: Place> Imap<'p, T, P> {
    /// Bounds how many items are between the input and the consumer: item *k + n* is not pulled before
    /// result *k* has been handed out and `next` called again.
    ///
    /// The default follows from the measured time of items: about 100 ms of work for each thread, at least 16 items and
    /// at most [`MAX_DEFAULT_WINDOW_PER_THREAD`](crate::MAX_DEFAULT_WINDOW_PER_THREAD). It begins with 16, and when it shrinks,
    /// nothing is pulled until there is room again. A window that is set here is exact. A window below the number of
    /// threads leaves threads idle.
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the iteration has begun.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// // At most 8 blocks are in memory at any time.
    /// let blocks = (0..100).map(|_| vec![1u8; 1 << 16]);
    /// let sums = pool.imap(blocks, |block| block.iter().map(|&b| b as u64).sum::<u64>()).window(8);
    /// assert!(sums.eq(std::iter::repeat_n(1 << 16, 100)));
    /// ```
    #[track_caller]
    pub fn window(mut self, n: usize) -> Self {
        assert!(n > 0, "window(0): no item could ever be pulled; the smallest window is 1");
        self.settings("window").window = Some(n as u64);
        self
    }

    /// Makes workers take up to `n` items at a time, instead of a measured number. More than 65,536, or than half of a
    /// window that was set, is taken for that.
    ///
    /// Results inside a chunk are handed out as soon as each is computed, whatever its length. A worker takes fewer if
    /// no other thread is at work on this imap, since the other items would wait for the input. While threads are idle,
    /// it hands back what is left of a chunk that takes long. Worth setting where the cost of items is known to vary
    /// much.
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the iteration has begun.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// assert_eq!(pool.imap(0..4, |x| x * 2).chunk(1).collect::<Vec<_>>(), [0, 2, 4, 6]);
    /// ```
    #[track_caller]
    pub fn chunk(mut self, n: usize) -> Self {
        assert!(n > 0, "chunk(0): a worker must take at least 1 item at a time");
        self.settings("chunk").chunk = Some(n);
        self
    }

    /// Hands out results as they finish, instead of in the order of the input. All else stays: the window,
    /// panics, limits, cancelling.
    ///
    /// The window counts results then: item *k + n* is not pulled before *k* results have been handed out.
    /// Items of 15 µs and more are taken one by one, so that none waits behind one that takes long; shorter
    /// ones may wait for the others of their chunk, of some 15 µs.
    /// [`numbered`](Imap::numbered) says of which item a result is.
    ///
    /// # Panics
    ///
    /// If the iteration has begun.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let mut seen: Vec<u32> = pool.imap(0..100, |x| x).unordered().collect();
    /// seen.sort_unstable();
    /// assert!(seen.into_iter().eq(0..100));
    /// ```
    #[track_caller]
    pub fn unordered(mut self) -> Self {
        self.settings("unordered").unordered = true;
        self
    }

    /// Lets at most `n` threads be at work on this imap, on a pool that has more and serves others, too: for a program with a
    /// costly state for each thread, or a service that takes few requests at a time.
    ///
    /// Threads that are not needed stay free for all else on the pool. The default window follows from `n`. Where the pool
    /// has no more than `n` threads, nothing changes. Inside an item of another imap, the thread that iterates works, too,
    /// and counts.
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the iteration has begun.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(4).unwrap();
    /// // A service that takes two requests at a time.
    /// let pages = pool.imap(["/a", "/b", "/c"], |path| format!("page {path}")).threads(2);
    /// assert_eq!(pages.last().as_deref(), Some("page /c"));
    /// ```
    #[track_caller]
    pub fn threads(mut self, n: usize) -> Self {
        assert!(n > 0, "threads(0): no item could ever be run; the fewest threads are 1");
        self.settings("threads").threads = Some(n);
        self
    }

    #[track_caller]
    pub(super) fn settings(&mut self, name: &str) -> &mut Settings {
        match self.inner.controls_mut().settings() {
            Some(settings) => settings,
            None => panic!("{name} must be set before the iteration begins"),
        }
    }

    /// Begins to pull and to compute now, up to the window, instead of at the first `next`.
    ///
    /// A [`Local`](crate::Local) input is still not pulled before `next`, since the consumer pulls it.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let mut pages = pool.imap(["a", "b"], |name| name.to_uppercase()).start();
    /// // ... the pool is at work while this thread does something else ...
    /// assert_eq!(pages.next().as_deref(), Some("A"));
    /// ```
    pub fn start(mut self) -> Self {
        self.inner.controls_mut().start();
        self
    }

    /// A token that cancels this imap, from any thread. See [`CancelToken`].
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let mut endless = pool.imap(0u64.., |x| x);
    /// let token = endless.cancel_token();
    /// let stopper = std::thread::spawn(move || token.cancel());
    /// endless.by_ref().for_each(drop);
    /// assert!(endless.is_cancelled());
    /// # stopper.join().unwrap();
    /// ```
    pub fn cancel_token(&self) -> CancelToken {
        self.inner.controls().cancel_token()
    }

    /// Lets this token, too, cancel the imap. One token can cancel many imaps, and the function can hold a
    /// clone of it.
    ///
    /// ```
    /// # use pool_stealing::{CancelToken, Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let token = CancelToken::new();
    /// let mut odd = pool.imap((1u64..).step_by(2), |x| x).cancel_with(&token);
    /// let mut even = pool.imap((0u64..).step_by(2), |x| x).cancel_with(&token);
    /// token.cancel();
    /// odd.by_ref().chain(even.by_ref()).for_each(drop);
    /// assert!(odd.is_cancelled() && even.is_cancelled());
    /// ```
    pub fn cancel_with(mut self, token: &CancelToken) -> Self {
        self.inner.controls_mut().cancel_with(token);
        self
    }

    /// Whether a [`CancelToken`] has ended the iteration early: of this imap, or of one that is its input.
    ///
    /// `false` as long as it goes on, and after an iteration that reached the end of its input.
    pub fn is_cancelled(&self) -> bool {
        self.inner.controls().is_cancelled()
    }

    /// The index of the next result: how many have been handed out, as results or as panics, or given up.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let mut results = pool.imap(10..20, |x| x);
    /// assert_eq!((results.nth(2), results.next_index()), (Some(12), 3));
    /// ```
    pub fn next_index(&self) -> u64 {
        self.inner.controls().next_index()
    }

    /// How many items are in which place, and how long the next result has been missing. It can be printed.
    ///
    /// Nothing is counted for it on the way; the call takes the imap's lock for a moment.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let mut results = pool.imap(0..100, |x| x);
    /// results.by_ref().for_each(drop);
    /// assert_eq!(results.stats().delivered, 100);
    /// println!("{}", results.stats());
    /// ```
    pub fn stats(&self) -> ImapStats {
        self.inner.controls().stats()
    }
}
