//! Acting a case out: the services are told what to do, the gateway is called, and both sides are written
//! down.
//!
//! What always holds: a case begins with a call that both services answer well, and that must go through the
//! primary: a gateway that still avoids the primary for what the case before did to it would be judged for
//! the wrong thing.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use weir_core::Clock;

use crate::case::Case;
use crate::exchange::{End, exchange};
use crate::judge::{Outcome, Seen, judge, outcome};
use crate::report::Report;
use crate::scenario::{CHAT_STREAM, Check, Dialect, Way};
use crate::told::Told;
use crate::upstream::{Attempt, Trouble, Upstream, base_url};

/// A healthy call takes about one second.
const HEALTHY_LIMIT: Duration = Duration::from_secs(45);
/// How long a gateway has to come back to a primary that is well: longer than its circuits stay open.
const SETTLE_MAX: Duration = Duration::from_secs(60);
const SETTLE_PAUSE: Duration = Duration::from_secs(1);

/// The gateway under drill and the services behind it.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Where the gateway's API is: what one would give an official SDK. A URL without a path gets `/v1`.
    pub gateway: String,
    /// The model that goes to the primary and falls back to the fallback.
    pub model: String,
    /// The gateway's key, if it wants one.
    pub key: Option<String>,
    /// The service that misbehaves.
    pub primary: Upstream,
    /// The one to fall back to.
    pub fallback: Upstream,
    /// Makes the prompts of this run like those of no other.
    pub mark: String,
}

impl Stage {
    /// Finds out whether the gateway can be called at all, without calling it.
    ///
    /// # Errors
    /// Its URL or its key cannot be used.
    pub fn check(&self) -> Result<(), Trouble> {
        request(self, CHAT_STREAM, String::new()).map(drop)
    }
}

/// Acts one case out and judges it.
///
/// # Errors
/// The services cannot be driven, or the gateway does not use them while all is well.
pub async fn run(case: &Case, stage: &Stage, clock: Clock) -> Result<Report, Trouble> {
    let began = clock.now();
    let actor = Actor { case, stage, clock };
    let seen = actor.act().await?;
    let (verdict, reason) = judge(case, &seen);
    Ok(Report {
        id: case.id(),
        title: case.scenario.title,
        verdict,
        reason,
        ms: whole_ms(clock.now() - began),
        call_ms: seen.calls.iter().map(|told| whole_ms(told.took)).max(),
        first_ms: seen.calls.iter().filter_map(|told| told.began.map(whole_ms)).max(),
        primary: seen.primary.len(),
        fallback: seen.fallback.len(),
    })
}

struct Actor<'a> {
    case: &'a Case,
    stage: &'a Stage,
    clock: Clock,
}

/// A moment on both clocks: the drill's and the primary's.
struct Moment {
    at: Instant,
    primary_ms: i64,
}

