//! The two services behind the gateway: `weir mock`s, driven over their control API.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Uri};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::Value;
use weir_core::Clock;

use crate::exchange::{End, exchange};

/// A control answers at once or not at all.
const CONTROL_LIMIT: Duration = Duration::from_secs(10);

/// A service that cannot be driven, or a gateway that cannot be drilled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It is no base URL.
    #[error("`{0}` is no base URL: give one such as http://127.0.0.1:9101 (plain HTTP)")]
    NoBase(String),
    /// A mock does not do as it is told.
    #[error("the mock at {base} does not obey {path}: {problem}; is it a `weir mock` of this version?")]
    Mock {
        /// Where it is.
        base: String,
        /// What was asked.
        path: String,
        /// What came back.
        problem: String,
    },
    /// The gateway's key cannot be sent.
    #[error("the gateway's key is not what a header can hold")]
    Key,
    /// With both services well, the gateway does not use the primary.
    #[error("the gateway does not answer through the primary while all is well: {0}")]
    Gateway(String),
}

/// One attempt, as a service saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Attempt {
    /// The path asked for.
    pub path: String,
    /// The model asked for.
    pub model: Option<String>,
    /// When it came, in milliseconds since the first call of the case; before that, since the mock started.
    pub started_ms: i64,
    /// How it ended; none while it goes on.
    pub ended: Option<String>,
    /// Whether it was to go on from a begun answer.
    pub prefill: bool,
    /// Tokens of its prompt, as the service counts.
    pub prompt_tokens: u64,
    /// Tokens of the whole answer, whether or not they were sent.
    pub answer_tokens: u64,
}

impl Attempt {
    /// Whether it was answered to the end.
    pub fn complete(&self) -> bool {
        self.ended.as_deref() == Some("complete")
    }

    /// Whether it was given a begun answer and would not go on from it.
    pub fn prefill_refused(&self) -> bool {
        self.prefill && self.ended.as_deref() == Some("rejected")
    }
}

/// A `weir mock`.
#[derive(Clone, Debug)]
pub struct Upstream {
    base: String,
}

impl Upstream {
    /// The mock at this base URL.
    ///
    /// # Errors
    /// It is none.
    pub fn new(base: &str) -> Result<Self, Trouble> {
        Ok(Self { base: base_url(base)? })
    }

    /// Forgets all, and takes up a plan.
    pub(crate) async fn prepare(&self, plan: &Value, clock: Clock) -> Result<(), Trouble> {
        self.ask(Method::POST, "/__mock/reset", Bytes::new(), clock).await?;
        self.follow(plan, clock).await
    }

    /// Takes up a plan, and keeps the log.
    pub(crate) async fn follow(&self, plan: &Value, clock: Clock) -> Result<(), Trouble> {
        self.ask(Method::POST, "/__mock/faults", plan.to_string().into(), clock).await.map(drop)
    }

    /// Forgets what was asked so far.
    pub(crate) async fn forget(&self, clock: Clock) -> Result<(), Trouble> {
        self.ask(Method::DELETE, "/__mock/log", Bytes::new(), clock).await.map(drop)
    }

    /// The attempts at answering, oldest first. Lists of models and the like are no attempts.
    pub(crate) async fn attempts(&self, clock: Clock) -> Result<Vec<Attempt>, Trouble> {
        let body = self.ask(Method::GET, "/__mock/log", Bytes::new(), clock).await?;
        let mut attempts: Vec<Attempt> = serde_json::from_slice(&body)
            .map_err(|error| self.trouble("/__mock/log", format!("its log is not as expected: {error}")))?;
        attempts.retain(|attempt| {
            attempt.path.ends_with("/chat/completions") || attempt.path.ends_with("/messages")
        });
        Ok(attempts)
    }

    async fn ask(&self, method: Method, path: &str, body: Bytes, clock: Clock) -> Result<Vec<u8>, Trouble> {
        let uri = format!("{}{path}", self.base);
        let request = Request::builder().method(method).uri(&uri).body(Full::new(body));
        let request = request.map_err(|_invalid| Trouble::NoBase(self.base.clone()))?;
        let heard = exchange(request, CONTROL_LIMIT, clock).await;
        match (heard.status, heard.end) {
            (Some(200), End::Clean) => Ok(heard.body),
            (Some(status), End::Clean) => {
                let said = String::from_utf8_lossy(&heard.body).into_owned();
                Err(self.trouble(path, format!("status {status}: {said}")))
            }
            (_, End::Broken(why) | End::Unreachable(why)) => Err(self.trouble(path, why)),
            (_, End::Hung | End::Clean) => Err(self.trouble(path, "no answer".to_owned())),
        }
    }

    fn trouble(&self, path: &str, problem: String) -> Trouble {
        Trouble::Mock { base: self.base.clone(), path: path.to_owned(), problem }
    }
}

/// The URL without a slash at its end, if it is one that can be asked over plain HTTP.
pub(crate) fn base_url(base: &str) -> Result<String, Trouble> {
    let refuse = || Trouble::NoBase(base.to_owned());
    let uri: Uri = base.parse().map_err(|_invalid| refuse())?;
    if uri.scheme_str() != Some("http") || uri.host().is_none() || uri.query().is_some() {
        return Err(refuse());
    }
    Ok(base.trim_end_matches('/').to_owned())
}
