//! One request, from its scheduled arrival to its record: sent, retried as the client would, read and judged.
//!
//! What always holds: one [`Record`] comes back whatever happens, not later than the timeout, and its times count
//! from the scheduled arrival.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use tokio::time::{Instant, timeout, timeout_at};

use crate::client::Client;
use crate::judge::{StreamJudge, announces_stream, is_shed, judge_whole};
use crate::options::Options;
use crate::plan::Shot;
use crate::policy::ClientPolicy;
use crate::priorities::Priority;
use crate::record::{How, Outcome, Record};
use crate::sse::Splitter;
use crate::target::Target;

/// The largest unstreamed answer, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// As much of an error's body as is looked at, in bytes.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// The longest that a request may take: beyond a day nobody waits, and no clock overflows below it.
const TIMEOUT_MAX: Duration = Duration::from_secs(86_400);

/// How long the end of the body is waited for after `[DONE]`, so that the connection can be used again. The record is
/// complete by then.
const DRAIN_MAX: Duration = Duration::from_millis(250);

const USER_AGENT_VALUE: HeaderValue =
    HeaderValue::from_static(concat!("weir-replay/", env!("CARGO_PKG_VERSION")));
const PRIORITY: HeaderName = HeaderName::from_static("x-weir-priority");
const RETRY_COUNT: HeaderName = HeaderName::from_static("x-stainless-retry-count");
const READ_TIMEOUT: HeaderName = HeaderName::from_static("x-stainless-read-timeout");
const CACHE: HeaderName = HeaderName::from_static("x-cache");
const DEGRADED: HeaderName = HeaderName::from_static("x-weir-degraded");

/// What all requests of a run have in common.
pub(crate) struct Sender {
    client: Client,
    endpoint: Uri,
    headers: HeaderMap,
    policy: ClientPolicy,
    stream: bool,
    timeout: Duration,
}

/// The body behind the head that the policy judges.
enum ReplyBody {
    /// Still coming: a streaming client has the head only.
    Open(Incoming),
    /// All there.
    Whole(Bytes),
}

impl Sender {
    pub(crate) fn new(target: &Target, options: &Options) -> Self {
        let timeout = options.timeout.min(TIMEOUT_MAX);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, USER_AGENT_VALUE);
        headers.insert(READ_TIMEOUT, seconds(timeout));
        headers.extend(target.authorization.clone().map(|value| (AUTHORIZATION, value)));
        Self {
            client: target.client.clone(),
            endpoint: target.endpoint.clone(),
            headers,
            policy: target.policy,
            stream: options.stream,
            timeout,
        }
    }

    /// Sends `shot`, which was due at `scheduled`, and says what became of it.
    pub(crate) async fn deliver(&self, mut shot: Shot, scheduled: Instant) -> Record {
        let mut record = Record::not_sent(shot.due, shot.priority);
        record.sent_late = scheduled.elapsed();
        let deadline = scheduled + self.timeout;
        let settled = timeout_at(deadline, self.settle(&mut shot, scheduled, &mut record)).await;
        record.total = scheduled.elapsed();
        match settled {
            Ok((outcome, rest)) => {
                record.outcome = outcome;
                drain(rest).await;
            }
            Err(_elapsed) => record.outcome = Outcome::Timeout,
        }
        record
    }

    /// The outcome after all tries, and what may be left of the connection's answer.
    async fn settle(
        &self,
        shot: &mut Shot,
        scheduled: Instant,
        record: &mut Record,
    ) -> (Outcome, Option<Incoming>) {
        let Shot { body, priority, chance, .. } = shot;
        let attempt = |retries| self.try_once(self.request(body, *priority, retries));
        let (head, body) = match self.policy.persist(chance, &mut record.tries, attempt).await {
            Ok(response) => response.into_parts(),
            Err(lost) => {
                record.reason = lost.reason;
                return (lost.outcome, None);
            }
        };
        record.degraded = head.headers.get(DEGRADED).is_some_and(|mark| !mark.is_empty());
        record.known = head.headers.get(CACHE).and_then(|said| How::said(said.as_bytes()));
        match (head.status, body) {
            (StatusCode::OK, ReplyBody::Open(mut body)) if announces_stream(&head.headers) => {
                let outcome = read_stream(&mut body, scheduled, &mut record.first_token).await;
                (outcome, Some(body))
            }
            (StatusCode::OK, ReplyBody::Open(_)) => (Outcome::Invalid, None),
            (StatusCode::OK, ReplyBody::Whole(body)) => {
                record.first_token = Some(scheduled.elapsed());
                (judge_whole(&body), None)
            }
            (status, body) => {
                let body = match body {
                    ReplyBody::Whole(body) => body,
                    // An error whose body breaks is still that error.
                    ReplyBody::Open(body) => read_whole(body, ERROR_BYTES_MAX).await.unwrap_or_default(),
                };
                record.shed = is_shed(status.as_u16(), &head.headers, &body);
                (Outcome::Status(status.as_u16()), None)
            }
        }
    }

    /// One try: up to the head for a streaming client, up to the last byte for one that is not, as in the SDK.
    async fn try_once(&self, request: Request<Full<Bytes>>) -> Result<Response<ReplyBody>, Lost> {
        let response = self.client.request(request).await;
        let (head, body) = response.map_err(|error| lost(&error))?.into_parts();
        let body = if self.stream {
            ReplyBody::Open(body)
        } else {
            ReplyBody::Whole(read_whole(body, ANSWER_BYTES_MAX).await?)
        };
        Ok(Response::from_parts(head, body))
    }

    fn request(&self, body: &Bytes, priority: Priority, retries: u32) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.clone();
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(PRIORITY, u16::from(priority.get()).into());
        request.headers_mut().insert(RETRY_COUNT, retries.into());
        request
    }
}

