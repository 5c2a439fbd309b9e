//! One call for all who ask for the same, whoever leaves and whatever becomes of it.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use weir_cache::Unanswered;
use weir_core::{CacheState, Class, Kind, Rejection, Request};
use weir_settle::Outcome;
use weir_testkit::with_header;

use crate::shared::is_worth_another;

use super::pipeline::{at_rest, live, plain};
use super::world::{Script, pipeline};

/// A request that may be answered by what is kept.
fn known() -> Arc<Request> {
    let mut request = plain("m");
    request.envelope.temperature_zero = true;
    Arc::new(request)
}

/// Tasks of shared calls take their turns.
async fn settle() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_identical_requests_are_one_call() {
    let (pipeline, records) = pipeline(vec![Script::Answers(5, 3)], 2000);
    let requests: Vec<_> = (0..1000).map(|_| known()).collect();
    let lives = requests.iter().map(|request| live(&pipeline, request, usize::MAX));
    let answers = futures_util::future::join_all(lives).await;
    assert!(answers.iter().flatten().all(|answer| answer.head.status == 200));
    assert_eq!(answers.iter().flatten().count(), 1000);
    drop(answers);
    let attempts: u32 = records.0.lock().unwrap().iter().map(|record| record.attempts).sum();
    assert_eq!(attempts, 1);
    let shared = requests.iter().filter(|request| request.trail.cache() == CacheState::Coalesced).count();
    assert_eq!(shared, 999);
    settle().await;
    at_rest(&pipeline);
}

#[tokio::test(start_paused = true)]
async fn the_one_who_came_first_may_leave() {
    let (pipeline, records) = pipeline(vec![Script::Answers(5, 3)], 10);
    let (first, second) = (known(), known());
    let mut leaving = Box::pin(pipeline.run(&first));
    assert!(std::future::poll_fn(|cx| Poll::Ready(leaving.as_mut().poll(cx).is_pending())).await);
    let staying = live(&pipeline, &second, usize::MAX);
    let (answer, ()) = tokio::join!(staying, async {
        tokio::task::yield_now().await;
        drop(leaving);
    });
    assert_eq!(answer.unwrap().head.status, 200);
    let outcomes: Vec<_> = records.0.lock().unwrap().iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Outcome::Cancelled, Outcome::OkCache]);
    settle().await;
    at_rest(&pipeline);
}

