//! The line as one would write it with a vector and no thought of speed, and the property that the real one decides the
//! same in every step.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use weir_core::{Room, Scope, Urgency};

use super::world::{World, ask, calm};
use crate::config::{self, Fairness, Order};
use crate::line::Ask;
use crate::line::foresight::Foresight;

const RESERVE: [f64; 4] = [1.0, 0.95, 0.85, 0.5];

#[derive(Clone, Copy, Default)]
struct Counter {
    tokens: f64,
    lifted: f64,
    active_since: u64,
}

#[derive(Clone)]
struct Waiting {
    id: usize,
    ask: Ask,
    overtaken: u8,
}

struct Held {
    ask: Ask,
    seats: usize,
    charged: f64,
    lifted: f64,
}

#[derive(Default)]
struct Naive {
    config: config::Queue,
    waiting: Vec<Waiting>,
    held: BTreeMap<usize, Held>,
    counters: BTreeMap<(u8, [u8; 32]), Counter>,
    floors: [f64; 10],
    last: [Option<Scope>; 10],
    activations: [u64; 10],
    peaks: [f64; 4],
    seen_ms: u64,
    foresight: Foresight,
}

impl Naive {
    fn level(ask: &Ask) -> usize {
        usize::from(ask.priority.level())
    }

    fn counter(&mut self, ask: &Ask) -> &mut Counter {
        self.counters.entry((ask.priority.level(), *ask.tenant.bytes())).or_default()
    }

    fn held_above(&self, class: usize) -> usize {
        let above = |held: &&Held| (Urgency::of(held.ask.priority) as usize) < class;
        self.held.values().filter(above).map(|held| held.seats).sum()
    }

    fn out(&self) -> usize {
        self.held.values().map(|held| held.seats).sum()
    }

    fn tick(&mut self, now_ms: u64) {
        if now_ms - self.seen_ms >= 100 {
            let kept = (-Duration::from_millis(now_ms - self.seen_ms).as_secs_f64() / 30.0).exp();
            self.seen_ms = now_ms;
            for class in 0..4 {
                let held = self.held_above(class) as f64;
                self.peaks[class] = held + (self.peaks[class] - held).max(0.0) * kept;
            }
        }
    }

    /// Seats it would get; `Err(true)`: some could be had, but not enough.
    fn fit(&self, ask: &Ask, room: usize) -> Result<usize, bool> {
        let class = Urgency::of(ask.priority) as usize;
        let missing = (self.peaks[class] - self.held_above(class) as f64).round() as usize;
        let ceiling =
            room.saturating_sub(missing).max((RESERVE[class] * room as f64) as usize).max(1).min(room);
        let holds = self.held.values().any(|held| Urgency::of(held.ask.priority) as usize == class);
        let limit = if holds { ceiling } else { room };
        let need = ask.seats.clamp(1, ceiling.max(1));
        if self.out() + need <= limit { Ok(need) } else { Err(self.out() < limit) }
    }

    /// The first of each flow, in the order in which they are due.
    fn due(&mut self) -> Vec<usize> {
        let mut oldest = [None; 10];
        for waiting in &self.waiting {
            let oldest = &mut oldest[Self::level(&waiting.ask)];
            *oldest = Some(
                oldest.map_or(waiting.ask.arrived, |old: std::time::Instant| old.min(waiting.ask.arrived)),
            );
        }
        let mut heads: Vec<Waiting> = Vec::new();
        for waiting in &self.waiting {
            let same_flow = |head: &Waiting| {
                let same_tenant =
                    head.ask.tenant == waiting.ask.tenant || self.config.fairness == Fairness::None;
                head.ask.priority == waiting.ask.priority && same_tenant
            };
            match heads.iter_mut().find(|head| same_flow(head)) {
                Some(head) if waiting.ask.arrived < head.ask.arrived => *head = waiting.clone(),
                Some(_) => {}
                None => heads.push(waiting.clone()),
            }
        }
        let mut keyed: Vec<_> = heads
            .into_iter()
            .map(|head| {
                let level = Self::level(&head.ask);
                let aging = match self.config.order {
                    Order::Aged => Duration::from_secs(self.config.aging_s) * level as u32,
                    Order::Strict => Duration::from_secs(1_000_000_000) * level as u32,
                };
                let counter = *self.counter(&head.ask);
                (oldest[level].unwrap() + aging, level, counter, head.id)
            })
            .collect();
        keyed.sort_by(|a, b| {
            let levels = a.0.cmp(&b.0).then(a.1.cmp(&b.1));
            levels.then(a.2.tokens.total_cmp(&b.2.tokens)).then(a.2.active_since.cmp(&b.2.active_since))
        });
        keyed.into_iter().map(|(.., id)| id).collect()
    }

