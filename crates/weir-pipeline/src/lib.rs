//! The six stages in order: the whole life of a request on one screen, and the one loop that may repeat a part of it.
//!
//! What always holds: each stage returns a value that is the permission to go on; dropping it gives it back, and `?`
//! anywhere gives everything back. The record opens first and ends last, exactly once, even when the caller leaves.

mod attempts;
mod continued;
mod forms;
mod itself;
pub mod machine;
mod metrics;
mod pressed;
mod run;
mod session;
mod shared;

use std::sync::Arc;

use http::HeaderValue;
use weir_admit::{Admission, Admit};
use weir_cache::{Asker, Cache, Fill, Lookup, Miss};
use weir_core::{Answer, Body, Clock, Kind, Rejection, Request};
use weir_pressure::Pressure;
use weir_queue::{Place, Queue};
use weir_settle::{Record, Settle};

pub use attempts::{Around, Attempts, Upstream, repeats};
pub use forms::forms;
pub use itself::{Itself, ModelEmbedder, ModelJudge};
pub use shared::Spawn;
pub use weir_admit::Models;

#[cfg(test)]
mod tests;

/// The six stages.
pub struct Pipeline {
    /// Where time comes from.
    pub clock: Clock,
    /// 1: who, how much, how urgent.
    pub admit: Admit,
    /// 2: known already?
    pub cache: Cache,
    /// 3: is it its turn?
    pub queue: Queue,
    /// How hard each pool is pressed, and whom to turn away.
    pub pressure: Arc<Pressure>,
    /// 4 and 5: where to send, and the call.
    pub attempts: Attempts,
    /// 6: what it cost, what we learned.
    pub settle: Settle,
    /// How a call is begun that several requests share.
    pub spawn: Spawn,
}

impl Pipeline {
    /// Takes a request from its arrival to the beginning of its answer; the answer's observers see it to its end.
    pub async fn run(self: &Arc<Self>, request: &Arc<Request>) -> Answer {
        let record = self.settle.open(request); // 6 opens first …
        let answered = self.answer(request).await;
        self.recorded(request, record, answered) // … and closes last
    }

    /// The answer to a request that could not even enter: recorded like every other.
    pub fn refuse(&self, request: &Request, rejection: &Rejection) -> Answer {
        self.recorded(request, self.settle.open(request), Err(rejection.clone()))
    }

    async fn answer(self: &Arc<Self>, request: &Arc<Request>) -> Result<Answer, Rejection> {
        let admission = self.admit.check(request)?; // 1
        self.arrived(request, &admission);
        let Miss { fill, stale, shared, asked, question } =
            match self.cache.look(request, &asker(&admission)).await? {
                Lookup::Hit(answer) => return Ok(answer.observed_by(admission.into_free_observer())), // 2
                Lookup::Old(answer, refresh) => {
                    return Ok(self.refreshed(request, answer, admission, refresh));
                }
                Lookup::Miss(miss) => miss,
            };
        let (fill, alike) = match question {
            Some(question) => self.cache.alike(question, fill).await,
            None => (fill, None),
        };
        if let Some(answer) = alike {
            return Ok(answer.observed_by(admission.into_free_observer()));
        }
        let stale = stale.only_if(admission.may_degrade);
        if let Some(answer) = self.instead_of_asking(&admission, &stale) {
            return Ok(answer.observed_by(admission.into_free_observer()));
        }
        let rates = admission.rates();
        let made = match shared {
            Some(key) => self.share(key, request, (admission, fill)).await,
            None => self.make(request, admission, fill).await,
        };
        if let Err(rejection) = &made {
            self.cache.refused(asked, rejection);
        }
        let mut answer = made.or_else(|rejection| stale.instead_of(&rejection).ok_or(rejection))?;
        rates.write_headers(&mut answer.head.headers);
        Ok(answer)
    }

    /// An answer that nobody has given yet.
    async fn make(
        &self,
        request: &Arc<Request>,
        mut admission: Admission,
        fill: Fill,
    ) -> Result<Answer, Rejection> {
        let fill = fill.only_if(self.is_answered_in_full(request, &mut admission));
        self.is_let_in(request, &admission)?;
        let permit = self.queue.wait(request, &place(request, &admission)).await?; // 3
        let answer = self.attempts.run(request, &admission, permit).await?; // 4 ⇄ 5: the only loop
        Ok(answer.observed_by(fill).observed_by(admission.into_observer()))
    }

    /// The answer, recorded to its end.
    fn recorded(&self, request: &Request, mut record: Record, answered: Result<Answer, Rejection>) -> Answer {
        let answer = answered.unwrap_or_else(|rejection| {
            record.rejected(&rejection);
            self.refusal(request, &rejection)
        });
        record.answered(answer.head.status);
        answer.observed_by(record)
    }

    fn refusal(&self, request: &Request, rejection: &Rejection) -> Answer {
        let (mut head, chunk) = weir_wire::error::whole(request.dialect, rejection);
        if rejection.kind == Kind::Overloaded && request.is_a_retry() {
            // One retry of a shed request is welcome, it comes when there may be room; a second would feed the overload.
            head.headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
        Answer::new(self.clock, head, Body::Whole(Some(chunk)))
    }
}

/// For whom the cache looks.
fn asker(admission: &Admission) -> Asker<'_> {
    let &Admission { ref tenant, pool, priority, may_degrade, .. } = admission;
    Asker { tenant, pool, priority, may_degrade }
}

/// A request's place in line, as its admission has it.
fn place<'a>(request: &Request, admission: &'a Admission) -> Place<'a> {
    /// About four bytes of a body make a token.
    const BYTES_PER_TOKEN: f64 = 4.0;
    /// Tokens that an answer is expected to have before it says how many it had.
    const ANSWER_TOKENS: f64 = 256.0;
    Place {
        pool: admission.pool,
        tenant: &admission.tenant,
        weight: f64::from(admission.weight),
        priority: admission.priority,
        cost: request.envelope.body.len() as f64 / BYTES_PER_TOKEN + ANSWER_TOKENS,
        arrived: request.received,
        begin_by: admission.begin_by,
    }
}
