//! The shell around the attempts machine: picks, sends, sleeps, hedges, and judges what comes back.
//!
//! What always holds: every call in flight is held by a lease; a call that lost a race, or whose caller left, is dropped and
//! so closed at once.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_core::{Answer, Body, Class, Failure, Operation, PoolId, Rejection, Request, Rung, Via};
use weir_infer::{Begun, Key, Target, Timers};
use weir_queue::Permit;
use weir_route::{Ask, Choice, Endpoint, EndpointId, KeySource, Lease, NoEndpoint, Outlook};
use weir_wire::classify;
use weir_wire::relay::{Delivered, Relay};

use crate::attempts::Shared;
use crate::continued::Continued;
use crate::machine::{Action, Event, Machine, Where};

/// What a request's admission allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) pool: PoolId,
    pub(crate) begin_by: Instant,
    pub(crate) deadline: Instant,
    pub(crate) session: Option<u64>,
    /// The only endpoint for what a service keeps for its callers (stored responses, conversations): no other has it.
    pub(crate) home: Option<EndpointId>,
    /// A request that a client's SDK repeats by itself earns no retries.
    pub(crate) earns: bool,
}

/// Why there is no answer.
pub(crate) enum Unanswered {
    /// The attempts came to nothing; this is the reason.
    Failed(Failure),
    /// There was no place in line to wait for the first one.
    TurnedAway(Rejection),
}

/// One request on its way from its permit to the end of its answer.
pub(crate) struct Run {
    pub(crate) shared: Arc<Shared>,
    pub(crate) request: Arc<Request>,
    pub(crate) machine: Machine,
    pub(crate) relay: Option<Relay>,
    terms: Terms,
    /// Until the answer begins, and on to its end if it may be taken up.
    pub(crate) permit: Option<Permit>,
    /// Why there was no place to come back to after a wait.
    turned_away: Option<Rejection>,
    /// What the caller has of an answer that broke off.
    pub(crate) delivered: Delivered,
    /// Who was asked last.
    at: Option<EndpointId>,
    /// Who, asked again, said something else.
    pub(crate) differ: Vec<EndpointId>,
    /// Who would not take up this answer natively.
    unwilling: Vec<EndpointId>,
}

/// A call under way.
struct Flight {
    lease: Lease,
    rung: Rung,
    sent: Instant,
}

/// A place is not given up for a shorter wait.
const LEND_MIN: Duration = Duration::from_millis(100);
/// How often it is asked whether somebody else could answer, once a call has taken too long.
const SPARE_EVERY: Duration = Duration::from_secs(1);

/// A call whose answer has begun.
pub(crate) struct Landed {
    pub(crate) lease: Lease,
    pub(crate) rung: Rung,
    pub(crate) begun: Begun,
}

impl Run {
    /// In a box, because it is large, and moved from future to future, and into a stream.
    pub(crate) fn new(
        shared: Arc<Shared>,
        request: Arc<Request>,
        terms: Terms,
        permit: Permit,
        mut machine: Machine,
    ) -> Box<Self> {
        machine.has_turn(permit.is_desperate());
        let relayed = shared.limits.continues && request.envelope.stream;
        let relay =
            relayed.then(|| Relay::new(request.operation, &request.envelope, shared.limits.holds)).flatten();
        let (delivered, at) = (Delivered::Nothing, None);
        let (differ, unwilling) = (Vec::new(), Vec::new());
        let (permit, turned_away) = (Some(permit), None);
        Box::new(Self {
            shared,
            request,
            machine,
            relay,
            terms,
            permit,
            turned_away,
            delivered,
            at,
            differ,
            unwilling,
        })
    }

    /// The answer, from its first meaningful part to its end. The permit goes with it; with one that may be taken up it
    /// stays here, so that others may have the place while nobody is there to take it up.
    pub(crate) async fn answer(mut self: Box<Self>) -> Result<Answer, Unanswered> {
        let Some(Landed { lease, begun, .. }) = self.land(Event::Ready).await else {
            let failed = self.machine.has_failed();
            let turned_away = self.turned_away.take().filter(|_| !failed);
            return Err(match turned_away {
                Some(rejection) => Unanswered::TurnedAway(rejection),
                None => Unanswered::Failed(self.machine.reason()),
            });
        };
        let clock = self.shared.clock;
        let Begun { head, body } = begun;
        match body {
            Body::Stream(stream) if self.relay.is_some() => {
                self.machine.begun(self.terms.deadline);
                let continued = Continued::new(self, lease, stream);
                Ok(Answer::new(clock, head, Body::Stream(Box::pin(continued))))
            }
            body => {
                let permit = self.permit.take().expect("it is taken out only here, once");
                Ok(Answer::new(clock, head, body).observed_by(lease).observed_by(permit))
            }
        }
    }

