//! What to do next, from a request's permit to the end of its answer: a pure state machine with time and chance passed in.
//!
//! A failed attempt is moved to another endpoint when there is one, else repeated after a wait with full jitter (Brooker,
//! "Exponential backoff and jitter", AWS 2015) with the service's own `Retry-After` as its floor. An answer that broke off
//! after its beginning is taken up by further attempts, which are counted apart. A slow beginning may be hedged once.
//!
//! Invariants: at most `faults_max` attempts end in faults and at most `sends_max` go out, for each time the answer is taken
//! up one more; it is taken up at most `continuations_max` times; no wait reaches beyond `begin_by`; after `GiveUp` nothing
//! follows. The reason given up with is the first break's, if the answer had begun, else the last attempt's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_core::{Chance, Class, Failure};
use weir_route::{EndpointId, Outlook};

/// How attempts are made.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Attempts of one request that may end in a fault.
    pub faults_max: u32,
    /// The same at one endpoint while another is left.
    pub faults_here_max: u32,
    /// Attempts of one request, those included that a full service turned away.
    pub sends_max: u32,
    /// The same at one endpoint.
    pub sends_here_max: u32,
    /// Base of the wait between attempts.
    pub backoff: Duration,
    /// Cap of that wait.
    pub backoff_max: Duration,
    /// A `Retry-After` up to this is waited for at the same endpoint though another is there.
    pub retry_after_here: Duration,
    /// The longest `Retry-After` that is waited for.
    pub retry_after_max: Duration,
    /// How long a request waits while no endpoint serves.
    pub outage_wait: Duration,
    /// How often one answer is taken up.
    pub continuations_max: u32,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The request has its permit, or a wait is over.
    Ready,
    /// Every endpoint is at its limit.
    NoRoom,
    /// Every endpoint is being left alone until this moment at the earliest.
    Resting(Instant),
    /// Nobody is left who could take up the answer.
    NobodyLeft,
    /// An attempt failed before its first meaningful part.
    Failed {
        /// Where.
        endpoint: EndpointId,
        /// How.
        failure: Failure,
        /// Who is left.
        outlook: Outlook,
    },
    /// The repetition that the machine asked for was refused by the retry budget.
    BudgetSpent {
        /// Where it would have gone.
        endpoint: EndpointId,
        /// Who is left.
        outlook: Outlook,
    },
    /// The answer broke off after it had begun.
    Broke {
        /// Where.
        endpoint: EndpointId,
        /// How.
        failure: Failure,
        /// What was delivered is of a kind that nobody can take up.
        lost: bool,
    },
}

/// What to do.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Send an attempt.
    Send(Where),
    /// Wait, then say [`Event::Ready`].
    Wait(Instant),
    /// Wait; then say [`Event::Ready`] if the endpoint's retry budget allows it, else [`Event::BudgetSpent`]. A wait of no
    /// time is for the next turn in line.
    Repeat {
        /// The endpoint that is asked again.
        endpoint: EndpointId,
        /// Why.
        class: Class,
        /// When.
        until: Instant,
    },
    /// Stop: no attempt can help any more.
    GiveUp,
}

/// Which endpoint an attempt goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// Any, preferring those not tried yet.
    Any,
    /// This very one.
    At(EndpointId),
    /// Any, even one that is being left alone: there has been no attempt at all and there is no more time.
    Desperate,
}

/// What one endpoint has done to this request.
#[derive(Debug)]
struct Tried {
    endpoint: EndpointId,
    sends: u32,
    faults: u32,
    breaks: u32,
    /// Failures since the answer broke off last.
    refused_to_continue: u32,
    /// How it failed last.
    class: Class,
    /// It stopped in the middle without a word.
    stalled: bool,
}

/// One request's attempts.
#[derive(Debug)]
pub struct Machine {
    policy: Arc<Policy>,
    /// A request that may have effects is not sent again once a service may have begun to work on it.
    repeatable: bool,
    begin_by: Instant,
    sends: u32,
    faults: u32,
    waits: u32,
    unprocessed: u32,
    rejoined: u32,
    continuations: u32,
    hedged: bool,
    rests_since: Option<Instant>,
    /// Waiting for those who rest is no use any more.
    desperate: bool,
    next: Where,
    tried: Vec<Tried>,
    tried_ids: Vec<EndpointId>,
    broke: Option<Failure>,
    last: Option<Failure>,
}

