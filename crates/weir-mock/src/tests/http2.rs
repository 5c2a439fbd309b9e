//! HTTP/2 with prior knowledge: streams that share a connection, and the two ways to lose them.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::{chat, mock_with};
use crate::Mock;

async fn connect(mock: &Mock) -> SendRequest<Full<Bytes>> {
    let socket = TcpStream::connect(mock.addr()).await.expect("the mock listens");
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(socket)).await.expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

/// The whole body of a chat answer, or the error that ended it.
async fn ask(sender: &mut SendRequest<Full<Bytes>>, body: &Value) -> Result<String, hyper::Error> {
    let request = http::Request::post("http://mock/v1/chat/completions")
        .body(Full::new(Bytes::from(body.to_string())))
        .expect("a request");
    let response = sender.send_request(request).await?;
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec()).expect("UTF-8"))
}

#[tokio::test]
async fn many_streams_share_a_connection() {
    let mock = mock_with(json!({})).await;
    let mut sender = connect(&mock).await;
    let (mut one, mut other) = (sender.clone(), sender.clone());
    let (one_body, other_body) = (chat(true), chat(false));
    let (streamed, plain) = tokio::join!(ask(&mut one, &one_body), ask(&mut other, &other_body));
    assert!(streamed.expect("answered").ends_with("data: [DONE]\n\n"));
    assert!(plain.expect("answered").starts_with('{'));
    assert!(ask(&mut sender, &chat(true)).await.is_ok());
}

#[tokio::test]
async fn a_stream_is_reset_and_its_connection_lives() {
    for fault in ["h2_rst_stream", "h2_rst_stream_after", "cut_fin_after"] {
        let mock = mock_with(json!({"rules": [{"fault": fault, "times": 1}]})).await;
        let mut sender = connect(&mock).await;
        ask(&mut sender, &chat(true)).await.expect_err("cut");
        let again = ask(&mut sender, &chat(true)).await;
        assert_eq!(again.is_ok(), fault != "cut_fin_after", "{fault}: {again:?}");
    }
}

#[tokio::test]
async fn going_away_takes_every_stream_along() {
    let mock = mock_with(json!({"rules": [
        {"fault": "stall_after_tokens", "stream": true},
        {"fault": "h2_goaway"},
    ]}))
    .await;
    let sender = connect(&mock).await;
    let (mut stalled, mut goes) = (sender.clone(), sender.clone());
    let (stalled_body, goes_body) = (chat(true), chat(false));
    let (first, second) = tokio::join!(ask(&mut stalled, &stalled_body), ask(&mut goes, &goes_body));
    first.expect_err("cut with its connection");
    second.expect_err("cut with its connection");
    // A moment later the client knows that the connection is gone.
    let mut sender = sender;
    ask(&mut sender, &chat(false)).await.expect_err("no more requests on it");
}

#[tokio::test]
async fn a_connection_that_retires_answers_what_is_under_way_and_nothing_new() {
    let mock =
        mock_with(json!({"rules": [{"fault": "h2_goaway_graceful", "after_tokens": 3, "times": 1}]})).await;
    let mut sender = connect(&mock).await;
    let mut body = chat(true);
    body["x-mock-itl-ms"] = json!(2);
    let streamed = ask(&mut sender, &body).await.expect("answered to its end");
    assert!(streamed.ends_with("data: [DONE]\n\n"));
    ask(&mut sender, &chat(false)).await.expect_err("no more requests on it");
    assert!(ask(&mut connect(&mock).await, &chat(false)).await.is_ok());
}