    fn deal(&mut self, now_ms: u64, room: usize) -> Vec<usize> {
        self.tick(now_ms);
        let mut served = Vec::new();
        'next: loop {
            let mut too_big = Vec::new();
            for id in self.due() {
                let at = self.waiting.iter().position(|waiting| waiting.id == id).unwrap();
                let Waiting { ask, overtaken, .. } = self.waiting[at].clone();
                match self.fit(&ask, room) {
                    Ok(seats) => {
                        for waiting in &mut self.waiting {
                            waiting.overtaken += u8::from(too_big.contains(&waiting.id));
                        }
                        self.waiting.remove(at);
                        self.left(&ask);
                        self.serve(id, ask, seats);
                        served.push(id);
                        continue 'next;
                    }
                    Err(true) if overtaken >= 8 => break,
                    Err(true) => too_big.push(id),
                    Err(false) => {}
                }
            }
            return served;
        }
    }

    fn active(&self, level: usize) -> impl Iterator<Item = &Ask> {
        self.waiting.iter().map(|waiting| &waiting.ask).filter(move |ask| Self::level(ask) == level)
    }

    fn floor(&self, level: usize) -> f64 {
        let tokens = |ask: &Ask| self.counters[&(level as u8, *ask.tenant.bytes())].tokens;
        self.active(level).map(tokens).min_by(f64::total_cmp).unwrap_or(self.floors[level])
    }

    fn lift(&mut self, ask: &Ask) {
        let floor = self.floor(Self::level(ask));
        let counter = self.counter(ask);
        let lift = (floor - counter.tokens).max(0.0);
        counter.tokens += lift;
        counter.lifted += lift;
    }

    /// Someone of this flow has left; if nobody waits in the level any more, the flow's counter is what counts.
    fn left(&mut self, ask: &Ask) {
        let level = Self::level(ask);
        if self.active(level).next().is_none() {
            self.last[level] = Some(ask.tenant);
            self.floors[level] = self.floors[level].max(self.counter(ask).tokens);
        }
    }

    fn charge(&mut self, ask: &Ask, amount: f64) {
        self.counter(ask).tokens += amount;
        let level = Self::level(ask);
        if self.last[level] == Some(ask.tenant) && self.active(level).all(|other| other.tenant != ask.tenant)
        {
            self.left(ask);
        }
    }

    fn serve(&mut self, id: usize, ask: Ask, seats: usize) {
        let charged = if self.config.fairness == Fairness::Vtc {
            self.foresight.charge(ask.cost) / ask.weight
        } else {
            0.0
        };
        self.charge(&ask, charged);
        let lifted = self.counter(&ask).lifted;
        self.held.insert(id, Held { ask, seats, charged, lifted });
        for class in 0..4 {
            self.peaks[class] = self.peaks[class].max(self.held_above(class) as f64);
        }
    }

    fn come(&mut self, now_ms: u64, room: usize, id: usize, ask: Ask) -> Vec<usize> {
        let mut served = self.deal(now_ms, room);
        let nobody_is_big = self.waiting.iter().all(|waiting| waiting.ask.seats == 1);
        if nobody_is_big && let Ok(seats) = self.fit(&ask, room) {
            self.lift(&ask);
            self.left(&ask);
            self.serve(id, ask, seats);
            served.push(id);
            return served;
        }
        let idle = self.active(Self::level(&ask)).all(|other| other.tenant != ask.tenant);
        if idle {
            self.lift(&ask);
            let activations = &mut self.activations[Self::level(&ask)];
            *activations += 1;
            let since = *activations;
            self.counter(&ask).active_since = since;
        }
        self.waiting.push(Waiting { id, ask, overtaken: 0 });
        served.extend(self.deal(now_ms, room));
        served
    }

    fn give_back(&mut self, now_ms: u64, room: usize, id: usize, used: f64) -> Vec<usize> {
        self.tick(now_ms);
        let held = self.held.remove(&id).unwrap();
        if self.config.fairness == Fairness::Vtc {
            self.foresight.learn(held.ask.cost, used);
            let missing = used / held.ask.weight - held.charged;
            let forgiven = self.counter(&held.ask).lifted - held.lifted;
            self.charge(&held.ask, if missing < 0.0 { (missing + forgiven).min(0.0) } else { missing });
        }
        self.deal(now_ms, room)
    }

    fn leave(&mut self, now_ms: u64, room: usize, id: usize) -> Vec<usize> {
        self.tick(now_ms);
        let at = self.waiting.iter().position(|waiting| waiting.id == id).unwrap();
        let gone = self.waiting.remove(at);
        self.left(&gone.ask);
        self.deal(now_ms, room)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Come { tenant: u8, level: u8, cost: u16, seats: usize, ago_ms: u64 },
    GiveBack(prop::sample::Index, u16),
    Leave(prop::sample::Index),
    Room(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let seats = prop_oneof![15 => Just(1usize), 1 => 2usize..6];
    let ago = prop_oneof![3 => Just(0u64), 1 => 0u64..40_000];
    prop_oneof![
        6 => (0u8..4, 0u8..10, 1u16..500, seats, ago)
            .prop_map(|(tenant, level, cost, seats, ago_ms)| Step::Come { tenant, level, cost, seats, ago_ms }),
        5 => (any::<prop::sample::Index>(), 0u16..900).prop_map(|(who, used)| Step::GiveBack(who, used)),
        1 => any::<prop::sample::Index>().prop_map(Step::Leave),
        1 => (0usize..9).prop_map(Step::Room),
        2 => (1u64..15_000).prop_map(Step::Pass),
    ]
}

fn rules() -> impl Strategy<Value = config::Queue> {
    let order = prop_oneof![3 => Just(Order::Aged), 1 => Just(Order::Strict)];
    let fairness = prop_oneof![3 => Just(Fairness::Vtc), 1 => Just(Fairness::None)];
    (order, fairness).prop_map(|(order, fairness)| config::Queue { order, fairness, ..calm() })
}

fn picked(who: prop::sample::Index, ids: impl ExactSizeIterator<Item = usize>) -> Option<usize> {
    let mut ids = ids;
    let count = ids.len();
    (count > 0).then(|| ids.nth(who.index(count))).flatten()
}

proptest! {
    /// No loss, no duplicate, never more out than room, nobody waits who may be served, order by rank, fair turns,
    /// overtaken at most eight times, leaving at any moment: all of it follows from agreeing with the naive line.
    #[test]
    fn the_line_decides_as_the_naive_one(
        rules in rules(),
        room in 1usize..9,
        steps in prop::collection::vec(step(), 0..150),
    ) {
        let mut world = World::new(room, &rules);
        let mut naive = Naive { config: rules, ..Naive::default() };
        // So that seniority never reaches back before the beginning of time.
        world.now_ms = 1_000_000;
        naive.seen_ms = 0;
        for step in steps {
            let (now_ms, before) = (world.now_ms, world.line.out());
            world.served.clear();
            let expected = match step {
                Step::Come { tenant, level, cost, seats, ago_ms } => {
                    let mut ask = ask(tenant, level, now_ms);
                    (ask.cost, ask.seats, ask.arrived) =
                        (f64::from(cost), seats, weir_testkit::at(now_ms - ago_ms));
                    // A pace that says "not in 27 hours" would be a bug of its own.
                    let id = world.come(ask.clone()).unwrap();
                    naive.come(now_ms, world.room.now, id, ask)
                }
                Step::GiveBack(who, used) => {
                    let Some(id) = picked(who, world.held.keys().copied()) else { continue };
                    world.give_back(id, Some(f64::from(used)));
                    naive.give_back(now_ms, world.room.now, id, f64::from(used))
                }
                Step::Leave(who) => {
                    let Some(id) = picked(who, world.waiting.keys().copied()) else { continue };
                    world.leave(id);
                    naive.leave(now_ms, world.room.now, id)
                }
                Step::Room(room) => {
                    world.room = Room::of(room);
                    world.deal();
                    naive.deal(now_ms, room)
                }
                Step::Pass(ms) => {
                    world.pass(Duration::from_millis(ms));
                    world.deal();
                    naive.deal(world.now_ms, world.room.now)
                }
            };
            prop_assert_eq!(&world.served, &expected);
            prop_assert_eq!(world.line.waiting(), naive.waiting.len());
            prop_assert_eq!(world.line.out(), naive.out());
            prop_assert!(world.line.out() <= world.room.now.max(before), "more out than there is room");
            prop_assert!(naive.waiting.iter().all(|waiting| waiting.overtaken <= 8));
        }
    }
}
