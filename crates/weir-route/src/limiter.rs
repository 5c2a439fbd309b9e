//! How many calls an endpoint is given at one time: a limit that nobody tells, found by trying.
//!
//! A service that is full of this gateway's own calls refuses whatever comes on top of them and nothing that comes
//! below; one that is full of everybody's refuses at any load. So a refusal is of the gateway's own making when most of
//! the calls that were lately sent at this load *or a higher one* were refused, and more of them than the usual share of
//! refusals makes likely; then the limit is cut. (To cut at every refusal, additive increase and multiplicative decrease
//! against refusals that do not depend on the load, settles at a handful of calls, whatever the service could take.) A
//! fall that has brought no relief is taken back.
//!
//! Growth after a cut is CUBIC's (RFC 9438), free of scale: in [`BACK`] to the load that was refused, then faster and
//! faster, so that a service that has doubled is found in eight seconds. A cut far below what was carried a moment ago is
//! tried out at once: it may have been for a burst of somebody else's.
//!
//! Trying has to cost the callers little. A load that is refused and higher than any that was carried lately was met from
//! below, so the limit is close: the cut is shallow. Where a limit was found a moment ago, two refusals show it once more.
//! So a service that is full all the time refuses two calls in three seconds, and those go back to the line at once.
//!
//! A service that refuses nobody and lets everybody wait shows its limit by slow first tokens: see `gradient.rs`.
//!
//! Invariants: `min` ≤ limit ≤ `max`; at most one cut a second, and no second one before a call has begun that was sent
//! after the first, so that a service that refuses everything for a while costs one cut; it grows only while it is used.

use std::time::{Duration, Instant};

use crate::gradient::{Gradient, Verdict};
use crate::ring::Ring;

/// Bounds of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Where it begins.
    pub(crate) initial: usize,
    /// It falls no further.
    pub(crate) min: usize,
    /// The operator's word, or the account's limit.
    pub(crate) max: usize,
}

impl Bounds {
    /// One that is found: from 20 on, within what the operator allows.
    pub(crate) fn adaptive(max: usize) -> Self {
        Self { initial: INITIAL.min(max), min: MIN.min(max), max }
    }

    /// One that the operator knows.
    pub(crate) const fn fixed(max: usize) -> Self {
        Self { initial: max, min: max, max }
    }
}

const INITIAL: usize = 20;
const MIN: usize = 4;
/// What a cut leaves of the load that was refused, and what it leaves when nearly all calls are.
const CUT: f64 = 0.9;
const CUT_DEEP: f64 = 0.8;
const DEEP_SHARE: f64 = 0.8;
const DEEP_REFUSALS_MIN: u32 = 10;
/// What a cut leaves of a load that was higher than any that was carried lately: there the limit was met from below and must
/// be close. A cut stops the line for its share of the length of an answer, so it is no deeper than it takes to be below the
/// limit for some seconds.
const CUT_SHALLOW: f64 = 0.97;
/// The time between cuts: what a cut does must be seen before the next.
const CUT_EVERY: Duration = Duration::from_secs(1);
/// Cuts further apart than this have nothing to do with each other.
const FALL_GAP: Duration = Duration::from_secs(3);
/// After a fall to this part, it is asked whether it was for nothing.
const FALL: f64 = 0.3;
/// First tokens a second without which that cannot be told.
const FALL_RATE_MIN: f64 = 5.0;
/// A cut to less than this part of what was carried lately may be for somebody else's burst.
const DEEP_FALL: f64 = 0.8;
/// How long growth takes from a cut back to the load that was refused.
const BACK: Duration = Duration::from_secs(3);
/// The same after a cut because of slow first tokens. From there to as far above that load as the cut was below it, growth
/// takes half of the time.
const BACK_FROM_SLOW: Duration = Duration::from_secs(15);
/// Growth counts time only while this share of the limit is in use.
const BUSY: f64 = 0.8;
/// The longest time that one first token can show to have been busy.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// The share of the limit in use from which on first tokens lift it while it is being sought.
const BUSY_SEEKING: f64 = 0.5;
/// After a circuit was open, the limit begins again at this share.
const RESTART: f64 = 0.1;