    /// Tries until an answer, or the rest of one, has begun; `None` when nothing can help.
    pub(crate) async fn land(&mut self, mut event: Event) -> Option<Landed> {
        loop {
            let now = self.shared.clock.now();
            event = match self.machine.on_event(now, event, &self.shared.chance) {
                Action::Send(to) => match self.attempt(to).await {
                    Ok(landed) => return Some(landed),
                    Err(event) => event,
                },
                Action::Wait(until) => {
                    self.rest(until).await?;
                    Event::Ready
                }
                Action::Repeat { endpoint, class, until } => {
                    if self.machine.is_continuing() {
                        // Half an answer is not put at risk in a long line for the sake of a short wait.
                        tokio::time::sleep_until(until.into()).await;
                    } else {
                        self.rest(until).await?;
                    }
                    let pressed = self.shared.pressure.level(self.terms.pool).actions().retry_ratio_failing;
                    if self.shared.route.may_repeat(endpoint, class, pressed) {
                        Event::Ready
                    } else {
                        Event::BudgetSpent { endpoint, outlook: self.outlook(endpoint) }
                    }
                }
                Action::GiveUp => return None,
            };
        }
    }

    /// Waits. Meanwhile somebody else may have the place, unless it is a matter of a moment; then this one comes back to
    /// the line with the seniority that it had. A wait of no time is for the line alone: the place is not there any more.
    /// `None`: the line turned it away.
    async fn rest(&mut self, until: Instant) -> Option<()> {
        let wait = until.saturating_duration_since(self.shared.clock.now());
        let lends = wait.is_zero() || wait >= LEND_MIN;
        if let Some(permit) = self.permit.as_mut().filter(|_| lends) {
            permit.lend();
        }
        tokio::time::sleep_until(until.into()).await;
        let begin_by = self.timers().begin_by;
        let Some(permit) = &mut self.permit else { return Some(()) };
        if let Err(rejection) = permit.reclaim(begin_by).await {
            self.turned_away = Some(rejection);
            return None;
        }
        self.machine.has_turn(permit.is_desperate());
        Some(())
    }

    /// One attempt, or two side by side: what has begun, or what to tell the machine.
    async fn attempt(&mut self, to: Where) -> Result<Landed, Event> {
        let (flight, call) = self.launch(self.pick(to)?);
        let mut call = pin!(call);
        if let Some(after) = self.hedge_after(&flight) {
            let begun = tokio::select! {
                biased;
                result = call.as_mut() => Some(result),
                () = tokio::time::sleep(after) => None,
            };
            if let Some(result) = begun {
                return self.judge(flight, result);
            }
            if let Some(second) = self.hedge(&flight) {
                return self.race((flight, call), second).await;
            }
        }
        let result = self.patiently(&flight, call, &[]).await;
        self.judge(flight, result)
    }

    /// What comes of a call. One that is slow to begin is given up as soon as another endpoint could answer, besides those
    /// that are at it; the last one never is.
    async fn patiently(
        &self,
        flight: &Flight,
        mut call: Pin<&mut impl Future<Output = Result<Begun, Failure>>>,
        beside: &[EndpointId],
    ) -> Result<Begun, Failure> {
        // Without anybody else there is nothing to look out for.
        let outlook = self.outlook_beside(flight.lease.endpoint().id(), beside);
        let limit = self.first_token_max().filter(|_| outlook.later);
        let Some(limit) = limit else { return call.await };
        let mut due = flight.sent + limit;
        loop {
            tokio::select! {
                biased;
                result = call.as_mut() => return result,
                () = tokio::time::sleep_until(due.into()) => {}
            }
            let now = self.shared.clock.now();
            if self.outlook_beside(flight.lease.endpoint().id(), beside).another {
                let ms = now.saturating_duration_since(flight.sent).as_millis();
                return Err(Failure::new(Class::Timeout, format!("the answer had not begun after {ms} ms")));
            }
            due = now + SPARE_EVERY;
        }
    }

