//! An application and the SDK it asks through: one request from the first try to the last word.
//!
//! The SDK is the official ones' (openai-python 3.3.1): two retries on connection errors, timeouts, 408,
//! 409, 429 and 5xx, after `min(0.5 s * 2^n, 8 s)` less up to a quarter, unless the answer says
//! `x-should-retry` or when to come back; never once a stream has begun.

use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use memchr::memmem::Finder;
use tokio::time::timeout;
use weir_core::names::PRIORITY;
use weir_core::{Answer, CacheState, Operation, Priority, Request, RequestId, Trail};

use crate::crowd::{Comer, Group};
use crate::house::{ANSWER_MAX, MODEL};
use crate::parts::Part;
use crate::patience::Patience;
use crate::run::{Door, Stage};
use crate::speech::Speech;
use crate::tally::{Ending, Outcome, Told};
use crate::text::{Judged, Question};
use crate::trouble::Refusal;

/// How long an application waits for the head of an answer, and between two reads of it.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const RETRIES: u32 = 2;
const BACKOFF_S: f64 = 0.5;
const BACKOFF_MAX_S: f64 = 8.0;
/// A longer `Retry-After` is not waited for: the SDK gives up.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(120);

/// Asks once, with the retries its arm has, and counts what came of it.
pub(crate) async fn ask(stage: &Stage, comer: Comer) {
    let (began, came_s) = (stage.clock.now(), stage.seconds());
    let question = stage.question(&comer);
    let was_known = stage.tally.borrow_mut().arrived(comer.group, question.number, came_s);
    let group = &stage.groups[comer.group];
    let mut retry = 0;
    let told = loop {
        let no = match timeout(PATIENCE, knock(stage, group, question, retry)).await {
            Ok(Ok(reply)) => break listen(stage, question, reply, began).await,
            Ok(Err(no)) => no,
            Err(_elapsed) => No::default(),
        };
        stage.tally.borrow_mut().throttled += u32::from(no.status == Some(429));
        let Some(wait) = no.wait(retry, &stage.chance).filter(|_| retry < stage.retries()) else {
            break Told { ending: Ending::Refused, first: None, cache: CacheState::Bypass };
        };
        tokio::time::sleep(wait).await;
        retry += 1;
    };
    let outcome = Outcome { question: question.number, was_known, came_s, s: stage.seconds(), told };
    stage.tally.borrow_mut().ended(comer.group, outcome);
}

/// An answer that has begun.
enum Reply {
    Straight(Speech),
    /// With what it says of itself: whether it is degraded, and what the cache had to do with it.
    Weir(Box<Answer>, bool, CacheState),
}

/// What a read gave.
enum Read {
    Bytes(Bytes),
    /// The SDK raises an error.
    Broken,
    /// The SDK ends its loop.
    End,
}

impl Reply {
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Read> {
        match self {
            Self::Straight(speech) => speech.poll_read(cx).map(|read| match read {
                Some(Ok(bytes)) => Read::Bytes(bytes),
                Some(Err(_reset)) => Read::Broken,
                None => Read::End,
            }),
            // The front door turns a failure into an error in band and cuts the connection: an error to the
            // SDK.
            Self::Weir(answer, ..) => answer.poll_chunk(cx).map(|read| match read {
                Some(Ok(chunk)) => Read::Bytes(chunk.bytes),
                Some(Err(_failure)) => Read::Broken,
                None => Read::End,
            }),
        }
    }
}

/// No answer, with what it says about trying again.
#[derive(Debug, Default)]
pub(crate) struct No {
    /// `None`: no connection, or no answer in time.
    status: Option<u16>,
    should_retry: Option<bool>,
    retry_after: Option<Duration>,
}

impl No {
    /// How long the SDK waits before its next try; `None` when it does not try again.
    pub(crate) fn wait(&self, retry: u32, chance: &weir_core::Chance) -> Option<Duration> {
        let by_status = self.status.is_none_or(|status| matches!(status, 408 | 409 | 429 | 500..));
        if !self.should_retry.unwrap_or(by_status)
            || self.retry_after.is_some_and(|wait| wait > RETRY_AFTER_MAX)
        {
            return None;
        }
        let seconds = (BACKOFF_S * f64::from(1_u32 << retry)).min(BACKOFF_MAX_S);
        let own = Duration::from_secs_f64(seconds * (1.0 - 0.25 * chance.unit()));
        Some(self.retry_after.filter(|wait| !wait.is_zero()).unwrap_or(own))
    }
}

async fn knock(stage: &Stage, group: &Group, question: Question, retry: u32) -> Result<Reply, No> {
    match &stage.door {
        Door::Straight(service) => {
            service.call(question, false).await.map(Reply::Straight).map_err(|refusal| {
                let status = match refusal {
                    Refusal::Connection => None,
                    Refusal::Status(status) => Some(status),
                };
                No { status, ..No::default() }
            })
        }
        Door::Weir(house) => {
            stage.asked.set(stage.asked.get() + 1);
            let request = Arc::new(request(stage, group, question, retry));
            let mut answer = house.pipeline.run(&request).await;
            if answer.head.status.is_success() {
                // The front door says so in headers.
                let degraded = request.trail.degraded_how().is_some();
                return Ok(Reply::Weir(Box::new(answer), degraded, request.trail.cache()));
            }
            // The SDK reads an error's body to its end.
            let body = std::future::poll_fn(|cx| answer.poll_chunk(cx)).await;
            let is_shed = matches!(&body, Some(Ok(chunk)) if is_shed(&chunk.bytes));
            let priority = request.trail.caller().map_or(Priority::DEFAULT, |(_, priority)| *priority);
            let has_room = is_shed && house.has_room(priority);
            stage.tally.borrow_mut().shed_with_room += u32::from(has_room);
            Err(no(answer.head.status, &answer.head.headers))
        }
    }
}

