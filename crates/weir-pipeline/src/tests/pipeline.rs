//! Whole lives of requests: hit, answer, rejection, fault before and after the first chunk, the caller leaving anywhere.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;
use weir_core::{Answer, Class, Operation, PoolId, Request, Trail};
use weir_settle::Outcome;
use weir_testkit::chat;

use super::world::{Records, Script, clock, pipeline};
use crate::Pipeline;

fn request(model: &str) -> Arc<Request> {
    Arc::new(plain(model))
}

pub(super) fn plain(model: &str) -> Request {
    let mut request = chat(model);
    request.received = clock().now();
    request.trail = Arc::new(Trail::new(request.received));
    request
}

/// One whose answer is streamed, so that it may be hedged and taken up.
pub(super) fn streamed(model: &str) -> Request {
    let mut request = plain(model);
    let body = format!(r#"{{"model":"{model}","stream":true,"messages":[{{"role":"user","content":"q"}}]}}"#);
    request.envelope = weir_wire::envelope::read(Operation::Chat, body.into()).unwrap().1;
    request
}

/// Drives a request until it is over, or until it has been polled `polls` times (at least once: a future never polled is
/// a request that never arrived); then its caller leaves.
pub(super) async fn live(pipeline: &Arc<Pipeline>, request: &Arc<Request>, polls: usize) -> Option<Answer> {
    let mut left = polls;
    let run = pipeline.run(request);
    tokio::pin!(run);
    let begun = std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        run.as_mut().poll(cx).map(Some)
    });
    let mut answer = begun.await?;
    loop {
        if left == 0 {
            return None;
        }
        left -= 1;
        match std::future::poll_fn(|cx| answer.poll_chunk(cx)).await {
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Some(answer),
        }
    }
}

pub(super) fn at_rest(pipeline: &Arc<Pipeline>) {
    assert_eq!(pipeline.admit.in_house(), 0, "seats");
    assert_eq!(pipeline.queue.depth(PoolId(0)), (0, 0), "permits");
    assert!(pipeline.attempts.route().snapshots().iter().all(|endpoint| endpoint.in_flight == 0), "leases");
    assert_eq!(pipeline.settle.in_flight(), 0, "records");
}

fn only(records: &Records) -> Outcome {
    let records = records.0.lock().unwrap();
    assert_eq!(records.len(), 1);
    records[0].outcome
}

#[tokio::test(start_paused = true)]
async fn answers_at_a_later_attempt_when_the_first_fails() {
    let (pipeline, records) = pipeline(vec![Script::Fails(Class::Overload, 5), Script::Answers(5, 3)], 10);
    let answer = live(&pipeline, &request("m"), usize::MAX).await.unwrap();
    assert_eq!(answer.head.status, 200);
    drop(answer);
    assert_eq!(only(&records), Outcome::OkRetried);
    assert_eq!(records.0.lock().unwrap()[0].attempts, 2);
    at_rest(&pipeline);
}

/// There is nothing to wait for but a turn, and there is one.
#[tokio::test(start_paused = true)]
async fn a_refusal_of_our_own_making_costs_no_backoff() {
    let (pipeline, records) = pipeline(vec![Script::Fails(Class::OwnLimit, 5)], 10);
    let began = clock().now();
    let answer = live(&pipeline, &request("m"), usize::MAX).await.unwrap();
    assert_eq!(answer.head.status, 200);
    let took = clock().now().saturating_duration_since(began);
    assert!(took < Duration::from_millis(20), "{took:?}");
    drop(answer);
    assert_eq!(records.0.lock().unwrap()[0].attempts, 2);
    at_rest(&pipeline);
}

#[tokio::test(start_paused = true)]
async fn gives_up_after_four_attempts_with_a_status_that_says_so() {
    let script = vec![Script::Fails(Class::Hard, 1); 9];
    let (pipeline, records) = pipeline(script, 10);
    let answer = live(&pipeline, &request("m"), usize::MAX).await.unwrap();
    assert_eq!(answer.head.status, 503);
    assert_eq!(answer.head.headers["x-should-retry"], "false");
    drop(answer);
    assert_eq!(only(&records).label(), "upstream_error");
    assert_eq!(records.0.lock().unwrap()[0].attempts, 4);
    at_rest(&pipeline);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_model_reaches_no_endpoint() {
    let (pipeline, records) = pipeline(vec![], 10);
    let answer = live(&pipeline, &request("other"), usize::MAX).await.unwrap();
    assert_eq!(answer.head.status, 404);
    drop(answer);
    assert_eq!(only(&records).label(), "client_error");
    at_rest(&pipeline);
}

#[tokio::test(start_paused = true)]
async fn a_known_answer_needs_no_endpoint() {
    let (pipeline, records) = pipeline(vec![Script::Answers(1, 1), Script::Fails(Class::Client, 1)], 10);
    for expected in [Outcome::Ok, Outcome::OkCache] {
        let mut request = plain("m");
        request.envelope.temperature_zero = true;
        drop(live(&pipeline, &Arc::new(request), usize::MAX).await);
        assert_eq!(records.0.lock().unwrap().last().unwrap().outcome, expected);
    }
    at_rest(&pipeline);
}

fn scripts() -> impl Strategy<Value = Vec<Script>> {
    let class = prop::sample::select(Class::ALL.to_vec());
    let script = prop_oneof![
        (class, 0u64..3000).prop_map(|(class, ms)| Script::Fails(class, ms)),
        (0u64..3000, 0u8..4).prop_map(|(ms, chunks)| Script::Answers(ms, chunks)),
        (0u64..3000, 0u8..4).prop_map(|(ms, chunks)| Script::Breaks(ms, chunks)),
    ];
    prop::collection::vec(script, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_request_ends_in_one_record_and_everything_comes_back(
        script in scripts(),
        lives in prop::collection::vec((prop_oneof![3 => Just("m"), 1 => Just("other")], prop_oneof![1usize..20, Just(usize::MAX)], any::<bool>(), any::<bool>()), 1..12),
        requests_max in 1usize..8,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (pipeline, records) = pipeline(script, requests_max);
            let pipeline = &pipeline;
            let count = lives.len();
            let lives = lives.into_iter().map(|(model, polls, cached, stream)| async move {
                let mut request = if stream { streamed(model) } else { plain(model) };
                request.envelope.temperature_zero = cached;
                drop(live(pipeline, &Arc::new(request), polls).await);
            });
            join_all(lives.collect()).await;
            assert_eq!(records.0.lock().unwrap().len(), count, "records");
            // A call that several shared has a task of its own, which takes its turn to see that nobody listens any more.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            at_rest(pipeline);
        });
    }
}

/// Runs futures side by side on this task, so that they meet in the queue.
async fn join_all(futures: Vec<impl Future<Output = ()>>) {
    let mut futures: Vec<_> = futures.into_iter().map(|future| Some(Box::pin(future))).collect();
    std::future::poll_fn(|cx| {
        for slot in &mut futures {
            if slot.as_mut().is_some_and(|future| future.as_mut().poll(cx).is_ready()) {
                *slot = None;
            }
        }
        if futures.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
