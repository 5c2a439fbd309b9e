//! Who is asked: two at random, the cheaper one (Mitzenmacher, "The power of two choices", 2001), unless the
//! conversation has a home (`sticky.rs`).
//!
//! The order of preference, each step only when the one before finds nobody: an untried endpoint that is
//! willing, tier by tier; a tried one that is willing; one that is cooling off. Then whoever is left rests: a
//! caller who can wait is told until when, and a desperate one gets the least bad endpoint with room. So
//! nobody calls a dead service for nothing, and there is never "nobody" while one could still answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_core::{Dialect, PoolId};

use crate::health::{Look, Standing};
use crate::lease::NoLease;
use crate::{Endpoint, EndpointId, Lease, Route, sticky};

/// How often a pick is made anew because somebody else was quicker.
const ROUNDS: usize = 4;
/// How long a call waits that is held back and has nowhere else to go.
const HELD_BACK: Duration = Duration::from_millis(500);

/// What a call needs.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The endpoints in question.
    pub pool: PoolId,
    /// The dialect they must speak.
    pub dialect: Dialect,
    /// Those the request has been sent to: others come first.
    pub tried: &'a [EndpointId],
    /// Those are no choice at all: they would fail in the same way.
    pub untried: bool,
    /// Only this one: the request is repeated where it was.
    pub only: Option<EndpointId>,
    /// How to choose among several.
    pub choice: Choice,
    /// The conversation, by a hash: its calls go to the same endpoint, whose memory of the prompt saves time
    /// and money.
    pub session: Option<u64>,
    /// Waiting is no use: rather a service that is probably dead than none.
    pub desperate: bool,
    /// Whether the answer is streamed, so that its first token tells something.
    pub streamed: bool,
    /// The size of the prompt, in KiB.
    pub prompt_kib: f64,
    /// Whether a first attempt may earn repeated ones. A request that its caller's SDK repeats by itself may
    /// not.
    pub earns: bool,
}

impl Ask<'_> {
    /// A first attempt, streamed, of a small prompt in no conversation, by a caller who can wait.
    pub const fn new(pool: PoolId, dialect: Dialect) -> Self {
        Self {
            pool,
            dialect,
            tried: &[],
            untried: false,
            only: None,
            choice: Choice::Balanced,
            session: None,
            desperate: false,
            streamed: true,
            prompt_kib: 0.0,
            earns: true,
        }
    }
}

/// How to choose among those that could answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The conversation's home, else two at random, the cheaper one.
    Balanced,
    /// The first in the order of the config: for what a service keeps (files, conversations), so that it is
    /// found again.
    First,
}

/// Why no endpoint was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoEndpoint {
    /// No endpoint of the pool speaks the dialect.
    WrongDialect,
    /// Those that would take the call are at their limit.
    Busy,
    /// None should be called before `until`: circuits are open, keys of no use, or pauses were asked for.
    Resting {
        /// When the first of them may be called again.
        until: Instant,
    },
}

/// Who else there is for a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// An untried one could take the call now.
    pub another: bool,
    /// One of them is in the tier of the endpoint that was asked for (`only`): its equal.
    pub peer: bool,
    /// There is an untried one, if only for later: it is full, or rests.
    pub later: bool,
}

/// How far an endpoint is from what is wanted, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Willing { tried: bool },
    Cooling { tried: bool },
    Desperate { badness: u8 },
}

/// An endpoint that could be picked.
#[derive(Clone, Copy)]
struct Candidate<'r> {
    endpoint: &'r Arc<Endpoint>,
    cost: f64,
}

/// The best candidates: all that there are at the best step and tier, with two of them drawn at random.
pub(crate) struct Field<'r> {
    pub(crate) step: Step,
    pub(crate) tier: usize,
    pub(crate) size: usize,
    /// Calls in flight, together.
    pub(crate) in_flight: usize,
    pub(crate) wait_min_s: f64,
    drawn: [Candidate<'r>; 2],
    /// One whose circuit waits for a probe.
    probe: Option<&'r Arc<Endpoint>>,
}

