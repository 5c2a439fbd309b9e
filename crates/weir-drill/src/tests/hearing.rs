//! What is heard becomes what was told: events however they are cut, both dialects, streamed and not, and
//! breaches.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::clock;
use crate::events::Splitter;
use crate::exchange::{End, Event, Heard, exchange};
use crate::scenario::{CHAT_PLAIN, CHAT_STREAM, MESSAGES_PLAIN, MESSAGES_STREAM, Way};
use crate::told::{Tokens, Told, ToolCall};

fn split(text: &str, size: usize) -> Vec<(String, String)> {
    let (mut splitter, mut events) = (Splitter::default(), Vec::new());
    for part in text.as_bytes().chunks(size) {
        splitter.push(part, |name, data| events.push((name, data)));
    }
    events
}

#[test]
fn events_do_not_depend_on_where_the_bytes_were_cut() {
    let stream = ": hm\n\nevent: a\r\ndata: 1\r\ndata:水\r\n\r\nid: 7\n\ndata: 3\r\rdata: half";
    let expected = [("a".to_owned(), "1\n水".to_owned()), (String::new(), "3".to_owned())];
    for size in 1..stream.len() {
        assert_eq!(split(stream, size), expected, "in parts of {size}");
    }
}

fn heard(content_type: &'static str, events: &[(&str, &str)], body: &str) -> Heard {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(content_type));
    let event = |(name, data): &(&str, &str)| Event {
        at: Duration::from_millis(3),
        name: (*name).to_owned(),
        data: (*data).to_owned(),
    };
    Heard {
        status: Some(200),
        headers,
        events: events.iter().map(event).collect(),
        body: body.as_bytes().to_vec(),
        end: End::Clean,
        took: Duration::from_millis(9),
    }
}

fn chat(data: &[&str]) -> Told {
    let events: Vec<_> = data.iter().map(|data| ("", *data)).collect();
    Told::read(&heard("text/event-stream", &events, ""), CHAT_STREAM)
}

