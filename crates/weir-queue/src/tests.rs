//! Whose turn it is, and that nothing is left behind.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use proptest::prelude::*;
use tokio::time::Instant;
use weir_core::{Clock, Kind, PoolId, Priority};
use weir_testkit::chat;

use crate::line::Line;
use crate::{Permit, Pool, Queue, config};

const POOL: PoolId = PoolId(0);

#[expect(clippy::disallowed_methods, reason = "the clock of a paused runtime")]
fn clock() -> Clock {
    Clock::new(|| Instant::now().into_std(), || std::time::UNIX_EPOCH)
}

fn queue(permits: usize, waiters_max: usize) -> Arc<Queue> {
    let config = config::Queue { waiters_max, ..config::Queue::default() };
    let pools = [Pool { name: "m", permits }];
    Arc::new(Queue::new(clock(), &config, &pools, &mut Registry::default()))
}

async fn wait(queue: &Queue, level: u8, patience_ms: u64) -> Result<Permit, Kind> {
    let begin_by = clock().now() + Duration::from_millis(patience_ms);
    let priority = Priority::new(level).unwrap();
    let result = queue.wait(&chat("m"), POOL, priority, begin_by).await;
    result.map_err(|rejection| rejection.kind)
}

#[tokio::test(start_paused = true)]
async fn a_free_permit_is_given_at_once_and_comes_back() {
    let queue = queue(2, 10);
    let (a, b) = (wait(&queue, 5, 0).await.unwrap(), wait(&queue, 5, 0).await.unwrap());
    assert_eq!(queue.depth(POOL), (0, 2));
    drop((a, b));
    assert_eq!(queue.depth(POOL), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_urgent_go_first_and_equals_in_order_of_arrival() {
    let queue = queue(1, 10);
    let first = wait(&queue, 5, 0).await.unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for (name, level) in [("late-a", 8), ("a", 5), ("b", 5), ("urgent", 0)] {
        let (queue, order) = (queue.clone(), order.clone());
        tasks.spawn(async move {
            let _permit = wait(&queue, level, 10_000).await.unwrap();
            order.lock().unwrap().push(name);
        });
        tokio::task::yield_now().await;
    }
    assert_eq!(queue.depth(POOL), (4, 1));
    drop(first);
    while tasks.join_next().await.is_some() {}
    assert_eq!(*order.lock().unwrap(), ["urgent", "a", "b", "late-a"]);
    assert_eq!(queue.depth(POOL), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_line_refuses_and_a_late_turn_is_a_timeout() {
    let queue = queue(1, 1);
    let permit = wait(&queue, 5, 0).await.unwrap();
    let waiting = wait(&queue, 5, 700);
    tokio::pin!(waiting);
    assert!(futures_poll_once(waiting.as_mut()).await.is_none());
    assert_eq!(wait(&queue, 0, 700).await.unwrap_err(), Kind::Overloaded);
    assert_eq!(waiting.await.unwrap_err(), Kind::QueueTimeout);
    assert_eq!(queue.depth(POOL), (0, 1));
    drop(permit);
    assert_eq!(queue.depth(POOL), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_gives_up_the_place_and_a_permit_on_its_way() {
    let queue = queue(1, 10);
    let permit = wait(&queue, 5, 0).await.unwrap();
    let mut leaving = Box::pin(wait(&queue, 5, 10_000));
    assert!(futures_poll_once(leaving.as_mut()).await.is_none());
    drop(leaving);
    assert_eq!(queue.depth(POOL), (0, 1));
    // Now one whose permit is already on its way when it leaves.
    let mut leaving = Box::pin(wait(&queue, 5, 10_000));
    assert!(futures_poll_once(leaving.as_mut()).await.is_none());
    drop(permit);
    assert_eq!(queue.depth(POOL), (0, 1));
    drop(leaving);
    assert_eq!(queue.depth(POOL), (0, 0));
}

/// Polls a future once.
async fn futures_poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

#[derive(Clone, Debug)]
enum Step {
    Arrive(u8),
    Release,
    Leave(prop::sample::Index),
}

proptest! {
    /// Against a naive reference: a vector sorted by (priority, arrival).
    #[test]
    fn the_line_is_a_sorted_list(
        permits in 1usize..4,
        steps in prop::collection::vec(prop_oneof![
            (0u8..10).prop_map(Step::Arrive),
            Just(Step::Release),
            any::<prop::sample::Index>().prop_map(Step::Leave),
        ], 0..200),
    ) {
        let mut line = Line::new(permits, 1000, usize::MAX);
        let mut reference: Vec<(u8, usize)> = Vec::new();
        let mut tickets = Vec::new();
        let mut out = 0;
        for (arrival, step) in steps.into_iter().enumerate() {
            match step {
                Step::Arrive(level) => {
                    if line.admit_now() {
                        prop_assert!(out < permits && reference.is_empty());
                        out += 1;
                    } else {
                        let ticket = line.join(Priority::new(level).unwrap(), 1, (level, arrival)).unwrap();
                        tickets.push(((level, arrival), ticket));
                        reference.push((level, arrival));
                        reference.sort_unstable();
                    }
                }
                Step::Release if out > 0 => {
                    let next = line.release();
                    let expected = (!reference.is_empty()).then(|| reference.remove(0));
                    prop_assert_eq!(next, expected);
                    out -= usize::from(expected.is_none());
                }
                Step::Release => {}
                Step::Leave(index) => {
                    if !tickets.is_empty() {
                        let (who, ticket) = tickets[index.index(tickets.len())];
                        let known = reference.iter().position(|&waiter| waiter == who);
                        prop_assert_eq!(line.leave(ticket), known.map(|at| reference.remove(at)));
                    }
                }
            }
            prop_assert_eq!((line.out(), line.waiting()), (out, reference.len()));
            prop_assert!(out <= permits && (reference.is_empty() || out == permits));
        }
    }
}
