//! When levels come and go, who is shed, and that nobody is while there is room.

mod levels;
mod machine;
mod memory;
mod overload;
mod process;
mod shed;
mod shell;

use std::time::Duration;

use weir_core::Priority;
use weir_testkit::at;

use crate::level::{Cause, Level, Levels, Signals};
use crate::process::Floor;

const QPS: Option<[u32; 3]> = Some([500, 800, 1200]);

const NO_FLOOR: Floor = Floor { memory: Level::L0, lag: Level::L0 };

/// A pool with nothing to do.
const REST: Signals = Signals {
    room: 100,
    out: 0,
    waiting: 0,
    waiters_max: 1000,
    predicted_wait: Duration::ZERO,
    shortest_wait: None,
    first_attempts: 0,
    first_attempts_ok: 0,
    open_circuits: false,
    rests: false,
    degraded_target: false,
    remaining_deadline_p50: None,
};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn priority(level: u8) -> Priority {
    Priority::new(level).unwrap()
}

/// What a pool goes through: how many requests come a second, how it stands, and what the process asks for, each at
/// a time in milliseconds.
struct Life<'a> {
    qps: Option<[u32; 3]>,
    per_s: &'a dyn Fn(u64) -> u32,
    signals: &'a dyn Fn(u64) -> Signals,
    floor: &'a dyn Fn(u64) -> Floor,
}

const UNEVENTFUL: Life<'static> = Life { qps: None, per_s: &|_| 0, signals: &|_| REST, floor: &|_| NO_FLOOR };

impl Life<'_> {
    /// When the level changed, and to what, and why.
    fn changes(&self, until_ms: u64) -> Vec<(u64, Level, Cause)> {
        let mut levels = Levels::new(self.qps, at(0));
        let mut changes = Vec::new();
        let mut due_tenths = 0;
        for now in (0..=until_ms).step_by(100) {
            let signals = (self.signals)(now);
            if let Some(change) = levels.on_tick(at(now), &signals, (self.floor)(now), false) {
                changes.push((now, change.to, change.cause));
            }
            due_tenths += (self.per_s)(now);
            while due_tenths >= 10 {
                levels.arrived(at(now + 50));
                due_tenths -= 10;
            }
        }
        changes
    }
}
