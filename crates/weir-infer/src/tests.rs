//! Calls to a real server that misbehaves: what comes back, and as what kind of failure.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::net::TcpListener;
use weir_core::{Answer, Clock, Failure, Operation, Request, Secret, Trail};
use weir_mock::{FaultPlan, Mock, Options, Profile};
use weir_testkit::{chat, with_header};

use crate::{Begun, Infer, Key, Pauses, Target, Timers, config};

mod faults;
mod frames;
mod http2;
mod leaving;
mod limits;
mod malformed;
mod script;

#[expect(clippy::disallowed_methods, reason = "real sockets need real time")]
fn clock() -> Clock {
    Clock::new(|| tokio::time::Instant::now().into_std(), SystemTime::now)
}

async fn mock(faults: &str) -> Mock {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options { profile: Profile::Instant, ..Options::default() };
    let mock = Mock::start(listener, options).await.unwrap();
    mock.set_faults(FaultPlan::parse(faults).unwrap());
    mock
}

fn request(operation: Operation, body: &str) -> Request {
    let (model, envelope) = weir_wire::envelope::read(operation, Bytes::from(body.to_owned())).unwrap();
    let mut request = chat(&model);
    request.received = clock().now();
    request.trail = Arc::new(Trail::new(request.received));
    request.operation = operation;
    request.dialect = operation.dialect();
    request.path = match operation {
        Operation::Messages => "/messages".into(),
        _ => "/chat/completions".into(),
    };
    request.envelope = envelope;
    request
}

fn stream() -> Request {
    request(
        Operation::Chat,
        r#"{"model":"deepseek-flash","messages":[{"role":"user","content":"hi"}],"stream":true}"#,
    )
}

fn plain() -> Request {
    request(Operation::Chat, r#"{"model":"deepseek-flash","messages":[{"role":"user","content":"hi"}]}"#)
}

/// Calls in Anthropic's dialect.
fn messages(streamed: bool) -> Request {
    let body = format!(
        r#"{{"model":"m","max_tokens":400,"messages":[{{"role":"user","content":"hi"}}],"stream":{streamed}}}"#
    );
    request(Operation::Messages, &body)
}

fn timers(begin_ms: u64, stall_ms: u64) -> Timers {
    let now = clock().now();
    Timers {
        pauses: Pauses {
            stall: Duration::from_millis(stall_ms),
            stall_alive: Duration::from_millis(4 * stall_ms),
            silence: Duration::from_millis(4 * stall_ms),
            parts_per_s_min: 0.0,
        },
        begin_by: now + Duration::from_millis(begin_ms),
        deadline: now + Duration::from_secs(20),
    }
}

fn infer() -> Infer {
    Infer::new(clock(), &config::Attempts::default(), false).unwrap()
}

fn target<'a>(base: &'a str, request: &'a Request, http2: bool) -> Target<'a> {
    Target {
        base,
        envelope: &request.envelope,
        model: None,
        key: Key::None,
        include_usage: true,
        forward_service_tier: false,
        http2,
    }
}

async fn call(mock: &Mock, request: &Request, timers: Timers) -> Result<Begun, Failure> {
    let base = format!("{}/v1", mock.base_url());
    infer().call(request, &target(&base, request, false), timers).await
}

/// The whole text of an answer, and how it ended.
async fn text(begun: Begun) -> (String, Option<Failure>) {
    let mut answer = Answer::new(clock(), begun.head, begun.body);
    let mut text = String::new();
    loop {
        match std::future::poll_fn(|cx| answer.poll_chunk(cx)).await {
            Some(Ok(chunk)) => text.push_str(std::str::from_utf8(&chunk.bytes).unwrap()),
            Some(Err(failure)) => return (text, Some(failure)),
            None => return (text, None),
        }
    }
}

#[tokio::test]
async fn a_stream_comes_whole_and_its_usage_chunk_stays_here() {
    let mock = mock(r#"{"rules":[]}"#).await;
    let (text, failure) = text(call(&mock, &stream(), timers(5000, 5000)).await.unwrap()).await;
    assert!(failure.is_none());
    assert!(text.ends_with("data: [DONE]\n\n") && text.contains("\"finish_reason\":\"stop\""));
    assert!(!text.contains("\"prompt_tokens\""), "{text}");
}

#[tokio::test]
async fn keep_alives_before_the_answer_reach_nobody() {
    let mock =
        mock(r#"{"rules":[{"fault":"keepalive_then_tokens","delay_ms":60,"keep_alive_ms":10}]}"#).await;
    let (streamed, failure) = text(call(&mock, &stream(), timers(5000, 5000)).await.unwrap()).await;
    assert!(failure.is_none() && !streamed.contains(": keep-alive"), "{streamed}");
    mock.set_faults(
        FaultPlan::parse(r#"{"rules":[{"fault":"blank_lines_then_json","delay_ms":60,"keep_alive_ms":10}]}"#)
            .unwrap(),
    );
    let (whole, failure) = text(call(&mock, &plain(), timers(5000, 5000)).await.unwrap()).await;
    assert!(failure.is_none() && whole.starts_with('{'), "{whole}");
}

#[tokio::test]
async fn a_forgotten_done_and_a_garbled_event_are_mended() {
    for fault in ["no_done", "bad_json_event"] {
        let mock = mock(&format!(r#"{{"rules":[{{"fault":"{fault}"}}]}}"#)).await;
        let (text, failure) = text(call(&mock, &stream(), timers(5000, 5000)).await.unwrap()).await;
        assert!(failure.is_none() && text.ends_with("data: [DONE]\n\n"), "{fault}: {text}");
    }
}

#[tokio::test]
async fn credentials_and_weirs_own_headers_stay_and_the_rest_leaves() {
    let mock = mock(r#"{"rules":[]}"#).await;
    let base = format!("{}/v1", mock.base_url());
    let secret = Secret::new("operators-key");
    let body = r#"{"model":"alias","messages":[{"role":"user","content":"hi"}],"service_tier":"flex"}"#;
    let mut request = request(Operation::Chat, body);
    for (name, value) in [
        ("authorization", "Bearer callers-key"),
        ("cookie", "a=b"),
        ("x-weir-priority", "1"),
        ("x-forwarded-for", "10.0.0.1"),
        ("connection", "close, x-hop"),
        ("x-hop", "1"),
        ("openai-beta", "v2"),
        ("traceparent", "00-1-2-01"),
    ] {
        request = with_header(request, name, value);
    }
    let target =
        Target { model: Some("deepseek-flash"), key: Key::Own(&secret), ..target(&base, &request, false) };
    infer().call(&request, &target, timers(5000, 5000)).await.unwrap();
    let log = mock.log();
    let headers = &log[0].request_headers;
    assert_eq!(log[0].model.as_deref(), Some("deepseek-flash"));
    for stays in ["cookie", "x-weir-priority", "x-forwarded-for", "x-hop"] {
        assert!(!headers.contains_key(stays), "{stays} left: {headers:?}");
    }
    assert_eq!(headers["openai-beta"], "v2");
    assert_eq!(headers["traceparent"], "00-1-2-01");
    assert_eq!(headers["accept-encoding"], "identity");
    assert!(!format!("{headers:?}").contains("callers-key"));
}
