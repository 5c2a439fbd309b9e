//! What the process asks of every pool: a pure machine over its memory and over how late its event loop comes.
//!
//! Both have a step up and a lower one down, so that a value that trembles at a threshold moves nothing twice. The
//! pools' own machines add their times to that: see `level.rs`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::level::Level;

/// The level that each of the two asks for, whatever a pool says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Floor {
    /// For memory: L0, L2 or L3.
    pub memory: Level,
    /// For a late event loop: L0, L1 or L2.
    pub lag: Level,
}

/// A step: taken above `above`, given back below `below`.
struct Step<T> {
    to: Level,
    above: T,
    below: T,
}

/// Shares of the memory that the process may take. A killed process serves nobody, so there is room left to act in.
const MEMORY: [Step<f64>; 2] =
    [Step { to: Level::L3, above: 0.85, below: 0.80 }, Step { to: Level::L2, above: 0.75, below: 0.70 }];

/// Medians of how late the loop came.
const LAG: [Step<Duration>; 2] = [
    Step { to: Level::L2, above: Duration::from_millis(500), below: Duration::from_millis(250) },
    Step { to: Level::L1, above: Duration::from_millis(100), below: Duration::from_millis(50) },
];

/// How far back the median looks.
const WINDOW: Duration = Duration::from_secs(2);
/// Looks that the median remembers at most: twice as many as one takes in that time.
const LOOKS_MAX: usize = 40;

/// The machine.
#[derive(Debug, Default)]
pub struct Process {
    floor: Floor,
    first_look: Option<Instant>,
    lags: VecDeque<(Instant, Duration)>,
}

impl Process {
    /// Looks at the process, about every 100 ms: the share of its memory that is taken, if that is known, and how
    /// late the timer came that asks for this look.
    pub fn on_tick(&mut self, now: Instant, memory_share: Option<f64>, lag: Duration) -> Floor {
        self.floor.memory = after(&MEMORY, self.floor.memory, memory_share.unwrap_or(0.0));
        self.lags.retain(|(then, _)| now.saturating_duration_since(*then) < WINDOW);
        if self.lags.len() == LOOKS_MAX {
            self.lags.pop_front();
        }
        self.lags.push_back((now, lag));
        let first = *self.first_look.get_or_insert(now);
        if now.saturating_duration_since(first) >= WINDOW {
            self.floor.lag = after(&LAG, self.floor.lag, self.median_lag());
        }
        self.floor
    }

    /// What it asked for last.
    pub const fn floor(&self) -> Floor {
        self.floor
    }

    fn median_lag(&self) -> Duration {
        let mut lags: Vec<_> = self.lags.iter().map(|(_, lag)| *lag).collect();
        lags.sort_unstable();
        lags.get(lags.len().saturating_sub(1) / 2).copied().unwrap_or_default()
    }
}

/// Where a value leads from `level`. `steps`: highest first.
fn after<T: PartialOrd + Copy>(steps: &[Step<T>], level: Level, value: T) -> Level {
    let holds = |step: &&Step<T>| value > step.above || (level >= step.to && value >= step.below);
    steps.iter().find(holds).map_or(Level::L0, |step| step.to)
}