/// Calls that are remembered, and for how long.
const CALLS: usize = 256;
const MEMORY: Duration = Duration::from_secs(5);
/// The last few of them.
const LATELY: u32 = 20;
const CARRIED_SLOTS: usize = 5;
/// Refusals without which a share of them means nothing while the limit is sought for the first time, when the usual share is
/// not known, and each new load is one that only the last few calls have met.
const REFUSALS_AT_FIRST: u32 = 12;
/// What shows a limit that was not known.
const NEW: Proof = Proof { refusals_min: 4, chance_max: 1e-4, usual_min: 0.25 };
/// What shows once more a limit that was found a moment ago. Less will do, as being wrong costs little: the cut is shallow.
const AGAIN: Proof = Proof { refusals_min: 2, chance_max: 0.01, usual_min: 0.05 };
/// The smallest share of refused calls that can show a limit of one's own.
const SHARE_MIN: f64 = 0.67;
/// The usual share of refusals forgets in so many seconds: no faster, or one's own fall would pass for usual; no slower, or
/// the limit has fallen to its floor before it is seen that the fall changes nothing.
const USUAL_S: f64 = 5.0;
const USUAL_EVERY: Duration = Duration::from_secs(1);

/// One endpoint's limit.
#[derive(Debug)]
pub(crate) struct Limiter {
    bounds: Bounds,
    limit: f64,
    phase: Phase,
    cut: Option<Cut>,
    fall: Option<Fall>,
    /// When a first token last came at a busy time.
    busy: Option<Instant>,
    calls: Calls,
    /// The highest load lately, and since the last cut, at which a call was taken.
    carried: Ring<usize, CARRIED_SLOTS>,
    usual: Usual,
    gradient: Gradient,
    /// The limit before it was cut to see whether first tokens come sooner.
    tried: Option<(f64, Phase)>,
}

/// How it grows.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// By one with each first token, up to a load that has been carried before, if there was one.
    Seeking { top: f64 },
    /// With the time it has been in use since a cut, from `low` to `top` in `back`, and beyond.
    Growing { top: f64, low: f64, back: Duration, used: Duration },
}

impl Phase {
    const fn growing(top: f64, low: f64, back: Duration) -> Self {
        Self::Growing { top, low, back, used: Duration::ZERO }
    }
}

/// The last cut, and the first tokens since.
#[derive(Clone, Copy, Debug)]
struct Cut {
    at: Instant,
    begun: u32,
    /// Whether one of them was of a call that was sent after the cut.
    answered: bool,
}

/// Cut after cut: the limit before the first, and the limit at which first tokens came at which rate.
#[derive(Clone, Copy, Debug)]
struct Fall {
    from: f64,
    seen: Option<(f64, f64)>,
}

/// A call that was sent: when, as the how-manieth in flight, and as the how-manieth of all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    load: usize,
    /// Most of the limit was in use.
    busy: bool,
    number: usize,
}

impl Limiter {
    pub(crate) fn new(bounds: Bounds, now: Instant) -> Self {
        Self {
            bounds,
            limit: bounds.initial as f64,
            phase: Phase::Seeking { top: f64::INFINITY },
            cut: None,
            fall: None,
            busy: None,
            calls: Calls::new(),
            carried: Ring::new(MEMORY, now),
            usual: Usual::new(now),
            gradient: Gradient::new(now),
            tried: None,
        }
    }

    /// Calls that may be in flight at one time.
    pub(crate) const fn limit(&self) -> usize {
        self.limit as usize
    }

    /// A call is sent, as the `load`th in flight.
    pub(crate) fn sent(&mut self, load: usize, now: Instant) -> Sent {
        let busy = load as f64 >= BUSY * self.limit;
        self.calls.add(load, busy, now)
    }

