//! An answer cut at every byte, in every way, streamed and whole: the caller gets all of it or is told, never less in silence
//! and never a byte twice.
//!
//! The bodies go through the same reader as those from sockets; time stands still, so a stall of two minutes costs nothing.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Response, header};
use http_body::{Body as HttpBody, Frame};
use weir_core::{Failure, Operation, Request, Trail};
use weir_infer::{Begun, Target, Timers, read};
use weir_testkit::chat;

use super::world::{clock, pipeline_over};
use crate::Upstream;

/// How a service breaks off.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Break {
    /// The connection closes in good order.
    Fin,
    /// The connection is reset.
    Reset,
    /// Nothing comes any more.
    Stall,
    /// An error is reported where the answer should go on.
    Error,
}

const BREAKS: [Break; 4] = [Break::Fin, Break::Reset, Break::Stall, Break::Error];

/// Sixty words, with letters of one to four bytes, quotes and a backslash among them.
fn words() -> Vec<String> {
    let odd = ["weir", "堰", "\"low\"", "dam\\river", "naïve", "🌊", "steady", "level"];
    (0..60).map(|index| format!(" {}{index}", odd[index % odd.len()])).collect()
}

fn event(delta: &serde_json::Value, finish: Option<&str>) -> String {
    let chunk = match finish {
        None => serde_json::json!({"id": "c", "choices": [{"delta": delta}]}),
        Some(finish) => {
            serde_json::json!({"id": "c", "choices": [{"delta": delta, "finish_reason": finish}]})
        }
    };
    format!("data: {chunk}\n\n")
}

fn streamed() -> Bytes {
    static STREAMED: LazyLock<Bytes> = LazyLock::new(written_as_stream);
    STREAMED.clone()
}

fn whole() -> Bytes {
    static WHOLE: LazyLock<Bytes> = LazyLock::new(written_whole);
    WHOLE.clone()
}

fn written_as_stream() -> Bytes {
    let mut text = event(&serde_json::json!({"role": "assistant", "content": ""}), None);
    words().iter().for_each(|word| text += &event(&serde_json::json!({ "content": word }), None));
    (text + &event(&serde_json::json!({}), Some("stop")) + "data: [DONE]\n\n").into()
}

fn written_whole() -> Bytes {
    let message = serde_json::json!({"role": "assistant", "content": words().concat()});
    serde_json::json!({
        "id": "c", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    })
    .to_string()
    .into()
}

/// A body that breaks off, or not.
struct Broken {
    left: Option<Bytes>,
    then: Option<Break>,
}

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(bytes) = self.left.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.then {
            None | Some(Break::Fin) => Poll::Ready(None),
            Some(Break::Reset) => Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into()))),
            Some(Break::Stall) => Poll::Pending,
            Some(Break::Error) => {
                self.then = None;
                let event = "\n\ndata: {\"error\":{\"message\":\"busy\",\"code\":500}}\n\n";
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(event.as_bytes())))))
            }
        }
    }
}

/// A service whose first answers break off after so many bytes.
#[derive(Clone)]
struct Breaking {
    stream: bool,
    at: usize,
    how: Break,
    times: usize,
    calls: Arc<AtomicUsize>,
}

impl Upstream for Breaking {
    fn call<'a>(
        &'a self,
        request: &'a Request,
        _target: Target<'a>,
        timers: Timers,
    ) -> Pin<Box<dyn Future<Output = Result<Begun, Failure>> + Send + 'a>> {
        let breaks = self.calls.fetch_add(1, Ordering::Relaxed) < self.times;
        let text = if self.stream { streamed() } else { whole() };
        let body = Broken {
            left: Some(if breaks { text.slice(..self.at) } else { text }),
            then: breaks.then_some(self.how),
        };
        let kind = if self.stream { "text/event-stream" } else { "application/json" };
        let response = Response::builder().header(header::CONTENT_TYPE, kind).body(body);
        Box::pin(async move { read(response.unwrap(), request, timers, clock(), 1 << 20).await })
    }
}