/// Seconds as Python prints a float: `60.0`.
fn seconds(duration: Duration) -> HeaderValue {
    let text = format!("{:?}", duration.as_secs_f64());
    HeaderValue::try_from(text).expect("a number is a valid header")
}

async fn read_stream(body: &mut Incoming, scheduled: Instant, first_token: &mut Option<Duration>) -> Outcome {
    let mut splitter = Splitter::default();
    let mut judge = StreamJudge::default();
    // A broken body ends like a short one: the judge knows whether it had said that it was done.
    while let Some(Ok(frame)) = body.frame().await {
        let Some(data) = frame.data_ref() else { continue };
        if splitter.push(data, |event| judge.event(&event)).is_err() {
            return Outcome::Invalid;
        }
        if first_token.is_none() && judge.has_content() {
            *first_token = Some(scheduled.elapsed());
        }
        if judge.is_over() {
            break;
        }
    }
    judge.verdict()
}

async fn read_whole(body: Incoming, bytes_max: usize) -> Result<Bytes, Outcome> {
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Outcome::Invalid),
        Err(_) => Err(Outcome::Truncated),
    }
}

async fn drain(rest: Option<Incoming>) {
    let Some(mut body) = rest else { return };
    let to_its_end = async { while let Some(Ok(_)) = body.frame().await {} };
    // Not reaching the end costs a connection, nothing else.
    let _ = timeout(DRAIN_MAX, to_its_end).await;
}

/// A try that brought no answer.
struct Lost {
    outcome: Outcome,
    /// What the innermost cause says; it names what a person can change, like a port or a certificate.
    reason: Option<String>,
}

impl From<Outcome> for Lost {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, reason: None }
    }
}

/// No answer: whose fault that is, this machine's if it has no socket left to give, and why.
fn lost(error: &legacy::Error) -> Lost {
    let mut innermost: &dyn Error = error;
    let mut outcome = Outcome::Connect;
    while let Some(cause) = innermost.source() {
        if cause.downcast_ref::<std::io::Error>().is_some_and(is_out_of_sockets) {
            outcome = Outcome::ClientLimit;
        }
        innermost = cause;
    }
    Lost { outcome, reason: Some(innermost.to_string()) }
}

fn is_out_of_sockets(error: &std::io::Error) -> bool {
    // ENFILE and EMFILE; the standard library has no kind for them.
    matches!(error.raw_os_error(), Some(23 | 24)) || error.kind() == std::io::ErrorKind::AddrNotAvailable
}
