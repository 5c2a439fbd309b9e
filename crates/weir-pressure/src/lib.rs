//! How hard each pool is pressed, what that means, and whom to turn away when there is more work than room.
//!
//! Three pure machines and a thin shell: [`Levels`] looks at a pool and says its level, [`Process`] looks at the memory
//! and the event loop and says what they ask of every pool, [`Shedder`] says who goes first when not everybody can.
//! [`Level::actions`] says what a level means. The shell keeps one of each behind a small lock and counts what happens.
//!
//! What always holds: nobody is turned away while a permit is free, whatever the level, its cause or the thresholds in
//! the config; and of a user's requests that would have to wait a more urgent one is never turned away while a less urgent
//! one is let in.

mod actions;
mod arrivals;
pub mod config;
mod level;
pub mod memory;
mod metrics;
mod process;
mod shed;

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::registry::Registry;
use weir_core::{Chance, Clock, Kind, PoolId, Priority, Rejection, Urgency};

pub use actions::Actions;
pub use level::{Cause, Change, Level, Levels, Signals, Strain};
pub use process::{Floor, Process};
pub use shed::Shedder;

use metrics::{Metrics, PoolMetrics};

#[cfg(test)]
mod tests;

/// The longest that a caller is asked to stay away: older SDKs ignore what is above a minute and come at once.
const RETRY_AFTER_S_MAX: f64 = 30.0;

/// The pressure on every pool.
pub struct Pressure {
    clock: Clock,
    chance: Chance,
    process: Mutex<Process>,
    pools: Vec<Pool>,
}

struct Pool {
    /// Guards a count on the path of a request, and a look at the pool ten times a second.
    state: Mutex<State>,
    /// The level's number, for those who only read it.
    level: AtomicU8,
    metrics: PoolMetrics,
}

struct State {
    levels: Levels,
    shedder: Shedder,
    /// The wait predicted at the last look.
    wait: Duration,
    /// Whether the memory was used up then.
    forced: bool,
}

/// Who asks to be let in.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// How urgent it is.
    pub priority: Priority,
    /// A hash of the tenant, or of the tenant's user where it is known.
    pub user: u64,
}

/// When somebody who asks to be let in would have their turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A permit is free.
    Now,
    /// They would hardly wait: whoever makes the line long, it is not them.
    Soon,
    /// They would wait, or nobody knows how long.
    Later,
}

impl Turn {
    /// The wait up to which it is soon: that at which level 2 may be left.
    const SOON: Duration = Duration::from_secs(1);

    /// For one whose wait is foreseen.
    pub fn after(wait: Option<Duration>) -> Self {
        if wait.is_some_and(|wait| wait <= Self::SOON) { Self::Soon } else { Self::Later }
    }
}

impl Pressure {
    /// Every pool at rest. `pools`: their names in metrics. `seed` decides who is shed together, and jitters.
    pub fn new(
        clock: Clock,
        config: &config::Pressure,
        pools: &[&str],
        seed: u64,
        registry: &mut Registry,
    ) -> Self {
        let now = clock.now();
        let chance = Chance::seeded(seed);
        let metrics = Metrics::new(registry);
        let pool = |name: &&str| {
            let levels = Levels::new(config.qps, now);
            let shedder = Shedder::new(chance.bits(), now);
            Pool {
                state: Mutex::new(State { levels, shedder, wait: Duration::ZERO, forced: false }),
                level: AtomicU8::new(Level::L0.number()),
                metrics: metrics.pool(name),
            }
        };
        let pools = pools.iter().map(pool).collect();
        Self { clock, chance, process: Mutex::default(), pools }
    }

    /// How many pools there are.
    pub const fn pools(&self) -> usize {
        self.pools.len()
    }

    /// A request for a pool came. The level is that of the last look.
    pub fn arrived(&self, pool: PoolId, now: Instant) -> Level {
        self.pools[pool.0].lock().levels.arrived(now);
        self.level(pool)
    }

    /// The level of a pool at the last look: one atomic load.
    pub fn level(&self, pool: PoolId) -> Level {
        Level::ALL[usize::from(self.pools[pool.0].level.load(Ordering::Relaxed))]
    }

    /// Lets somebody in, or says when to come back. It is asked once for every request that needs a permit, as it learns
    /// from that who comes.
    ///
    /// Whose turn is now is always let in. So is whose turn is soon, the most urgent and a caller who wants little among
    /// those who want much, unless the memory is used up: the line is long for others, and by turning these away it would
    /// get no shorter.
    ///
    /// # Errors
    /// Overloaded, with the time to stay away.
    pub fn admits(&self, pool: PoolId, caller: Caller, turn: Turn) -> Result<(), Rejection> {
        let Caller { priority, user } = caller;
        let now = self.clock.now();
        let pool = &self.pools[pool.0];
        let wait = {
            let mut state = pool.lock();
            state.shedder.asked(priority, user, now);
            let sheds = state.levels.level().actions().sheds
                && (turn == Turn::Later || (turn == Turn::Soon && state.forced))
                && state.shedder.sheds(priority, user, self.chance.unit(), now);
            if !sheds {
                return Ok(());
            }
            state.wait
        };
        pool.metrics.shed(Urgency::of(priority));
        Err(self.rejection(pool.metrics.name(), priority, wait))
    }

    /// Looks at the process, about every 100 ms and before the pools: the share of its memory that is taken, where that
    /// is known, and how late the timer came that asks for this look.
    pub fn look(&self, memory_share: Option<f64>, lag: Duration) -> Floor {
        self.process().on_tick(self.clock.now(), memory_share, lag)
    }

    /// Looks at a pool, about every 100 ms, whether or not anybody comes.
    pub fn tick(&self, pool: PoolId, signals: &Signals) -> Option<Change> {
        let now = self.clock.now();
        let floor = self.process().floor();
        let pool = &self.pools[pool.0];
        let mut state = pool.lock();
        let State { levels, shedder, wait, forced } = &mut *state;
        *wait = signals.predicted_wait;
        let change = levels.on_tick(now, signals, floor, shedder.is_shedding());
        let strain = levels.strain(now, signals, floor);
        *forced = strain.forced;
        shedder.on_tick(now, levels.level(), &strain);
        if let Some(change) = &change {
            pool.level.store(change.to.number(), Ordering::Relaxed);
            pool.metrics.changed(change);
        }
        change
    }

    /// The share of the demand on a pool that is let in.
    pub fn admitted(&self, pool: PoolId) -> f64 {
        self.pools[pool.0].lock().shedder.admitted()
    }

    fn rejection(&self, pool: &str, priority: Priority, wait: Duration) -> Rejection {
        // Spread, so that those who are turned away together do not come back together.
        let seconds = wait.as_secs_f64() * (1.0 + 0.5 * self.chance.unit());
        let seconds = seconds.ceil().clamp(1.0, RETRY_AFTER_S_MAX);
        let message = format!(
            "more is asked of `{pool}` than it can answer (pressure level 3), and requests of priority {} have to stand back; try again in {seconds} s",
            priority.level()
        );
        Rejection::new(Kind::Overloaded, message).after(Duration::from_secs_f64(seconds))
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
