//! What the requests of a mock share: the service, the fault plan, the log, the prompts read before.
//!
//! Each lock guards a few lines and none is held across an await or while taking another.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Options;
use crate::ask::Ask;
use crate::chance::Chance;
use crate::fault::{Facts, FaultPlan, Injector, Rule};
use crate::log::{Log, LogEntry};
use crate::profile::Profile;
use crate::refusal::Shape;
use crate::scene::{Pace, Scene};
use crate::service::{Decision, Service};

/// Prompt prefixes remembered as read before.
const PREFIXES_MAX: usize = 50_000;

/// The draws that make the pace of a request.
const PACE_DRAWS: u64 = 5;

/// The mock, apart from its sockets.
pub(crate) struct State {
    pub options: Options,
    started: Instant,
    log: Mutex<Log>,
    injector: Mutex<Injector>,
    service: Mutex<Current>,
    prefixes: Mutex<Prefixes>,
}

/// The service of the present profile and how many there were before it.
struct Current {
    service: Service,
    generation: u64,
    /// Requests that have been seen, which number their draws.
    requests: u64,
    /// Requests that have come to this service and not left.
    held: u32,
}

/// A place held at a service; gives nothing back to one that has replaced it.
pub(crate) struct Slot {
    generation: u64,
    /// It takes room in the service too.
    in_service: bool,
}

impl State {
    pub fn new(options: Options) -> Self {
        let service = Service::new(options.profile, options.seed, Duration::ZERO);
        let injector = Injector::new(FaultPlan::default(), options.seed);
        State {
            options,
            started: Instant::now(),
            log: Mutex::default(),
            injector: Mutex::new(injector),
            service: Mutex::new(Current { service, generation: 0, requests: 0, held: 0 }),
            prefixes: Mutex::default(),
        }
    }

    /// Milliseconds since the mock started.
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Changes the entry of an attempt, if the log still has it.
    pub fn log_entry(&self, id: u64, change: impl FnOnce(&mut LogEntry)) {
        if let Some(entry) = self.log().entry(id) {
            change(entry);
        }
    }

    pub fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    /// The plan in force.
    pub fn plan(&self) -> std::sync::Arc<FaultPlan> {
        lock(&self.injector).plan().clone()
    }

    /// Puts a plan in force; its counters begin at zero. The service starts anew only if the profile changes.
    pub fn set_plan(&self, plan: FaultPlan) {
        let profile = plan.profile.unwrap_or(self.options.profile);
        *lock(&self.injector) = Injector::new(plan, self.options.seed);
        let mut current = lock(&self.service);
        if current.service.profile() != profile {
            current.renew(profile, self.options.seed, self.started.elapsed());
        }
    }

    /// As if just started with the same seed: no plan, no log, a fresh service, nothing read before.
    pub fn reset(&self) {
        *lock(&self.injector) = Injector::new(FaultPlan::default(), self.options.seed);
        *lock(&self.prefixes) = Prefixes::default();
        let mut current = lock(&self.service);
        current.renew(self.options.profile, self.options.seed, self.started.elapsed());
        current.requests = 0;
        drop(current);
        self.log().clear();
    }

    /// The fault rule a request meets, if any.
    pub fn pick_fault(&self, facts: &Facts, scene: &Scene) -> Option<Rule> {
        lock(&self.injector).pick(facts, scene)
    }

    /// Draws for the next request, and its pace on an idle service.
    pub fn next_request(&self) -> (Chance, Pace) {
        let mut current = lock(&self.service);
        current.requests += 1;
        let chance = Chance::new(self.options.seed).fork(current.requests);
        let pace = current.service.idle_pace(&mut chance.fork(PACE_DRAWS));
        (chance, pace)
    }

    /// One of the account's places, if one is free. It is held whatever the answer will be, spoiled ones included.
    pub fn enter(&self) -> Option<Slot> {
        let mut current = lock(&self.service);
        let full = self.options.concurrent_max.is_some_and(|max| current.held >= max);
        current.held += u32::from(!full);
        (!full).then_some(Slot { generation: current.generation, in_service: false })
    }

    /// Whether the service has room now for the request that holds `slot`.
    pub fn arrive(&self, shape: Shape, idle: Pace, slot: &mut Slot) -> Decision {
        let now = self.started.elapsed();
        let mut current = lock(&self.service);
        let decision = current.service.arrive(now, shape, idle);
        // A service that has been replaced since is not this one's any more.
        let same = current.generation == slot.generation;
        if matches!(decision, Decision::Run { holds: true, .. }) {
            if same {
                slot.in_service = true;
            } else {
                current.service.leave();
            }
        }
        decision
    }

    /// The share of answers that the profile ends for lack of resources.
    pub fn insufficient(&self) -> f64 {
        lock(&self.service).service.insufficient()
    }

    /// Gives back room.
    pub fn leave(&self, slot: Slot) {
        let mut current = lock(&self.service);
        if current.generation == slot.generation {
            current.held -= 1;
            if slot.in_service {
                current.service.leave();
            }
        }
    }

    /// Tokens of the prompt that were read before, and of all of it; from now on it has been read.
    pub fn read_prompt(&self, ask: &Ask) -> (u32, u32) {
        let units = ask.prefixes();
        let mut prefixes = lock(&self.prefixes);
        let hit = units.iter().take_while(|(digest, _)| prefixes.known.contains(digest)).last();
        let hit = hit.map_or(0, |&(_, tokens)| tokens);
        for &(digest, _) in &units {
            prefixes.remember(digest);
        }
        (hit, units.last().map_or(0, |&(_, tokens)| tokens))
    }
}

impl Current {
    fn renew(&mut self, profile: Profile, seed: u64, now: Duration) {
        self.service = Service::new(profile, seed, now);
        self.generation += 1;
        self.held = 0;
    }
}

/// Prompts read before, oldest forgotten first.
#[derive(Default)]
struct Prefixes {
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Prefixes {
    fn remember(&mut self, digest: u64) {
        if !self.known.insert(digest) {
            return;
        }
        self.order.push_back(digest);
        if self.order.len() > PREFIXES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

/// What the locks guard is whole between any two statements, so a panic elsewhere leaves it usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
