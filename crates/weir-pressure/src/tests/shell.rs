//! The shell: counts, refuses, and reads time from its clock alone.

use std::cell::Cell;
use std::time::{Duration, UNIX_EPOCH};

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use weir_core::{Clock, Kind, PoolId, Rejection};
use weir_testkit::at;

use super::{QPS, REST, ms, priority};
use crate::level::{Cause, Change, Level, Signals};
use crate::{Caller, Pressure, Turn, config};

const POOL: PoolId = PoolId(0);
const OTHER: PoolId = PoolId(1);

thread_local! {
    /// The time of the test that runs on this thread, in milliseconds.
    static NOW: Cell<u64> = const { Cell::new(0) };
}

/// Two pools, on a clock that stands wherever the test sets it.
pub(super) struct House {
    pub(super) pressure: Pressure,
    registry: Registry,
}

impl House {
    pub(super) fn new(qps: Option<[u32; 3]>) -> Self {
        NOW.set(0);
        let clock = Clock::new(|| at(NOW.get()), || UNIX_EPOCH);
        let mut registry = Registry::default();
        let config = config::Pressure { qps, ..config::Pressure::default() };
        let pressure = Pressure::new(clock, &config, &["flash", "pro"], 11, &mut registry);
        Self { pressure, registry }
    }

    pub(super) fn set(now: u64) {
        NOW.set(now);
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        text
    }

    /// A pool with a long line, and so many looks at it, one a second.
    fn pressed(looks: u64, signals: Signals) -> Self {
        let house = Self::new(None);
        for look in 0..looks {
            Self::set(look * 1000);
            for user in 0..100 {
                assert!(house.ask(5, user, true).is_ok(), "a permit is free");
            }
            house.pressure.tick(POOL, &signals);
        }
        house
    }

    fn ask(&self, level: u8, user: u64, permit_free: bool) -> Result<(), Rejection> {
        let turn = if permit_free { Turn::Now } else { Turn::Later };
        self.ask_for(level, user, turn)
    }

    fn ask_for(&self, level: u8, user: u64, turn: Turn) -> Result<(), Rejection> {
        self.pressure.admits(POOL, Caller { priority: priority(level), user }, turn)
    }
}

/// A line that is nearly full.
const LONG: Signals =
    Signals { waiting: 95, waiters_max: 100, predicted_wait: Duration::from_secs(8), ..REST };

#[test]
fn arrivals_raise_the_level_of_their_own_pool() {
    let house = House::new(QPS);
    let mut changes = Vec::new();
    for look in 0..20 {
        House::set(look * 100);
        changes.extend(house.pressure.tick(POOL, &REST));
        changes.extend(house.pressure.tick(OTHER, &REST));
        let arrivals = (0..60).map(|_| house.pressure.arrived(POOL, at(look * 100 + 1)));
        assert_eq!(arrivals.max(), Some(house.pressure.level(POOL)));
    }
    let expected = Change { from: Level::L0, to: Level::L1, cause: Cause::Qps };
    assert_eq!(changes, [expected]);
    assert_eq!((house.pressure.level(POOL), house.pressure.level(OTHER)), (Level::L1, Level::L0));
}

#[test]
fn nobody_is_turned_away_while_a_permit_is_free() {
    let house = House::pressed(40, LONG);
    assert_eq!(house.pressure.level(POOL), Level::L3);
    assert!(house.ask(9, 1, true).is_ok());
    assert!(house.ask(9, 1, false).is_err());
    assert!(house.ask(0, 1, false).is_ok(), "the most urgent stay");
}

#[test]
fn whose_turn_is_soon_is_let_in_unless_the_memory_is_used_up() {
    let house = House::pressed(40, LONG);
    assert_eq!(house.pressure.level(POOL), Level::L3);
    let check = |house: &House, wait: Option<u64>, let_in: bool| {
        let turn = Turn::after(wait.map(ms));
        assert_eq!(house.ask_for(9, 1, turn).is_ok(), let_in, "{wait:?}");
    };
    check(&house, Some(0), true);
    check(&house, Some(1_000), true);
    check(&house, Some(1_001), false);
    check(&house, None, false);
    house.pressure.look(Some(0.9), Duration::ZERO);
    house.pressure.tick(POOL, &LONG);
    check(&house, Some(0), false);
}

#[test]
fn below_the_last_level_nobody_is_turned_away() {
    let house = House::pressed(40, Signals { waiting: 10, ..LONG });
    assert_eq!(house.pressure.level(POOL), Level::L2);
    assert!(house.ask(9, 1, false).is_ok());
}

#[test]
fn whoever_is_turned_away_is_told_when_to_come_back_and_not_all_the_same() {
    let seconds = |wait: u64| -> Vec<u64> {
        let house = House::pressed(40, Signals { predicted_wait: ms(wait), ..LONG });
        let refused = (0..200).map(|user| house.ask(9, user, false).unwrap_err());
        let mut seconds: Vec<_> = refused
            .map(|rejection| {
                assert_eq!(rejection.kind, Kind::Overloaded);
                assert!(rejection.message.contains("`flash`") && rejection.message.contains("priority 9"));
                let after = rejection.retry_after.unwrap();
                assert_eq!(after.subsec_nanos(), 0, "whole seconds");
                assert!(
                    rejection.message.ends_with(&format!("in {} s", after.as_secs())),
                    "{}",
                    rejection.message
                );
                after.as_secs()
            })
            .collect();
        seconds.sort_unstable();
        seconds.dedup();
        seconds
    };
    assert_eq!(seconds(8_000), [9, 10, 11, 12]);
    assert_eq!(seconds(0), [1]);
    assert_eq!(seconds(25_000), [26, 27, 28, 29, 30]);
    assert_eq!(seconds(3_600_000), [30]);
}

#[test]
fn what_the_process_asks_for_reaches_every_pool_with_its_cause() {
    let house = House::new(None);
    house.pressure.look(Some(0.9), Duration::ZERO);
    for pool in [POOL, OTHER] {
        let change = house.pressure.tick(pool, &REST).unwrap();
        assert_eq!((change.to, change.cause), (Level::L3, Cause::Memory));
    }
    house.pressure.look(Some(0.1), Duration::ZERO);
    House::set(20_000);
    assert_eq!(house.pressure.tick(POOL, &REST), None);
    House::set(30_100);
    assert_eq!(house.pressure.tick(POOL, &REST).map(|change| change.to), Some(Level::L2));
}

#[test]
fn what_happens_is_counted_by_pool_cause_and_class() {
    let house = House::pressed(40, LONG);
    assert!(house.ask(9, 1, false).is_err());
    let metrics = house.metrics();
    for line in [
        "weir_pressure_level{pool=\"flash\"} 3\n",
        "weir_pressure_level{pool=\"pro\"} 0\n",
        "weir_pressure_changes_total{pool=\"flash\",to=\"3\",cause=\"queue\"} 1\n",
        "weir_shed_total{pool=\"flash\",class=\"bulk\"} 1\n",
        "weir_shed_total{pool=\"pro\",class=\"critical\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }
    assert!(house.pressure.admitted(POOL) < 0.2);
}

#[test]
fn each_level_does_what_those_below_it_do() {
    let flags = Level::ALL.map(|level| {
        let actions = level.actions();
        [!actions.hedges, actions.degrade, actions.retry_ratio_failing, actions.sheds]
    });
    for pair in flags.windows(2) {
        assert!(pair[0].iter().zip(&pair[1]).all(|(lower, upper)| lower <= upper));
    }
    assert_eq!(flags.map(|flags| flags.iter().filter(|flag| **flag).count()), [0, 1, 3, 4]);
}
