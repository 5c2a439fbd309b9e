//! What holds of the level in any life of a pool.

use proptest::prelude::*;
use weir_testkit::at;

use super::{QPS, REST, ms};
use crate::level::{Cause, DWELL, Level, Levels, Signals};
use crate::process::Floor;

/// A pool as it stands for some looks.
#[derive(Clone, Debug)]
struct Spell {
    looks: u64,
    per_look: u32,
    signals: Signals,
    floor: Floor,
    shedding: bool,
}

prop_compose! {
    fn signals()(
        out in 0usize..110,
        waiting in prop_oneof![3 => Just(0usize), 2 => 0usize..1_100],
        wait in prop_oneof![3 => Just(0u64), 2 => 0u64..15_000],
        shortest in prop::option::of(0u64..3_000),
        attempts in 0u32..60,
        good in 0.0..=1.0f64,
        open_circuits in prop::bool::weighted(0.1),
        degraded_target: bool,
        remaining in prop::option::of(0u64..60_000),
    ) -> Signals {
        Signals {
            out,
            waiting,
            predicted_wait: ms(wait),
            shortest_wait: shortest.map(ms),
            first_attempts: attempts,
            first_attempts_ok: (f64::from(attempts) * good) as u32,
            open_circuits,
            degraded_target,
            remaining_deadline_p50: remaining.map(ms),
            ..REST
        }
    }
}

/// Mostly none, else one of these.
fn level(of: [Level; 2]) -> impl Strategy<Value = Level> {
    prop_oneof![8 => Just(Level::L0), 1 => Just(of[0]), 1 => Just(of[1])]
}

prop_compose! {
    fn spell()(
        looks in prop_oneof![1u64..30, 60u64..250],
        per_look in prop_oneof![Just(0u32), 0u32..200],
        rests: bool,
        signals in signals(),
        memory in level([Level::L2, Level::L3]),
        lag in level([Level::L1, Level::L2]),
        shedding in prop::bool::weighted(0.1),
    ) -> Spell {
        let signals = if rests { REST } else { signals };
        Spell { looks, per_look, signals, floor: Floor { memory, lag }, shedding }
    }
}

/// The level that the thresholds alone ask for, from the rates at every look so far.
fn by_rate(rates: &[u32]) -> Level {
    let [one, two, three] = QPS.unwrap();
    let steps = [(Level::L3, three, 6), (Level::L2, two, 11), (Level::L1, one, 6)];
    let held = |&(_, max, looks): &(Level, u32, usize)| {
        rates.len() >= looks && rates[rates.len() - looks..].iter().all(|rate| *rate > max)
    };
    steps.iter().find(|step| held(step)).map_or(Level::L0, |step| step.0)
}

proptest! {
    #[test]
    fn it_rises_at_once_and_comes_down_one_step_at_a_time(
        spells in prop::collection::vec(spell(), 1..12),
        configured: bool,
    ) {
        let mut levels = Levels::new(if configured { QPS } else { None }, at(0));
        let (mut now, mut changed) = (0, None);
        let (mut came, mut rates) = (Vec::new(), Vec::new());
        for spell in spells {
            for _ in 0..spell.looks {
                let before = levels.level();
                let change = levels.on_tick(at(now), &spell.signals, spell.floor, spell.shedding);
                let level = levels.level();
                prop_assert_eq!(change.is_some(), level != before);
                if let Some(change) = change {
                    prop_assert_eq!((change.from, change.to), (before, level));
                    prop_assert_eq!(change.cause == Cause::Calm, level < before);
                    if level < before {
                        prop_assert_eq!(before.number() - level.number(), 1, "more than one step down");
                        let since = changed.map(|then| ms(now - then));
                        prop_assert!(since.is_none_or(|since| since >= DWELL), "left after {since:?}");
                        prop_assert!(before < Level::L3 || !spell.shedding, "left while shedding");
                    }
                    changed = Some(now);
                }
                // The last ten slots that are whole.
                rates.push(came.iter().rev().take(10).sum());
                prop_assert!(!configured || level >= by_rate(&rates), "{level:?} at {:?} a second", rates.last());
                prop_assert!(level >= spell.floor.memory.max(spell.floor.lag), "below what the process asks for");
                (0..spell.per_look).for_each(|_| levels.arrived(at(now + 50)));
                came.push(spell.per_look);
                now += 100;
            }
        }
        // Whatever it was, nobody has to come for it to end.
        let rest = Floor { memory: Level::L0, lag: Level::L0 };
        for now in (now..now + 30_000).step_by(100) {
            levels.on_tick(at(now), &REST, rest, false);
        }
        prop_assert_eq!(levels.level(), Level::L0);
    }

    #[test]
    fn without_thresholds_a_pool_with_room_and_health_is_never_pressed(per_look in 0u32..1_000, looks in 1u64..60) {
        let mut levels = Levels::new(None, at(0));
        for look in 0..looks {
            (0..per_look).for_each(|_| levels.arrived(at(look * 100)));
            let signals = Signals { out: 99, first_attempts: 100, first_attempts_ok: 90, ..REST };
            let floor = Floor { memory: Level::L0, lag: Level::L0 };
            prop_assert_eq!(levels.on_tick(at(look * 100), &signals, floor, false), None);
        }
    }
}