/// How long to wait for a place when every endpoint is full: a call usually ends sooner than this many times over.
const ROOM_WAIT: Duration = Duration::from_millis(50);
/// How often one request is sent again at once because a service had not begun, or would not take up an answer.
const UNPROCESSED_MAX: u32 = 3;
/// How often one request goes back to the line at once because an endpoint was full of the gateway's own calls.
const REJOINED_MAX: u32 = 1;
/// How often a full endpoint is asked again, though another is left, because it said when it would have room.
const ASKED_TO_WAIT_MAX: u32 = 3;

impl Machine {
    /// The machine of a request whose answer must have begun at `begin_by`.
    pub const fn new(policy: Arc<Policy>, repeatable: bool, begin_by: Instant) -> Self {
        Self {
            policy,
            repeatable,
            begin_by,
            sends: 0,
            faults: 0,
            waits: 0,
            unprocessed: 0,
            rejoined: 0,
            continuations: 0,
            hedged: false,
            rests_since: None,
            desperate: false,
            next: Where::Any,
            tried: Vec::new(),
            tried_ids: Vec::new(),
            broke: None,
            last: None,
        }
    }

    /// Endpoints that have failed this request.
    pub fn tried(&self) -> &[EndpointId] {
        &self.tried_ids
    }

    /// Whether the answer has begun and broken off.
    pub const fn is_continuing(&self) -> bool {
        self.broke.is_some()
    }

    /// Whether an endpoint is no good choice for taking up this answer: it stopped without a word, or broke off twice.
    pub fn let_down_by(&self, endpoint: EndpointId) -> bool {
        self.tried.iter().any(|tried| tried.endpoint == endpoint && (tried.stalled || tried.breaks > 1))
    }

    /// How often an endpoint has failed to take up the answer since it broke off last.
    pub fn failed_to_continue(&self, endpoint: EndpointId) -> u32 {
        let tried = self.tried.iter().find(|tried| tried.endpoint == endpoint);
        tried.map_or(0, |tried| tried.refused_to_continue)
    }

    /// Whether those tried already are no choice for the next attempt: the last failure was of a kind that the same endpoint
    /// would repeat.
    pub fn needs_another(&self) -> bool {
        self.last.as_ref().is_some_and(|last| !last.class.rules().again && last.class.rules().moves)
    }

    /// Whether a failure is the last word on the request, whoever else could be asked.
    pub const fn is_final(&self, class: Class) -> bool {
        !class.rules().again && !class.rules().moves && !self.moves_to_continue(class)
    }

    /// The request has a turn; `desperate`: although everybody rests, because it has waited for them in line, or cannot.
    pub const fn has_turn(&mut self, desperate: bool) {
        self.desperate = desperate;
    }

    /// Once the answer has begun, only the deadline limits what follows.
    pub const fn begun(&mut self, deadline: Instant) {
        self.begin_by = deadline;
    }

    /// Whether another endpoint may be asked as well when the attempt is slow to begin: once, before the answer has begun.
    pub fn may_hedge(&self, now: Instant) -> bool {
        // Both may fail, and by a fault.
        let spent = self.sends >= self.policy.sends_max || self.faults + 2 > self.policy.faults_max;
        let spent = spent || now >= self.begin_by;
        !self.hedged && !self.is_continuing() && self.repeatable && !spent
    }

    /// Another endpoint was asked as well.
    pub const fn hedged(&mut self) {
        self.hedged = true;
        self.sends += 1;
    }

    /// One of two attempts that ran side by side failed; the other goes on.
    pub fn fell_out(&mut self, endpoint: EndpointId, failure: Failure) {
        self.note(endpoint, failure.class);
        self.faults += u32::from(failure.class.is_fault());
        self.last = Some(failure);
    }

    /// Whether an attempt has failed: then there is a reason to give.
    pub const fn has_failed(&self) -> bool {
        self.broke.is_some() || self.last.is_some()
    }

    /// Why it gave up.
    pub fn reason(self) -> Failure {
        let unsaid = || Failure::new(Class::Deadline, "the deadline passed before an attempt could be made");
        self.broke.or(self.last).unwrap_or_else(unsaid)
    }