    /// It brought its first token; of a stream, with the time that it would have taken for a prompt of the usual size.
    pub(crate) fn began(&mut self, sent: Sent, took_s: Option<f64>, now: Instant) {
        self.calls.begun(sent);
        self.usual.add(false, now);
        let carried = self.carried.at(now);
        *carried = (*carried).max(self.calls.load(sent).unwrap_or(sent.load));
        if let Some(cut) = &mut self.cut {
            cut.begun += 1;
            cut.answered |= sent.at >= cut.at;
        }
        let in_use = sent.load as f64 / self.limit;
        let verdict = took_s.and_then(|took_s| self.gradient.began(took_s, sent.at, sent.busy, now));
        if let Some(verdict) = verdict {
            self.try_less(verdict);
        }
        if self.gradient.is_trying() {
            return;
        }
        match &mut self.phase {
            Phase::Seeking { top } => {
                if in_use >= BUSY_SEEKING {
                    self.limit += 1.0;
                }
                if self.limit >= CUT * *top {
                    self.phase = Phase::growing(*top, self.limit, BACK);
                }
            }
            Phase::Growing { .. } if in_use < BUSY => self.busy = None,
            Phase::Growing { top, low, back, used } => {
                if let Some(since) = self.busy.replace(now) {
                    *used += now.saturating_duration_since(since).min(BUSY_MAX);
                    let after_s = used.as_secs_f64() - back.as_secs_f64();
                    let scale = if after_s < 0.0 { *back } else { *back / 2 };
                    let part = after_s / scale.as_secs_f64();
                    self.limit = self.limit.max(*top + (*top - *low) * part.powi(3));
                }
            }
        }
        self.limit = self.limit.clamp(self.bounds.min as f64, self.bounds.max as f64);
    }

    /// It was refused, or did not begin in time. Returns whether that was of the gateway's own making: it showed a limit, or
    /// it was sent to see whether one that is known still holds.
    pub(crate) fn refused(&mut self, sent: Sent, now: Instant) -> bool {
        self.calls.refused(sent);
        self.usual.add(true, now);
        let known = self.calls.load(sent);
        let load = known.unwrap_or(sent.load);
        // So many calls within one refusal's time that it is forgotten already: all of this second stand for those.
        let this_second = (self.usual.all, self.usual.refused);
        let counts = known.map_or([this_second; 2], |load| self.calls.at_least(load, sent, now));
        let at_first = matches!(self.phase, Phase::Seeking { top } if top.is_infinite());
        let tries = self.tries_known(load as f64, now);
        let proof = if tries { AGAIN } else { NEW };
        let shows = |&(all, refused): &(u32, u32)| {
            let enough = !at_first || refused >= REFUSALS_AT_FIRST;
            load > MIN && enough && self.usual.is_beyond(all, refused, &proof)
        };
        let shown = counts.into_iter().find(shows);
        if let Some(count) = shown {
            self.cut(load as f64, count, now);
        }
        shown.is_some() || tries
    }

    /// Whether whoever is sent at a load tries if a limit that was found is still the limit: it is about the load that was
    /// refused then, and higher than any that was carried lately.
    fn tries_known(&mut self, load: f64, now: Instant) -> bool {
        let Phase::Growing { top, .. } = self.phase else { return false };
        let is_near = (load - top).abs() <= ((1.0 - CUT_SHALLOW) * top).max(1.0);
        is_near && self.is_met_from_below(load, now)
    }

    /// Whether a load is higher than any that was carried lately, if one was.
    fn is_met_from_below(&mut self, load: f64, now: Instant) -> bool {
        let carried = self.carried(now);
        carried > 0.0 && load > carried
    }

    /// The highest load lately, and since the last cut, at which a call was taken.
    fn carried(&mut self, now: Instant) -> f64 {
        self.carried.slots(now).iter().copied().max().unwrap_or(0) as f64
    }

