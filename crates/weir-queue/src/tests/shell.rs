//! The shell under a paused clock: turns, refusals in words, and callers who leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::time::Instant;
use weir_core::{Clock, Kind, Observer, PoolId, Priority, Rejection, Room, Scope, Tenant};
use weir_testkit::{chat, usage_chunk};

use crate::{Permit, Place, Pool, Queue, config};

const POOL: PoolId = PoolId(0);

#[expect(clippy::disallowed_methods, reason = "the clock of a paused runtime")]
fn clock() -> Clock {
    Clock::new(|| Instant::now().into_std(), || std::time::UNIX_EPOCH)
}

/// A queue whose room can be turned.
fn queue(room: usize, config: &config::Queue) -> (Arc<Queue>, Arc<AtomicUsize>, Registry) {
    let room = Arc::new(AtomicUsize::new(room));
    let mut registry = Registry::default();
    let now = room.clone();
    let room_now = Arc::new(move |_now| Room::of(now.load(Ordering::Relaxed)));
    let pools = vec![Pool { name: "m".into(), room: room_now, outage_wait: Duration::from_secs(30) }];
    (Arc::new(Queue::new(clock(), config, pools, &mut registry)), room, registry)
}

fn simple(room: usize) -> Arc<Queue> {
    queue(room, &config::Queue::default()).0
}

async fn ask(queue: &Queue, level: u8, patience_ms: u64) -> Result<Permit, Rejection> {
    let now = clock().now();
    let tenant = Tenant { name: "t".into(), scope: Scope::OPEN, team: None };
    let place = Place {
        pool: POOL,
        tenant: &tenant,
        weight: 1.0,
        priority: Priority::new(level).unwrap(),
        cost: 100.0,
        arrived: now,
        begin_by: now + Duration::from_millis(patience_ms),
    };
    queue.wait(&chat("m"), &place).await
}

