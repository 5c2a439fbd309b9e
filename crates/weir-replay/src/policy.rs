//! What a client does by itself when a request fails: nothing, or what the official SDK does.
//!
//! A gateway is judged by what reaches the application, and between the two sits an SDK that retries behind
//! everyone's back. `OfficialSdk` follows openai-python `_base_client.py` at e43b422 (`_should_retry`,
//! `_calculate_retry_timeout`), including its order: a `retry-after` beyond two minutes ends it, then
//! `x-should-retry` decides, then the status. What always holds: at most `retries` retries, and none after the head of
//! an answer that is not an error, so no token is ever sent twice.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Response, StatusCode};
use tokio::time::sleep;

use crate::chance::Chance;

/// `INITIAL_RETRY_DELAY` of the SDK, in seconds.
const FIRST_DELAY_S: f64 = 0.5;
/// `MAX_RETRY_DELAY` of the SDK, in seconds.
const DELAY_MAX_S: f64 = 8.0;
/// `MAX_RETRY_AFTER_DELAY` of the SDK, in seconds.
const RETRY_AFTER_MAX_S: f64 = 120.0;

/// What the client does when a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientPolicy {
    /// One try; what comes back is the outcome.
    None,
    /// What openai-python does by itself.
    OfficialSdk {
        /// Retries after the first try; the SDK's own default is 2.
        retries: u32,
    },
}

impl ClientPolicy {
    /// The official SDK with its own defaults.
    pub const OFFICIAL_SDK: Self = Self::OfficialSdk { retries: 2 };

    /// Runs `attempt`, which is told how many retries went before, until this policy keeps what came of it. `tries`
    /// counts along, so that it is right even when the caller stops waiting.
    pub(crate) async fn persist<Body, Loss, Attempt>(
        self,
        chance: &mut Chance,
        tries: &mut u32,
        attempt: impl Fn(u32) -> Attempt,
    ) -> Result<Response<Body>, Loss>
    where
        Attempt: Future<Output = Result<Response<Body>, Loss>>,
    {
        let mut retries = 0;
        loop {
            *tries = retries + 1;
            let tried = attempt(retries).await;
            let wait = match &tried {
                Ok(answer) => {
                    let head = (answer.status(), answer.headers());
                    self.wait_after_answer(head, retries, SystemTime::now(), chance)
                }
                Err(_) => self.wait_after_loss(retries, chance),
            };
            let Some(wait) = wait else { return tried };
            // A refused answer is let go first: its connection must not wait with us.
            drop(tried);
            sleep(wait).await;
            retries += 1;
        }
    }

    /// How long to wait before trying again after an answer with this head, or nothing to leave it at that. `retries`
    /// were made before; `now` is the wall clock, which a `retry-after` date is compared with.
    fn wait_after_answer(
        self,
        (status, headers): (StatusCode, &HeaderMap),
        retries: u32,
        now: SystemTime,
        chance: &mut Chance,
    ) -> Option<Duration> {
        let is_error = status.is_client_error() || status.is_server_error();
        if !is_error || !self.has_retry_left(retries) {
            return None;
        }
        let asked = retry_after_s(headers, now).filter(|seconds| seconds.is_finite());
        if asked.is_some_and(|seconds| seconds > RETRY_AFTER_MAX_S) || !invites_retry(status, headers) {
            return None;
        }
        match asked {
            Some(seconds) if seconds > 0.0 => Some(Duration::from_secs_f64(seconds)),
            _ => Some(backoff(retries, chance)),
        }
    }

    /// The same after a try that brought no answer at all.
    fn wait_after_loss(self, retries: u32, chance: &mut Chance) -> Option<Duration> {
        self.has_retry_left(retries).then(|| backoff(retries, chance))
    }

    fn has_retry_left(self, retries: u32) -> bool {
        match self {
            Self::None => false,
            Self::OfficialSdk { retries: retries_max } => retries < retries_max,
        }
    }
}

fn invites_retry(status: StatusCode, headers: &HeaderMap) -> bool {
    match headers.get("x-should-retry").map(http::HeaderValue::as_bytes) {
        Some(b"true") => true,
        Some(b"false") => false,
        _ => matches!(status.as_u16(), 408 | 409 | 429 | 500..),
    }
}

/// Seconds the server asks for, from `retry-after-ms`, else `retry-after` as a number, else as a date; a past date is
/// negative.
fn retry_after_s(headers: &HeaderMap, now: SystemTime) -> Option<f64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return Some(ms / 1_000.0);
    }
    let text = text("retry-after")?;
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(match date.duration_since(now) {
        Ok(ahead) => ahead.as_secs_f64(),
        Err(past) => -past.duration().as_secs_f64(),
    })
}

/// `min(0.5 · 2^retries, 8) · (1 − 0.25·U)` seconds.
fn backoff(retries: u32, chance: &mut Chance) -> Duration {
    let exponent = i32::try_from(retries).unwrap_or(i32::MAX);
    let seconds = (FIRST_DELAY_S * 2_f64.powi(exponent)).min(DELAY_MAX_S);
    Duration::from_secs_f64(seconds * (1.0 - 0.25 * chance.unit()))
}