/// Whether weir says that there is too much work.
fn is_shed(body: &[u8]) -> bool {
    memchr::memmem::find(body, br#""weir_overloaded""#).is_some()
}

pub(crate) fn no(status: StatusCode, headers: &HeaderMap) -> No {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let ms = text("retry-after-ms").and_then(|ms| ms.parse().ok()).map(Duration::from_millis);
    let seconds = || text("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    No {
        status: Some(status.as_u16()),
        should_retry: text("x-should-retry").and_then(|value| value.parse().ok()),
        retry_after: ms.or_else(seconds),
    }
}

/// Reads an answer to its end, and judges it.
async fn listen(stage: &Stage, question: Question, mut reply: Reply, began: Instant) -> Told {
    let mut words = Vec::with_capacity(192);
    let mut first = None;
    // The SDK's timeout runs from read to read; the answer as a whole has none.
    let mut patience = Patience::new(stage.clock, PATIENCE, began + ANSWER_MAX);
    let broken = loop {
        match std::future::poll_fn(|cx| poll_read(&mut reply, &mut patience, cx)).await {
            Read::Bytes(bytes) => add_words(&bytes, &mut words),
            Read::End => break false,
            Read::Broken => break true,
        }
        patience.progressed();
        if first.is_none() && !words.is_empty() {
            first = Some(stage.clock.now().saturating_duration_since(began));
        }
    };
    let ending = match (question.judge(&words), broken) {
        (Judged::Whole, false) if matches!(reply, Reply::Weir(_, true, _)) => Ending::Degraded,
        (Judged::Whole, false) => Ending::Full,
        (_, false) => Ending::False,
        (judged, true) => {
            stage.tally.borrow_mut().garbled += u32::from(judged == Judged::Garbled);
            Ending::Cut
        }
    };
    let cache = if let Reply::Weir(_, _, cache) = reply { cache } else { CacheState::Bypass };
    Told { ending, first, cache }
}

/// The next read, or the error the SDK raises when none comes.
fn poll_read(reply: &mut Reply, patience: &mut Patience, cx: &mut Context<'_>) -> Poll<Read> {
    match reply.poll_read(cx) {
        Poll::Pending => patience.poll_out(cx).map(|_failure| Read::Broken),
        read => read,
    }
}

/// Adds what the events of a read say. Modelled words need no escapes, so that a byte search finds them.
pub(crate) fn add_words(events: &[u8], words: &mut Vec<u8>) {
    static CONTENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""content":""#));
    for at in CONTENT.find_iter(events) {
        let value = &events[at + CONTENT.needle().len()..];
        let end = memchr::memchr(b'"', value).unwrap_or(value.len());
        words.extend_from_slice(&value[..end]);
    }
}

/// The question a body asks, by its number.
pub(crate) fn number_in(messages: &[u8]) -> Option<u32> {
    const BEFORE: &[u8] = br#""content":"question "#;
    let at = memchr::memmem::find(messages, BEFORE)? + BEFORE.len();
    let digits = messages[at..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0_u32, |number, digit| number.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'))))
}

/// What makes a prompt as long as it is said to be.
fn padding(prompt_tokens: u32) -> &'static str {
    const BYTES_PER_TOKEN: usize = 4;
    const SHORT: u32 = 32;
    static LONG: LazyLock<String> = LazyLock::new(|| " so".repeat(100_000));
    if prompt_tokens <= SHORT {
        return "";
    }
    &LONG[..(prompt_tokens as usize * BYTES_PER_TOKEN).min(LONG.len())]
}

/// The request as it comes through the front door.
fn request(stage: &Stage, group: &Group, question: Question, retry: u32) -> Request {
    static RETRY_COUNT: HeaderName = HeaderName::from_static("x-stainless-retry-count");
    static READ_TIMEOUT: HeaderName = HeaderName::from_static("x-stainless-read-timeout");
    let temperature = if question.fixed { r#","temperature":0"# } else { "" };
    let number = question.number;
    let padding = padding(question.prompt_tokens);
    let message = format!(r#"{{"role":"user","content":"question {number}{padding}"}}"#);
    let body = format!(r#"{{"model":"{MODEL}","messages":[{message}],"stream":true{temperature}}}"#);
    let (model, envelope) =
        weir_wire::envelope::read(Operation::Chat, body.into()).expect("the body is a good one");
    let received = stage.clock.now();
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(&RETRY_COUNT, HeaderValue::from(retry));
    headers.insert(&READ_TIMEOUT, HeaderValue::from(PATIENCE.as_secs()));
    if let Some(key) = group.key.as_deref().and_then(|key| HeaderValue::from_str(key).ok()) {
        headers.insert(AUTHORIZATION, key);
    }
    // Urgency is what the queue and the levels know how to use.
    let is_known = stage.parts.has(Part::Queue) || stage.parts.has(Part::Levels);
    if let Some(priority) = group.priority.filter(|_| is_known) {
        headers.insert(&PRIORITY, HeaderValue::from(u16::from(priority)));
    }
    Request {
        id: RequestId::draw(&stage.chance),
        received,
        operation: Operation::Chat,
        dialect: Operation::Chat.dialect(),
        method: Method::POST,
        path: "/chat/completions".into(),
        query: None,
        model: model.into(),
        headers,
        envelope,
        trail: Arc::new(Trail::new(received)),
    }
}