#[tokio::test(start_paused = true)]
async fn when_all_have_left_the_call_is_over() {
    let (pipeline, _records) = pipeline(vec![Script::Answers(5, 3)], 10);
    let requests = [known(), known()];
    let mut lives: Vec<_> = requests.iter().map(|request| Box::pin(pipeline.run(request))).collect();
    for life in &mut lives {
        assert!(std::future::poll_fn(|cx| Poll::Ready(life.as_mut().poll(cx).is_pending())).await);
    }
    settle().await;
    assert_eq!(
        pipeline.attempts.route().snapshots().iter().map(|endpoint| endpoint.in_flight).sum::<usize>(),
        1
    );
    drop(lives);
    settle().await;
    at_rest(&pipeline);
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_did_wrong_is_told_to_all_after_one_call() {
    let (pipeline, records) = pipeline(vec![Script::Fails(Class::Client, 1)], 10);
    let requests = [known(), known(), known()];
    let lives = requests.iter().map(|request| live(&pipeline, request, usize::MAX));
    let answers = futures_util::future::join_all(lives).await;
    assert!(answers.iter().flatten().all(|answer| !answer.head.status.is_success()));
    drop(answers);
    assert_eq!(records.0.lock().unwrap().iter().map(|record| record.attempts).sum::<u32>(), 1);
}

#[test]
fn a_call_that_its_own_caller_gave_up_is_made_for_the_next() {
    assert!(is_worth_another(&Unanswered::GivenUp));
    let check = |kind, expected| {
        assert_eq!(is_worth_another(&Unanswered::Rejected(Rejection::new(kind, ""))), expected, "{kind:?}");
    };
    check(Kind::DeadlineExceeded, true);
    check(Kind::QueueTimeout, true);
    check(Kind::Upstream, false);
    check(Kind::BadRequest, false);
}

/// A request whose answer is fresh for ten seconds.
fn known_for_ten_seconds() -> Arc<Request> {
    let request = Arc::into_inner(known()).expect("nobody else has it");
    Arc::new(with_header(request, "x-weir-cache-ttl", "10"))
}

#[tokio::test(start_paused = true)]
async fn an_old_answer_is_given_at_once_while_one_call_fetches_a_new_one() {
    let (pipeline, records) = pipeline(vec![Script::Answers(5, 3), Script::Answers(1000, 3)], 100);
    live(&pipeline, &known_for_ten_seconds(), usize::MAX).await.unwrap();
    tokio::time::advance(Duration::from_secs(12)).await;
    let mut asked: Vec<_> = (0..50).map(|_| known_for_ten_seconds()).collect();
    asked.push(Arc::new(with_header(
        Arc::into_inner(known_for_ten_seconds()).unwrap(),
        "x-weir-priority",
        "9",
    )));
    let began = pipeline.clock.now();
    for request in &asked {
        assert_eq!(live(&pipeline, request, usize::MAX).await.unwrap().head.status, 200);
        assert_eq!(request.trail.cache(), CacheState::HitStale);
        settle().await;
    }
    assert_eq!(pipeline.clock.now() - began, Duration::ZERO, "nobody waits for the new one");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let after = known_for_ten_seconds();
    live(&pipeline, &after, usize::MAX).await.unwrap();
    assert_eq!(after.trail.cache(), CacheState::HitMemory, "it is there");
    let records = std::mem::take(&mut *records.0.lock().unwrap());
    assert_eq!(records.iter().map(|record| record.attempts).sum::<u32>(), 2);
    let refreshes: Vec<_> = records.iter().filter(|record| record.cache == CacheState::Refresh).collect();
    assert_eq!((refreshes.len(), refreshes[0].attempts, refreshes[0].outcome), (1, 1, Outcome::Ok));
    at_rest(&pipeline);
}

#[tokio::test(start_paused = true)]
async fn a_new_answer_that_does_not_come_leaves_the_old_one() {
    let (pipeline, records) =
        pipeline(vec![Script::Answers(5, 3), Script::Fails(Class::Client, 5), Script::Answers(5, 3)], 100);
    live(&pipeline, &known_for_ten_seconds(), usize::MAX).await.unwrap();
    tokio::time::advance(Duration::from_secs(12)).await;
    for _ in 0..2 {
        let request = known_for_ten_seconds();
        live(&pipeline, &request, usize::MAX).await.unwrap();
        assert_eq!(request.trail.cache(), CacheState::HitStale);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let after = known_for_ten_seconds();
    live(&pipeline, &after, usize::MAX).await.unwrap();
    assert_eq!(after.trail.cache(), CacheState::HitMemory);
    assert_eq!(records.0.lock().unwrap().len(), 6, "four callers' and two of the house's own");
    at_rest(&pipeline);
}

#[tokio::test(start_paused = true)]
async fn while_nobody_can_be_reached_an_old_answer_is_given_at_once() {
    let script = [Script::Answers(5, 3)].into_iter().chain([Script::Fails(Class::Hard, 5); 100]).collect();
    let (pipeline, _records) = pipeline(script, 100);
    live(&pipeline, &known_for_ten_seconds(), usize::MAX).await.unwrap();
    tokio::time::advance(Duration::from_secs(3600)).await;
    let mut others = 0;
    while !pipeline.attempts.route().is_down(weir_core::PoolId(0)) {
        others += 1;
        assert!(others < 50, "the circuit opens");
        live(&pipeline, &Arc::new(plain("m")), usize::MAX).await.unwrap();
    }
    let (request, began) = (known_for_ten_seconds(), pipeline.clock.now());
    assert_eq!(live(&pipeline, &request, usize::MAX).await.unwrap().head.status, 200);
    assert_eq!(pipeline.clock.now(), began, "it did not wait for anybody");
    assert_eq!(request.trail.cache(), CacheState::HitStale);
    assert!(request.trail.degraded_how().unwrap().starts_with("stale;age=36"));
}