    /// Takes what happened, says what to do.
    pub fn on_event(&mut self, now: Instant, event: Event, chance: &Chance) -> Action {
        match event {
            Event::Ready if now >= self.begin_by => self.too_late(),
            Event::Ready => {
                let next = std::mem::replace(&mut self.next, Where::Any);
                self.send(next)
            }
            Event::NoRoom => {
                // Nothing was sent after all.
                self.sends -= 1;
                let until = now + ROOM_WAIT.mul_f64(0.5 + chance.unit() / 2.0);
                if until >= self.begin_by { self.too_late() } else { Action::Wait(until) }
            }
            Event::Resting(until) => self.resting(now, until, chance),
            Event::NobodyLeft => Action::GiveUp,
            Event::Failed { endpoint, failure, outlook } => {
                self.failed(now, endpoint, failure, outlook, chance)
            }
            Event::BudgetSpent { outlook, .. } if outlook.another => {
                self.next = Where::Any;
                self.send(Where::Any)
            }
            Event::BudgetSpent { endpoint, .. } => self.wait_for_budget(now, endpoint, chance),
            Event::Broke { endpoint, failure, lost } => self.broke(now, endpoint, failure, lost),
        }
    }

    const fn send(&mut self, to: Where) -> Action {
        self.sends += 1;
        Action::Send(to)
    }

    /// Everybody is being left alone. A wait is better than one more call to a dead service; a first call is better than none.
    fn resting(&mut self, now: Instant, until: Instant, chance: &Chance) -> Action {
        self.sends -= 1;
        let since = *self.rests_since.get_or_insert(now);
        // Spread, so that those who wait for the same moment do not come together.
        let until = until.max(now) + ROOM_WAIT.mul_f64(1.0 + chance.unit());
        if !self.desperate && until < self.begin_by && until <= since + self.policy.outage_wait {
            return Action::Wait(until);
        }
        if self.tried.is_empty() {
            return self.send(Where::Desperate);
        }
        Action::GiveUp
    }

    /// Waiting costs the service nothing, and what others earn meanwhile may pay for the repetition.
    fn wait_for_budget(&mut self, now: Instant, endpoint: EndpointId, chance: &Chance) -> Action {
        let until = now + self.backoff(chance);
        match self.tried.iter().find(|tried| tried.endpoint == endpoint) {
            Some(tried) if self.waits <= self.policy.sends_max && until < self.begin_by => {
                Action::Repeat { endpoint, class: tried.class, until }
            }
            _ => Action::GiveUp,
        }
    }

    fn broke(&mut self, now: Instant, endpoint: EndpointId, failure: Failure, lost: bool) -> Action {
        let class = failure.class;
        self.note(endpoint, class).breaks += 1;
        self.tried.iter_mut().for_each(|tried| tried.refused_to_continue = 0);
        self.broke.get_or_insert(failure);
        self.last = None;
        let hopeless = lost || matches!(class, Class::Deadline | Class::ContentFilter);
        if hopeless || now >= self.begin_by || self.continuations >= self.policy.continuations_max {
            return Action::GiveUp;
        }
        self.continuations += 1;
        self.waits = 0;
        self.rests_since = None;
        self.send(Where::Any)
    }

    fn failed(
        &mut self,
        now: Instant,
        endpoint: EndpointId,
        failure: Failure,
        outlook: Outlook,
        chance: &Chance,
    ) -> Action {
        let (class, asked, sent) = (failure.class, failure.retry_after, failure.sent);
        let again = self.again_at_once(class);
        let tried = self.note(endpoint, class);
        tried.refused_to_continue += 1;
        let (here, faults_here) = (tried.sends, tried.faults);
        self.last = Some(failure);
        if again && now < self.begin_by {
            return self.send(Where::At(endpoint));
        }
        let policy = self.policy.clone();
        self.faults += u32::from(class.is_fault());
        let spent = self.faults >= policy.faults_max + self.continuations
            || self.sends >= policy.sends_max + self.continuations;
        if spent || now >= self.begin_by || (sent && !self.repeatable) || self.is_final(class) {
            return Action::GiveUp;
        }
        let rules = class.rules();
        if outlook.another && !outlook.peer {
            // The others are a lesser choice: a fallback is not bothered for a wait that was announced, or one broken call.
            let announced = asked.filter(|asked| class.is_overload() && *asked <= policy.retry_after_here);
            let mishap = class.is_fault() && rules.again && sent && faults_here < policy.faults_here_max;
            let until = match announced {
                Some(asked) if here < ASKED_TO_WAIT_MAX => Some(now + spread(asked, chance)),
                None if mishap => Some(now + (policy.backoff / 2).mul_f64(chance.unit())),
                _ => None,
            };
            if let Some(until) = until.filter(|until| *until < self.begin_by) {
                self.next = Where::At(endpoint);
                return Action::Repeat { endpoint, class, until };
            }
        }
        // Where the same endpoint would fail again, another is worth a wait.
        let another = outlook.another || (outlook.later && !rules.again);
        if another && (rules.moves || self.moves_to_continue(class)) {
            return self.send(Where::Any);
        }
        if !rules.again || here >= policy.sends_here_max {
            return self.another_tried(now, endpoint, chance);
        }
        let asked = asked.unwrap_or(Duration::ZERO);
        if asked > policy.retry_after_max {
            return self.another_tried(now, endpoint, chance);
        }
        let until = now + self.pause(class, chance).max(spread(asked, chance));
        if until >= self.begin_by { Action::GiveUp } else { Action::Repeat { endpoint, class, until } }
    }

