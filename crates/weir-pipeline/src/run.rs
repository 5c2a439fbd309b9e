//! The shell around the attempts machine: picks, sends, sleeps, hedges, and judges what comes back.
//!
//! What always holds: every call in flight is held by a lease; a call that lost a race, or whose caller left, is dropped and
//! so closed at once.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_core::{Answer, Body, Class, Failure, Operation, PoolId, Request, Rung, Via};
use weir_infer::{Beginning, Begun, Key, Target, Timers};
use weir_route::{Ask, Choice, Endpoint, EndpointId, KeySource, Lease, NoEndpoint, Outlook};
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
    /// A request that a client's SDK repeats by itself earns no retries.
    pub(crate) earns: bool,
}

/// One request on its way from its permit to the end of its answer.
pub(crate) struct Run {
    pub(crate) shared: Arc<Shared>,
    pub(crate) request: Arc<Request>,
    pub(crate) machine: Machine,
    pub(crate) relay: Option<Relay>,
    terms: Terms,
    /// What the caller has of an answer that broke off.
    pub(crate) delivered: Delivered,
    /// Who was asked last.
    at: Option<EndpointId>,
    /// Who, asked again, said something else.
    pub(crate) differ: Vec<EndpointId>,
}

/// A call under way.
struct Flight {
    lease: Lease,
    rung: Rung,
    /// The limits on its beginning, while somebody else could answer.
    beginning: Option<Beginning>,
}

/// A call whose answer has begun.
pub(crate) struct Landed {
    pub(crate) lease: Lease,
    pub(crate) rung: Rung,
    pub(crate) begun: Begun,
}

impl Run {
    pub(crate) fn new(shared: Arc<Shared>, request: Arc<Request>, terms: Terms, machine: Machine) -> Self {
        let relayed = shared.limits.continues && request.envelope.stream;
        let relay =
            relayed.then(|| Relay::new(request.operation, &request.envelope, shared.limits.holds)).flatten();
        let (delivered, at, differ) = (Delivered::Nothing, None, Vec::new());
        Self { shared, request, machine, relay, terms, delivered, at, differ }
    }

