//! The line itself: a pure machine that knows nothing of tasks, and of time and room only what each event tells it.
//!
//! What always holds:
//! * Nobody who may be served waits while a permit is free for it, and no permit is given that the room has not, but to
//!   one for whom it is no use to wait for those who rest (`rest`).
//! * Across levels the lowest rank goes first; inside a level the tenant that had least (`fair`); inside a tenant's flow
//!   whoever arrived first, always.
//! * Everyone who joins comes out exactly once: served, sent away, or gone of their own accord.

mod ahead;
mod ask;
mod bounds;
mod class;
mod fair;
mod flow;
pub(crate) mod foresight;
mod pace;
mod rest;
mod standing;
mod waiters;

use std::time::{Duration, Instant};

use weir_core::{Priority, Scope, Urgency};

use crate::config::{Fairness, Order};

pub use ask::{Ask, Bound, Grant, Look, Moment, News, Refusal, Rules, Why};
pub use waiters::Ticket;

use class::{Classes, Fit};
use fair::Level;
use flow::Parties;
use foresight::Foresight;
use pace::{Pace, Shortest};
use rest::Rest;
use standing::Standing;
use waiters::{Lane, Waiter, Waiters};

/// How often others may go before one that needs more permits than are free; then room is kept for it.
const OVERTAKEN_MAX: u8 = 8;
/// How often whoever keeps the watch looks at least whether time has changed something.
const WATCH: Duration = Duration::from_millis(100);

/// News for those in line, in the order in which it happened. Passed on by the shell, without the line's lock.
pub type Told<W> = Vec<News<W>>;

/// A line of waiters who are woken by `W`.
pub struct Line<W> {
    rules: Rules,
    /// What is out.
    classes: Classes,
    pace: Pace,
    foresight: Foresight,
    shortest: Shortest,
    /// Who waits.
    levels: [Level; Priority::LEVELS],
    parties: Parties,
    waiters: Waiters<W>,
    standing: Standing,
    rest: Rest,
    bytes: usize,
    /// Waiters who need more than one permit. While there are none, nobody can be overtaken.
    big: usize,
    /// Who looks again after a while because permits are free and nobody may have them, or because an endpoint rests.
    watch: Option<Ticket>,
}

/// Whose counter a turn is charged to, and how much.
struct Share {
    tenant: u32,
    level: u8,
    cost: f64,
    weight: f64,
}

/// What the line does next.
enum Next {
    Serve(u32, usize),
    EndWait(u32, Why),
    /// Permits may be free, but nobody may have them.
    Nobody,
}

impl<W: Clone> Line<W> {
    /// An empty line.
    pub fn new(now: Instant, rules: Rules) -> Self {
        Self {
            classes: Classes::new(now),
            pace: Pace::new(now),
            foresight: Foresight::default(),
            shortest: Shortest::new(now),
            levels: [const { Level::new() }; Priority::LEVELS],
            parties: Parties::new(),
            waiters: Waiters::new(),
            standing: Standing::new(rules.standing, rules.standing_wait, now),
            rest: Rest::new(rules.outage_wait),
            bytes: 0,
            big: 0,
            watch: None,
            rules,
        }
    }

    /// A turn at once, if a permit is free and nobody may have it before.
    pub fn enter(&mut self, at: Moment, ask: &Ask, told: &mut Told<W>) -> Option<Grant> {
        self.deal(at, told);
        let seats = self.room_for(at, ask.priority, ask.seats)?;
        let tenant = self.place(&ask.tenant);
        let flow = &mut self.parties.get_mut(tenant).flows[ask.level()];
        debug_assert!(flow.waiting == 0, "someone of this flow could have been served");
        self.levels[ask.level()].passed_through(flow, tenant);
        let share = Share { tenant, level: ask.level() as u8, cost: ask.cost, weight: ask.safe_weight() };
        let grant = self.grant(at.now, seats, share);
        self.shortest.served(at.now, Duration::ZERO);
        Some(grant)
    }

    /// Whether a newcomer of this urgency would have a turn at once. Those who wait while permits are kept free for the more
    /// urgent are not before them.
    pub fn has_room(&mut self, at: Moment, priority: Priority, told: &mut Told<W>) -> bool {
        self.deal(at, told);
        self.room_for(at, priority, 1).is_some()
    }

