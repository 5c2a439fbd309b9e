//! Two services side by side: who is asked when, and what the caller gets when either fails.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use weir_core::{Class, Request};

use super::pipeline::{at_rest, live, plain, streamed};
use super::world::{Records, Script, Scripted, TwoServices, clock, pipeline_over, pipeline_with_fallback};
use crate::Pipeline;

use Script::{Answers, Breaks, Fails};

fn scripted(script: &[Script]) -> Scripted {
    Scripted(Mutex::new(Vec::from(script).into_iter()))
}

fn services(first: &[Script], second: &[Script]) -> Box<TwoServices> {
    Box::new(TwoServices([scripted(first), scripted(second)]))
}

fn request() -> Arc<Request> {
    Arc::new(streamed("m"))
}

/// What became of a streamed request at a service and its fallback: the status, the words in the answer, whether it ended
/// well, how many calls it took, and after how many seconds it was over.
async fn outcome(house: (Arc<Pipeline>, Records)) -> (u16, usize, bool, u32, u64) {
    outcome_of(&request(), house).await
}

/// The same of any request.
async fn outcome_of(
    request: &Arc<Request>,
    (pipeline, records): (Arc<Pipeline>, Records),
) -> (u16, usize, bool, u32, u64) {
    let began = clock().now();
    let mut answer = pipeline.run(request).await;
    let mut text = Vec::new();
    let well = loop {
        match std::future::poll_fn(|cx| answer.poll_chunk(cx)).await {
            Some(Ok(chunk)) => text.extend_from_slice(&chunk.bytes),
            Some(Err(_told)) => break false,
            None => break answer.head.status == 200,
        }
    };
    let status = answer.head.status.as_u16();
    drop(answer);
    at_rest(&pipeline);
    let words = String::from_utf8(text).unwrap().matches(r#"{"content":"#).count();
    let attempts = records.0.lock().unwrap()[0].attempts;
    (status, words, well, attempts, (clock().now() - began).as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_service_that_dies_in_the_middle_is_finished_by_the_other() {
    for class in [Class::Hard, Class::Overload] {
        let first = [&[Breaks(10, 3)][..], &[Fails(class, 1); 12]].concat();
        let pipeline = pipeline_with_fallback(services(&first, &[Answers(10, 6)]));
        // The break, one try at the same service in case it was an accident, and the other.
        assert_eq!(outcome(pipeline).await, (200, 6, true, 3, 0), "{class:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_slow_services_are_asked_side_by_side_and_neither_is_cut() {
    let pipeline = pipeline_with_fallback(services(&[Answers(15_000, 3)], &[Answers(18_000, 3)]));
    assert_eq!(outcome(pipeline).await, (200, 3, true, 2, 15));
}

#[tokio::test(start_paused = true)]
async fn the_one_that_is_left_of_two_slow_services_is_not_cut_either() {
    let pipeline = pipeline_with_fallback(services(&[Fails(Class::Hard, 9_000)], &[Answers(30_000, 3)]));
    assert_eq!(outcome(pipeline).await, (200, 3, true, 2, 38), "asked at 8 s, begun 30 s later");
    let pipeline = pipeline_with_fallback(services(&[Answers(30_000, 3)], &[Fails(Class::Hard, 1_000)]));
    assert_eq!(outcome(pipeline).await, (200, 3, true, 2, 30));
}

#[tokio::test(start_paused = true)]
async fn a_slow_service_is_left_for_one_that_answers() {
    let pipeline = pipeline_with_fallback(services(&[Answers(60_000, 3)], &[Answers(500, 3)]));
    assert_eq!(
        outcome(pipeline).await,
        (200, 3, true, 2, 8),
        "the second is asked after 8 s and begins first"
    );
}

/// Whole answers are not hedged: only the limit on their beginning, two minutes, moves them.
#[tokio::test(start_paused = true)]
async fn a_service_that_has_not_begun_in_time_is_left_while_another_could_answer() {
    let check = async |second: Script, expected: (u32, u64)| {
        let pipeline = pipeline_with_fallback(services(&[Answers(150_000, 1)], &[second]));
        let (status, _, well, attempts, seconds) = outcome_of(&Arc::new(plain("m")), pipeline).await;
        assert!(status == 200 && well, "{second:?}: {status}");
        assert_eq!((attempts, seconds), expected, "{second:?}");
    };
    check(Answers(1_000, 1), (2, 121)).await;
    check(Answers(150_000, 1), (2, 270)).await;
}

#[tokio::test(start_paused = true)]
async fn what_one_service_refuses_for_good_is_not_asked_of_another_that_failed() {
    for class in [Class::ContentFilter, Class::Client] {
        let first = [Fails(Class::Overload, 1), Answers(1, 3)];
        let pipeline = pipeline_with_fallback(services(&first, &[Fails(class, 1)]));
        let (status, _, well, attempts, _) = outcome(pipeline).await;
        assert!(status >= 400 && !well && attempts == 2, "{class:?}: {status}, {attempts} calls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_verdict_ends_a_race() {
    let slow = [Answers(60_000, 3)];
    let pipeline = pipeline_with_fallback(services(&slow, &[Fails(Class::ContentFilter, 100)]));
    let (status, _, well, attempts, seconds) = outcome(pipeline).await;
    assert!(status >= 400 && !well, "{status}");
    assert_eq!((attempts, seconds), (2, 8));
}

#[tokio::test(start_paused = true)]
async fn a_key_without_money_moves_to_one_that_is_only_full() {
    let (pipeline, records) = pipeline_with_fallback(services(
        &[Fails(Class::Quota, 5_000), Fails(Class::Quota, 5_000), Fails(Class::Quota, 5_100)],
        &[Answers(2_000, 3), Answers(2_000, 3), Answers(1, 3)],
    ));
    // Two calls fill the second service (two places) when the third request is moved there.
    let drive = |after: u64| {
        let pipeline = &pipeline;
        async move {
            tokio::time::sleep(Duration::from_millis(after)).await;
            let answer = live(pipeline, &request(), usize::MAX).await.unwrap();
            assert_eq!(answer.head.status, 200);
        }
    };
    tokio::join!(drive(0), drive(0), drive(10));
    assert_eq!(records.0.lock().unwrap().len(), 3);
    at_rest(&pipeline);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_anywhere_in_a_race_or_a_continuation_leaves_nothing() {
    let scripts: [(&[Script], &[Script]); 4] = [
        (&[Answers(15_000, 3)], &[Answers(18_000, 3)]),
        (&[Fails(Class::Hard, 9_000)], &[Answers(30_000, 3)]),
        (&[Breaks(10, 3), Fails(Class::Hard, 50)], &[Answers(10, 6)]),
        (&[Breaks(10, 3)], &[Breaks(10, 4)]),
    ];
    for (first, second) in scripts {
        for polls in 1..40 {
            let (pipeline, records) = pipeline_over(services(first, second), 10);
            drop(live(&pipeline, &request(), polls).await);
            assert_eq!(records.0.lock().unwrap().len(), 1);
            at_rest(&pipeline);
        }
    }
}
