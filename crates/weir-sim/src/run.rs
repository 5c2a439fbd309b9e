//! One run: a world, an arm and a seed, from the first arrival to the last word, in virtual time.
//!
//! One thread, one task: every application is a future in one set, so the order of events follows from the
//! seed alone and a run can be repeated to the byte.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use weir_core::{Chance, Clock};

use crate::arrivals::Coming;
use crate::client;
use crate::draw;
use crate::house::{self, BASES, House};
use crate::score::Score;
use crate::service::Service;
use crate::tally::Tally;
use crate::upstreams::Upstreams;
use crate::world::{Arm, Setting, World};

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What is wrong.
    pub world: World,
    /// Services: the troubled one, or also a second that fails 5 % of calls by itself.
    pub upstreams: usize,
    /// Who stands between.
    pub arm: Arm,
    /// Decides every draw.
    pub seed: u64,
    /// About how many requests: half as many where there is a spike, twice as many among bursts.
    pub requests: u32,
}

/// How often the levels of pressure are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Runs a plan.
///
/// # Panics
/// When the system cannot give one runtime.
pub fn run(plan: &Plan) -> Score {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets or threads can be made");
    // Without the scheduler's budget: there is no other task to be fair to.
    runtime.block_on(tokio::task::unconstrained(play(plan)))
}

/// How applications reach an answer.
pub(crate) enum Door {
    /// The service's own.
    Straight(Arc<Service>),
    /// Weir's.
    Weir(Box<House>),
}

/// What all applications of a run share.
pub(crate) struct Stage {
    pub(crate) clock: Clock,
    pub(crate) seed: u64,
    pub(crate) chance: Chance,
    pub(crate) door: Door,
    pub(crate) tally: RefCell<Tally>,
    /// Requests that came to weir.
    pub(crate) asked: Cell<u32>,
    start: Instant,
    retries: u32,
}

impl Stage {
    fn new(plan: &Plan, setting: &Setting) -> (Self, Vec<Arc<Service>>) {
        let clock = house::clock();
        let start = clock.now();
        // The world's draws are the same for every arm, and another world's are others.
        let seed = draw::hash(plan.seed, plan.world as u64);
        let models = [setting.primary, setting.second];
        let services: Vec<_> = (10..)
            .zip(&models[..plan.upstreams.clamp(1, models.len())])
            .map(|(purpose, model)| Service::new(clock, start, *model, draw::hash(seed, purpose)))
            .collect();
        let door = match plan.arm {
            Arm::None | Arm::Client => Door::Straight(services[0].clone()),
            Arm::Weir => {
                let named = BASES.into_iter().zip(services.iter().cloned()).collect();
                Door::Weir(Box::new(House::build(Upstreams { clock, seed, services: named }, seed)))
            }
        };
        let retries = if plan.arm == Arm::None { 0 } else { client::RETRIES };
        let (chance, tally, asked) = (draw::fork(seed, 3), RefCell::new(Tally::new()), Cell::new(0));
        (Self { clock, seed, chance, door, tally, asked, start, retries }, services)
    }

    pub(crate) const fn retries(&self) -> u32 {
        self.retries
    }

    /// What the binary does ten times a second. No memory is modelled, and no timer comes late.
    fn look(&self) {
        if let Door::Weir(house) = &self.door {
            house.pipeline.look(None, Duration::ZERO);
        }
    }

    /// Seconds since the beginning.
    pub(crate) fn seconds(&self) -> f64 {
        self.clock.now().saturating_duration_since(self.start).as_secs_f64()
    }
}

async fn play(plan: &Plan) -> Score {
    let setting = plan.world.setting(plan.requests);
    let (stage, services) = Stage::new(plan, &setting);
    let last_s = applications(&stage, Coming::new(setting.arrivals, draw::fork(stage.seed, 4))).await;
    let mut broken = match &stage.door {
        Door::Straight(_) => Vec::new(),
        Door::Weir(house) => house.broken_promises(stage.asked.get()),
    };
    let talking: u32 = services.iter().map(|service| service.in_flight()).sum();
    if talking > 0 {
        broken.push(format!("{talking} calls that nobody listens to"));
    }
    Score::new(plan, &setting, &stage.tally.borrow(), &services, last_s, broken)
}

/// Lets everyone come and waits until all have what they get. Gives the moment of the last arrival.
async fn applications(stage: &Stage, mut coming: Coming) -> f64 {
    let mut asking = FuturesUnordered::new();
    let mut last_s = 0.0;
    let mut next = coming.next_s();
    let timer = tokio::time::sleep(Duration::ZERO);
    tokio::pin!(timer);
    let due = |s: f64| (stage.start + Duration::from_secs_f64(s)).into();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    timer.as_mut().reset(due(next.unwrap_or_default()));
    loop {
        // What ends it: every arrival is finite, and every application has its own patience.
        tokio::select! { biased;
            () = &mut timer, if next.is_some() => {
                last_s = next.unwrap_or(last_s);
                asking.push(client::ask(stage, coming.come()));
                next = coming.next_s();
                timer.as_mut().reset(due(next.unwrap_or_default()));
            }
            Some(()) = asking.next(), if !asking.is_empty() => {}
            _ = looks.tick(), if next.is_some() || !asking.is_empty() => stage.look(),
            else => return last_s,
        }
    }
}
