//! Schedules computed by hand.

use super::*;

#[test]
fn one_thread_takes_all_of_the_time() {
    assert_eq!(greedy([3, 1, 2].into_iter(), 1), 1.0);
    assert_eq!(greedy(std::iter::empty(), 4), 0.0);
}

#[test]
fn items_go_in_order_to_the_thread_that_is_free_first() {
    // One thread has 3 and ends at 3; the other has 1 (to 1), 1 (to 2), 1 (to 3), and one of them 2 (to 5).
    assert_eq!(greedy([3, 1, 1, 1, 2].into_iter(), 2), 5.0 / 8.0);
    // The long one comes last: 1 and 1, then 6 from 1 to 7.
    assert_eq!(greedy([1, 1, 6].into_iter(), 2), 7.0 / 8.0);
    // More threads than items: as long as the longest.
    assert_eq!(greedy([2, 5, 1].into_iter(), 8), 5.0 / 8.0);
}

#[test]
fn equal_items_are_divided() {
    let even = named("1us").expect("it is there");
    assert_eq!(even.ideal(1000, 4), Some(0.25));
    assert_eq!(even.ideal(3, 2), Some(2.0 / 3.0));
    assert_eq!(even.ideal(1_000_000_000, 2), Some(0.5));
}

#[test]
fn a_slow_head_of_a_third_hides_behind_the_rest() {
    // The head takes 33 units, the other 99 one each: 132 in all. On two threads both end at 66; on eight the
    // rest would end at 15 without the head, which ends at 33.
    let slow_head = named("slow-head").expect("it is there");
    assert_eq!(slow_head.ideal(100, 2), Some(0.5));
    assert_eq!(slow_head.ideal(100, 8), Some(33.0 / 132.0));
}

#[test]
fn one_item_of_a_hundred_is_slow() {
    // 99 units and the slow one of 100, which is the very first: 100 and 99 on two threads.
    let skewed = named("skewed").expect("it is there");
    assert_eq!(skewed.ideal(100, 2), Some(100.0 / 199.0));
    for hundred in 0..50 {
        let items = hundred * 100..(hundred + 1) * 100;
        assert_eq!(items.map(|item| skewed.kind.units(item, 5000)).sum::<u64>(), 199, "hundred {hundred}");
    }
}

#[test]
fn the_items_of_each_imap_are_divided_where_they_are_small() {
    // Each call has ten items: on four threads one of them has three. There is no use for an eleventh thread.
    let small = named("small").expect("it is there");
    assert_eq!(small.ideal(3 * SMALL, 4), Some(0.3));
    assert_eq!(small.ideal(3 * SMALL, 100), Some(0.1));
}

#[test]
fn all_items_are_divided_where_imaps_are_nested() {
    assert_eq!(named("nested").expect("it is there").ideal(3 * INNER, 2), Some(0.5));
}

#[test]
fn nothing_is_gained_where_items_are_waited_for() {
    assert_eq!(named("ping-pong").expect("it is there").ideal(100, 4), None);
    assert_eq!(named("slow-input").expect("it is there").ideal(100, 4), Some(1.0));
}