pub(crate) fn pick(route: &Route, ask: &Ask<'_>) -> Result<Lease, NoEndpoint> {
    let now = route.clock.now();
    for _ in 0..ROUNDS {
        let field = survey(route, ask, now, |look| look.has_room)?;
        let chosen = choose(route, ask, &field, now);
        match Lease::take(chosen, ask, now) {
            Ok(lease) => return Ok(lease),
            Err(NoLease::Gone) => {}
            Err(NoLease::HeldBack) => return divert(route, ask, chosen.id(), now),
        }
    }
    Err(NoEndpoint::Busy)
}

/// A call that was held back at one endpoint goes to another that is willing, or has to wait a little.
fn divert(route: &Route, ask: &Ask<'_>, from: EndpointId, now: Instant) -> Result<Lease, NoEndpoint> {
    let rest = NoEndpoint::Resting { until: now + HELD_BACK };
    if ask.only.is_some() {
        return Err(rest);
    }
    let tried: Vec<_> = ask.tried.iter().copied().chain([from]).collect();
    let others = Ask { tried: &tried, untried: true, ..*ask };
    let field = survey(route, &others, now, |look| look.has_room).map_err(|_nobody| rest)?;
    let willing = field.step == Step::Willing { tried: false };
    let chosen = choose(route, &others, &field, now);
    // Still a first attempt: nobody has been asked.
    willing.then(|| Lease::take(chosen, ask, now).ok()).flatten().ok_or(rest)
}

/// A second endpoint beside one that is slow to begin: untried, willing, and not nearly full.
pub(crate) fn pick_second(route: &Route, ask: &Ask<'_>) -> Option<Lease> {
    let now = route.clock.now();
    let field = survey(route, ask, now, |look| look.has_room_to_spare).ok()?;
    let fits = field.step == Step::Willing { tried: false };
    fits.then(|| Lease::take(cheaper(route, field.drawn), ask, now).ok()).flatten()
}

pub(crate) fn outlook(route: &Route, ask: &Ask<'_>) -> Outlook {
    let now = route.clock.now();
    let tier_of = |id| route.tiers(ask.pool).position(|tier| tier.contains(&id));
    let own_tier = ask.only.and_then(tier_of);
    let mut outlook = Outlook::default();
    for (tier, endpoint) in route.speakers(ask.pool, ask.dialect) {
        if ask.tried.contains(&endpoint.id()) || ask.only == Some(endpoint.id()) {
            continue;
        }
        outlook.later = true;
        if could_take(endpoint, now) {
            outlook.another = true;
            outlook.peer |= own_tier == Some(tier);
        }
    }
    outlook
}

fn could_take(endpoint: &Endpoint, now: Instant) -> bool {
    let look = endpoint.look(now);
    look.has_room && look.standing == Standing::Willing
}

/// Looks at every endpoint once, without allocating: this is on the path of each call.
fn survey<'r>(
    route: &'r Route,
    ask: &Ask<'_>,
    now: Instant,
    has_room: fn(&Look) -> bool,
) -> Result<Field<'r>, NoEndpoint> {
    let mut best: Option<Field<'r>> = None;
    let mut nobody = Nobody::default();
    for (tier, endpoint) in route.speakers(ask.pool, ask.dialect) {
        let id = endpoint.id();
        if ask.only.is_some_and(|only| only != id) || (ask.untried && ask.tried.contains(&id)) {
            continue;
        }
        let look = endpoint.look(now);
        let step = has_room(&look).then(|| step(ask, endpoint, look.standing)).flatten();
        let Some(step) = step else {
            nobody.add(has_room(&look), look.standing);
            continue;
        };
        match &mut best {
            Some(field) if (field.step, field.tier) < (step, tier) => {}
            Some(field) if (field.step, field.tier) == (step, tier) => field.add(route, ask, endpoint, &look),
            _ => best = Some(Field::of(step, tier, endpoint, &look)),
        }
    }
    best.ok_or_else(|| nobody.news())
}