/// Polls a future once.
async fn once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_free_permit_is_given_at_once_and_comes_back() {
    let queue = simple(2);
    let (a, b) = (ask(&queue, 5, 0).await.unwrap(), ask(&queue, 5, 0).await.unwrap());
    assert_eq!(queue.depth(POOL), (0, 2));
    drop((a, b));
    assert_eq!(queue.depth(POOL), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_urgent_go_first_and_equals_in_order_of_arrival() {
    let queue = simple(1);
    let first = ask(&queue, 5, 0).await.unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for (name, level) in [("late", 8), ("a", 5), ("b", 5), ("urgent", 0)] {
        let (queue, order) = (queue.clone(), order.clone());
        tasks.spawn(async move {
            let _permit = ask(&queue, level, 5_000).await.unwrap();
            order.lock().unwrap().push(name);
        });
        tokio::task::yield_now().await;
    }
    assert_eq!(queue.depth(POOL), (4, 1));
    drop(first);
    while tasks.join_next().await.is_some() {}
    assert_eq!(*order.lock().unwrap(), ["urgent", "a", "b", "late"]);
    assert_eq!(queue.depth(POOL), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_the_setting_and_when_to_come_back() {
    let config = config::Queue { waiters_max: 1, ..config::Queue::default() };
    let (queue, _, _) = queue(1, &config);
    let permit = ask(&queue, 5, 0).await.unwrap();
    let began = clock().now();
    let mut waiting = Box::pin(ask(&queue, 5, 700));
    assert!(once(waiting.as_mut()).await.is_none());
    let full = ask(&queue, 5, 700).await.unwrap_err();
    assert_eq!((full.kind, full.retry_after), (Kind::Overloaded, Some(Duration::from_secs(1))));
    assert!(full.message.contains("1 requests are waiting (queue.waiters_max)"), "{}", full.message);
    let late = waiting.await.unwrap_err();
    assert_eq!((late.kind, clock().now() - began), (Kind::QueueTimeout, Duration::from_millis(700)));
    assert_eq!(queue.depth(POOL), (0, 1));
    drop(permit);
    assert_eq!(queue.depth(POOL), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_urgent_push_out_the_less_urgent_who_are_told_so() {
    let config = config::Queue { waiters_max: 1, ..config::Queue::default() };
    let (queue, _, registry) = queue(1, &config);
    let permit = ask(&queue, 5, 0).await.unwrap();
    let mut bulk = Box::pin(ask(&queue, 8, 9_000));
    let mut urgent = Box::pin(ask(&queue, 0, 9_000));
    assert!(once(bulk.as_mut()).await.is_none());
    assert!(once(urgent.as_mut()).await.is_none());
    let pushed = bulk.await.unwrap_err();
    assert_eq!(pushed.kind, Kind::Overloaded);
    assert!(pushed.message.contains("queue.waiters_max"), "{}", pushed.message);
    drop(permit);
    drop(urgent.await.unwrap());
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    for line in [
        "weir_queue_left_total{pool=\"m\",reason=\"pushed_out\"} 1",
        "weir_queue_depth{pool=\"m\",class=\"bulk\"} 0",
        "weir_queue_wait_seconds_count{pool=\"m\",class=\"critical\"} 1",
        "weir_queue_permits_out{pool=\"m\"} 0",
        "weir_queue_room{pool=\"m\"} 1",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_standing_line_sends_away_after_ten_seconds() {
    let queue = simple(1);
    let _permit = ask(&queue, 5, 0).await.unwrap();
    let began = clock().now();
    let refused = ask(&queue, 5, 60_000).await.unwrap_err();
    assert_eq!((refused.kind, clock().now() - began), (Kind::Overloaded, Duration::from_secs(10)));
    assert!(refused.message.contains("queue.standing_wait_ms"), "{}", refused.message);
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_gives_up_the_place_and_a_permit_on_its_way() {
    let queue = simple(1);
    let permit = ask(&queue, 5, 0).await.unwrap();
    let mut leaving = Box::pin(ask(&queue, 5, 10_000));
    assert!(once(leaving.as_mut()).await.is_none());
    drop(leaving);
    assert_eq!(queue.depth(POOL), (0, 1));
    // Now one whose permit is already on its way when it leaves, with another behind it.
    let mut leaving = Box::pin(ask(&queue, 5, 10_000));
    let mut behind = Box::pin(ask(&queue, 5, 10_000));
    assert!(once(leaving.as_mut()).await.is_none());
    assert!(once(behind.as_mut()).await.is_none());
    drop(permit);
    assert_eq!(queue.depth(POOL), (1, 1));
    drop(leaving);
    assert_eq!(queue.depth(POOL), (0, 1));
    drop(once(behind.as_mut()).await.unwrap().unwrap());
    assert_eq!(queue.depth(POOL), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn room_that_grows_is_dealt_out_to_several_at_once() {
    let (queue, room, _) = queue(1, &config::Queue::default());
    let permit = ask(&queue, 5, 0).await.unwrap();
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(ask(&queue, 5, 5_000))).collect();
    for waiting in &mut waiting {
        assert!(once(waiting.as_mut()).await.is_none());
    }
    room.store(3, Ordering::Relaxed);
    permit.refill();
    assert_eq!(queue.depth(POOL), (1, 3));
    let mut held = Vec::new();
    for waiting in &mut waiting[..2] {
        held.push(once(waiting.as_mut()).await.unwrap().unwrap());
    }
    // It shrinks again: nobody is served until enough have come back.
    room.store(1, Ordering::Relaxed);
    drop((permit, held.pop()));
    assert_eq!(queue.depth(POOL), (1, 1));
    assert!(once(waiting[2].as_mut()).await.is_none());
    drop(held);
    assert!(once(waiting[2].as_mut()).await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_lent_place_goes_to_the_next_and_is_reclaimed_before_those_who_came_later() {
    let queue = simple(1);
    let mut permit = ask(&queue, 5, 0).await.unwrap();
    permit.reclaim(clock().now()).await.unwrap();
    tokio::time::advance(Duration::from_millis(10)).await;
    let mut next = Box::pin(ask(&queue, 5, 5_000));
    let mut last = Box::pin(ask(&queue, 5, 5_000));
    assert!(once(next.as_mut()).await.is_none());
    assert!(once(last.as_mut()).await.is_none());
    permit.lend();
    permit.lend();
    assert_eq!(queue.depth(POOL), (1, 1));
    let next = once(next.as_mut()).await.unwrap().unwrap();
    let begin_by = clock().now() + Duration::from_secs(5);
    {
        let mut reclaim = Box::pin(permit.reclaim(begin_by));
        assert!(once(reclaim.as_mut()).await.is_none());
        drop(next);
        assert_eq!(once(reclaim.as_mut()).await.unwrap().map_err(|no| no.kind), Ok(()));
    }
    assert_eq!(queue.depth(POOL), (1, 1));
    drop(permit);
    drop(once(last.as_mut()).await.unwrap().unwrap());
    assert_eq!(queue.depth(POOL), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_reclaim_given_up_or_refused_leaves_nothing_behind() {
    let queue = simple(1);
    let mut permit = ask(&queue, 5, 0).await.unwrap();
    permit.lend();
    let other = ask(&queue, 5, 0).await.unwrap();
    let begin_by = clock().now() + Duration::from_secs(2);
    {
        let mut reclaim = Box::pin(permit.reclaim(begin_by));
        assert!(once(reclaim.as_mut()).await.is_none());
        assert_eq!(queue.depth(POOL), (1, 1));
    }
    assert_eq!(queue.depth(POOL), (0, 1));
    {
        // Given up when the permit is already on its way.
        let mut reclaim = Box::pin(permit.reclaim(begin_by));
        assert!(once(reclaim.as_mut()).await.is_none());
        drop(other);
        assert_eq!(queue.depth(POOL), (0, 1));
    }
    assert_eq!(queue.depth(POOL), (0, 0));
    let other = ask(&queue, 5, 0).await.unwrap();
    assert_eq!(permit.reclaim(begin_by).await.unwrap_err().kind, Kind::QueueTimeout);
    drop(permit);
    assert_eq!(queue.depth(POOL), (0, 1));
    drop(other);
    assert_eq!(queue.depth(POOL), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn headroom_that_is_no_longer_needed_is_noticed_without_any_event() {
    let queue = simple(4);
    let urgent: Vec<_> = [ask(&queue, 0, 0).await.unwrap(), ask(&queue, 0, 0).await.unwrap()].into();
    let _bulk = [ask(&queue, 9, 0).await.unwrap(), ask(&queue, 9, 0).await.unwrap()];
    drop(urgent);
    let began = clock().now();
    ask(&queue, 9, 100_000).await.unwrap();
    let waited = clock().now() - began;
    assert!(waited > Duration::from_secs(5) && waited < Duration::from_secs(15), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_place_kept_for_the_urgent_is_room_for_them_and_for_nobody_else() {
    let queue = simple(4);
    let has_room = |level| queue.has_room(POOL, Priority::new(level).unwrap());
    let urgent: Vec<_> = [ask(&queue, 1, 0).await.unwrap(), ask(&queue, 1, 0).await.unwrap()].into();
    let bulk = ask(&queue, 9, 0).await.unwrap();
    drop(urgent);
    let _another = ask(&queue, 9, 0).await.unwrap();
    assert_eq!((queue.depth(POOL), [1, 5, 9].map(has_room)), ((0, 2), [true, true, false]));
    {
        // Bulk work that waits is not before the urgent.
        let mut waits = Box::pin(ask(&queue, 9, 100_000));
        assert!(once(waits.as_mut()).await.is_none());
        assert_eq!((queue.depth(POOL), [1, 9].map(has_room)), ((1, 2), [true, false]));
    }
    drop(bulk);
    assert_eq!([1, 9].map(has_room), [true, true]);
    let _all: Vec<_> = [ask(&queue, 1, 0).await, ask(&queue, 1, 0).await, ask(&queue, 1, 0).await].into();
    assert_eq!([0, 1, 9].map(has_room), [false; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_permit_watches_an_answer_and_learns_what_it_used() {
    let queue = simple(1);
    let mut permit = Box::new(ask(&queue, 5, 0).await.unwrap());
    let now = clock().now();
    permit.chunk(now, &usage_chunk(10, 0));
    permit.chunk(now, &usage_chunk(10, 90));
    permit.end(now, weir_core::End::Complete);
    assert_eq!(queue.depth(POOL), (0, 0));
}

/// The outcome does not depend on how the threads meet: whoever leaves, whenever, nothing stays behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_who_leave_on_many_threads_leave_nothing_behind() {
    let queue = simple(3);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..2_000usize {
        let queue = queue.clone();
        tasks.spawn(async move {
            let level = (number % 10) as u8;
            let patience = async {
                for _ in 0..number % 23 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                Ok(mut permit) = ask(&queue, level, 60_000) => {
                    permit.lend();
                    tokio::task::yield_now().await;
                    tokio::select! {
                        biased;
                        _ = permit.reclaim(clock().now() + Duration::from_secs(60)) => {}
                        () = tokio::task::yield_now() => {}
                    }
                }
                () = patience => {}
                else => {}
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!(queue.depth(POOL), (0, 0));
}