/// What the caller decodes: the text, and whether the answer ended as whole ones do.
fn decoded(stream: bool, bytes: &[u8], ended_well: bool) -> (String, bool) {
    let as_if_unbroken = if stream { streamed() } else { whole() };
    if bytes == as_if_unbroken {
        // Decoding sixty events of every one of thousands of answers is what takes time.
        return (words().concat(), ended_well);
    }
    let text = std::str::from_utf8(bytes).unwrap();
    if !stream {
        let body: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        return (
            body["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned(),
            ended_well,
        );
    }
    let events = text.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
    let chunks: Vec<serde_json::Value> =
        events.clone().filter_map(|data| serde_json::from_str(data).ok()).collect();
    let said =
        |chunk: &serde_json::Value| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned);
    let count = |is: fn(&serde_json::Value) -> bool| chunks.iter().filter(|chunk| is(chunk)).count();
    let finishes = count(|chunk| chunk["choices"][0]["finish_reason"].is_string());
    let roles = count(|chunk| chunk["choices"][0]["delta"]["role"].is_string());
    let closings = events.filter(|data| *data == "[DONE]").count();
    assert!(roles <= 1 && finishes <= 1 && closings <= 1, "said twice: {text}");
    (chunks.iter().filter_map(said).collect(), ended_well && finishes == 1 && closings == 1)
}

/// One life: what the caller has, whether the answer ended well, and how many calls it took.
async fn live(service: Breaking) -> (String, bool, usize) {
    let (stream, calls) = (service.stream, service.calls.clone());
    let (pipeline, _records) = pipeline_over(Box::new(service), 4);
    let mut request = chat("m");
    request.received = clock().now();
    request.trail = Arc::new(Trail::new(request.received));
    let body = format!(r#"{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"q"}}]}}"#);
    request.envelope = weir_wire::envelope::read(Operation::Chat, body.into()).unwrap().1;
    let mut answer = pipeline.run(&Arc::new(request)).await;
    let mut bytes = Vec::new();
    let ended_well = loop {
        match std::future::poll_fn(|cx| answer.poll_chunk(cx)).await {
            Some(Ok(chunk)) => bytes.extend_from_slice(&chunk.bytes),
            Some(Err(_told)) => break false,
            None => break answer.head.status == 200,
        }
    };
    drop(answer);
    super::pipeline::at_rest(&pipeline);
    let (text, whole) = decoded(stream, &bytes, ended_well);
    (text, whole, calls.load(Ordering::Relaxed))
}

/// Cuts at every `step`th byte; says how many answers came whole and how many were told to be broken.
async fn sweep(stream: bool, how: Break, times: usize, step: usize) -> (usize, usize) {
    let bytes = if stream { streamed().len() } else { whole().len() };
    let all = words().concat();
    let (mut rescued, mut told) = (0, 0);
    for at in (0..bytes).step_by(step) {
        let (text, ended_well, calls) =
            live(Breaking { stream, at, how, times, calls: Arc::default() }).await;
        let place = format!("{how:?} at byte {at} of {bytes}, {calls} calls");
        if ended_well {
            assert_eq!(text, all, "{place}");
            rescued += 1;
        } else {
            assert!(all.starts_with(&text), "{place}: {text:?} is no beginning of the answer");
            told += 1;
        }
    }
    (rescued, told)
}

#[tokio::test(start_paused = true)]
async fn a_stream_cut_once_at_any_byte_comes_whole() {
    for how in BREAKS {
        assert_eq!(sweep(true, how, 1, 1).await, (streamed().len(), 0), "{how:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_cut_once_at_any_byte_comes_whole() {
    for how in BREAKS {
        assert_eq!(sweep(false, how, 1, 1).await, (whole().len(), 0), "{how:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_always_breaks_off_is_told_never_hidden() {
    for how in BREAKS {
        let (rescued, told) = sweep(true, how, usize::MAX, 11).await;
        assert!(told > rescued, "{how:?}: {rescued} whole, {told} told");
    }
}