    /// The permits that a newcomer would have at once. Whoever waits now may not be served now. But next to one who needs
    /// more permits than are free, the newcomer would overtake: that is for those in line to do.
    fn room_for(&self, at: Moment, priority: Priority, seats: usize) -> Option<usize> {
        match self.classes.fit(Urgency::of(priority), seats, at.room.now) {
            Fit::Fits(seats) if self.big == 0 => Some(seats),
            _ => None,
        }
    }

    /// Joins the line, for one who could not [`enter`](Self::enter): no permit is free that its class may have, so that a
    /// refusal is for a lack of room, although permits may be kept free for the more urgent. To give those away instead
    /// would leave them none, as in a flood of bulk work somebody is refused all the time. The newcomer's own turn may be
    /// among the news.
    ///
    /// # Errors
    /// A bound is hit, or the turn would come too late.
    pub fn join(&mut self, at: Moment, ask: &Ask, wake: W, told: &mut Told<W>) -> Result<Ticket, Refusal> {
        self.tick(at);
        let (level, tenant) = (ask.level(), self.place(&ask.tenant));
        let desperate =
            self.is_no_use(at, (ask.arrived, ask.begin_by), ask.returns) && self.has_place_without_rest(at);
        // Who does not stay in line needs no place there.
        if !desperate {
            let wait = self.predict(at, level, tenant, ask.arrived);
            if wait.is_some_and(|wait| at.now + wait >= ask.begin_by) {
                return Err(Refusal { why: Why::TooLate, wait });
            }
            self.make_place(at, ask, tenant, told)?;
        }
        let id = self.waiters.insert(Waiter {
            wake,
            tenant,
            level: level as u8,
            overtaken: 0,
            seats: ask.seats.max(1),
            bytes: ask.bytes,
            cost: ask.cost,
            weight: ask.safe_weight(),
            arrived: ask.arrived,
            joined: at.now,
            begin_by: ask.begin_by,
            returns: ask.returns,
        });
        self.link(id);
        let ticket = self.waiters.ticket(id);
        if desperate {
            self.serve_desperate(at, id, told);
        }
        self.deal(at, told);
        Ok(ticket)
    }

    /// Leaves the line; `false` for one who is no longer in it.
    pub fn leave(&mut self, at: Moment, ticket: Ticket, told: &mut Told<W>) -> bool {
        self.tick(at);
        let Some(id) = self.waiters.find(ticket) else { return false };
        self.unlink(id);
        // Room may have been kept for this one, or this one kept the watch.
        self.deal(at, told);
        true
    }

    /// Someone in line asks how it stands: when to ask again at the latest; `None` when they are no longer in it, which
    /// the news may be about.
    pub fn check(&mut self, at: Moment, ticket: Ticket, told: &mut Told<W>) -> Option<Instant> {
        self.tick(at);
        // Ends: each time one leaves the line.
        while let Some(id) = self.waiters.find(ticket)
            && let Some(why) = self.overdue(id, at.now)
        {
            self.end_wait(at, id, why, told);
        }
        self.deal(at, told);
        let id = self.waiters.find(ticket)?;
        let Waiter { level, arrived, joined, begin_by, returns, .. } = *self.waiters.get(id);
        let no_use = self.is_no_use(at, (arrived, begin_by), returns);
        if no_use && self.has_place_without_rest(at) {
            self.serve_desperate(at, id, told);
            // It may have kept the watch.
            self.deal(at, told);
            return None;
        }
        let watch = (self.watch == Some(ticket)).then(|| {
            let look = at.now + WATCH;
            at.room.until.map_or(look, |until| until.min(look))
        });
        let rest = if no_use { Some(at.now + WATCH) } else { self.rest.ends(arrived) };
        let ends = [self.standing.ends(class_of(level), joined), rest, watch];
        Some(ends.into_iter().flatten().fold(begin_by, Instant::min))
    }