/// How near an endpoint is to what is wanted; `None` if it should not be called.
pub(crate) fn step(ask: &Ask<'_>, endpoint: &Endpoint, standing: Standing) -> Option<Step> {
    let tried = ask.tried.contains(&endpoint.id());
    let desperate = |badness| ask.desperate.then_some(Step::Desperate { badness });
    match standing {
        Standing::Willing => Some(Step::Willing { tried }),
        Standing::Cooling => Some(Step::Cooling { tried }),
        Standing::Paused(_) => desperate(0),
        Standing::Shut(_) => desperate(1),
        Standing::Keyless(_) => desperate(2),
    }
}

/// What there is to say of endpoints that cannot be called.
#[derive(Default)]
struct Nobody {
    speaks: bool,
    /// One is only full: it may have room at any moment.
    full: bool,
    /// When the first of those that rest and have room may be called.
    earliest: Option<Instant>,
}

impl Nobody {
    fn add(&mut self, has_room: bool, standing: Standing) {
        self.speaks = true;
        match standing {
            Standing::Willing | Standing::Cooling => self.full = true,
            Standing::Paused(until) | Standing::Shut(until) | Standing::Keyless(until) if has_room => {
                self.earliest = Some(self.earliest.map_or(until, |earliest| earliest.min(until)));
            }
            // One that rests and is full at its time is as good as full.
            Standing::Paused(_) | Standing::Shut(_) | Standing::Keyless(_) => {}
        }
    }

    const fn news(&self) -> NoEndpoint {
        match self.earliest {
            _ if !self.speaks => NoEndpoint::WrongDialect,
            Some(until) if !self.full => NoEndpoint::Resting { until },
            _ => NoEndpoint::Busy,
        }
    }
}

impl<'r> Field<'r> {
    fn of(step: Step, tier: usize, endpoint: &'r Arc<Endpoint>, look: &Look) -> Self {
        let only = Candidate { endpoint, cost: look.cost() };
        let (in_flight, wait_min_s) = (look.in_flight, look.wait_s);
        let probe = look.wants_probe.then_some(endpoint);
        Self { step, tier, size: 1, in_flight, wait_min_s, drawn: [only, only], probe }
    }

    /// One candidate more. Each pair is equally likely to be drawn in the end (reservoir sampling: Vitter
    /// 1985).
    fn add(&mut self, route: &Route, ask: &Ask<'_>, endpoint: &'r Arc<Endpoint>, look: &Look) {
        self.size += 1;
        self.in_flight += look.in_flight;
        self.wait_min_s = self.wait_min_s.min(look.wait_s);
        if look.wants_probe {
            self.probe = Some(endpoint);
        }
        if ask.choice == Choice::First {
            return;
        }
        let place = if self.size == 2 { 1 } else { route.chance.below(self.size) };
        if let Some(drawn) = self.drawn.get_mut(place) {
            *drawn = Candidate { endpoint, cost: look.cost() };
        }
    }
}

fn choose<'r>(route: &'r Route, ask: &Ask<'_>, field: &Field<'r>, now: Instant) -> &'r Arc<Endpoint> {
    if ask.choice == Choice::First {
        return field.drawn[0].endpoint;
    }
    // By its cost an endpoint that was broken would not be called while another is idle, and so would stay
    // out for ever: its few probes go first.
    if let (Step::Willing { .. }, Some(probe)) = (field.step, field.probe) {
        return probe;
    }
    let home = ask.session.filter(|_| field.size > 1);
    let home = home.and_then(|session| sticky::home(route, ask, field, session, now));
    home.unwrap_or_else(|| cheaper(route, field.drawn))
}

/// Of equals either, so that the order of the config decides nothing.
fn cheaper<'r>(route: &Route, [one, other]: [Candidate<'r>; 2]) -> &'r Arc<Endpoint> {
    let order = other.cost.total_cmp(&one.cost);
    let takes_other = order.is_lt() || (order.is_eq() && route.chance.below(2) == 1);
    if takes_other { other.endpoint } else { one.endpoint }
}
