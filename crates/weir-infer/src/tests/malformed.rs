//! Bytes that no service should send: each is the service's fault, and none brings anything down.

use bytes::Bytes;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use weir_core::{Class, Failure, Operation, Request};

use super::script::{Step, begin, response, send, whole};
use super::{infer, plain, request, stream, target, text, timers};

const WORD: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// What a stream of these reads ends in.
async fn check(reads: &[&[u8]], expected: Option<Class>) -> String {
    let steps = reads.iter().map(|read| send(Bytes::copy_from_slice(read)));
    let (text, failure) = whole(&stream(), timers(5_000, 5_000), response("text/event-stream", steps)).await;
    assert_eq!(failure.as_ref().map(|failure| failure.class), expected, "{failure:?}");
    text
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_rubbish_is_no_answer() {
    check(&[b"\x00\x01\x02 rubbish\n\nmore\n\n"], Some(Class::Truncated)).await;
    check(&[b"data {\"choices\":[]}\n\n"], Some(Class::Truncated)).await;
    check(&[b"data: \xff\xfe\xfd\n\n"], Some(Class::Truncated)).await;
    check(&[b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}\n\n"], Some(Class::Truncated)).await;
    check(&[b"data: [1,2\n\ndata: \"x\n\n"], Some(Class::Truncated)).await;
    check(&[b"data: {\"choices\":{}}\n\n"], Some(Class::Truncated)).await;
    check(&[&b"data: ".repeat(400_000)[..], &b"x".repeat(20 << 20)[..]], Some(Class::Hard)).await;
    let comments = [b": nothing but comments\n\n"; 9].map(|comment| &comment[..]);
    check(&comments, Some(Class::Truncated)).await;
    let empty = b"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n".repeat(30_000);
    check(&[&empty[..]], Some(Class::Hard)).await;
}

#[tokio::test(start_paused = true)]
async fn rubbish_between_good_events_is_left_out_and_the_answer_is_whole() {
    let check = async |rubbish: &[u8], expected: &str| {
        let text = check(&[WORD.as_bytes(), rubbish, STOP.as_bytes(), DONE.as_bytes()], None).await;
        assert_eq!(text, [WORD, expected, STOP, DONE].concat(), "{rubbish:?}");
    };
    check(b"data: {\"choices\":[{\"del\n\n", "").await;
    check(b"data: \xc3\x28\n\n", "").await;
    check(b"\r\n\r\n: comment\r\n\r\n", "").await;
    check(b"data: {\"error\":null,\"choices\":[]}\n\n", "data: {\"error\":null,\"choices\":[]}\n\n").await;
    check(b"data:{\"choices\":[]}\r\n\r\n", "data:{\"choices\":[]}\r\n\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn a_whole_body_of_rubbish_is_no_answer() {
    let check = async |kind: &str, steps: Vec<Step>, expected: Class| {
        let (text, failure) = whole(&plain(), timers(5_000, 5_000), response(kind, steps.clone())).await;
        assert_eq!(failure.map(|failure| failure.class), Some(expected), "{steps:?} gave {text}");
    };
    check("application/json", vec![send(&b"\xff\xfe{}"[..])], Class::Hard).await;
    check("application/json", vec![send("\0\0\0")], Class::Hard).await;
    check("text/html", vec![send("<html>")], Class::Hard).await;
    check("application/json", vec![send("{\"choices\":["), Step::Break], Class::Truncated).await;
    check("application/json", vec![send(" ".repeat(3 << 20)), send("x".repeat(2 << 20))], Class::Hard).await;
    let mut gzip = response("application/json", [send("x")]);
    gzip.headers_mut().insert("content-encoding", http::HeaderValue::from_static("gzip"));
    let failure = begin(&plain(), timers(5_000, 5_000), gzip).await.unwrap_err();
    assert!(failure.class == Class::Hard && failure.message.contains("gzip"), "{failure:?}");
}

/// The failure of a call to a server that writes these bytes and closes.
async fn canned(bytes: &'static [u8], request: &Request, http2: bool) -> Failure {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let server = async {
        let (mut socket, _peer) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.windows(4).any(|window| window == b"\r\n\r\n") {
            socket.read_buf(&mut head).await.unwrap();
        }
        socket.write_all(bytes).await.unwrap();
        socket.shutdown().await.unwrap();
        // Until the caller is gone, so that nothing is lost to a reset.
        while socket.read(&mut [0; 1024]).await.is_ok_and(|count| count > 0) {}
    };
    let infer = infer();
    let client = async {
        let begun = infer.call(request, &target(&base, request, http2), timers(5_000, 5_000)).await;
        drop(infer);
        match begun {
            Ok(begun) => text(begun).await.1.expect("it ends in a failure"),
            Err(failure) => failure,
        }
    };
    tokio::join!(server, client).1
}

#[tokio::test]
async fn broken_http_is_a_broken_service() {
    let check = async |bytes: &'static [u8], request: Request, expected: Class| {
        let failure = canned(bytes, &request, false).await;
        assert_eq!((failure.class, failure.sent), (expected, true), "{}", failure.message);
    };
    check(b"rubbish\r\n\r\n", stream(), Class::Hard).await;
    check(b"HTTP/1.1 abc OK\r\n\r\n", plain(), Class::Hard).await;
    check(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"choices\"", plain(), Class::Truncated).await;
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{\"choices\"";
    check(chunked, plain(), Class::Truncated).await;
    let no_size =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n";
    check(no_size, stream(), Class::Truncated).await;
}

#[tokio::test]
async fn a_service_that_does_not_speak_http2_is_a_broken_one() {
    // It never began the call either, but a service that says so would be tried for ever.
    for bytes in [&b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"[..], b"\0\0\0\0\0\0\0\0\0", b""] {
        let failure = canned(bytes, &stream(), true).await;
        assert_eq!(failure.class, Class::Hard, "{}", failure.message);
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_was_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    for http2 in [false, true] {
        let request = stream();
        let failure = infer().call(&request, &target(&base, &request, http2), timers(5_000, 5_000)).await;
        let failure = failure.unwrap_err();
        assert_eq!((failure.class, failure.sent), (Class::Hard, false), "{}", failure.message);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_bring_a_reader_down(
        reads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..12),
        breaks: bool,
        events: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            for operation in [Operation::Chat, Operation::Messages, Operation::Responses, Operation::Other] {
                let body = r#"{"model":"m","messages":[],"input":"","max_tokens":1,"stream":true}"#;
                let request = request(operation, body);
                let steps = reads.iter().cloned().map(send).chain(breaks.then_some(Step::Break));
                let kind = if events { "text/event-stream" } else { "application/json" };
                let begun = begin(&request, timers(5_000, 5_000), response(kind, steps)).await;
                if operation != Operation::Other {
                    assert!(begun.is_err(), "chance wrote an answer: {reads:?}");
                }
            }
        });
    }
}
