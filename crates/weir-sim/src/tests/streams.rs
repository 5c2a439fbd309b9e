//! Modelled services as the pipeline calls them: real events, within the limits a real call is held to.

use std::time::Duration;

use bytes::Bytes;
use weir_core::{Answer, Class, Failure, Operation, Request};
use weir_infer::{Begun, Key, Pauses, Target, Timers};
use weir_pipeline::Upstream;
use weir_testkit::chat;

use super::crowd::book;
use crate::client::add_words;
use crate::clock;
use crate::house::BASES;
use crate::service::Service;
use crate::trouble::{Model, SLOW_FIRST, Slots, Trouble, USUAL_FIRST};
use crate::upstreams::Upstreams;

const FREE: &str = r#"{"model":"m","messages":[{"role":"user","content":"question 5"}],"stream":true}"#;
const FIXED: &str =
    r#"{"model":"m","messages":[{"role":"user","content":"question 5"}],"stream":true,"temperature":0}"#;
const BEGUN: &str = concat!(
    r#"{"model":"m","messages":[{"role":"user","content":"question 5"},"#,
    r#"{"role":"assistant","content":"0000 ","prefix":true}],"stream":true}"#
);
/// A question about an earlier answer: nothing to take up.
const LATER: &str = concat!(
    r#"{"model":"m","messages":[{"role":"user","content":"question 5"},"#,
    r#"{"role":"assistant","content":"river"},{"role":"user","content":"why?"}],"stream":true}"#
);

fn request(body: &'static str) -> Request {
    let (_model, envelope) =
        weir_wire::envelope::read(Operation::Chat, Bytes::from_static(body.as_bytes())).unwrap();
    Request { envelope, ..chat("m") }
}

fn upstreams(models: &[Model]) -> Upstreams {
    let clock = clock::begun();
    let service = |(seed, model): (u64, &Model)| Service::new(clock, clock.now(), *model, seed);
    let services = BASES.into_iter().zip((1..).zip(models).map(service)).collect();
    Upstreams { clock, book: book(), services }
}

/// Limits in milliseconds: to the caller's end of waiting, between words, in all.
#[derive(Clone, Copy)]
struct Limits {
    begin_by: u64,
    stall: u64,
    deadline: u64,
}

const PATIENT: Limits = Limits { begin_by: 600_000, stall: 600_000, deadline: 600_000 };

fn timers(limits: Limits) -> Timers {
    let (now, ms) = (clock::begun().now(), Duration::from_millis);
    let stall = ms(limits.stall);
    Timers {
        pauses: Pauses { stall, stall_alive: stall, silence: stall, parts_per_s_min: 0.0 },
        begin_by: now + ms(limits.begin_by),
        deadline: now + ms(limits.deadline),
    }
}

async fn call(
    upstreams: &Upstreams,
    which: usize,
    body: &'static str,
    limits: Limits,
) -> Result<Begun, Failure> {
    let request = request(body);
    let target = Target {
        base: BASES[which],
        envelope: &request.envelope,
        model: None,
        key: Key::None,
        include_usage: true,
        forward_service_tier: false,
        http2: false,
    };
    upstreams.call(&request, target, timers(limits)).await
}

/// Everything that came, and how it ended.
async fn read(begun: Begun) -> (String, Option<Class>) {
    let mut answer = Answer::new(clock::begun(), begun.head, begun.body);
    let mut text = String::new();
    loop {
        match std::future::poll_fn(|cx| answer.poll_chunk(cx)).await {
            Some(Ok(chunk)) => text.push_str(std::str::from_utf8(&chunk.bytes).unwrap()),
            Some(Err(failure)) => return (text, Some(failure.class)),
            None => return (text, None),
        }
    }
}

