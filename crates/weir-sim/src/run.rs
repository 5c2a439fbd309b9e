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

use crate::client;
use crate::clock;
use crate::crowd::{Book, Comer, Crowd, Group, Role};
use crate::draw;
use crate::house::{BASES, House, Wishes};
use crate::parts::{Part, Parts};
use crate::repeats::Set;
use crate::score::Score;
use crate::service::Service;
use crate::tally::Tally;
use crate::text::Question;
use crate::trace::Recorded;
use crate::upstreams::Upstreams;
use crate::world::{Arm, Setting, World};

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
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
    /// Weir's measures, in its arm.
    pub parts: Parts,
    /// In the worlds that are about what is known already: the share of requests that ask one of a closed set of questions.
    pub repeats: f64,
    /// What came in the world that plays a recording.
    pub trace: &'a [Recorded],
}

/// How often the levels of pressure are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Runs a plan.
///
/// # Panics
/// When the system cannot give one runtime.
pub fn run(plan: &Plan<'_>) -> Score {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets or threads can be made");
    let setting = plan.world.setting(plan);
    // Without the scheduler's budget: there is no other task to be fair to.
    let play = |plan, crowd| runtime.block_on(tokio::task::unconstrained(play(plan, &setting, crowd)));
    let played = play(plan, true);
    let without = setting.groups.iter().any(|group| group.role == Role::Crowd).then(|| play(plan, false));
    let score = Score::new(plan, &setting, &played, without.as_ref());
    if setting.repeats.is_none() || plan.arm != Arm::Weir || !plan.parts.has(Part::Cache) {
        return score;
    }
    let forgetful = Plan { parts: plan.parts.without(Part::Cache), ..*plan };
    score.beside(Score::new(&forgetful, &setting, &play(&forgetful, true), None))
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
    pub(crate) book: Book,
    set: Option<Set>,
    pub(crate) groups: Vec<Group>,
    pub(crate) parts: Parts,
    pub(crate) chance: Chance,
    pub(crate) door: Door,
    services: Vec<Arc<Service>>,
    pub(crate) tally: RefCell<Tally>,
    /// Requests that came to weir.
    pub(crate) asked: Cell<u32>,
    start: Instant,
    retries: u32,
}

impl Stage {
    fn new(plan: &Plan<'_>, setting: &Setting, seed: u64) -> Self {
        let clock = clock::begun();
        let start = clock.now();
        let models = [setting.primary, setting.second];
        let services: Vec<_> = (10..)
            .zip(&models[..plan.upstreams.clamp(1, models.len())])
            .map(|(purpose, model)| Service::new(clock, start, *model, draw::hash(seed, purpose)))
            .collect();
        let book = Book::new(seed, &setting.groups);
        let door = match plan.arm {
            Arm::None | Arm::Client => Door::Straight(services[0].clone()),
            Arm::Weir => {
                let named = BASES.into_iter().zip(services.iter().cloned()).collect();
                let upstreams = Upstreams { clock, book: book.clone(), services: named };
                let cache_draws_apart = setting.repeats.is_some();
                let wishes = Wishes { parts: plan.parts, qps: setting.qps, cache_draws_apart };
                Door::Weir(Box::new(House::build(upstreams, seed, wishes)))
            }
        };
        let retries = if plan.arm == Arm::None { 0 } else { client::RETRIES };
        let (chance, asked) = (draw::fork(seed, 3), Cell::new(0));
        let tally = RefCell::new(Tally::new(setting.groups.len(), setting.repeats.as_ref()));
        let (groups, parts) = (setting.groups.clone(), plan.parts);
        let set = setting.repeats.as_ref().map(|repeats| Set::new(seed, repeats));
        Self { clock, book, set, groups, parts, chance, door, services, tally, asked, start, retries }
    }

    pub(crate) const fn retries(&self) -> u32 {
        self.retries
    }

    /// What somebody asks who comes.
    pub(crate) fn question(&self, comer: &Comer) -> Question {
        let number = self.set.as_ref().map_or(comer.number, |set| set.question(comer.number));
        self.book.question(number)
    }

    /// Looks at the levels and at the first service's slots.
    fn look(&self) {
        let s = self.seconds();
        let mut tally = self.tally.borrow_mut();
        if let Some(in_use) = self.services[0].in_use() {
            tally.used.add(s, in_use);
        }
        if let Door::Weir(house) = &self.door {
            tally.levels.extend(house.look().map(|change| (s, change)));
        }
    }

    /// Seconds since the beginning.
    pub(crate) fn seconds(&self) -> f64 {
        self.clock.now().saturating_duration_since(self.start).as_secs_f64()
    }
}

/// What came of a world that was played.
pub(crate) struct Played {
    pub(crate) tally: Tally,
    pub(crate) services: Vec<Arc<Service>>,
    /// When the last application came.
    pub(crate) last_s: f64,
    /// What must hold at the end and does not.
    pub(crate) broken: Vec<String>,
}

async fn play(plan: &Plan<'_>, setting: &Setting, crowd: bool) -> Played {
    // The world's draws are the same for every arm, and another world's are others.
    let seed = draw::hash(plan.seed, plan.world as u64);
    let stage = Stage::new(plan, setting, seed);
    let leaves_out = |group: &Group| !crowd && group.role == Role::Crowd;
    let last_s = applications(&stage, Crowd::new(seed, &setting.groups, leaves_out)).await;
    let mut broken = match &stage.door {
        Door::Straight(_) => Vec::new(),
        Door::Weir(house) => house.broken_promises(stage.asked.get()),
    };
    let talking: u32 = stage.services.iter().map(|service| service.in_flight()).sum();
    if talking > 0 {
        broken.push(format!("{talking} calls that nobody listens to"));
    }
    Played { tally: stage.tally.into_inner(), services: stage.services, last_s, broken }
}

/// Lets everyone come and waits until all have what they get. Gives the moment of the last arrival.
async fn applications(stage: &Stage, mut crowd: Crowd) -> f64 {
    let mut asking = FuturesUnordered::new();
    let mut last_s = 0.0;
    let mut next = crowd.next();
    let due = |comer: Option<Comer>| {
        let s = comer.map_or(0.0, |comer| comer.at_s);
        (stage.start + Duration::from_secs_f64(s)).into()
    };
    let timer = tokio::time::sleep_until(due(next));
    tokio::pin!(timer);
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        // What ends it: every arrival is finite, and every application has its own patience.
        tokio::select! { biased;
            () = &mut timer, if next.is_some() => {
                if let Some(comer) = next {
                    last_s = comer.at_s;
                    asking.push(client::ask(stage, comer));
                }
                next = crowd.next();
                timer.as_mut().reset(due(next));
            }
            Some(()) = asking.next(), if !asking.is_empty() => {}
            _ = looks.tick(), if next.is_some() || !asking.is_empty() => stage.look(),
            else => return last_s,
        }
    }
}
