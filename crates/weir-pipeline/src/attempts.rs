//! Stages 4 and 5 and the loop between them, as the pipeline sees them: a request goes in with its admission, and an answer
//! that has begun, or the reason why there is none, comes out.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use prometheus_client::registry::Registry;
use weir_admit::Admission;
use weir_core::{
    Answer, Chance, Class, Clock, Dialect, Envelope, Failure, Kind, Operation, Rejection, Request, RequestId,
    Rung, Trail,
};
use weir_infer::{Begun, Infer, Pauses, Target, Timers, config};
use weir_pressure::Pressure;
use weir_queue::Permit;
use weir_route::{EndpointId, Route};
use weir_wire::relay::Holds;

use crate::machine::{Machine, Policy};
use crate::metrics::Metrics;
use crate::run::{Run, Terms, Unanswered, target};
use crate::session;

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
    shared: Arc<Shared>,
}

/// What every request's attempts share.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) chance: Arc<Chance>,
    pub(crate) route: Arc<Route>,
    pub(crate) pressure: Arc<Pressure>,
    pub(crate) upstream: Box<dyn Upstream>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
}

/// Limits in time and size, from config.
pub(crate) struct Limits {
    /// The longest that a stream, or a whole answer, may take to begin while somebody else could answer.
    pub(crate) first_token_max: Duration,
    pub(crate) whole_max: Duration,
    pub(crate) pauses: Pauses,
    pub(crate) hedged_body_max: usize,
    pub(crate) holds: Holds,
    pub(crate) continues: bool,
    pub(crate) instructed: bool,
}

/// What the loop goes around, and what it asks.
pub struct Around {
    /// Stage 4.
    pub route: Arc<Route>,
    /// Whether there is more work than room.
    pub pressure: Arc<Pressure>,
    /// Whoever makes the calls.
    pub upstream: Box<dyn Upstream>,
}

impl Attempts {
    /// Builds the loop.
    pub fn new(
        clock: Clock,
        chance: Arc<Chance>,
        around: Around,
        config: &config::Attempts,
        registry: &mut Registry,
    ) -> Self {
        let Around { route, pressure, upstream } = around;
        let (policy, limits) = (Arc::new(policy(config)), limits(config));
        let metrics = Metrics::new(registry);
        Self {
            shared: Arc::new(Shared { clock, chance, route, pressure, upstream, policy, limits, metrics }),
        }
    }

    /// Stage 4.
    pub fn route(&self) -> &Route {
        &self.shared.route
    }

    /// Tries until an answer has begun or nothing can help. If it breaks off later, it is taken up.
    ///
    /// # Errors
    /// What to tell the caller; every place taken on the way has been given back.
    pub async fn run(
        &self,
        request: &Arc<Request>,
        admission: &Admission,
        permit: Permit,
    ) -> Result<Answer, Rejection> {
        let route = &self.shared.route;
        if !route.speaks(admission.pool, request.dialect) {
            return Err(wrong_dialect(request));
        }
        // Of a passed-through path only reading is known to be harmless.
        let repeatable = request.operation != Operation::Other || request.method.is_safe();
        let machine = Machine::new(self.shared.policy.clone(), repeatable, admission.begin_by);
        let mut speakers = route.speakers(admission.pool, request.dialect);
        let home = speakers.next().filter(|_| request.envelope.stateful).map(|(_, endpoint)| endpoint.id());
        let terms = Terms {
            pool: admission.pool,
            begin_by: admission.begin_by,
            deadline: admission.deadline,
            session: route.has_choice(admission.pool).then(|| session::of(request)).flatten(),
            home,
            earns: !request.is_a_retry(),
        };
        if request.envelope.stream {
            route.streamed();
        }
        let run = Run::new(self.shared.clone(), request.clone(), terms, permit, machine);
        run.answer().await.map_err(|unanswered| match unanswered {
            Unanswered::Failed(failure) => self.rejection(admission, failure),
            Unanswered::TurnedAway(rejection) => rejection,
        })
    }

