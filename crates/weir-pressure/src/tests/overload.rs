//! The machines around a modelled pool: a line of fluid in front of a service with a capacity.
//!
//! What is asked: that the service is busy as long as there is work, that nobody urgent is turned away for somebody who
//! is not, that the level goes up and down once, and that all is over soon after the load is.

use std::time::Duration;

use weir_core::PoolId;

use super::shell::House;
use super::{REST, priority};
use crate::level::{Level, Signals};
use crate::{Caller, Turn};

const POOL: PoolId = PoolId(0);
const USERS: u64 = 200;
/// One request in ten of each priority.
const LEVELS: u64 = 10;

/// A service that answers so many requests a second; each takes a second.
struct Model {
    house: House,
    capacity: u64,
    waiters_max: usize,
    now: u64,
    waiting: f64,
    due: f64,
    request: u64,
    levels: Vec<(u64, Level)>,
}

/// What a stretch of time brought.
#[derive(Debug, Default)]
struct Seen {
    asked: [u32; 10],
    shed: [u32; 10],
    full: u32,
    served: f64,
    wait_max: f64,
    lowest: f64,
}

impl Model {
    fn new(qps: Option<[u32; 3]>, capacity: u64, waiters_max: usize) -> Self {
        let house = House::new(qps);
        Self { house, capacity, waiters_max, now: 0, waiting: 0.0, due: 0.0, request: 0, levels: Vec::new() }
    }

    /// So many seconds with so many requests a second.
    fn run(&mut self, seconds: u64, per_s: u64) -> Seen {
        let mut seen = Seen { lowest: 1.0, ..Seen::default() };
        for _ in 0..seconds * 10 {
            self.look(per_s, &mut seen);
        }
        seen
    }

    fn look(&mut self, per_s: u64, seen: &mut Seen) {
        House::set(self.now);
        let pressure = &self.house.pressure;
        let mut free = (self.capacity as f64 / 10.0 - self.waiting).max(0.0);
        let drained = self.waiting.min(self.capacity as f64 / 10.0);
        self.waiting -= drained;
        seen.served += drained;
        self.due += per_s as f64 / 10.0;
        while self.due >= 1.0 {
            self.due -= 1.0;
            self.request += 1;
            // Spread over users and priorities without a pattern between the two.
            let level = (self.request % LEVELS) as u8;
            let user = self.request.wrapping_mul(0x9e37_79b9) % USERS;
            pressure.arrived(POOL, super::at(self.now));
            seen.asked[usize::from(level)] += 1;
            let turn = if free >= 1.0 { Turn::Now } else { Turn::Later };
            let admitted = pressure.admits(POOL, Caller { priority: priority(level), user }, turn);
            if admitted.is_err() {
                seen.shed[usize::from(level)] += 1;
            } else if free >= 1.0 {
                free -= 1.0;
                seen.served += 1.0;
            } else if self.waiting as usize >= self.waiters_max {
                seen.full += 1;
            } else {
                self.waiting += 1.0;
            }
        }
        let wait = self.waiting / self.capacity as f64;
        let busy = free < 1.0;
        let signals = Signals {
            room: self.capacity as usize,
            out: if busy { self.capacity as usize } else { (self.capacity as f64 - free) as usize },
            waiting: self.waiting as usize,
            waiters_max: self.waiters_max,
            predicted_wait: Duration::from_secs_f64(wait),
            ..REST
        };
        if let Some(change) = pressure.tick(POOL, &signals) {
            self.levels.push((self.now, change.to));
        }
        seen.wait_max = seen.wait_max.max(wait);
        seen.lowest = seen.lowest.min(pressure.admitted(POOL));
        self.now += 100;
    }
}

fn share(part: u32, all: u32) -> f64 {
    f64::from(part) / f64::from(all.max(1))
}

#[test]
fn twice_the_capacity_sheds_the_least_urgent_half_and_keeps_the_service_busy() {
    let mut model = Model::new(None, 100, 2_000);
    model.run(30, 50);
    assert_eq!(model.levels, []);
    let rising = model.run(60, 200);
    let steady = model.run(120, 200);
    for seen in [&rising, &steady] {
        assert_eq!(seen.shed[0], 0, "{seen:?}");
        assert_eq!(seen.full, 0, "{seen:?}");
        assert!(seen.wait_max < 17.0, "{seen:?}");
    }
    assert!(steady.served > 120.0 * 99.0, "{steady:?}");
    // The urgent half is served, the other one is not.
    assert!(share(steady.shed[3], steady.asked[3]) < 0.02, "{steady:?}");
    assert!(share(steady.shed[7], steady.asked[7]) > 0.9, "{steady:?}");
    assert!(steady.wait_max < 6.0, "{steady:?}");

    model.run(60, 50);
    let after = model.run(30, 50);
    assert_eq!(after.shed, [0; 10]);
    let order: Vec<_> = model.levels.iter().map(|(_, level)| level.number()).collect();
    assert_eq!(order, [1, 2, 3, 2, 1, 0], "{:?}", model.levels);
}

#[test]
fn five_times_the_capacity_keeps_the_most_urgent() {
    let mut model = Model::new(None, 100, 500);
    model.run(10, 50);
    model.run(60, 500);
    let steady = model.run(60, 500);
    assert_eq!(steady.shed[0], 0, "{steady:?}");
    assert!(steady.served > 60.0 * 99.0, "{steady:?}");
    assert!(share(steady.shed[9], steady.asked[9]) > 0.95, "{steady:?}");
    model.run(60, 50);
    assert_eq!(model.levels.last().map(|(_, level)| *level), Some(Level::L0));
}

#[test]
fn a_little_too_much_sheds_a_little() {
    let mut model = Model::new(None, 100, 2_000);
    model.run(200, 110);
    let steady = model.run(200, 110);
    assert!(steady.served > 200.0 * 99.0, "{steady:?}");
    assert!(steady.shed[..7].iter().all(|shed| *shed == 0), "{steady:?}");
    assert!(steady.wait_max < 12.0, "{steady:?}");
    let flips = model.levels.iter().filter(|(_, level)| *level == Level::L3).count();
    assert_eq!(flips, 1, "{:?}", model.levels);
}

#[test]
fn the_walk_over_the_operators_thresholds_goes_up_and_down_once_and_loses_nothing_that_could_be_served() {
    let mut model = Model::new(Some([500, 800, 1200]), 2_000, 4_000);
    let mut shed = 0;
    for per_s in (300..=1_500).step_by(25).chain((300..=1_500).rev().step_by(25)) {
        shed += model.run(1, per_s).shed.iter().sum::<u32>();
    }
    model.run(60, 300);
    let order: Vec<_> = model.levels.iter().map(|(_, level)| level.number()).collect();
    assert_eq!(order, [1, 2, 3, 2, 1, 0], "{:?}", model.levels);
    assert_eq!(shed, 0, "there were permits free all the time");

    // The same with a service that is as small as the last threshold says.
    let mut model = Model::new(Some([500, 800, 1200]), 1_200, 4_000);
    let mut seen = Seen::default();
    for per_s in (300..=1_500).step_by(25).chain([1_500; 30]) {
        let now = model.run(1, per_s);
        seen.served += now.served;
        seen.wait_max = seen.wait_max.max(now.wait_max);
        seen.shed[0] += now.shed[0];
        seen.shed[9] += now.shed[9];
    }
    assert!(seen.shed[9] > 0 && seen.shed[0] == 0, "{seen:?}");
    assert!(seen.wait_max < 3.0, "{seen:?}");
}