async fn words(upstreams: &Upstreams, which: usize, body: &'static str) -> Vec<u8> {
    let (text, failure) = read(call(upstreams, which, body, PATIENT).await.unwrap()).await;
    assert_eq!(failure, None, "{text}");
    assert!(text.ends_with("data: [DONE]\n\n") && text.contains(r#""finish_reason":"stop""#), "{text}");
    assert!(!text.contains("prompt_tokens"), "usage was not asked for by the caller: {text}");
    let mut words = Vec::new();
    add_words(text.as_bytes(), &mut words);
    words
}

const GOOD: Model = Model { first: USUAL_FIRST, trouble: Trouble::None };

#[tokio::test(start_paused = true)]
async fn a_fixed_question_has_the_same_words_everywhere_and_another_never() {
    let upstreams = upstreams(&[GOOD, GOOD]);
    let fixed = words(&upstreams, 0, FIXED).await;
    assert_eq!(fixed, words(&upstreams, 0, FIXED).await);
    assert_eq!(fixed, words(&upstreams, 1, FIXED).await);
    let free = words(&upstreams, 0, FREE).await;
    assert_ne!(free, words(&upstreams, 0, FREE).await);
    assert_ne!(free, words(&upstreams, 1, FREE).await);
    assert!(!words(&upstreams, 0, LATER).await.is_empty());
}

/// Before anything of an answer came, or after: the limit that is hit says what kind of failure it is.
#[tokio::test(start_paused = true)]
async fn a_limit_that_is_hit_has_its_class() {
    const SLOW: Model = Model { first: SLOW_FIRST, trouble: Trouble::None };
    const STALLS: Model = Model { first: USUAL_FIRST, trouble: Trouble::Breaks { share: 1.0 } };
    let check = async |model: Model, limits: Limits, expected: Class| {
        let upstreams = upstreams(&[model]);
        let class = match call(&upstreams, 0, FREE, limits).await {
            Ok(begun) => read(begun).await.1,
            Err(failure) => Some(failure.class),
        };
        assert_eq!(class, Some(expected));
        assert_eq!(upstreams.services[0].1.in_flight(), 0, "a call that was given up holds no slot");
    };
    check(SLOW, Limits { begin_by: 10, ..PATIENT }, Class::Deadline).await;
    check(SLOW, Limits { begin_by: 200, ..PATIENT }, Class::Deadline).await;
    check(GOOD, Limits { stall: 100, ..PATIENT }, Class::Timeout).await;
    check(GOOD, Limits { deadline: 1_500, ..PATIENT }, Class::Deadline).await;
    // Of those that break, by a seed that stalls.
    let upstreams = upstreams(&[STALLS]);
    let mut seen = Vec::new();
    for _call in 0..40 {
        let begun = call(&upstreams, 0, FREE, Limits { stall: 12_000, ..PATIENT }).await.unwrap();
        let (text, class) = read(begun).await;
        assert!(!text.contains("[DONE]"), "{text}");
        seen.push(class.expect("a broken stream never ends cleanly"));
    }
    assert!(seen.contains(&Class::Timeout) && seen.contains(&Class::Truncated), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn refusals_have_their_class() {
    let check = async |trouble: Trouble, body: &'static str, expected: &[Class]| {
        let upstreams = upstreams(&[Model { first: USUAL_FIRST, trouble }]);
        for _call in 0..10 {
            let failure = call(&upstreams, 0, body, PATIENT).await.unwrap_err();
            assert!(expected.contains(&failure.class), "{trouble:?}: {failure:?}");
        }
        assert_eq!(upstreams.services[0].1.in_flight(), 0);
    };
    let always = crate::arrivals::Spell { from_s: 0.0, until_s: f64::INFINITY };
    check(Trouble::Refuses { share: 1.0 }, FREE, &[Class::Overload]).await;
    check(Trouble::Slots(Slots::always(0)), FREE, &[Class::Overload]).await;
    check(Trouble::Outage(always), FREE, &[Class::Hard]).await;
    // None of the modelled services takes up a begun answer.
    check(Trouble::None, BEGUN, &[Class::Client, Class::PrefillRejected]).await;
}