/// A chunk with this in its delta or beside it.
fn chunk(rest: &str) -> String {
    format!(r#"{{"id":"i","object":"chat.completion.chunk","created":1,"model":"m",{rest}}}"#)
}

fn delta(delta: &str) -> String {
    chunk(&format!(r#""choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]"#))
}

fn begin() -> String {
    delta(r#"{"role":"assistant","content":""}"#)
}

fn finish() -> String {
    chunk(r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}]"#)
}

#[test]
fn a_chat_stream_is_read() {
    let told = chat(&[
        &begin(),
        &delta(r#"{"reasoning_content":"hm"}"#),
        &delta(r#"{"content":"a b"}"#),
        &finish(),
        &chunk(r#""choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}"#),
        "[DONE]",
    ]);
    assert_eq!((told.text.as_str(), told.thoughts.as_str()), ("a b", "hm"));
    assert_eq!((told.finish.as_deref(), told.model.as_deref()), (Some("stop"), Some("m")));
    assert!(told.done && told.breaches.is_empty() && told.error.is_none(), "{told:?}");
    assert_eq!(
        (told.began, told.usage),
        (Some(Duration::from_millis(3)), Some(Tokens { prompt: 3, completion: 2 }))
    );
}

#[test]
fn a_tool_call_is_put_together() {
    let part = |part: &str| delta(&format!(r#"{{"tool_calls":[{{"index":0,{part}}}]}}"#));
    let told = chat(&[
        &begin(),
        &part(r#""id":"c","function":{"name":"f","arguments":""}"#),
        &part(r#""function":{"arguments":"{\"a\""}"#),
        &part(r#""function":{"arguments":":1}"}"#),
    ]);
    assert_eq!(told.calls, [ToolCall { name: "f".to_owned(), arguments: "{\"a\":1}".to_owned() }]);
    assert!(told.breaches.is_empty(), "{told:?}");
}

#[test]
fn an_answer_of_another_kind_is_a_breach() {
    let page = Told::read(&heard("text/html", &[], "<p>"), CHAT_STREAM);
    assert!(page.breaches[0].contains("`text/html` came"), "{page:?}");
    let page = Told::read(&heard("text/html", &[], "<p>"), CHAT_PLAIN);
    assert!(page.breaches[0].contains("no JSON"), "{page:?}");
    let other = Told::read(&heard("application/json", &[], r#"{"detail":"busy"}"#), CHAT_PLAIN);
    assert!(other.breaches[0].contains("neither an answer nor an error"), "{other:?}");
}

const CHAT_ERROR: &str = r#"{"error":{"message":"too late","type":"server_error","code":null}}"#;
const MESSAGES_ERROR: &str = r#"{"type":"error","error":{"type":"overloaded_error","message":"too late"}}"#;

/// Whether this body, with this status, is an error to the caller who asked in this way; otherwise it is a
/// breach.
#[track_caller]
fn check_refusal(status: u16, body: &str, way: Way, explicit: bool) {
    let told = Told::read(&Heard { status: Some(status), ..heard("application/json", &[], body) }, way);
    assert_eq!((told.error.is_some(), told.breaches.is_empty()), (explicit, explicit), "{told:?}");
}

#[test]
fn a_refusal_is_explicit_in_the_callers_dialect_only() {
    let page = "<html><h1>502 Bad Gateway</h1></html>";
    for (way, right, wrong) in [
        (CHAT_STREAM, CHAT_ERROR, MESSAGES_ERROR),
        (CHAT_PLAIN, CHAT_ERROR, MESSAGES_ERROR),
        (MESSAGES_STREAM, MESSAGES_ERROR, CHAT_ERROR),
        (MESSAGES_PLAIN, MESSAGES_ERROR, CHAT_ERROR),
    ] {
        check_refusal(503, right, way, true);
        for body in [wrong, page, "", "{}", r#"{"error":1}"#, r#"{"error":{}}"#, &right[..30]] {
            check_refusal(503, body, way, false);
        }
    }
    check_refusal(503, r#"{"detail":"busy"}"#, CHAT_PLAIN, false);
    check_refusal(503, r#"{"type":"error","error":{"type":"","message":"m"}}"#, MESSAGES_PLAIN, false);
    check_refusal(200, &format!("\n\n{CHAT_ERROR}"), CHAT_PLAIN, true);
    check_refusal(200, MESSAGES_ERROR, MESSAGES_PLAIN, true);
    check_refusal(200, MESSAGES_ERROR, CHAT_PLAIN, false);
}

#[test]
fn an_error_in_a_stream_is_one_where_clients_raise_it() {
    #[track_caller]
    fn check(name: &str, data: &str, way: Way, explicit: bool) {
        let told = Told::read(&heard("text/event-stream", &[(name, data)], ""), way);
        assert_eq!((told.error.is_some(), told.breaches.is_empty()), (explicit, explicit), "{told:?}");
    }
    check("", CHAT_ERROR, CHAT_STREAM, true);
    check("error", CHAT_ERROR, CHAT_STREAM, true);
    check("trouble", CHAT_ERROR, CHAT_STREAM, false);
    check("", MESSAGES_ERROR, CHAT_STREAM, false);
    check("", r#"{"error":"full"}"#, CHAT_STREAM, false);
    check("error", MESSAGES_ERROR, MESSAGES_STREAM, true);
    check("", MESSAGES_ERROR, MESSAGES_STREAM, false);
    check("", CHAT_ERROR, MESSAGES_STREAM, false);
    check("error", CHAT_ERROR, MESSAGES_STREAM, false);
    check("error", r#"{"type":"error","error":{}}"#, MESSAGES_STREAM, false);
}

#[test]
fn a_messages_stream_is_read() {
    let start = r#"{"type":"message_start","message":{"id":"i","type":"message","role":"assistant","model":"m","content":[],
        "usage":{"input_tokens":4,"cache_read_input_tokens":3,"output_tokens":1}}}"#;
    let opened = |index: u64, block: &str| {
        format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#)
    };
    let delta = |index: u64, delta: &str| {
        format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#)
    };
    let closed = |index: u64| format!(r#"{{"type":"content_block_stop","index":{index}}}"#);
    let end = r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":3}}"#;
    let stream = [
        start.to_owned(),
        r#"{"type":"ping"}"#.to_owned(),
        opened(0, r#"{"type":"thinking","thinking":"","signature":""}"#),
        delta(0, r#"{"type":"thinking_delta","thinking":"hm"}"#),
        delta(0, r#"{"type":"signature_delta","signature":"s"}"#),
        closed(0),
        opened(1, r#"{"type":"text","text":""}"#),
        delta(1, r#"{"type":"text_delta","text":"a b"}"#),
        closed(1),
        opened(2, r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#),
        delta(2, r#"{"type":"input_json_delta","partial_json":"{}"}"#),
        closed(2),
        end.to_owned(),
        r#"{"type":"message_stop"}"#.to_owned(),
    ];
    let named = |data: &String| {
        let event: serde_json::Value = serde_json::from_str(data).unwrap();
        event["type"].as_str().unwrap().to_owned()
    };
    let names: Vec<String> = stream.iter().map(named).collect();
    let events: Vec<_> = names.iter().map(String::as_str).zip(stream.iter().map(String::as_str)).collect();
    let told = Told::read(&heard("text/event-stream", &events, ""), MESSAGES_STREAM);
    assert_eq!((told.text.as_str(), told.thoughts.as_str(), told.calls.len()), ("a b", "hm", 1));
    assert_eq!((told.finish.as_deref(), told.done, told.unsigned), (Some("tool_use"), true, false));
    assert_eq!(told.usage, Some(Tokens { prompt: 7, completion: 3 }));
    assert!(told.breaches.is_empty(), "{told:?}");
}

#[test]
fn whole_bodies_are_read() {
    let read = |body: &str, way: Way| Told::read(&heard("application/json", &[], body), way);
    let told = read(
        r#"{"id":"i","object":"chat.completion","model":"m","choices":[{"finish_reason":"stop","message":{"role":"assistant",
            "content":"a","reasoning_content":"b","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}],
            "usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#,
        CHAT_PLAIN,
    );
    assert_eq!((told.text.as_str(), told.thoughts.as_str(), told.calls.len()), ("a", "b", 1));
    assert_eq!((told.usage, told.done), (Some(Tokens { prompt: 3, completion: 2 }), true));
    assert!(told.breaches.is_empty(), "{told:?}");
    let message = r#"{"id":"i","type":"message","role":"assistant","model":"m","stop_reason":"end_turn","content":[
        {"type":"thinking","thinking":"b","signature":"s"},{"type":"text","text":"a"},
        {"type":"tool_use","name":"f","input":{"x":1}}],"usage":{"input_tokens":3,"output_tokens":2}}"#;
    let told = read(message, MESSAGES_PLAIN);
    assert_eq!((told.text.as_str(), told.thoughts.as_str(), told.unsigned), ("a", "b", false));
    assert_eq!(told.calls[0].arguments, r#"{"x":1}"#);
    assert!(told.usage.is_some() && told.breaches.is_empty(), "{told:?}");
    assert!(read(&message.replace(r#","signature":"s""#, ""), MESSAGES_PLAIN).unsigned);
}

/// A server that says `bytes` to whoever comes, and closes or holds the connection.
async fn ask(bytes: String, holds: bool) -> Heard {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/v1/chat/completions", listener.local_addr().unwrap());
    let serve = async {
        let (mut socket, _peer) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let read = socket.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..read]).into_owned();
        socket.write_all(bytes.as_bytes()).await.unwrap();
        let held = holds.then_some(socket);
        (request, held)
    };
    let request = Request::post(uri).body(Full::new(Bytes::from("hi"))).unwrap();
    let (heard, (asked, _held)) = tokio::join!(exchange(request, Duration::from_millis(300), clock()), serve);
    assert!(
        asked.starts_with("POST /v1/chat/completions HTTP/1.1\r\n") && asked.contains("host: "),
        "{asked}"
    );
    heard
}

#[tokio::test]
async fn how_a_connection_ended_is_told_apart() {
    const STREAM: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let clean = ask(format!("{STREAM}9\r\ndata: 1\n\n\r\n0\r\n\r\n"), false).await;
    assert_eq!((clean.status, clean.end, clean.events.len()), (Some(200), End::Clean, 1));
    let cut = ask(format!("{STREAM}9\r\ndata: 1\n\n\r\n"), false).await;
    assert!(matches!(cut.end, End::Broken(_)) && cut.events.len() == 1, "{cut:?}");
    let held = ask(format!("{STREAM}9\r\ndata: 1\n\n\r\n"), true).await;
    assert_eq!((held.status, held.end, held.events.len()), (Some(200), End::Hung, 1));
    let nothing = ask(String::new(), false).await;
    assert!(nothing.status.is_none() && matches!(nothing.end, End::Broken(_)), "{nothing:?}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let request = Request::get(uri).body(Full::default()).unwrap();
    let heard = exchange(request, Duration::from_secs(5), clock()).await;
    assert!(matches!(heard.end, End::Unreachable(_)), "{heard:?}");
}