    /// A slow call and a second one: whichever begins first. The other is closed at once.
    async fn race(
        &mut self,
        (first, mut call): (Flight, Pin<&mut impl Future<Output = Result<Begun, Failure>>>),
        second: Lease,
    ) -> Result<Landed, Event> {
        let (second, second_call) = self.launch(second);
        let mut second_call = pin!(second_call);
        let ids = [first.lease.endpoint().id(), second.lease.endpoint().id()];
        let (first_back, result) = tokio::select! {
            biased;
            result = self.patiently(&first, call.as_mut(), &ids) => (true, result),
            result = self.patiently(&second, second_call.as_mut(), &ids) => (false, result),
        };
        let (back, other) = if first_back { (first, second) } else { (second, first) };
        match self.judge(back, result) {
            Ok(landed) => {
                other.lease.outrun(self.shared.clock.now());
                self.shared.metrics.raced(!first_back);
                Ok(landed)
            }
            Err(Event::Failed { endpoint, failure, .. }) if !self.machine.is_final(failure.class) => {
                self.machine.fell_out(endpoint, failure);
                let result = if first_back {
                    self.patiently(&other, second_call, &[]).await
                } else {
                    self.patiently(&other, call, &[]).await
                };
                let landed = self.judge(other, result);
                self.shared.metrics.raced(first_back && landed.is_ok());
                landed
            }
            Err(event) => Err(event),
        }
    }

    /// When another endpoint is asked as well, if this one has not begun by then.
    fn hedge_after(&self, flight: &Flight) -> Option<Duration> {
        let request = &self.request;
        let fit = request.envelope.stream
            && self.shared.pressure.level(self.terms.pool).actions().hedges
            && self.outlook(flight.lease.endpoint().id()).another
            && !request.envelope.stateful
            && request.envelope.body.len() <= self.shared.limits.hedged_body_max
            && self.machine.may_hedge(self.shared.clock.now());
        let endpoint = flight.lease.endpoint().id();
        fit.then(|| self.shared.route.hedge_after(endpoint, prompt_kib(request))).flatten()
    }

    /// A place at another endpoint, if all agree that it should be asked as well.
    fn hedge(&mut self, slow: &Flight) -> Option<Lease> {
        if !self.machine.may_hedge(self.shared.clock.now()) {
            return None;
        }
        let slow = slow.lease.endpoint().id();
        let tried: Vec<_> = self.machine.tried().iter().copied().chain([slow]).collect();
        let lease = self.shared.route.hedge(&self.ask(&tried))?;
        self.machine.hedged();
        Some(lease)
    }

    /// Sends a call; its future owns all it needs, so that two can run side by side.
    fn launch(
        &mut self,
        lease: Lease,
    ) -> (Flight, impl Future<Output = Result<Begun, Failure>> + Send + use<>) {
        let endpoint = lease.endpoint().clone();
        let rung = self.rung(&endpoint).unwrap_or(Rung::Fresh);
        let continuing = self.machine.is_continuing();
        let relay = self.relay.as_mut().filter(|_| continuing);
        let envelope = relay.map(|relay| relay.resume(rung, &self.request.envelope));
        let timers = self.timers();
        let (shared, request) = (self.shared.clone(), self.request.clone());
        self.at = Some(endpoint.id());
        let sent = shared.clock.now();
        request.trail.sent(sent);
        let call = async move {
            let target = target(&endpoint, &request, rung, envelope.as_ref());
            shared.upstream.call(&request, target, timers).await
        };
        (Flight { lease, rung, sent }, call)
    }

