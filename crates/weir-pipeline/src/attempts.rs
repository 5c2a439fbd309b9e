//! The shell around the attempts machine: picks, sends, sleeps, and makes an answer or a rejection of what comes out.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use weir_admit::Admission;
use weir_core::{Answer, Chance, Class, Clock, Failure, Kind, Operation, Rejection, Request, Via};
use weir_infer::{Beginning, Begun, Infer, Key, Pauses, Target, Timers};
use weir_route::{Choice, Endpoint, KeySource, Lease, NoEndpoint, Route};

use crate::machine::{Action, Event, Machine, Policy};

/// A future that can be kept behind a pointer.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whoever makes calls: the real client, or a modelled service in tests and simulations.
pub trait Upstream: Send + Sync {
    /// Sends one call and waits until its answer has begun.
    fn call<'a>(
        &'a self,
        request: &'a Request,
        target: Target<'a>,
        timers: Timers,
    ) -> Boxed<'a, Result<Begun, Failure>>;
}

impl Upstream for Infer {
    fn call<'a>(
        &'a self,
        request: &'a Request,
        target: Target<'a>,
        timers: Timers,
    ) -> Boxed<'a, Result<Begun, Failure>> {
        Box::pin(async move { self.call(request, &target, timers).await })
    }
}

/// Stages 4 and 5, and the loop between them.
pub struct Attempts {
    clock: Clock,
    chance: Arc<Chance>,
    /// Stage 4.
    pub route: Route,
    upstream: Box<dyn Upstream>,
    policy: Policy,
    first_token: Duration,
    whole: Duration,
    head: Duration,
    pauses: Pauses,
}

impl Attempts {
    /// Builds the loop.
    pub fn new(
        clock: Clock,
        chance: Arc<Chance>,
        route: Route,
        upstream: Box<dyn Upstream>,
        config: &weir_infer::config::Attempts,
    ) -> Self {
        let policy = Policy {
            attempts_max: config.max.max(1),
            backoff: Duration::from_millis(config.backoff_ms),
            backoff_max: Duration::from_millis(config.backoff_max_ms),
            retry_after_max: Duration::from_millis(config.retry_after_max_ms),
        };
        let first_token = Duration::from_millis(config.first_token_ms);
        let whole = Duration::from_millis(config.whole_ms);
        let head = Duration::from_millis(config.headers_ms);
        let pauses = Pauses {
            stall: Duration::from_millis(config.stall_ms),
            stall_alive: Duration::from_millis(config.stall_alive_ms),
            silence: Duration::from_millis(config.silence_ms),
            parts_per_s_min: config.parts_per_s_min,
        };
        Self { clock, chance, route, upstream, policy, first_token, whole, head, pauses }
    }

    /// Tries until an answer has begun or nothing can help.
    ///
    /// # Errors
    /// What to tell the caller; every place taken on the way has been given back.
    pub async fn run(&self, request: &Request, admission: &Admission) -> Result<Answer, Rejection> {
        // Of a passed-through path only reading is known to be harmless.
        let repeatable = request.operation != Operation::Other || request.method.is_safe();
        let mut machine = Machine::new(&self.policy, repeatable, admission.begin_by);
        let mut event = Event::Ready;
        loop {
            event = match machine.on_event(self.clock.now(), event, &self.chance) {
                Action::Send => match self.send(request, admission, &machine).await? {
                    Ok(answer) => return Ok(answer),
                    Err(event) => event,
                },
                Action::Wait(until) => {
                    tokio::time::sleep_until(until.into()).await;
                    Event::Ready
                }
                Action::GiveUp(failure) => return Err(self.rejection(admission, failure)),
            };
        }
    }