    /// A turn is over. `used`: the tokens it really took, if that is known.
    pub fn give_back(&mut self, at: Moment, mut grant: Grant, used: Option<f64>, told: &mut Told<W>) {
        self.tick(at);
        let permits = grant.seats;
        self.take_back(at.now, &mut grant);
        // What comes back while nobody serves was held by calls that failed, and says nothing of how long answers take.
        if permits > 0 && !at.room.rests {
            self.pace.came_back(permits, grant.held, self.waiters.len() > 0);
        }
        let party = self.parties.get_mut(grant.tenant);
        party.grants -= 1;
        if self.rules.fairness == Fairness::Vtc
            && let Some(used) = used
        {
            self.foresight.learn(grant.cost, used);
            let level = usize::from(grant.level);
            let flow = &mut party.flows[level];
            let missing = used.max(0.0) / grant.weight - grant.charged;
            // What a lift has forgiven since must not be given back a second time.
            let forgiven = flow.lifted - grant.lifted;
            let due = if missing < 0.0 { (missing + forgiven).min(0.0) } else { missing };
            self.levels[level].charge(flow, grant.tenant, due);
        }
        self.deal(at, told);
    }

    /// The holder of a turn waits for something else: others may have its permits until it joins again.
    pub fn lend(&mut self, at: Moment, grant: &mut Grant, told: &mut Told<W>) {
        self.tick(at);
        self.take_back(at.now, grant);
        self.deal(at, told);
    }

    /// The holder of a lent turn, having asked again at no cost, has got another: they become one.
    pub fn merge(&mut self, grant: &mut Grant, again: Grant) {
        debug_assert!(grant.seats == 0, "only a lent turn is taken up again");
        grant.seats += again.seats;
        grant.since = again.since;
        grant.desperate = again.desperate;
        self.parties.get_mut(again.tenant).grants -= 1;
    }

    /// Serves whoever may be served now.
    pub fn deal(&mut self, at: Moment, told: &mut Told<W>) {
        self.tick(at);
        self.tell_of_rest(at, told);
        while self.waiters.len() > 0 && self.classes.out() < at.room.now {
            match self.next(at) {
                Next::Serve(id, seats) => self.serve(at, id, seats, told),
                Next::EndWait(id, why) => self.end_wait(at, id, why, told),
                Next::Nobody => return self.keep_watch(told),
            }
        }
        if self.waiters.len() > 0 && (at.room.rests || at.room.until.is_some()) {
            return self.keep_watch(told);
        }
        self.watch = None;
    }

    /// Requests in line.
    pub fn waiting(&self) -> usize {
        self.waiters.len()
    }

    /// Requests of one class in line.
    pub const fn waiting_of(&self, class: Urgency) -> usize {
        self.standing.waiting(class)
    }

    /// Permits out.
    pub fn out(&self) -> usize {
        self.classes.out()
    }

    /// Tenants that are remembered.
    #[cfg(test)]
    pub(crate) fn tenants(&self) -> usize {
        self.parties.len()
    }

    /// The line as those see it who decide about pressure.
    pub fn look(&mut self, at: Moment) -> Look {
        self.tick(at);
        let oldest = self.levels.iter().filter_map(|level| level.list.head());
        let oldest = oldest.map(|id| at.now.saturating_duration_since(self.waiters.get(id).joined)).max();
        let waited = oldest.unwrap_or_default();
        let predicted_wait = match self.waiters.len() {
            0 => Duration::ZERO,
            waiting => self.pace.wait_for(waiting, at.working_room()).unwrap_or(waited),
        };
        Look {
            waiting: self.waiters.len(),
            waiters_max: self.rules.waiters_max,
            bytes: self.bytes,
            bytes_max: self.rules.bytes_max,
            out: self.classes.out(),
            room: at.room.now,
            predicted_wait,
            shortest_wait: self.shortest.get(at.now).unwrap_or(waited),
            standing: self.standing.any(at.now),
        }
    }

    fn tick(&mut self, at: Moment) {
        let rests = at.room.rests;
        self.pace.tick(at.now, self.waiters.len() > 0 && !rests, at.working_room());
        self.classes.tick(at.now);
        self.standing.tick(at.now, rests);
        self.rest.tick(at);
    }

    fn place(&mut self, tenant: &Scope) -> u32 {
        let levels = &self.levels;
        self.parties.place(tenant, || std::array::from_fn(|level| levels[level].floor()))
    }

    /// Who is next, in the order of ranks, and in a level in the order of turns.
    fn next(&self, at: Moment) -> Next {
        let mut passed_levels = 0u16;
        while let Some(level) = self.first_level(passed_levels) {
            passed_levels |= 1 << level;
            let class = class_of(level as u8);
            for id in self.heads(level) {
                if let Some(why) = self.overdue(id, at.now) {
                    return Next::EndWait(id, why);
                }
                let waiter = self.waiters.get(id);
                match self.classes.fit(class, waiter.seats, at.room.now) {
                    Fit::Fits(seats) => return Next::Serve(id, seats),
                    Fit::AtCeiling => break,
                    Fit::TooBig if waiter.overtaken >= OVERTAKEN_MAX => return Next::Nobody,
                    Fit::TooBig => {}
                }
            }
        }
        Next::Nobody
    }

