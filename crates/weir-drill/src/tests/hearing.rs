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
use crate::told::{Told, ToolCall};

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

const BEGIN: &str =
    r#"{"id":"i","model":"m","choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
const FINISH: &str = r#"{"id":"i","choices":[{"delta":{},"finish_reason":"stop"}]}"#;

#[test]
fn a_chat_stream_is_read() {
    let told = chat(&[
        BEGIN,
        r#"{"id":"i","choices":[{"delta":{"reasoning_content":"hm"}}]}"#,
        r#"{"id":"i","choices":[{"delta":{"content":"a b"}}]}"#,
        FINISH,
        r#"{"id":"i","choices":[],"usage":{"completion_tokens":2}}"#,
        "[DONE]",
    ]);
    assert_eq!((told.text.as_str(), told.thoughts.as_str()), ("a b", "hm"));
    assert_eq!((told.finish.as_deref(), told.model.as_deref()), (Some("stop"), Some("m")));
    assert!(told.usage && told.done && told.breaches.is_empty() && told.error.is_none(), "{told:?}");
    assert_eq!((told.began, told.ids.len()), (Some(Duration::from_millis(3)), 1));
}

#[test]
fn a_tool_call_is_put_together() {
    let told = chat(&[
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":""}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}}]}"#,
    ]);
    assert_eq!(told.calls, [ToolCall { name: "f".to_owned(), arguments: "{\"a\":1}".to_owned() }]);
}

#[test]
fn what_no_client_may_be_sent_is_noted() {
    #[track_caller]
    fn check(data: &[&str], says: &str) {
        let told = chat(data);
        assert!(told.breaches.iter().any(|breach| breach.contains(says)), "{told:?}");
    }
    let more = r#"{"choices":[{"delta":{"content":"x"}}]}"#;
    check(&[BEGIN, "{\"half"], "no JSON");
    check(&[FINISH, "[DONE]", more], "after the last one");
    check(&[FINISH, more], "after the finish");
    check(&[r#"{"error":{"message":"m"}}"#, more], "went on after an error");
    let page = Told::read(&heard("text/html", &[], "<p>"), CHAT_STREAM);
    assert!(page.breaches[0].contains("`text/html` came"), "{page:?}");
    let page = Told::read(&heard("text/html", &[], "<p>"), CHAT_PLAIN);
    assert!(page.breaches[0].contains("no JSON"), "{page:?}");
    let start = ("message_start", r#"{"type":"message_start","message":{"id":"a"}}"#);
    let twice = Told::read(&heard("text/event-stream", &[start, start], ""), MESSAGES_STREAM);
    assert!(twice.breaches[0].contains("began twice"), "{twice:?}");
}

#[test]
fn errors_are_read_from_the_status_and_from_the_stream() {
    let refused = Heard { status: Some(503), ..heard("application/json", &[], "{\"error\":1}") };
    for way in [CHAT_STREAM, CHAT_PLAIN, MESSAGES_STREAM, MESSAGES_PLAIN] {
        assert_eq!(Told::read(&refused, way).error.as_deref(), Some("status 503: {\"error\":1}"));
    }
    assert!(
        chat(&[BEGIN, r#"{"error":{"message":"late"}}"#]).error.is_some_and(|error| error.contains("late"))
    );
    let event = ("error", r#"{"type":"error","error":{"type":"overloaded_error"}}"#);
    let told = Told::read(&heard("text/event-stream", &[event], ""), MESSAGES_STREAM);
    assert!(told.error.is_some_and(|error| error.contains("overloaded_error")));
    let late = heard("application/json", &[], "\n\n{\"error\":{\"message\":\"late\"}}");
    assert!(Told::read(&late, CHAT_PLAIN).error.is_some());
}

#[test]
fn a_messages_stream_is_read() {
    let told = Told::read(
        &heard(
            "text/event-stream",
            &[
                ("message_start", r#"{"type":"message_start","message":{"id":"i","model":"m","usage":{}}}"#),
                ("ping", r#"{"type":"ping"}"#),
                (
                    "",
                    r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
                ),
                ("", r#"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"hm"}}"#),
                ("", r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#),
                ("", r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"a b"}}"#),
                (
                    "",
                    r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","name":"f"}}"#,
                ),
                (
                    "",
                    r#"{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
                ),
                (
                    "",
                    r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":3}}"#,
                ),
                ("", r#"{"type":"message_stop"}"#),
            ],
            "",
        ),
        MESSAGES_STREAM,
    );
    assert_eq!((told.text.as_str(), told.thoughts.as_str(), told.calls.len()), ("a b", "hm", 1));
    assert_eq!((told.finish.as_deref(), told.usage, told.done), (Some("tool_use"), true, true));
    assert!(told.breaches.is_empty(), "{told:?}");
}

#[test]
fn whole_bodies_are_read() {
    let read = |body: &str, way: Way| Told::read(&heard("application/json", &[], body), way);
    let told = read(
        r#"{"id":"i","model":"m","usage":{},"choices":[{"finish_reason":"stop","message":{"content":"a","reasoning_content":"b",
            "tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}]}"#,
        CHAT_PLAIN,
    );
    assert_eq!((told.text.as_str(), told.thoughts.as_str(), told.calls.len()), ("a", "b", 1));
    assert!(told.usage && told.done);
    let told = read(
        r#"{"id":"i","model":"m","usage":{},"stop_reason":"end_turn","content":[{"type":"thinking","thinking":"b"},
            {"type":"text","text":"a"},{"type":"tool_use","name":"f","input":{"x":1}}]}"#,
        MESSAGES_PLAIN,
    );
    assert_eq!((told.text.as_str(), told.thoughts.as_str()), ("a", "b"));
    assert_eq!(told.calls[0].arguments, r#"{"x":1}"#);
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