    /// What a call that came back means.
    fn judge(&mut self, flight: Flight, result: Result<Begun, Failure>) -> Result<Landed, Event> {
        let Flight { mut lease, rung, sent } = flight;
        let now = self.shared.clock.now();
        let endpoint = lease.endpoint().clone();
        let mut failure = match result {
            Ok(begun) if self.machine.is_continuing() && matches!(begun.body, Body::Whole(_)) => {
                Failure::new(Class::Hard, "the service answered whole in the middle of a stream")
            }
            Ok(begun) => {
                // What is passed through, a list of models or an error, says nothing of how a model answers.
                if self.request.operation != Operation::Other {
                    let late = |limit: &Duration| now.saturating_duration_since(sent) > *limit;
                    let limit = self.first_token_max().filter(late);
                    let slow_after = limit.filter(|_| self.outlook(endpoint.id()).another);
                    let has_grown = lease.first_token(now, slow_after);
                    if let Some(permit) = self.permit.as_ref().filter(|_| has_grown) {
                        permit.refill();
                    }
                }
                self.at = Some(endpoint.id());
                if !self.machine.is_continuing() {
                    self.request.trail.committed(now, via(&endpoint, &self.request));
                }
                return Ok(Landed { lease, rung, begun });
            }
            Err(failure) => failure,
        };
        if matches!(rung, Rung::Prefill(_)) && is_a_callers_mistake(&failure) {
            // The request itself was good: an answer to it had begun.
            if classify::refuses_prefill(&failure) {
                endpoint.prefill_refused(now);
            }
            failure.class = Class::PrefillRejected;
            self.unwilling.push(endpoint.id());
        }
        let mut failure = callers_own_affair(&endpoint, failure);
        self.request.trail.failed(endpoint.name(), failure.class, &failure.message);
        failure.class = lease.failed(failure.class, failure.retry_after, now);
        let endpoint = endpoint.id();
        Err(Event::Failed { endpoint, failure, outlook: self.outlook(endpoint) })
    }

    fn pick(&self, to: Where) -> Result<Lease, Event> {
        let route = &self.shared.route;
        let ask = self.ask(self.machine.tried());
        if let Where::At(endpoint) = to
            && let Ok(lease) = route.pick(&Ask { only: Some(endpoint), ..ask })
        {
            return Ok(lease);
        }
        // If it has closed meanwhile, anybody.
        if self.machine.is_continuing() {
            return self.pick_to_continue();
        }
        let untried = to == Where::Any && self.machine.needs_another();
        route.pick(&Ask { desperate: to == Where::Desperate, untried, ..ask }).map_err(no_endpoint)
    }

    /// Who can take up the answer best: one that has not let it down, one that continues natively, the one that began it.
    fn pick_to_continue(&self) -> Result<Lease, Event> {
        let route = &self.shared.route;
        let mut candidates: Vec<_> = route
            .speakers(self.terms.pool, self.request.dialect)
            .filter_map(|(_, endpoint)| Some((endpoint.id(), self.rung(endpoint)?)))
            .collect();
        candidates.sort_by_key(|&(id, rung)| {
            let native = matches!(rung, Rung::Prefill(_) | Rung::Fresh);
            let failed = self.machine.failed_to_continue(id);
            (self.machine.let_down_by(id), failed, !native, Some(id) != self.at)
        });
        // A continuation is no first attempt, wherever it goes: it earns nothing.
        let ask = Ask { earns: false, ..self.ask(&[]) };
        let mut said = None;
        for (id, _) in candidates {
            match route.pick(&Ask { only: Some(id), ..ask }) {
                Ok(lease) => return Ok(lease),
                Err(refused) => said = Some(said.map_or(refused, |said| sooner(said, refused))),
            }
        }
        Err(said.map_or(Event::NobodyLeft, no_endpoint))
    }

    /// How an endpoint would take up the answer; `None` if it cannot.
    fn rung(&self, endpoint: &Endpoint) -> Option<Rung> {
        if !self.machine.is_continuing() || self.delivered == Delivered::Nothing {
            return Some(Rung::Fresh);
        }
        let relay = self.relay.as_ref()?;
        if !endpoint.continues() {
            return None;
        }
        let (now, model) = (self.shared.clock.now(), endpoint.model().unwrap_or(&self.request.model));
        let willing = !self.unwilling.contains(&endpoint.id());
        let native =
            endpoint.prefill(now, self.request.dialect, model).filter(|_| willing).map(Rung::Prefill);
        let replay = (!self.differ.contains(&endpoint.id())).then_some(Rung::Replay);
        let instructed = self.shared.limits.instructed.then_some(Rung::Instructed);
        [native, replay, instructed].into_iter().flatten().find(|rung| relay.can(*rung))
    }