    /// One attempt: an answer, or what to tell the machine. The outer error ends the loop.
    async fn send(
        &self,
        request: &Request,
        admission: &Admission,
        machine: &Machine<'_>,
    ) -> Result<Result<Answer, Event>, Rejection> {
        let keeps = request.operation == Operation::Other || request.envelope.stateful;
        let choice = if keeps { Choice::First } else { Choice::Balanced };
        let lease = match self.route.pick(admission.pool, request.dialect, machine.tried(), choice) {
            Ok(lease) => lease,
            Err(NoEndpoint::Busy) => return Ok(Err(Event::NoRoom)),
            Err(NoEndpoint::WrongDialect) => return Err(wrong_dialect(request)),
        };
        request.trail.sent(self.clock.now());
        let endpoint = lease.endpoint().clone();
        let target = target(&endpoint, request);
        let timers = self.timers(request, admission, machine, &lease);
        let result = self.upstream.call(request, target, timers).await;
        let now = self.clock.now();
        match result {
            Ok(begun) => {
                // A passed-through error says nothing good of the endpoint.
                if !begun.head.status.is_server_error() {
                    lease.first_token(now);
                }
                request.trail.committed(now, via(&endpoint, request));
                Ok(Ok(Answer::new(self.clock, begun.head, begun.body).observed_by(lease)))
            }
            Err(failure) => {
                let failure = callers_own_affair(&endpoint, failure);
                request.trail.failed(endpoint.name(), failure.class, &failure.message);
                lease.failed(failure.class, failure.retry_after, now);
                let mut tried = machine.tried().to_vec();
                tried.push(endpoint.id());
                let another = self.route.has_another(admission.pool, request.dialect, &tried);
                Ok(Err(Event::Failed { endpoint: endpoint.id(), failure, another }))
            }
        }
    }

    /// An attempt is cut for slowness only while somebody else could answer faster.
    fn timers(
        &self,
        request: &Request,
        admission: &Admission,
        machine: &Machine<'_>,
        lease: &Lease,
    ) -> Timers {
        let mut tried = machine.tried().to_vec();
        tried.push(lease.endpoint().id());
        let impatient = request.operation != Operation::Other
            && self.route.has_another(admission.pool, request.dialect, &tried);
        let limit = if request.envelope.stream { self.first_token } else { self.whole };
        let head = request.envelope.stream.then_some(self.head);
        Timers {
            beginning: impatient.then_some(Beginning { head, first_token: limit }),
            pauses: self.pauses,
            begin_by: admission.begin_by,
            deadline: admission.deadline,
        }
    }

    fn rejection(&self, admission: &Admission, failure: Failure) -> Rejection {
        let late = self.clock.now() >= admission.begin_by;
        let kind = match failure.class {
            Class::Client | Class::ContextLength | Class::ContentFilter | Class::Auth | Class::Quota => {
                Kind::Upstream
            }
            Class::Deadline => Kind::DeadlineExceeded,
            Class::Timeout if late => Kind::DeadlineExceeded,
            _ => Kind::UpstreamsDown,
        };
        let message = match failure.class {
            // What a service says of the operator's key is in the log, and nobody else's to read.
            Class::Auth => "the service refused the gateway's own key; tell its operator".to_owned(),
            Class::Quota => "the gateway's own quota at the service is used up; tell its operator".to_owned(),
            _ => failure.message,
        };
        let mut rejection = Rejection::new(kind, message);
        rejection.retry_after = failure.retry_after;
        // The caller's own mistakes are told in the service's words; a bad key of the operator's is not the caller's to see.
        if matches!(failure.class, Class::Client | Class::ContextLength | Class::ContentFilter) {
            rejection.reply = failure.reply;
        }
        rejection
    }
}

fn target<'a>(endpoint: &'a Endpoint, request: &'a Request) -> Target<'a> {
    Target {
        base: endpoint.base(request.dialect).expect("only endpoints that speak the dialect are picked"),
        envelope: &request.envelope,
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

fn via(endpoint: &Endpoint, request: &Request) -> Via {
    let model = endpoint.model().unwrap_or(&request.model).clone();
    Via { endpoint: endpoint.name().clone(), model, price: endpoint.price() }
}

/// With the caller's own key, a refused or used-up key is the caller's affair: its words are passed on, no one is asked
/// again, and the endpoint is not to blame.
fn callers_own_affair(endpoint: &Endpoint, mut failure: Failure) -> Failure {
    if matches!(endpoint.key(), KeySource::Caller) && matches!(failure.class, Class::Auth | Class::Quota) {
        failure.class = Class::Client;
    }
    failure
}

fn wrong_dialect(request: &Request) -> Rejection {
    let (model, dialect) = (&request.model, request.dialect.name());
    let message =
        format!("no endpoint of the model `{model}` speaks the {dialect} dialect; call it by another path");
    Rejection::new(Kind::UnknownModel, message).at("model")
}