impl Actor<'_> {
    async fn act(&self) -> Result<Seen, Trouble> {
        let (stage, scenario) = (self.stage, self.case.scenario);
        let moment = self.settle().await?;
        stage.primary.follow(&scenario.question.plan(scenario.primary), self.clock).await?;
        stage.fallback.follow(&scenario.question.plan(scenario.fallback), self.clock).await?;
        stage.primary.forget(self.clock).await?;
        stage.fallback.forget(self.clock).await?;
        let began = self.clock.now();
        let (calls, well_ms) = tokio::join!(self.calls(), self.recover(began));
        let began_ms = moment.primary_ms + millis(began - moment.at);
        let since_began = |attempt: Attempt| Attempt { started_ms: attempt.started_ms - began_ms, ..attempt };
        let primary = stage.primary.attempts(self.clock).await?;
        let mut seen = Seen {
            calls: calls?,
            well_ms: well_ms?,
            primary: primary.into_iter().map(since_began).collect(),
            fallback: stage.fallback.attempts(self.clock).await?,
            after: None,
        };
        if scenario.checks.iter().any(|check| matches!(check, Check::AliveAfter)) {
            self.heal().await?;
            seen.after = Some(self.call("after", HEALTHY_LIMIT).await?);
        }
        Ok(seen)
    }

    /// Waits until the gateway answers through the primary, with both services well.
    async fn settle(&self) -> Result<Moment, Trouble> {
        let began = self.clock.now();
        self.heal().await?;
        let mut number = 0;
        loop {
            let at = self.clock.now();
            let told = self.call(&format!("warm {number}"), HEALTHY_LIMIT).await?;
            let asked = self.stage.primary.attempts(self.clock).await?;
            if let End::Unreachable(why) = told.end {
                return Err(Trouble::Gateway(why));
            }
            let right = self.case.scenario.question.right();
            let problem = match (outcome(&told, right, self.case.way.dialect), asked.last()) {
                (Outcome::Whole, Some(last)) => return Ok(Moment { at, primary_ms: last.started_ms }),
                (Outcome::Whole, None) => "it asks the fallback".to_owned(),
                (Outcome::Refused(why) | Outcome::False(why), _) => why,
            };
            if self.clock.now() - began > SETTLE_MAX {
                return Err(Trouble::Gateway(problem));
            }
            number += 1;
            tokio::time::sleep(SETTLE_PAUSE).await;
        }
    }

    /// Both services forget everything and are well.
    async fn heal(&self) -> Result<(), Trouble> {
        let well = self.case.scenario.question.plan("[]");
        self.stage.primary.prepare(&well, self.clock).await?;
        self.stage.fallback.prepare(&well, self.clock).await
    }

    /// Every call, each at its time, whatever became of those before it.
    async fn calls(&self) -> Result<Vec<Told>, Trouble> {
        let scenario = self.case.scenario;
        let call = async |number: u32| {
            tokio::time::sleep(scenario.every * number).await;
            self.call(&format!("call {number}"), scenario.limit).await
        };
        try_join_all((0..scenario.calls).map(call)).await
    }

    /// Makes the primary well again at its time; says when that was, in milliseconds since the case began.
    async fn recover(&self, began: Instant) -> Result<i64, Trouble> {
        let Some(after) = self.case.scenario.well_after else { return Ok(0) };
        tokio::time::sleep(after).await;
        self.stage.primary.follow(&self.case.scenario.question.plan("[]"), self.clock).await?;
        Ok(millis(self.clock.now() - began))
    }

    /// One call, with a prompt of its own.
    async fn call(&self, name: &str, limit: Duration) -> Result<Told, Trouble> {
        let Case { scenario, way } = *self.case;
        let mark = format!("{} {} {name}", self.stage.mark, self.case.id());
        let body = scenario.question.body(way, &self.stage.model, &mark);
        let request = request(self.stage, way, body.to_string())?;
        Ok(Told::read(&exchange(request, limit, self.clock).await, way))
    }
}

fn request(stage: &Stage, way: Way, body: String) -> Result<Request<Full<Bytes>>, Trouble> {
    let path = match way.dialect {
        Dialect::Chat => "chat/completions",
        Dialect::Messages => "messages",
    };
    let invalid = || Trouble::NoBase(stage.gateway.clone());
    let mut base = base_url(&stage.gateway)?;
    if base.matches('/').count() == 2 {
        base.push_str("/v1");
    }
    let request = Request::post(format!("{base}/{path}")).body(Full::new(body.into()));
    let mut request = request.map_err(|_invalid| invalid())?;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let key = stage.key.as_deref().unwrap_or("drill");
    match way.dialect {
        Dialect::Chat => {
            let bearer = HeaderValue::from_str(&format!("Bearer {key}"));
            headers.insert(AUTHORIZATION, bearer.map_err(|_invalid| Trouble::Key)?);
        }
        Dialect::Messages => {
            headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
            headers.insert("x-api-key", HeaderValue::from_str(key).map_err(|_invalid| Trouble::Key)?);
        }
    }
    Ok(request)
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
