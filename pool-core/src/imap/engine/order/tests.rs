//! Both orders, without an engine.

use super::super::ring::{self, Sender};
use super::*;

fn order(unordered: bool) -> Order<u64> {
    let mut order = Order::new();
    if unordered {
        order.set_unordered();
    }
    order
}

fn tell(order: &mut Order<u64>, outputs: impl IntoIterator<Item = (u64, Output<u64>)>) {
    order.receive(&mut outputs.into_iter().collect());
    order.sort();
}

/// A ring for results from this index on.
fn open(order: &mut Order<u64>, first: u64, most: usize) -> Sender<u64> {
    let (sender, receiver) = ring::open(most, true);
    tell(order, [(first, Output::Ring(receiver, most))]);
    sender
}

fn taken(order: &mut Order<u64>) -> Vec<u64> {
    std::iter::from_fn(|| order.pop().or_else(|| order.find().then(|| order.pop()).flatten())).collect()
}

#[test]
fn p1_the_head_comes_first_however_it_was_told() {
    let mut order = order(false);
    let mut second = open(&mut order, 2, 2);
    second.push(2);
    tell(&mut order, [(5, Output::Value(5)), (4, Output::Value(4))]);
    assert!(!order.find() && order.pop().is_none(), "0 is not there");
    let mut first = open(&mut order, 0, 2);
    first.push(0);
    assert_eq!(taken(&mut order), [0]);
    first.push(1);
    assert_eq!(taken(&mut order), [1, 2]);
    second.push(3);
    assert_eq!(taken(&mut order), [3, 4, 5]);
    assert_eq!((order.head(), order.last()), (6, 5));
}

#[test]
fn p6_a_ring_that_ends_early_goes_on_in_another_one() {
    let mut order = order(false);
    let mut first = open(&mut order, 0, 5);
    first.push(0);
    drop(first);
    tell(&mut order, [(1, Output::Panicked(Box::new("one")))]);
    let mut rest = open(&mut order, 2, 3);
    rest.push(2);
    assert_eq!(taken(&mut order), [0]);
    assert_eq!(order.pop_panic().and_then(|panic| panic.index()), Some(1));
    assert_eq!(taken(&mut order), [2]);
    drop(rest);
    let mut handed_back = open(&mut order, 3, 2);
    handed_back.push(3);
    assert_eq!(taken(&mut order), [3]);
}

#[test]
fn p10_what_was_given_up_is_dropped_when_it_comes() {
    let mut order = order(false);
    let mut ring = open(&mut order, 0, 4);
    order.give_up_head();
    assert!(!order.find());
    tell(&mut order, [(4, Output::Value(4))]);
    order.give_up_head();
    ring.push(0);
    assert!(!order.find());
    assert_eq!((order.head(), order.missing()), (2, 1));
    ring.push(1);
    ring.push(2);
    assert!(order.is_ready());
    assert_eq!(taken(&mut order), [2]);
    // Behind the head, in a ring that was told later.
    order.give_up_head();
    assert_eq!((taken(&mut order), order.missing()), (vec![4], 1));
    ring.push(3);
    assert!(!order.find());
    assert_eq!(order.missing(), 0);
}

#[test]
fn p10_a_late_ring_that_was_cut_does_not_hide_the_rest() {
    let mut order = order(false);
    let ring = open(&mut order, 0, 4);
    order.give_up_head();
    assert!(!order.find());
    // Its worker hands back what is behind the item, and another one begins with that.
    let mut rest = open(&mut order, 1, 3);
    rest.push(1);
    assert_eq!(taken(&mut order), [1]);
    drop(ring);
    rest.push(2);
    assert_eq!(taken(&mut order), [2]);
}

#[test]
fn p10_the_head_is_found_beside_a_ring_that_goes_on_behind_a_panic() {
    let mut order = order(false);
    let (mut first, mut second) = (open(&mut order, 0, 1), open(&mut order, 1, 5));
    first.push(0);
    assert_eq!(taken(&mut order), [0]);
    let mut third = open(&mut order, 6, 5);
    (1..7).for_each(|_| {
        order.give_up_head();
        assert!(!order.find());
    });
    assert_eq!((order.head(), order.given_up_jobs(0)), (7, 1), "the second one; the third has the head");
    second.push(1);
    drop(second);
    tell(&mut order, [(2, Output::Panicked(Box::new("two")))]);
    let _rest = open(&mut order, 3, 3);
    assert!(!order.find());
    third.push(6);
    third.push(7);
    assert!(order.is_ready());
    assert_eq!(taken(&mut order), [7]);
}

#[test]
fn p10_single_items_that_were_given_up() {
    for unordered in [false, true] {
        let mut order = order(unordered);
        let now = Instant::now();
        tell(&mut order, (0..3).map(|index| (index, Output::Began(now + Duration::from_millis(index)))));
        assert_eq!(order.next_late(), Some((0, now)));
        order.give_up_item(0);
        assert_eq!((order.head(), order.missing()), (1, 1));
        tell(&mut order, [(1, Output::Value(1)), (0, Output::Value(0)), (2, Output::Panicked(Box::new(2)))]);
        assert_eq!((taken(&mut order), order.missing(), order.last()), (vec![1], 0, 1));
        assert!(order.pop_panic().is_some_and(|panic| panic.index() == Some(2)));
        assert_eq!((order.head(), order.next_late()), (3, None));
    }
}

#[test]
fn p1_without_order_each_result_comes_once_with_its_index() {
    let mut order = order(true);
    let (mut first, mut second) = (open(&mut order, 0, 2), open(&mut order, 2, 2));
    second.push(2);
    tell(&mut order, [(7, Output::Value(7))]);
    assert!(order.find());
    assert_eq!(taken(&mut order), [7, 2]);
    assert_eq!(order.last(), 2);
    first.push(0);
    second.push(3);
    let mut rest = taken(&mut order);
    rest.sort_unstable();
    assert_eq!((rest, order.head()), (vec![0, 3], 4));
}

#[test]
fn p9_a_consumer_that_leaves_keeps_the_rings_that_are_open() {
    for unordered in [false, true] {
        let mut order = order(unordered);
        let mut open = open(&mut order, 0, 2);
        open.push(0);
        tell(&mut order, [(2, Output::Value(2))]);
        let rings = order.drain();
        assert!(rings.len() == 1 && rings[0].is_empty() && !rings[0].is_closed());
    }
}
