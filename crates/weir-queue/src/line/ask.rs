//! What goes into the line and what comes out of it.

use std::time::{Duration, Instant};

use weir_core::{Priority, Room, Scope};

use crate::config;
use crate::config::{Fairness, Order};

/// The config refuses longer times; here they are kept from overflowing where sums are made of them.
const TIME_MAX: Duration = Duration::from_secs(86_400);

/// How the line decides: the config as meant.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(super) order: Order,
    pub(super) aging: Duration,
    pub(super) fairness: Fairness,
    pub(super) waiters_max: usize,
    pub(super) bytes_max: usize,
    pub(super) tenant_waiters_max: usize,
    pub(super) tenant_bytes_max: usize,
    pub(super) standing: Duration,
    pub(super) standing_wait: Duration,
    pub(super) outage_wait: Duration,
}

impl Rules {
    /// From the config, and how long a request waits for a service to come back.
    pub fn new(written: &config::Queue, outage_wait: Duration) -> Self {
        let bytes = |mib: usize| mib.saturating_mul(1 << 20);
        let (waiters_max, bytes_max) = (written.waiters_max, bytes(written.waiting_mib_max));
        Self {
            order: written.order,
            aging: Duration::from_secs(written.aging_s).min(TIME_MAX),
            fairness: written.fairness,
            waiters_max,
            bytes_max,
            tenant_waiters_max: written.tenant_waiters_max.unwrap_or(waiters_max).min(waiters_max),
            tenant_bytes_max: written.tenant_waiting_mib_max.map_or(bytes_max, bytes).min(bytes_max),
            standing: Duration::from_millis(written.standing_ms).min(TIME_MAX),
            standing_wait: Duration::from_millis(written.standing_wait_ms).min(TIME_MAX),
            outage_wait: outage_wait.min(TIME_MAX),
        }
    }
}

/// The world at an event.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// What time it is.
    pub now: Instant,
    /// How many permits may be out.
    pub room: Room,
}

impl Moment {
    /// The room in which a line is worked off: while nobody serves, that which there will be.
    pub(super) const fn working_room(&self) -> usize {
        if self.room.rests { self.room.whole } else { self.room.now }
    }

    /// How long it takes at least until somebody serves.
    pub(super) fn rest(&self) -> Duration {
        let until = self.room.until.filter(|_| self.room.rests);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(self.now))
    }
}

/// A request for a turn.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who shares.
    pub tenant: Scope,
    /// The tenant's weight among others; 1 is usual.
    pub weight: f64,
    /// How urgent it is.
    pub priority: Priority,
    /// Tokens it is expected to use.
    pub cost: f64,
    /// Permits it needs; 1 is usual.
    pub seats: usize,
    /// Bytes it keeps in memory while it waits.
    pub bytes: usize,
    /// Since when it has a claim. Earlier than now for one that was here before.
    pub arrived: Instant,
    /// When its turn comes too late.
    pub begin_by: Instant,
    /// It has had a turn, and comes back after a wait.
    pub returns: bool,
}

impl Ask {
    /// Weights below this would make one request cost for ever.
    const WEIGHT_MIN: f64 = 0.001;

    pub(super) fn level(&self) -> usize {
        usize::from(self.priority.level())
    }

    /// The weight, made safe to divide by.
    pub(super) const fn safe_weight(&self) -> f64 {
        self.weight.max(Self::WEIGHT_MIN)
    }
}

/// A turn: permits that are out until the line is told otherwise. Not `Clone`: each is given back once.
#[derive(Debug)]
#[must_use = "permits that are not given back are lost"]
pub struct Grant {
    pub(super) tenant: u32,
    pub(super) level: u8,
    /// 0 while the permits are lent to others.
    pub(super) seats: usize,
    /// What it was foreseen to cost.
    pub(super) cost: f64,
    /// What the flow's counter was raised by.
    pub(super) charged: f64,
    /// The flow's lifts by then.
    pub(super) lifted: f64,
    pub(super) weight: f64,
    pub(super) since: Instant,
    /// Time for which it held permits before it lent them.
    pub(super) held: Duration,
    /// Given although every endpoint rests.
    pub(super) desperate: bool,
}

impl Grant {
    /// Whether it was given although every endpoint rests.
    pub const fn is_desperate(&self) -> bool {
        self.desperate
    }
}

/// What became of someone in line, for the shell to pass on.
#[derive(Debug)]
pub enum News<W> {
    /// It is their turn.
    Turn(W, Grant),
    /// They have to leave.
    Left(W, Refusal),
    /// They have to look again: they keep the watch, because only time will change something, or it has become known
    /// that every endpoint rests. [`Line::check`](super::Line::check) says when to look next.
    Watch(W),
}

/// Why there is no turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refusal {
    /// What was in the way.
    pub why: Why,
    /// How long someone like them would wait now; `None` when the pace is not known.
    pub wait: Option<Duration>,
}

/// What was in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A bound was hit, and nobody in line was less entitled.
    Full(Bound),
    /// A bound was hit, and whoever came was more entitled.
    PushedOut(Bound),
    /// The turn would come after `begin_by`.
    TooLate,
    /// `begin_by` has passed.
    Timeout,
    /// Too long in a standing line.
    Standing,
}

/// A bound of the line, with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Requests.
    Waiters(usize),
    /// Bytes of bodies.
    Bytes(usize),
    /// Requests of one tenant.
    TenantWaiters(usize),
    /// Bytes of one tenant's bodies.
    TenantBytes(usize),
}

/// A line as seen from outside, for those who decide about pressure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Requests in line.
    pub waiting: usize,
    /// The most there may be.
    pub waiters_max: usize,
    /// Bytes of bodies in line.
    pub bytes: usize,
    /// The most there may be.
    pub bytes_max: usize,
    /// Permits out.
    pub out: usize,
    /// Permits that may be out.
    pub room: usize,
    /// How long it takes to serve all who wait; while the pace is not known, how long the oldest has waited.
    pub predicted_wait: Duration,
    /// The shortest wait of those served in the last 2 s; when nobody was, how long the oldest has waited.
    pub shortest_wait: Duration,
    /// A class whose waits are bounded (all but bulk) has had someone waiting for `standing_ms`.
    pub standing: bool,
}