    /// The endpoint is back after its circuit was open: it gets little at first.
    pub(crate) fn restart(&mut self) {
        let top = self.limit;
        self.limit = (RESTART * top).max(self.bounds.min as f64);
        self.phase = Phase::Seeking { top };
    }

    /// First tokens are slow at this limit: whether fewer calls make them faster is tried out.
    fn try_less(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Cut { left } => {
                self.tried = Some((self.limit, self.phase));
                self.limit = (left * self.limit).max(self.bounds.min as f64);
            }
            Verdict::Restore => {
                if let Some(before) = self.tried.take() {
                    (self.limit, self.phase) = before;
                }
            }
            Verdict::Stands => {
                if let Some((top, _)) = self.tried.take() {
                    self.phase = Phase::growing(top, self.limit, BACK_FROM_SLOW);
                }
            }
        }
        self.busy = None;
    }

    fn cut(&mut self, load: f64, (all, refused): (u32, u32), now: Instant) {
        let since = self.cut.map(|cut| now.saturating_duration_since(cut.at));
        let answered = self.cut.is_none_or(|cut| cut.answered);
        if !answered || since.is_some_and(|since| since < CUT_EVERY) {
            return;
        }
        let share = f64::from(refused) / f64::from(all);
        let vain = self.is_vain(since, share);
        (self.cut, self.busy) = (Some(Cut { at: now, begun: 0, answered: false }), None);
        if vain {
            return;
        }
        self.gradient.interrupt(now);
        self.tried = None;
        let top = load.min(self.limit);
        let is_deep = refused >= DEEP_REFUSALS_MIN && share >= DEEP_SHARE;
        let left = if self.is_met_from_below(load, now) {
            CUT_SHALLOW
        } else if is_deep {
            CUT_DEEP
        } else {
            CUT
        };
        self.limit = (left * top).max(self.bounds.min as f64);
        // Far below what was carried a moment ago: that is tried once more at once, and believed the second time, when
        // only what was carried since counts.
        let carried = self.carried(now);
        self.phase = if self.limit < DEEP_FALL * carried {
            Phase::Seeking { top: carried }
        } else {
            Phase::growing(top, self.limit, BACK)
        };
        self.carried.clear();
    }

    /// Whether cut after cut was for nothing: then the limit is what it was. The calls of a full service that are taken
    /// are as many at any limit; those of one that refuses at any load become fewer with the limit.
    fn is_vain(&mut self, since: Option<Duration>, share: f64) -> bool {
        let last = since.filter(|since| *since < FALL_GAP).zip(self.cut);
        let Some((since, cut)) = last else {
            self.fall = Some(Fall { from: self.limit, seen: None });
            return false;
        };
        let Some(fall) = &mut self.fall else { return false };
        let rate = f64::from(cut.begun) / since.as_secs_f64();
        let (limit_then, rate_then) = *fall.seen.get_or_insert((self.limit, rate));
        let part = self.limit / limit_then;
        let at_the_end = self.limit <= self.bounds.min as f64;
        if part > FALL && !at_the_end {
            return false;
        }
        fall.seen = Some((self.limit, rate));
        let vain = rate_then >= FALL_RATE_MIN && rate < rate_then * f64::midpoint(1.0, part);
        if vain {
            self.limit = fall.from;
            self.phase = Phase::Growing { top: fall.from, low: CUT * fall.from, back: BACK, used: BACK };
            self.usual.share = share;
        }
        vain
    }
}

/// How many refusals of most calls show a limit of one's own.
struct Proof {
    refusals_min: u32,
    /// Chance alone makes so many as rarely as this …
    chance_max: f64,
    /// … if at least this share is usual.
    usual_min: f64,
}

/// The last calls that were sent, with the load they met and what became of them.
#[derive(Debug)]
struct Calls {
    ring: [Option<(Sent, Fate)>; CALLS],
    next: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Awaited,
    Begun,
    Refused,
}

impl Calls {
    const fn new() -> Self {
        Self { ring: [None; CALLS], next: 0 }
    }