    /// The answer, from its first meaningful part to its end.
    pub(crate) async fn answer(mut self) -> Result<Answer, Failure> {
        let Some(Landed { lease, begun, .. }) = self.land(Event::Ready).await else {
            return Err(self.machine.reason());
        };
        let clock = self.shared.clock;
        let Begun { head, body } = begun;
        Ok(match body {
            Body::Stream(stream) if self.relay.is_some() => {
                self.machine.begun(self.terms.deadline);
                let continued = Continued::new(self, lease, stream);
                Answer::new(clock, head, Body::Stream(Box::pin(continued)))
            }
            body => Answer::new(clock, head, body).observed_by(lease),
        })
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
                    tokio::time::sleep_until(until.into()).await;
                    Event::Ready
                }
                Action::Repeat { endpoint, class, until } => {
                    tokio::time::sleep_until(until.into()).await;
                    if self.shared.route.may_repeat(endpoint, class) {
                        Event::Ready
                    } else {
                        Event::BudgetSpent { endpoint, outlook: self.outlook(endpoint) }
                    }
                }
                Action::GiveUp => return None,
            };
        }
    }

    /// One attempt, or two side by side: what has begun, or what to tell the machine.
    async fn attempt(&mut self, to: Where) -> Result<Landed, Event> {
        let (flight, call) = self.launch(self.pick(to)?);
        let mut call = pin!(call);
        let Some(after) = self.hedge_after(&flight) else { return self.judge(flight, call.await) };
        tokio::select! {
            biased;
            result = &mut call => return self.judge(flight, result),
            () = tokio::time::sleep(after) => {}
        }
        let Some(second) = self.hedge(&flight) else { return self.judge(flight, call.await) };
        self.race((flight, call), second).await
    }

    /// A slow call and a second one: whichever begins first. The other is closed at once.
    async fn race(
        &mut self,
        (first, mut call): (Flight, Pin<&mut impl Future<Output = Result<Begun, Failure>>>),
        second: Lease,
    ) -> Result<Landed, Event> {
        let (second, second_call) = self.launch(second);
        let mut second_call = pin!(second_call);
        let (first_back, result) = tokio::select! {
            biased;
            result = &mut call => (true, result),
            result = &mut second_call => (false, result),
        };
        let (back, other) = if first_back { (first, second) } else { (second, first) };
        match self.judge(back, result) {
            Ok(landed) => {
                other.lease.outrun(self.shared.clock.now());
                self.shared.metrics.raced(!first_back);
                Ok(landed)
            }
            Err(Event::Failed { endpoint, failure, .. }) => {
                self.machine.fell_out(endpoint, failure);
                let result = if first_back { second_call.await } else { call.await };
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
        // An attempt that may be cut for slowness is one that another endpoint could answer instead.
        let fit = flight.beginning.is_some()
            && request.envelope.stream
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
    fn launch(&mut self, lease: Lease) -> (Flight, impl Future<Output = Result<Begun, Failure>> + Send + use<>) {
        let endpoint = lease.endpoint().clone();
        let rung = self.rung(&endpoint).unwrap_or(Rung::Fresh);
        let continuing = self.machine.is_continuing();
        let relay = self.relay.as_mut().filter(|_| continuing);
        let envelope = relay.map(|relay| relay.resume(rung, &self.request.envelope));
        let beginning = self.beginning(endpoint.id());
        let timers = self.timers(beginning);
        let (shared, request) = (self.shared.clone(), self.request.clone());
        self.at = Some(endpoint.id());
        request.trail.sent(shared.clock.now());
        let call = async move {
            let target = target(&endpoint, &request, rung, envelope.as_ref());
            shared.upstream.call(&request, target, timers).await
        };
        (Flight { lease, rung, beginning }, call)
    }

    /// What a call that came back means.
    fn judge(&mut self, flight: Flight, result: Result<Begun, Failure>) -> Result<Landed, Event> {
        let Flight { mut lease, rung, beginning } = flight;
        let now = self.shared.clock.now();
        let endpoint = lease.endpoint().clone();
        let mut failure = match result {
            Ok(begun) if self.machine.is_continuing() && matches!(begun.body, Body::Whole(_)) => {
                Failure::new(Class::Hard, "the service answered whole in the middle of a stream")
            }
            Ok(begun) => {
                // A passed-through error says nothing good of the endpoint.
                if !begun.head.status.is_server_error() {
                    lease.first_token(now, beginning.map(|limits| limits.first_token));
                }
                self.at = Some(endpoint.id());
                if !self.machine.is_continuing() {
                    self.request.trail.committed(now, via(&endpoint, &self.request));
                }
                return Ok(Landed { lease, rung, begun });
            }
            Err(failure) => callers_own_affair(&endpoint, failure),
        };
        if matches!(rung, Rung::Prefill(_)) && failure.class == Class::Client {
            // The request itself was good: an answer to it had begun.
            failure.class = Class::PrefillRejected;
            endpoint.prefill_refused(now);
        }
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
        route.pick(&Ask { desperate: to == Where::Desperate, ..ask }).map_err(no_endpoint)
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
            (self.machine.let_down_by(id), !native, Some(id) != self.at)
        });
        let mut said = Event::NobodyLeft;
        for (id, _) in candidates {
            match route.pick(&Ask { only: Some(id), ..self.ask(&[]) }) {
                Ok(lease) => return Ok(lease),
                Err(refused) => said = no_endpoint(refused),
            }
        }
        Err(said)
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
        let native = endpoint.prefill(now, self.request.dialect, model).map(Rung::Prefill);
        let replay = (!self.differ.contains(&endpoint.id())).then_some(Rung::Replay);
        let instructed = self.shared.limits.instructed.then_some(Rung::Instructed);
        [native, replay, instructed].into_iter().flatten().find(|rung| relay.can(*rung))
    }

    fn ask<'a>(&self, tried: &'a [EndpointId]) -> Ask<'a> {
        let keeps = self.request.operation == Operation::Other || self.request.envelope.stateful;
        let choice = if keeps { Choice::First } else { Choice::Balanced };
        Ask {
            pool: self.terms.pool,
            dialect: self.request.dialect,
            tried,
            only: None,
            choice,
            session: self.terms.session,
            desperate: false,
            streamed: self.request.envelope.stream,
            prompt_kib: prompt_kib(&self.request),
            earns: self.terms.earns,
        }
    }

    fn outlook(&self, endpoint: EndpointId) -> Outlook {
        self.shared.route.outlook(&Ask { only: Some(endpoint), ..self.ask(self.machine.tried()) })
    }

    /// An attempt is cut for slowness only while somebody else could answer faster.
    fn beginning(&self, endpoint: EndpointId) -> Option<Beginning> {
        let limits = &self.shared.limits;
        let limit = if self.request.envelope.stream { limits.streamed } else { limits.whole };
        let impatient = self.request.operation != Operation::Other && self.outlook(endpoint).another;
        impatient.then_some(limit)
    }

    fn timers(&self, beginning: Option<Beginning>) -> Timers {
        let Terms { begin_by, deadline, .. } = self.terms;
        Timers {
            beginning,
            pauses: self.shared.limits.pauses,
            begin_by: if self.machine.is_continuing() { deadline } else { begin_by },
            deadline,
        }
    }
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
