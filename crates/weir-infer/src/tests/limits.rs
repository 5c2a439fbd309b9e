//! Limits on a call, minute by minute on a paused clock: what is cut when, and as what.

use std::time::Duration;

use weir_core::{Class, Operation, Request};

use super::script::{Step, begin, response, send, whole};
use super::{clock, messages, plain, request, stream};
use crate::{Pauses, Timers};

const COMMENT: &str = ": keep-alive\n\n";
const WORD: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
const THOUGHT: &str = "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"a\"}}]}\n\n";
const CALL: &str = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}\n\n";
const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";
const JSON: &str = "{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"a\"}}]}";

/// The limits of the config's defaults.
fn timers() -> Timers {
    let now = clock().now();
    let pauses = Pauses {
        stall: Duration::from_secs(12),
        stall_alive: Duration::from_secs(30),
        silence: Duration::from_secs(20),
        parts_per_s_min: 0.0,
    };
    Timers { pauses, begin_by: now + Duration::from_secs(300), deadline: now + Duration::from_secs(600) }
}

/// What comes of a 200 with this body, and after how many seconds.
async fn check(request: &Request, steps: &[Step], expected: (Option<Class>, u64)) {
    let kind = if request.envelope.stream { "text/event-stream" } else { "application/json" };
    let started = clock().now();
    let (text, failure) = whole(request, timers(), response(kind, steps.to_vec())).await;
    let seconds = (clock().now() - started).as_millis().div_ceil(1000);
    let got = (failure.as_ref().map(|failure| failure.class), u64::try_from(seconds).unwrap());
    assert!((expected.1..=expected.1 + 1).contains(&got.1), "{got:?} of {steps:?}: {failure:?}");
    assert_eq!(got.0, expected.0, "{steps:?}: {failure:?}");
    assert!(!text.contains(": keep-alive"), "{text}");
}

/// Bytes every so many seconds, so many times.
fn every(seconds: u64, times: usize, bytes: &'static str) -> Vec<Step> {
    (0..times).flat_map(|_| [Step::Wait(1_000 * seconds), send(bytes)]).collect()
}

fn story(parts: &[&[Step]]) -> Vec<Step> {
    parts.concat()
}