    const fn add(&mut self, load: usize, busy: bool, now: Instant) -> Sent {
        let sent = Sent { at: now, load, busy, number: self.next };
        self.ring[self.next % CALLS] = Some((sent, Fate::Awaited));
        self.next = self.next.wrapping_add(1);
        sent
    }

    fn begun(&mut self, sent: Sent) {
        if let Some((known, fate)) = &mut self.ring[sent.number % CALLS]
            && known.number == sent.number
        {
            *fate = Fate::Begun;
        }
    }

    /// Those that came after it did not meet it: the service was not working on it.
    fn refused(&mut self, sent: Sent) {
        for (known, fate) in self.ring.iter_mut().flatten() {
            if known.number == sent.number {
                *fate = Fate::Refused;
            } else if known.number > sent.number {
                known.load = known.load.saturating_sub(1);
            }
        }
    }

    /// The load that a call met; `None` if it is forgotten.
    fn load(&self, sent: Sent) -> Option<usize> {
        let known = self.ring[sent.number % CALLS].filter(|(known, _)| known.number == sent.number);
        known.map(|(known, _)| known.load)
    }

    /// Those that met the `load` of a call that has just been refused, or a higher one: how many were taken or refused, and
    /// how many refused; of the last few, which show first that the service takes less than before, and of all. A refusal
    /// comes sooner than a first token: whoever has waited longer than this one was taken, and of those sent later not even
    /// the refused ones count, since those taken beside them are not known yet.
    fn at_least(&self, load: usize, refused: Sent, now: Instant) -> [(u32, u32); 2] {
        let took = now.saturating_duration_since(refused.at);
        let (mut all, mut refusals, mut lately) = (0, 0, (0, 0));
        let newest_first = (1..=CALLS).map(|back| &self.ring[self.next.wrapping_sub(back) % CALLS]);
        for (sent, fate) in newest_first.flatten() {
            let age = now.saturating_duration_since(sent.at);
            if sent.load < load || age > MEMORY || age < took {
                continue;
            }
            all += 1;
            refusals += u32::from(*fate == Fate::Refused);
            if all <= LATELY {
                lately = (all, refusals);
            }
        }
        [lately, (all, refusals)]
    }
}

/// The usual share of refused calls: that of each second, averaged over some. By seconds and not by calls, as a full
/// service refuses many more calls in a second than it takes.
#[derive(Debug)]
struct Usual {
    share: f64,
    since: Instant,
    all: u32,
    refused: u32,
}

impl Usual {
    const fn new(now: Instant) -> Self {
        Self { share: 0.0, since: now, all: 0, refused: 0 }
    }

    fn add(&mut self, refused: bool, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        if passed >= USUAL_EVERY {
            let part = 1.0 - (-passed.as_secs_f64() / USUAL_S).exp();
            let share = f64::from(self.refused) / f64::from(self.all.max(1));
            *self = Self { share: self.share + part * (share - self.share), ..Self::new(now) };
        }
        self.all += 1;
        self.refused += u32::from(refused);
    }

    /// Whether so many refusals of `all` calls are most of them, and more than the usual share makes likely.
    fn is_beyond(&self, all: u32, refused: u32, proof: &Proof) -> bool {
        let most = refused >= proof.refusals_min && f64::from(refused) > SHARE_MIN * f64::from(all);
        most && at_least(refused, all, self.share.max(proof.usual_min)) < proof.chance_max
    }
}

/// The probability that at least `count` of `all` happen, when each does with probability `each` (binomial).
fn at_least(count: u32, all: u32, each: f64) -> f64 {
    if each >= 1.0 {
        return 1.0;
    }
    let odds = each / (1.0 - each);
    let mut term = (1.0 - each).powi(all as i32);
    let mut less = 0.0;
    for happened in 0..count {
        less += term;
        term *= odds * f64::from(all - happened) / f64::from(happened + 1);
    }
    1.0 - less
}