    /// The level with the lowest rank among those in which someone waits and which have not been passed over.
    ///
    /// A level's rank is that of its oldest waiter, whichever of its tenants has its turn now. Were it that of the head
    /// whose turn it is, a tenant of little work would keep presenting fresh heads with high ranks, and an old request
    /// of a busy tenant in the same level would wait for all of them, each for up to nine levels' aging. As it is, the
    /// oldest draws turns to its level once it has waited nine levels' aging, when it comes before every newcomer
    /// anywhere, until fair sharing inside the level has come round to it: nothing waits for ever.
    fn first_level(&self, passed: u16) -> Option<usize> {
        let mut first = None;
        for (index, level) in self.levels.iter().enumerate() {
            let Some(oldest) = level.oldest else { continue };
            if passed & 1 << index != 0 {
                continue;
            }
            let rank = match self.rules.order {
                // The first found is the most urgent.
                Order::Strict => return Some(index),
                Order::Aged => oldest + self.rules.aging * index as u32,
            };
            if first.is_none_or(|(least, _)| rank < least) {
                first = Some((rank, index));
            }
        }
        first.map(|(_, index)| index)
    }

    /// Those of a level who may be next: the first of each flow, by turns. A flow is never reordered.
    fn heads(&self, level: usize) -> impl Iterator<Item = u32> + '_ {
        let queue = &self.levels[level];
        let (first, turns) = match self.rules.fairness {
            Fairness::None => (queue.list.head(), None),
            Fairness::Vtc => (None, Some(queue.turns())),
        };
        let heads = turns.into_iter().flatten();
        let heads = heads.filter_map(move |tenant| self.parties.get(tenant).flows[level].list.head());
        first.into_iter().chain(heads)
    }

    /// Why someone may wait no longer; `None` while they may.
    fn overdue(&self, id: u32, now: Instant) -> Option<Why> {
        let waiter = self.waiters.get(id);
        if now >= waiter.begin_by {
            return Some(Why::Timeout);
        }
        let ends = self.standing.ends(class_of(waiter.level), waiter.joined)?;
        (now >= ends).then_some(Why::Standing)
    }

    fn serve(&mut self, at: Moment, id: u32, seats: usize, told: &mut Told<W>) {
        let now = at.now;
        if self.big > 0 {
            self.overtake(at, id);
        }
        let joined = self.waiters.get(id).joined;
        let (wake, grant) = self.take_out(now, id, seats);
        self.shortest.served(now, now.saturating_duration_since(joined));
        told.push(News::Turn(wake, grant));
    }

    /// Someone in line gets a turn.
    fn take_out(&mut self, now: Instant, id: u32, seats: usize) -> (W, Grant) {
        let Waiter { wake, tenant, level, cost, weight, .. } = self.unlink(id);
        (wake, self.grant(now, seats, Share { tenant, level, cost, weight }))
    }

    /// Someone is served: whoever comes before them and is still in line was too big, and has been overtaken.
    fn overtake(&mut self, at: Moment, served: u32) {
        let mut overtaken = Vec::new();
        let mut passed_levels = 0u16;
        while let Some(level) = self.first_level(passed_levels) {
            passed_levels |= 1 << level;
            let class = class_of(level as u8);
            let too_big =
                |id: &u32| self.classes.fit(class, self.waiters.get(*id).seats, at.room.now) == Fit::TooBig;
            overtaken.extend(self.heads(level).take_while(|id| *id != served).filter(too_big));
            if usize::from(self.waiters.get(served).level) == level {
                break;
            }
        }
        for id in overtaken {
            let waiter = self.waiters.get_mut(id);
            waiter.overtaken = waiter.overtaken.saturating_add(1);
        }
    }

    fn grant(&mut self, now: Instant, seats: usize, share: Share) -> Grant {
        let Share { tenant, level, cost, weight } = share;
        let party = self.parties.get_mut(tenant);
        party.grants += 1;
        let flow = &mut party.flows[usize::from(level)];
        let charged = match self.rules.fairness {
            Fairness::Vtc => self.foresight.charge(cost) / weight,
            Fairness::None => 0.0,
        };
        self.levels[usize::from(level)].charge(flow, tenant, charged);
        self.classes.take(class_of(level), seats);
        let lifted = flow.lifted;
        let (held, desperate) = (Duration::ZERO, false);
        Grant { tenant, level, seats, cost, charged, lifted, weight, since: now, held, desperate }
    }

    fn take_back(&mut self, now: Instant, grant: &mut Grant) {
        if grant.seats > 0 {
            grant.held += now.saturating_duration_since(grant.since);
            self.classes.put_back(class_of(grant.level), std::mem::take(&mut grant.seats));
        }
    }

    /// Someone may wait no longer. If it is only because the line stands, places that are kept for the more urgent are kept no
    /// longer either: the flow's first gets one. Nobody is refused for a lack of room that is not there.
    fn end_wait(&mut self, at: Moment, id: u32, why: Why, told: &mut Told<W>) {
        let free = at.room.now.saturating_sub(self.classes.out());
        if why != Why::Standing || free == 0 {
            return self.send_away(at, id, why, told);
        }
        let Waiter { tenant, level, .. } = *self.waiters.get(id);
        let first = self.parties.get(tenant).flows[usize::from(level)].list.head().unwrap_or(id);
        let seats = self.waiters.get(first).seats.min(free);
        self.serve(at, first, seats, told);
    }

    fn send_away(&mut self, at: Moment, id: u32, why: Why, told: &mut Told<W>) {
        let waiter = self.unlink(id);
        let wait = self.predict(at, usize::from(waiter.level), waiter.tenant, at.now);
        told.push(News::Left(waiter.wake, Refusal { why, wait }));
    }

    /// Someone waits, and time alone may change that: permits are free, but a class is at its ceiling; or an endpoint
    /// rests. So someone has to look again.
    fn keep_watch(&mut self, told: &mut Told<W>) {
        if self.watch.is_some_and(|ticket| self.waiters.find(ticket).is_some()) {
            return;
        }
        let Some(id) = self.first_level(0).and_then(|level| self.heads(level).next()) else { return };
        self.watch = Some(self.waiters.ticket(id));
        told.push(News::Watch(self.waiters.get(id).wake.clone()));
    }

    fn link(&mut self, id: u32) {
        let waiter = self.waiters.get(id);
        let (tenant, level, bytes) = (waiter.tenant, usize::from(waiter.level), waiter.bytes);
        self.big += usize::from(waiter.seats > 1);
        self.standing.joined(class_of(level as u8), waiter.joined);
        self.bytes += bytes;
        let party = self.parties.get_mut(tenant);
        party.waiting += 1;
        party.bytes += bytes;
        let (queue, flow) = (&mut self.levels[level], &mut party.flows[level]);
        queue.waiting += 1;
        self.waiters.link(Lane::Level, &mut queue.list, id);
        queue.oldest = queue.list.head().map(|head| self.waiters.get(head).arrived);
        flow.bytes += bytes;
        flow.waiting += 1;
        self.waiters.link(Lane::Flow, &mut flow.list, id);
        if flow.waiting == 1 {
            queue.activate(flow, tenant);
        }
    }

    fn unlink(&mut self, id: u32) -> Waiter<W> {
        let waiter = self.waiters.get(id);
        let (tenant, level, bytes) = (waiter.tenant, usize::from(waiter.level), waiter.bytes);
        self.big -= usize::from(waiter.seats > 1);
        self.standing.left(class_of(level as u8));
        self.bytes -= bytes;
        let party = self.parties.get_mut(tenant);
        party.waiting -= 1;
        party.bytes -= bytes;
        let (queue, flow) = (&mut self.levels[level], &mut party.flows[level]);
        queue.waiting -= 1;
        self.waiters.unlink(Lane::Level, &mut queue.list, id);
        queue.oldest = queue.list.head().map(|head| self.waiters.get(head).arrived);
        flow.bytes -= bytes;
        flow.waiting -= 1;
        self.waiters.unlink(Lane::Flow, &mut flow.list, id);
        if flow.waiting == 0 {
            queue.deactivate(flow, tenant);
        }
        self.waiters.remove(id)
    }
}

/// The class of a level that is in range.
fn class_of(level: u8) -> Urgency {
    Priority::new(level).map_or(Urgency::Bulk, Urgency::of)
}
