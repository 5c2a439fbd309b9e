//! The modelled services as the pipeline calls them. The bytes they say are read by the same code as a real
//! service's.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use weir_core::{Body, Chunk, ChunkStream, Class, Clock, Envelope, Failure, Head, Operation, Request};
use weir_infer::{Begun, Target, Timers};
use weir_pipeline::Upstream;
use weir_wire::classify;
use weir_wire::dialect;
use weir_wire::stream::StreamReader;

use crate::client;
use crate::crowd::Book;
use crate::patience::{self, Patience};
use crate::service::Service;
use crate::speech::{Reset, Speech};
use crate::text::Question;
use crate::trouble::Refusal;

/// The services of a world, each known by its base URL.
pub(crate) struct Upstreams {
    pub(crate) clock: Clock,
    pub(crate) book: Book,
    pub(crate) services: Vec<(&'static str, Arc<Service>)>,
}

impl Upstream for Upstreams {
    fn call<'a>(
        &'a self,
        request: &'a Request,
        target: Target<'a>,
        timers: Timers,
    ) -> Pin<Box<dyn Future<Output = Result<Begun, Failure>> + Send + 'a>> {
        Box::pin(async move { patience::begin(timers.begin_by, self.begin(request, &target, timers)).await })
    }
}

impl Upstreams {
    async fn begin(&self, request: &Request, target: &Target<'_>, timers: Timers) -> Result<Begun, Failure> {
        let service = self.service(target.base);
        let question = asked(&self.book, target.envelope)?;
        let wants_usage = request.envelope.wants_usage;
        let speech = service.call(question, target.include_usage || wants_usage).await;
        let speech = speech.map_err(failure)?;
        let format = dialect::format(Operation::Chat).expect("chat has a format");
        let reader = StreamReader::new(format, wants_usage);
        let mut stream = Modelled { speech, reader, held: None, patience: None };
        let first = std::future::poll_fn(|cx| stream.poll_first(cx)).await?;
        stream.held = Some(first);
        stream.patience = Some(Patience::new(self.clock, timers.pauses.stall, timers.deadline));
        let mut head = Head::default();
        head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        Ok(Begun { head, body: Body::Stream(Box::pin(stream)) })
    }

    fn service(&self, base: &str) -> &Arc<Service> {
        let found = self.services.iter().find(|(own, _)| base.starts_with(own));
        &found.expect("only the house's own endpoints are called").1
    }
}

/// The question in a body. A begun answer at its end is refused in the words DeepSeek has for it: none of
/// the modelled services can take one up.
fn asked(book: &Book, envelope: &Envelope) -> Result<Question, Failure> {
    let messages = envelope.get("messages").unwrap_or_default();
    let Some(number) = client::number_in(messages) else {
        return Err(reply(
            StatusCode::BAD_REQUEST,
            r#"{"error":{"message":"no question","code":"invalid_request_error"}}"#,
        ));
    };
    if ends_in_an_answer(messages) {
        let words = concat!(
            r#"{"error":{"message":"prefix is only available when using beta api","#,
            r#""type":"invalid_request_error","code":"invalid_prefill"}}"#
        );
        return Err(reply(StatusCode::BAD_REQUEST, words));
    }
    Ok(Question { fixed: envelope.temperature_zero, ..book.question(number) })
}

/// Whether the last message is the beginning of an answer, which a service is to take up.
fn ends_in_an_answer(messages: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Message<'a> {
        role: &'a str,
    }
    // Hardly any has one: a search is cheaper than a parse.
    memchr::memmem::find(messages, br#""assistant""#).is_some()
        && serde_json::from_slice::<Vec<Message<'_>>>(messages)
            .is_ok_and(|messages| messages.last().is_some_and(|last| last.role == "assistant"))
}

/// A refusal as the pipeline sees it.
fn failure(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Connection => {
            Failure { sent: false, ..Failure::new(Class::Hard, "the connection was refused") }
        }
        Refusal::Status(429) => reply(
            StatusCode::TOO_MANY_REQUESTS,
            concat!(
                r#"{"error":{"message":"Too many requests at the same time","#,
                r#""type":"rate_limit_error","code":"rate_limit_reached"}}"#
            ),
        ),
        Refusal::Status(503) => reply(
            StatusCode::SERVICE_UNAVAILABLE,
            concat!(
                r#"{"error":{"message":"Service is too busy","#,
                r#""type":"service_unavailable_error","code":"service_unavailable"}}"#
            ),
        ),
        Refusal::Status(_) => reply(
            StatusCode::INTERNAL_SERVER_ERROR,
            r#"{"error":{"message":"Internal server error","type":"server_error","code":"internal_error"}}"#,
        ),
    }
}

fn reply(status: StatusCode, body: &'static str) -> Failure {
    classify::reply(status, &HeaderMap::new(), Bytes::from_static(body.as_bytes()), UNIX_EPOCH)
}

/// A modelled stream, read.
struct Modelled {
    speech: Speech,
    reader: StreamReader,
    held: Option<Chunk>,
    /// From the first meaningful part on.
    patience: Option<Patience>,
}

impl Modelled {
    /// Everything up to the first meaningful part.
    fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<Result<Chunk, Failure>> {
        loop {
            let read = ready!(self.speech.poll_read(cx));
            let chunk = match read {
                Some(Ok(bytes)) => self.reader.push(bytes)?,
                Some(Err(Reset)) => return Poll::Ready(Err(broke())),
                None => self.reader.finish()?,
            };
            // A modelled service says nothing before its first word.
            if let Some(chunk) = chunk {
                return Poll::Ready(Ok(chunk));
            }
        }
    }
}

impl ChunkStream for Modelled {
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Failure>>> {
        if let Some(held) = self.held.take() {
            return Poll::Ready(Some(Ok(held)));
        }
        while !self.reader.is_over() {
            let read = match (self.speech.poll_read(cx), &mut self.patience) {
                (Poll::Ready(read), _) => read,
                (Poll::Pending, Some(patience)) => {
                    return Poll::Ready(Some(Err(ready!(patience.poll_out(cx)))));
                }
                (Poll::Pending, None) => return Poll::Pending,
            };
            let chunk = match read {
                Some(Ok(bytes)) => self.reader.push(bytes)?,
                Some(Err(Reset)) => return Poll::Ready(Some(Err(broke()))),
                None => self.reader.finish()?,
            };
            if let Some(chunk) = chunk {
                if let (true, Some(patience)) = (chunk.progress, &mut self.patience) {
                    patience.progressed();
                }
                return Poll::Ready(Some(Ok(chunk)));
            }
        }
        Poll::Ready(None)
    }
}

fn broke() -> Failure {
    Failure::new(Class::Truncated, "the stream broke: connection reset")
}
