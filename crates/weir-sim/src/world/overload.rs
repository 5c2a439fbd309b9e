//! The worlds in which nothing is wrong with the service but that more is asked of it than it can answer.
//!
//! What the service takes is never told. Where a run is short, the service is smaller, so that there is time to
//! see something.

use std::sync::Arc;

use super::{Setting, View, answer_s_mean};
use crate::arrivals::{Arrivals, Rate};
use crate::crowd::{Group, Role, Sizes, USUAL_SIZES};
use crate::trace::{self, Recorded};
use crate::trouble::{Slots, Trouble};

/// Calls at one time that the service takes: the least and the most.
const SLOTS: (u32, u32) = (40, 100);
/// The shortest run that shows anything.
const SECONDS_MIN: f64 = 60.0;

const QUIET_CALLERS: u32 = 9;
/// Of its fair share, a tenth of the room, a quiet caller wants this part and the noisy one so many times as
/// much. At half of it a quiet caller is served as if it were alone but for what is in flight; a caller who wants
/// all of its share has to share the noise of chance as well.
const QUIET: f64 = 0.5;
const NOISY: f64 = 20.0;

/// Of the room: what people who wait want, and what the flood does.
const PEOPLE: f64 = 0.5;
const FLOOD: f64 = 3.0;
const PEOPLE_PRIORITY: u8 = 1;
const FLOOD_PRIORITY: u8 = 8;

/// The walk: (second, requests a second), for runs of ten thousand requests and more; smaller ones are
/// proportionally smaller.
const WALK: [(f64, f64); 6] =
    [(0.0, 300.0), (30.0, 300.0), (90.0, 1500.0), (110.0, 1500.0), (170.0, 300.0), (210.0, 300.0)];
const WALK_REQUESTS: f64 = 10_000.0;
const WALK_QPS: [u32; 3] = [500, 800, 1200];
const WALK_ROOM_PER_S: f64 = 900.0;
/// Short answers, so that a second has many of them.
const SHORT: Sizes = Sizes::Drawn { words: (2, 4), gap_s: (0.03, 0.07) };

/// When the room changes, and to how many times the usual.
const CHANGES: &[(f64, f64)] = &[(40.0, 0.5), (80.0, 1.0), (120.0, 2.0), (160.0, 1.0)];
const CHANGED_S: &[f64] = &[40.0, 80.0, 120.0, 160.0];
const CHANGES_END_S: f64 = 200.0;
/// What is asked for, in usual rooms: more than there is at any time.
const CHANGING: f64 = 2.2;

/// What is asked for of a recording, in rooms.
const RECORDED: f64 = 2.0;

/// One noisy caller beside quiet ones, all of the same urgency.
pub(super) fn noisy(usual: Setting, requests: u32) -> Setting {
    let slots = slots(requests);
    let per_s = f64::from(slots) / answer_s_mean(&USUAL_SIZES);
    let share = per_s / f64::from(QUIET_CALLERS + 1);
    let seconds = seconds(requests, share * (f64::from(QUIET_CALLERS) * QUIET + NOISY));
    let quiet = |number| caller(Role::Guarded, format!("quiet-{number}"), None, QUIET * share, seconds);
    let noisy = caller(Role::Crowd, "noisy".to_owned(), None, NOISY * share, seconds);
    let groups = (0..QUIET_CALLERS).map(quiet).chain([noisy]).collect();
    Setting { groups, ..of_slots(usual, Slots::always(slots), per_s) }
}

/// People who wait, and a flood of work that nobody waits for.
pub(super) fn flood(usual: Setting, requests: u32) -> Setting {
    let slots = slots(requests);
    let per_s = f64::from(slots) / answer_s_mean(&USUAL_SIZES);
    let seconds = seconds(requests, per_s * (PEOPLE + FLOOD));
    let people = caller(Role::Guarded, "people".to_owned(), Some(PEOPLE_PRIORITY), PEOPLE * per_s, seconds);
    let flood = caller(Role::Crowd, "flood".to_owned(), Some(FLOOD_PRIORITY), FLOOD * per_s, seconds);
    Setting { groups: vec![people, flood], ..of_slots(usual, Slots::always(slots), per_s) }
}

/// More and more, and then less and less, through all the thresholds.
pub(super) fn walk(usual: Setting, requests: u32) -> Setting {
    let scale = (f64::from(requests) / WALK_REQUESTS).min(1.0);
    let per_s = WALK_ROOM_PER_S * scale;
    let slots = (per_s * answer_s_mean(&SHORT)).round() as u32;
    let points: Arc<[_]> = WALK.iter().map(|(s, per_s)| (*s, per_s * scale)).collect();
    let until_s = WALK[WALK.len() - 1].0;
    let arrivals = Arrivals { rate: Rate::Walk(points), until_s, requests_max: u32::MAX };
    let qps = WALK_QPS.map(|qps| (f64::from(qps) * scale).round() as u32);
    Setting {
        groups: vec![Group::everybody(arrivals, SHORT)],
        qps: Some(qps),
        view: View::Walked,
        ..of_slots(usual, Slots::always(slots), per_s)
    }
}

/// A service that takes half as many, and twice as many, at given times.
pub(super) fn changing(usual: Setting, requests: u32) -> Setting {
    let usually = slots(requests);
    let per_s = f64::from(usually) / answer_s_mean(&USUAL_SIZES);
    let rate = Rate::Steady(CHANGING * per_s);
    let arrivals = Arrivals { rate, until_s: CHANGES_END_S, requests_max: u32::MAX };
    Setting {
        groups: vec![Group::everybody(arrivals, USUAL_SIZES)],
        view: View::Room(CHANGED_S),
        ..of_slots(usual, Slots { usual: usually, turns: CHANGES }, per_s)
    }
}

/// What was recorded, over and over, as much faster as it takes to ask for twice the room.
pub(super) fn recorded(usual: Setting, requests: u32, trace: &[Recorded]) -> Setting {
    let slots = slots(requests);
    let sizes = Sizes::Recorded(trace.into());
    let per_s = f64::from(slots) / answer_s_mean(&sizes);
    let at_s = trace::moments(trace);
    let own_per_s = trace.len() as f64 / at_s.last().copied().unwrap_or(1.0);
    let rate = Rate::Recorded { at_s, speed: RECORDED * per_s / own_per_s };
    let arrivals = Arrivals { rate, until_s: f64::INFINITY, requests_max: requests };
    let groups = vec![Group::everybody(arrivals, sizes)];
    Setting { groups, ..of_slots(usual, Slots::always(slots), per_s) }
}

fn of_slots(usual: Setting, slots: Slots, capacity_per_s: f64) -> Setting {
    Setting { capacity_per_s: Some(capacity_per_s), ..usual.with(Trouble::Slots(slots)) }
}

fn slots(requests: u32) -> u32 {
    (requests / 50).clamp(SLOTS.0, SLOTS.1)
}

fn seconds(requests: u32, per_s: f64) -> f64 {
    (f64::from(requests) / per_s).max(SECONDS_MIN)
}

fn caller(role: Role, name: String, priority: Option<u8>, per_s: f64, until_s: f64) -> Group {
    let arrivals = Arrivals { rate: Rate::Steady(per_s), until_s, requests_max: u32::MAX };
    Group { role, key: Some(format!("Bearer {name}")), priority, arrivals, sizes: USUAL_SIZES }
}