    /// Nothing was lost and nothing is known to be wrong: the same endpoint at once.
    fn again_at_once(&mut self, class: Class) -> bool {
        let attempts_left = self.sends < self.policy.sends_max + self.continuations;
        let again = class == Class::Unprocessed || (class == Class::PrefillRejected && attempts_left);
        if !again || self.unprocessed >= UNPROCESSED_MAX {
            return false;
        }
        self.unprocessed += 1;
        // What a service did not begin was no attempt.
        self.sends -= u32::from(class == Class::Unprocessed);
        true
    }

    /// One that failed this request earlier, in a way that may have passed.
    fn another_tried(&mut self, now: Instant, but: EndpointId, chance: &Chance) -> Action {
        let until = now + self.backoff(chance);
        let other = self.tried.iter().find(|tried| {
            tried.endpoint != but && tried.class.rules().again && tried.sends < self.policy.sends_here_max
        });
        match other {
            Some(&Tried { endpoint, class, .. }) if until < self.begin_by => {
                self.next = Where::At(endpoint);
                Action::Repeat { endpoint, class, until }
            }
            _ => Action::GiveUp,
        }
    }

    /// A request that has been answered in part was a good one: a service that refuses it is the wrong one.
    const fn moves_to_continue(&self, class: Class) -> bool {
        self.is_continuing() && !matches!(class, Class::Deadline | Class::ContentFilter)
    }

    fn note(&mut self, endpoint: EndpointId, class: Class) -> &mut Tried {
        let known = self.tried.iter().position(|tried| tried.endpoint == endpoint);
        let index = known.unwrap_or_else(|| {
            self.tried_ids.push(endpoint);
            self.tried.push(Tried {
                endpoint,
                sends: 0,
                faults: 0,
                breaks: 0,
                refused_to_continue: 0,
                class,
                stalled: false,
            });
            self.tried.len() - 1
        });
        let tried = &mut self.tried[index];
        tried.sends += 1;
        tried.faults += u32::from(class.is_fault());
        tried.class = class;
        tried.stalled |= class == Class::Timeout;
        tried
    }

    /// The wait before the same endpoint is asked again. That it is full of the gateway's own calls is nothing to wait for
    /// but the next turn in line, which comes when one of them ends; whoever is told so again waits all the same.
    fn pause(&mut self, class: Class, chance: &Chance) -> Duration {
        if class == Class::OwnLimit && self.rejoined < REJOINED_MAX {
            self.rejoined += 1;
            return Duration::ZERO;
        }
        self.backoff(chance)
    }

    /// Full jitter: uniform up to a bound that doubles.
    fn backoff(&mut self, chance: &Chance) -> Duration {
        let bound = self.policy.backoff.saturating_mul(1 << self.waits.min(16)).min(self.policy.backoff_max);
        self.waits += 1;
        bound.mul_f64(chance.unit())
    }

    fn too_late(&mut self) -> Action {
        let mut message =
            format!("the deadline passed after {} attempts, before one could answer", self.sends);
        if let Some(last) = &self.last {
            message = format!("{message}; the last one failed: {}", last.message);
        }
        self.last = Some(Failure::new(Class::Deadline, message));
        Action::GiveUp
    }
}

/// What the service asked for is a floor, spread by a quarter so that those who were told the same do not come back together.
fn spread(asked: Duration, chance: &Chance) -> Duration {
    asked.mul_f64(1.0 + chance.unit() / 4.0)
}
