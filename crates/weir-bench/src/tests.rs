//! What the numbers rest on: reading responses and events cut anywhere, and the figures of `/proc`.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::chat::{Request, StreamedAnswer, whole_answer};
use crate::connection::Connection;
use crate::events::EventCounter;
use crate::process::{busy_ticks, pss_line, queued_nanoseconds};
use crate::reply::Reply;

/// Feeds `response` in pieces of `piece` bytes; the body, or the error in words.
fn read(response: &[u8], piece: usize) -> Result<(u16, Vec<u8>), String> {
    let mut reply = Reply::new();
    let mut body = Vec::new();
    let mut whole = false;
    for bytes in response.chunks(piece) {
        whole = reply
            .feed(bytes, &mut |piece| body.extend_from_slice(piece))
            .map_err(|error| format!("{error:#}"))?;
    }
    if whole { Ok((reply.status(), body)) } else { Err("incomplete".to_owned()) }
}

/// Expects the same reading however the bytes are cut.
fn check(response: &str, expected: Result<(u16, &str), &str>) {
    for piece in 1..=response.len() {
        let got = read(response.as_bytes(), piece);
        let got = got.map(|(status, body)| (status, String::from_utf8(body).unwrap()));
        let expected = expected.map(|(status, body)| (status, body.to_owned())).map_err(str::to_owned);
        assert_eq!(got, expected, "in pieces of {piece}");
    }
}

#[test]
fn a_response_is_read_however_it_is_cut() {
    check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Ok((200, "{}")));
    check("HTTP/1.1 200 OK\r\nContent-Length:2\r\nX: y\r\n\r\n{}", Ok((200, "{}")));
    check("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", Ok((503, "")));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(&format!("{chunked}3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n"), Ok((200, "abc0123456789")));
    check(&format!("{chunked}1\r\na\r\n0\r\nTrailer: x\r\n\r\n"), Ok((200, "a")));
}

#[test]
fn a_response_that_is_not_whole_is_never_a_success() {
    check("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}", Err("incomplete"));
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n", Err("incomplete"));
    check("HTTP/1.1 200 OK\r\n\r\n", Err("status 200 with neither content-length nor chunked"));
    check(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
        Err("a chunk is longer than it says"),
    );
    check(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        Err("not a chunk size: \"zz\": invalid digit found in string"),
    );
    check("HTTP/2 200\r\n\r\n", Err("not a status line: \"HTTP/2 200\""));
}

#[test]
fn what_is_said_of_the_cache_is_kept_from_the_head() {
    for (line, expected) in [
        ("X-Cache: HIT-disk\r\n", Some("HIT-disk")),
        ("x-cache:MISS\r\n", Some("MISS")),
        ("x-cache: HIT from elsewhere\r\n", None),
        ("", None),
    ] {
        let mut reply = Reply::new();
        let response = format!("HTTP/1.1 200 OK\r\n{line}content-length: 0\r\n\r\n");
        assert!(reply.feed(response.as_bytes(), &mut |_| ()).unwrap());
        assert_eq!(reply.cache(), expected, "{line}");
    }
}

#[test]
fn an_answer_has_the_length_that_is_asked_for() {
    let body = crate::chat::answer_body(1_000);
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"].as_str().unwrap().len(), 1_000);
    let mut request = Request::sized(8080, None, 100, 250);
    let text = String::from_utf8(request.stamped(7).to_vec()).unwrap();
    let body: serde_json::Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["max_tokens"], 250);
    assert_eq!(body["messages"][0]["content"].as_str().unwrap().len(), 100);
    assert_eq!(crate::upstream::tokens_wanted(text.as_bytes()), Some(250));
}

#[test]
fn bytes_after_the_end_are_an_error() {
    let response = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nx";
    assert_eq!(read(response, response.len()), Err("1 bytes after the end of the response".to_owned()));
}