    fn ask<'a>(&self, tried: &'a [EndpointId]) -> Ask<'a> {
        let keeps = self.request.operation == Operation::Other;
        let choice = if keeps { Choice::First } else { Choice::Balanced };
        Ask {
            pool: self.terms.pool,
            dialect: self.request.dialect,
            tried,
            untried: false,
            only: self.terms.home,
            choice,
            session: self.terms.session,
            desperate: false,
            streamed: self.request.envelope.stream,
            prompt_kib: prompt_kib(&self.request),
            earns: self.terms.earns,
        }
    }

    fn outlook(&self, endpoint: EndpointId) -> Outlook {
        self.outlook_beside(endpoint, &[])
    }

    /// Who else could answer, besides an endpoint and those that are at it.
    fn outlook_beside(&self, endpoint: EndpointId, beside: &[EndpointId]) -> Outlook {
        if self.terms.home.is_some() {
            return Outlook::default();
        }
        let mut tried = self.machine.tried();
        let both: Vec<_>;
        if !beside.is_empty() {
            both = tried.iter().chain(beside).copied().collect();
            tried = &both;
        }
        self.shared.route.outlook(&Ask { only: Some(endpoint), ..self.ask(tried) })
    }

    /// How long an answer may take to begin while somebody else could answer faster; `None` for what is passed through.
    fn first_token_max(&self) -> Option<Duration> {
        let limits = &self.shared.limits;
        let limit = if self.request.envelope.stream { limits.first_token_max } else { limits.whole_max };
        (self.request.operation != Operation::Other).then_some(limit)
    }

    fn timers(&self) -> Timers {
        let Terms { begin_by, deadline, .. } = self.terms;
        Timers {
            pauses: self.shared.limits.pauses,
            begin_by: if self.machine.is_continuing() { deadline } else { begin_by },
            deadline,
        }
    }
}

/// Of two reasons why nobody takes up an answer, the one that passes sooner.
fn sooner(one: NoEndpoint, other: NoEndpoint) -> NoEndpoint {
    match (one, other) {
        (NoEndpoint::Resting { until: one }, NoEndpoint::Resting { until: other }) => {
            NoEndpoint::Resting { until: one.min(other) }
        }
        (NoEndpoint::Resting { .. }, other) => other,
        (one, _) => one,
    }
}

fn is_a_callers_mistake(failure: &Failure) -> bool {
    let status = failure.reply.as_ref().map(|reply| reply.status.as_u16());
    failure.class == Class::Client && status.is_none_or(|status| matches!(status, 400 | 422))
}

fn no_endpoint(refused: NoEndpoint) -> Event {
    match refused {
        NoEndpoint::Resting { until } => Event::Resting(until),
        // That nobody speaks the dialect has been ruled out before the first attempt.
        NoEndpoint::Busy | NoEndpoint::WrongDialect => Event::NoRoom,
    }
}

/// Where a call goes, and with which words.
pub(crate) fn target<'a>(
    endpoint: &'a Endpoint,
    request: &'a Request,
    rung: Rung,
    envelope: Option<&'a weir_core::Envelope>,
) -> Target<'a> {
    let base = match rung {
        Rung::Prefill(_) => endpoint.prefill_base(request.dialect),
        _ => endpoint.base(request.dialect),
    };
    Target {
        base: base.expect("only endpoints that speak the dialect are picked"),
        envelope: envelope.unwrap_or(&request.envelope),
        model: endpoint.model().map(|model| &**model),
        key: match endpoint.key() {
            KeySource::None => Key::None,
            KeySource::Own(secret) => Key::Own(secret),
            KeySource::Caller => Key::Caller,
        },
        include_usage: endpoint.include_usage(),
        forward_service_tier: endpoint.forward_service_tier(),
        http2: endpoint.http2(),
    }
}

/// Where an answer comes from.
pub(crate) fn via(endpoint: &Endpoint, request: &Request) -> Via {
    let model = endpoint.model().unwrap_or(&request.model).clone();
    Via { endpoint: endpoint.name().clone(), model, price: endpoint.price() }
}

/// With the caller's own key, a refused or used-up key is the caller's affair: its words are passed on, no one is asked
/// again, and the endpoint is not to blame.
fn callers_own_affair(endpoint: &Endpoint, mut failure: Failure) -> Failure {
    if matches!(endpoint.key(), KeySource::Caller) && failure.class.rules().disables_key {
        failure.class = Class::Client;
    }
    failure
}

fn prompt_kib(request: &Request) -> f64 {
    request.envelope.body.len() as f64 / 1024.0
}