    /// Asks an endpoint for its list of models, which costs it nothing, and tells stage 4 whether it answered in time.
    pub async fn check(&self, endpoint: EndpointId, patience: Duration) {
        let Shared { clock, chance, route, upstream, limits, .. } = &*self.shared;
        let (now, endpoint) = (clock.now(), route.endpoint(endpoint));
        let Some(dialect) =
            [Dialect::OpenAi, Dialect::Anthropic].into_iter().find(|one| endpoint.speaks(*one))
        else {
            return;
        };
        let request = Request {
            id: RequestId::draw(chance),
            received: now,
            operation: Operation::Other,
            dialect,
            method: Method::GET,
            path: "/models".to_owned(),
            query: None,
            model: "".into(),
            headers: HeaderMap::new(),
            envelope: Envelope::default(),
            trail: Arc::new(Trail::new(now)),
        };
        let until = now + patience;
        let timers = Timers { pauses: limits.pauses, begin_by: until, deadline: until };
        let target = target(endpoint, &request, Rung::Fresh, None);
        let answer = upstream.call(&request, target, timers).await;
        // Any answer that is no fault of the service shows that it is there, a refused key included.
        let alive = answer.is_ok_and(|begun| !begun.head.status.is_server_error());
        route.checked(endpoint.id(), alive);
    }

    /// Answers that broke off and were brought to their end all the same.
    pub fn rescued(&self) -> u64 {
        self.shared.metrics.rescued.get()
    }

    fn rejection(&self, admission: &Admission, failure: Failure) -> Rejection {
        let late = self.shared.clock.now() >= admission.begin_by;
        let kind = match failure.class {
            class if class.is_the_callers() => Kind::Upstream,
            Class::Auth | Class::Quota => Kind::Upstream,
            Class::Deadline => Kind::DeadlineExceeded,
            Class::Timeout if late => Kind::DeadlineExceeded,
            _ => Kind::UpstreamsDown,
        };
        let mut rejection = Rejection::new(kind, failure.words());
        rejection.retry_after = failure.retry_after;
        // The caller's own mistakes are told in the service's words; a bad key of the operator's is not the caller's to see.
        if failure.class.is_the_callers() {
            rejection.reply = failure.reply;
        }
        rejection
    }
}

/// How much stage 4 lets be done again, and twice.
pub fn repeats(config: &config::Attempts) -> weir_route::Policy {
    let (budget, hedge) = (&config.budget, &config.hedge);
    weir_route::Policy {
        budget: weir_route::budget::Policy {
            ratio: budget.ratio,
            ratio_failing: budget.ratio_failing,
            per_s_min: budget.per_s_min,
            memory: Duration::from_secs(budget.memory_s),
        },
        hedge: weir_route::hedge::Policy {
            share_max: hedge.share_max,
            quantile: hedge.quantile,
            min: Duration::from_millis(hedge.min_ms),
            max: Duration::from_millis(hedge.max_ms),
        },
    }
}

fn policy(config: &config::Attempts) -> Policy {
    let ms = Duration::from_millis;
    Policy {
        faults_max: config.max.max(1),
        faults_here_max: config.faults_here_max,
        sends_max: config.overload_max.max(config.max),
        sends_here_max: config.overload_here_max.max(config.max),
        backoff: ms(config.backoff_ms),
        backoff_max: ms(config.backoff_max_ms),
        retry_after_here: ms(config.retry_after_here_ms),
        retry_after_max: ms(config.retry_after_max_ms),
        outage_wait: ms(config.outage_wait_ms),
        continuations_max: config.continuation.max,
    }
}

fn limits(config: &config::Attempts) -> Limits {
    let ms = Duration::from_millis;
    let continuation = &config.continuation;
    Limits {
        first_token_max: ms(config.first_token_ms),
        whole_max: ms(config.whole_ms),
        pauses: Pauses {
            stall: ms(config.stall_ms),
            stall_alive: ms(config.stall_alive_ms),
            silence: ms(config.silence_ms),
            parts_per_s_min: config.parts_per_s_min,
        },
        hedged_body_max: config.hedge.body_kib_max.saturating_mul(1 << 10),
        holds: Holds {
            tool_calls: continuation.hold_tool_calls,
            structured: continuation.hold_structured,
            text_bytes_max: continuation.text_kib_max.saturating_mul(1 << 10),
        },
        continues: continuation.max > 0,
        instructed: continuation.instructed,
    }
}

fn wrong_dialect(request: &Request) -> Rejection {
    let (model, dialect) = (&request.model, request.dialect.name());
    let message =
        format!("no endpoint of the model `{model}` speaks the {dialect} dialect; call it by another path");
    Rejection::new(Kind::UnknownModel, message).at("model")
}