#[test]
fn events_are_counted_however_they_are_cut() {
    let stream = "data: {\"a\":1}\n\n: keep-alive\n\nevent: x\r\ndata: 2\r\n\r\ndata: [DONE]\n\n";
    for piece in 1..=stream.len() {
        let mut counter = EventCounter::default();
        stream.as_bytes().chunks(piece).for_each(|bytes| counter.feed(bytes));
        assert_eq!((counter.events(), counter.done()), (2, true), "in pieces of {piece}");
    }
}

#[test]
fn a_stream_without_done_is_not_done() {
    let mut counter = EventCounter::default();
    counter.feed(b"data: 1\n\ndata: [DO");
    assert_eq!((counter.events(), counter.done()), (1, false));
}

#[test]
fn the_prepared_answers_are_what_the_generator_expects() {
    let whole = whole_answer();
    let (status, body) = read(&whole, 7).unwrap();
    assert_eq!(status, 200);
    assert!((560..680).contains(&body.len()), "{} bytes", body.len());
    let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["usage"]["total_tokens"], 316);

    let streamed = StreamedAnswer::new();
    let response = [&streamed.opening[..], &streamed.chunk, &streamed.closing].concat();
    let (_, body) = read(&response, 13).unwrap();
    for line in
        String::from_utf8(body.clone()).unwrap().lines().filter_map(|line| line.strip_prefix("data: {"))
    {
        serde_json::from_str::<serde_json::Value>(&format!("{{{line}")).unwrap();
    }
    let mut counter = EventCounter::default();
    counter.feed(&body);
    assert_eq!((counter.events(), counter.done()), (3, true));
}

#[test]
fn a_request_is_valid_json_and_differs_from_the_one_before() {
    let mut request = Request::new(8080, Some("token"), true);
    let mut prompt = |serial| {
        let text = String::from_utf8(request.stamped(serial).to_vec()).unwrap();
        assert!((1_200..1_400).contains(&text.len()), "{} bytes", text.len());
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("authorization: Bearer token"));
        assert!(head.contains(&format!("content-length: {}", body.len())));
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["stream"], true);
        body["messages"][0]["content"].as_str().unwrap().to_owned()
    };
    let (first, second) = (prompt(1), prompt(42));
    assert_eq!(first.len(), 1_024);
    assert!(first.starts_with("0000000000000001 ") && second.starts_with("0000000000000042 "));
}

#[test]
fn proc_figures_survive_strange_process_names() {
    let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 12 34 0 0 20 0 1 0 100 1000 10";
    assert_eq!(busy_ticks(stat), Some(46));
    assert_eq!(queued_nanoseconds("5 70 3\n"), Some(70));
    assert_eq!(pss_line("header\nRss: 9 kB\nPss:                1234 kB\nPss_Dirty: 1 kB\n"), Some(1234));
}

#[tokio::test]
async fn a_closed_connection_is_an_error_and_not_an_answer() {
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        // Unread bytes would turn the close into a reset, which is another case.
        socket.read_exact(&mut [0; REQUEST.len()]).await.unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}").await.unwrap();
    };
    let ask = async {
        let mut connection = Connection::open(port).await.unwrap();
        connection.exchange_json(REQUEST).await
    };
    let ((), outcome) = tokio::join!(serve, ask);
    assert!(outcome.unwrap_err().to_string().contains("inside the response"));
}

#[test]
fn memory_that_grows_is_told_from_memory_that_breathes() {
    use crate::soak::memory::{rss_line, slope};
    let of = |growth: f64, count: u32| {
        let point = |second: u32| {
            let minutes = f64::from(second) / 60.0;
            // The load rises in the same time.
            let requests = f64::from(second * 5 + second % 7 * 20);
            [minutes, requests, 30_000.0 + growth * minutes + 25.0 * requests]
        };
        slope(&(0..count).map(point).collect::<Vec<_>>())
    };
    assert!(of(0.0, 60).unwrap().abs() < 1.0, "{:?}", of(0.0, 60));
    assert!((of(1_000.0, 60).unwrap() - 1_000.0).abs() < 1.0, "{:?}", of(1_000.0, 60));
    assert_eq!(of(0.0, 29), None, "too few to tell");
    assert_eq!(rss_line("VmHWM:\t  900 kB\nVmRSS:\t  1234 kB\n"), Some(1234));
}
