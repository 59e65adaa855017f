//! For sceptics: what is promised, how each promise is proved, and what is not promised.
//!
//! A promise here is a test with its number in its name. All backends keep all promises: the *suite* is one program,
//! which runs every test on each of them, and on an executor that does at random all that the contract allows
//! (`chaos`). It runs again with an engine that guesses at random, since no promise may rest on what is measured.
//! Results are compared with those of boring sequential code, never sorted before. Each test has a watchdog: a hang is
//! a failure.
//!
//! Where threads meet, [loom](https://docs.rs/loom) goes through the interleavings of small *models*, up to a bound of
//! preemptions. In CI a model has ten seconds. Most need less, and the log says which of them were cut off; `.ci/loom --full`
//! lets them end.
//! Where lifetimes are erased, which is one file, the suite runs under the address sanitizer.
//!
//! The names below are checked: a test of `pool-conformance` fails if one of them does not exist, or if a promise has none.
//!
//! | | promise | suite and tests | models |
//! |---|---|---|---|
//! | P1 | Results come in the order of the input. | `p1_results_come_in_input_order`, `p1_many_tiny_items_keep_their_order`, `p1_random_imaps_agree_with_sequential_code` | `window_of_one`, `window_of_two_in_chunks` |
//! | P2 | Nothing is pulled before the first `next` or `start`. | `p2_nothing_is_pulled_before_the_first_next`, `p2_start_begins_without_a_next` | `started` |
//! | P3 | Item *k + W* is not pulled before result *k* has been handed out. | `p3_window_is_exact`, `p3_a_slow_head_fills_the_window_and_no_more`, `p3_large_results_do_not_fill_memory` | `window_of_one`, `window_of_two_in_chunks` |
//! | P4 | A result never waits for the next item. | `p4_ping_pong`, `p4_a_burst_before_a_blocked_input`, `p4_an_input_that_waits_for_the_effect`, `p4_next_beside_hogs` | `input_that_waits_for_the_result`, `item_that_waits_for_the_result`, `the_other_thread_is_busy_elsewhere`, `the_taker_hangs`, `a_worker_leaves_while_another_fills` |
//! | P5 | A result is handed out as soon as it and those before it are there. | `p5_results_inside_a_chunk_are_not_held_back`, `p5_a_ready_result_does_not_wait_for_the_window`, `p5_items_that_wait_for_the_consumer` | `unordered_prompt`, `task_that_waits` |
//! | P6 | A panic comes at its item's place; all other results come. | `p6_a_panic_surfaces_at_its_position_with_its_payload`, `p6_every_other_result_still_comes`, `p6_a_panic_on_every_item` | `panics` |
//! | P7 | A panic of the input comes after the results before it. | `p7_a_panic_of_the_input_comes_after_the_results`, `p7_caught_it_is_the_last_result` | `panics` |
//! | P8 | Imaps nest, at any depth, on one thread. | `p8_imap_inside_f_three_deep`, `p8_scope_and_map_inside_f`, `p8_submit_and_join_inside_f`, `p8_chain_of_four_on_one_thread_finishes` | `nested_on_one_thread` |
//! | P9 | Dropping cancels and does not wait; everything is dropped once. | `p9_everything_is_dropped_exactly_once`, `p9_returns_while_an_item_hangs`, `p9_nothing_new_starts_afterwards`, `p9_scope_waits_whatever_an_executor_does` | `dropped_on_the_way`, `scope_and_a_worker` |
//! | P10 | A time-out loses nothing; a call with a limit returns within it. | `p10_a_time_out_loses_nothing`, `p10_timeout_waits_for_the_same_item_again`, `p10_a_limit_is_kept_while_no_thread_is_free` | |
//! | P11 | Fused, exact `size_hint`, `Debug`, `Send`. | `p11_fused_over_an_input_that_is_not`, `p11_size_hint_counts_what_is_in_flight`, `p11_debug_and_send` | |
//! | P12 | Dropping a pool runs what is queued; `terminate` cancels, and tells. | `p12_dropping_the_pool_runs_what_is_queued`, `p12_dropped_from_its_own_job`, `p12_terminate_cancels_what_is_queued`, `p12_handle_of_a_terminated_pool` | `terminated_pool`, `a_job_spawned_while_closing_is_run`, `terminating_leaves_no_job_behind` |
//! | P13 | Idle threads and waiting consumers use no CPU. | `p13_an_idle_pool_uses_no_cpu`, `p13_idle_workers_stay_asleep` | `a_push_meets_a_worker_going_to_sleep`, `two_pushes_reach_two_workers` |
//! | P14 | Imaps share a pool, and all make progress. | `p14_two_hundred_imaps_share_two_threads`, `p14_an_endless_imap_does_not_starve_another`, `p14_no_thread_is_idle_beside_what_was_pulled` | `a_job_behind_a_long_job_is_stolen` |
//! | P15 | A stream of any length runs in constant memory. | `p15_a_long_stream_runs_in_constant_memory`, `p15_a_long_stream_is_as_good_as_a_short_one` | |
//! | P16 | Your code runs on the pool's threads, never on the one that consumes. | `p16_next`, `p16_stream`, `p16_map`, `p16_scope`, `p16_a_head_that_was_pulled_before_the_input_blocks`, `p16_a_pool_of_one_thread_uses_one_core` | |
//! | P17 | No free thread is idle beside items that have not begun, in a job, too. | `p17_every_thread_works_for_an_imap`, `p17_every_thread_works_for_an_imap_in_a_job`, `p17_every_thread_works_for_an_imap_in_an_item`, `p17_a_consumer_in_a_job_works` | |
//!
//! Beside them, `p10_item_timeout_puts_late_items_at_their_places` and its neighbours hold for limits of items, `p9_cancel_delivers_what_is_finished_up_to_the_first_gap`
//! for tokens, and `p11_stats_add_up_at_any_time` for the figures.
//!
//! # Try it
//!
//! Break the engine, and see which test goes red. `cargo test -p pool-conformance --test conformance -- p5_` runs all tests of one promise, and
//! `.ci/loom panics` the models of that name.
//!
//! # The exceptions
//!
//! - **P4:** [`imap_local`](crate::Executor::imap_local) hands out nothing while it waits in its input. And behind an item that
//!   hangs may wait: items that were pulled before the first call with a limit; items that were pulled while the imap was
//!   iterated in a job, before it was moved out of that job; and short items of an [`unordered`](crate::Imap::unordered) imap,
//!   while another thread of the same imap hangs in one.
//! - **P5:** a consumer may nap while items are short, for at most a millisecond and what the system's timer adds. A consumer in
//!   a job works (P17), so its result may wait for the one item that it has begun, and there an item must not wait for the
//!   consumer to have an earlier result of the same imap. On an executor that runs jobs inside `spawn`, as the contract allows,
//!   the call that spawns comes back when the job has ended its turn.
//! - **P9:** the last owner of a pool joins its threads, also if that is an imap from [`into_imap`](crate::Executor::into_imap).
//! - **P16:** a thread that is itself in a job runs items of the imap that it consumes, or no nesting would end; and
//!   [`imap_local`](crate::Executor::imap_local) pulls where you iterate, and a stream is polled there.
//! - **P17:** a consumer in a job enters the input for its next result only, since another pull could block while that result
//!   becomes ready. Calls with a limit and polls of a stream do not work.
//!
//! # What is not promised
//!
//! - **Stopping a function.** A thread cannot be stopped. Limits and tokens end waiting, and cancel what has not begun.
//! - **Speed-up.** A function that costs less than handing over its item gains nothing; nor does one that waits for memory or for a lock.
//! - **Fairness inside an item.** Items are not interrupted.
//! - **Real time.** "As soon as" is as soon as the system runs the thread.
//! - **Order of effects.** Results are in order; what functions do besides, such as printing, is not.
//! - **Which thread runs which item**, and how often `init` of [`imap_init`](crate::Executor::imap_init) is called.
//! - **Anything after `fork`**, or about panics with `panic = "abort"`.
//! - **Exhaustive proof.** Models are small, their preemptions are bounded, and in CI their time; tests show faults, not their absence.