#[tokio::test(start_paused = true)]
async fn a_late_first_part_is_waited_for_until_the_callers_time_to_begin_is_over() {
    let (wait, end) = ([Step::Wait(250_000)], [send(WORD), send(STOP), send(DONE)]);
    check(&stream(), &story(&[&wait, &end]), (None, 250)).await;
    check(&stream(), &[Step::Silence], (Some(Class::Deadline), 300)).await;
    let kept_alive = |times| story(&[&every(10, times, COMMENT), &end]);
    check(&stream(), &kept_alive(25), (None, 250)).await;
    check(&stream(), &kept_alive(60), (Some(Class::Deadline), 300)).await;
    let falls_silent = story(&[&every(10, 3, COMMENT), &wait, &end]);
    check(&stream(), &falls_silent, (Some(Class::Timeout), 50)).await;
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_may_be_long_in_coming_and_blank_lines_show_life() {
    let json = [send(JSON)];
    check(&plain(), &story(&[&[Step::Wait(250_000)], &json]), (None, 250)).await;
    check(&plain(), &story(&[&every(10, 25, "\n"), &json]), (None, 250)).await;
    check(&plain(), &story(&[&every(10, 60, "\n"), &json]), (Some(Class::Deadline), 300)).await;
    let falls_silent = story(&[&every(10, 3, "\n"), &[Step::Wait(60_000)], &json]);
    check(&plain(), &falls_silent, (Some(Class::Timeout), 50)).await;
    check(&plain(), &[send(&JSON[..20]), Step::Silence], (Some(Class::Timeout), 20)).await;
    check(&plain(), &[Step::Silence], (Some(Class::Deadline), 300)).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_end_was_said_ends_although_its_connection_stays_open() {
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n";
    let silent = [Step::Silence];
    let said = [send(WORD), Step::Wait(1_000), send(STOP)];
    check(&stream(), &story(&[&said, &silent]), (None, 3)).await;
    check(&stream(), &story(&[&said, &[Step::Wait(1_000), send(usage)], &silent]), (None, 3)).await;
    check(&stream(), &story(&[&said, &every(1, 60, COMMENT)]), (None, 3)).await;
    // What the service says after its end is still heard.
    let error = "data: {\"error\":{\"message\":\"broke\",\"code\":500}}\n\n";
    check(&stream(), &story(&[&said, &[send(error)], &silent]), (Some(Class::Hard), 1)).await;
    check(&stream(), &story(&[&said, &[Step::Break]]), (None, 1)).await;
    check(&stream(), &story(&[&said, &[Step::Wait(1_000), send(DONE)], &silent]), (None, 2)).await;
    let (text, _) = whole(&stream(), timers(), response("text/event-stream", story(&[&said, &silent]))).await;
    assert_eq!(text, [WORD, STOP, DONE].concat());
    let said = [
        send("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{}}\n\n"),
        send(
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n",
        ),
    ];
    let messages = messages(true);
    check(&messages, &story(&[&said, &silent]), (None, 2)).await;
    let (text, _) = whole(&messages, timers(), response("text/event-stream", story(&[&said, &silent]))).await;
    assert!(text.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_200_that_stays_blank_for_a_minute_is_no_answer() {
    check(&plain(), &[Step::Wait(60_000), send("\n")], (Some(Class::Hard), 60)).await;
    check(&plain(), &[Step::Wait(60_000)], (Some(Class::Hard), 60)).await;
    check(&plain(), &every(6, 10, "\n"), (Some(Class::Hard), 60)).await;
    check(&stream(), &[Step::Wait(60_000), send("\n")], (Some(Class::Truncated), 60)).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_longer_while_the_service_thinks_or_calls_and_shows_life() {
    let end = [send(WORD), send(STOP), send(DONE)];
    let silent = [Step::Silence];
    for part in [WORD, THOUGHT, CALL] {
        check(&stream(), &story(&[&[send(part)], &silent]), (Some(Class::Timeout), 12)).await;
    }
    let pinged = |part, times| story(&[&[send(part)], &every(2, times, COMMENT), &end]);
    check(&stream(), &pinged(WORD, 5), (None, 10)).await;
    check(&stream(), &pinged(WORD, 30), (Some(Class::Timeout), 12)).await;
    check(&stream(), &pinged(THOUGHT, 14), (None, 28)).await;
    check(&stream(), &pinged(THOUGHT, 30), (Some(Class::Timeout), 30)).await;
    check(&stream(), &pinged(CALL, 55), (None, 110)).await;
    check(&stream(), &pinged(CALL, 90), (Some(Class::Timeout), 120)).await;
    let dead = story(&[&[send(THOUGHT)], &every(2, 1, COMMENT), &silent]);
    check(&stream(), &dead, (Some(Class::Timeout), 22)).await;
    // The longer pause of a tool call is over as soon as a word comes.
    let words_again = story(&[&[send(CALL)], &every(2, 20, COMMENT), &[send(WORD)], &silent]);
    check(&stream(), &words_again, (Some(Class::Timeout), 52)).await;
}

#[tokio::test(start_paused = true)]
async fn pings_of_other_dialects_show_life_too() {
    let messages = request(
        Operation::Messages,
        r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"stream":true}"#,
    );
    let ping = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
    let block = |kind| {
        let start = format!("{{\"type\":\"content_block_start\",\"content_block\":{{\"type\":\"{kind}\"}}}}");
        let delta = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\"}\n\n";
        send(format!("event: content_block_start\ndata: {start}\n\n{delta}"))
    };
    let pinged = |kind| story(&[&[block(kind)], &every(5, 60, ping)]);
    check(&messages, &pinged("text"), (Some(Class::Timeout), 12)).await;
    check(&messages, &pinged("thinking"), (Some(Class::Timeout), 30)).await;
    check(&messages, &pinged("tool_use"), (Some(Class::Timeout), 120)).await;
}

#[tokio::test(start_paused = true)]
async fn the_words_of_an_error_are_not_waited_for_long() {
    let mut reply = response("application/json", [send("{\"error\":"), Step::Silence]);
    *reply.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
    let started = clock().now();
    let failure = begin(&stream(), timers(), reply).await.unwrap_err();
    assert_eq!((failure.class, (clock().now() - started).as_secs()), (Class::Overload, 5));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_comments_leaves_others_their_turn() {
    for (request, kind) in [(stream(), "text/event-stream"), (plain(), "application/json")] {
        let bytes = if request.envelope.stream { COMMENT } else { "\n" };
        let flood = begin(&request, timers(), response(kind, [Step::Forever(bytes)]));
        tokio::select! {
            biased;
            _ = flood => panic!("there is no end to it"),
            () = std::future::ready(()) => {}
        }
    }
}

#[tokio::test]
async fn a_flood_of_comments_ends_with_the_callers_time() {
    for (request, kind) in [(stream(), "text/event-stream"), (plain(), "application/json")] {
        let bytes = if request.envelope.stream { COMMENT } else { "\n" };
        let soon = Timers { begin_by: clock().now() + Duration::from_millis(20), ..timers() };
        let failure = begin(&request, soon, response(kind, [Step::Forever(bytes)])).await.unwrap_err();
        assert_eq!(failure.class, Class::Deadline, "{}", failure.message);
    }
}
