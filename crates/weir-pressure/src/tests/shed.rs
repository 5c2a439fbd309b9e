//! Who is shed, how the cursor moves, and what holds wherever it stands.

use proptest::prelude::*;
use weir_core::{Priority, Urgency};
use weir_testkit::at;

use super::priority;
use crate::level::{Level, Strain};
use crate::shed::Shedder;

const OVER: Strain =
    Strain { excess: 1.0, forced: false, rests: false, per_s: 0, per_s_max: None, idle: false, hard: false };
const UNDER: Strain = Strain { excess: -0.5, ..OVER };
const IDLE: Strain = Strain { idle: true, ..UNDER };

/// A shedder that for so many seconds sees so many requests of each priority from each of some users, and this strain.
struct Crowd {
    shedder: Shedder,
    now: u64,
    users: u64,
    per_s: [u32; Priority::LEVELS],
}

impl Crowd {
    fn new(users: u64, per_s: [u32; Priority::LEVELS]) -> Self {
        Self { shedder: Shedder::new(7, at(0)), now: 0, users, per_s }
    }

    /// One more second.
    fn second(&mut self, strain: &Strain) -> f64 {
        for (level, count) in (0..).zip(self.per_s) {
            for request in 0..u64::from(count) {
                let user = request % self.users;
                self.shedder.asked(priority(level), user, at(self.now));
            }
        }
        self.now += 1000;
        self.shedder.on_tick(at(self.now), Level::L3, strain);
        self.shedder.admitted()
    }

    /// The share of a priority that is admitted, of users and chances spread evenly.
    fn admitted(&self, level: u8) -> f64 {
        let chances = 20;
        let cases = (0..self.users).flat_map(|user| (0..chances).map(move |part| (user, part)));
        let admitted = cases.filter(|&(user, part)| {
            let chance = (f64::from(part) + 0.5) / f64::from(chances);
            !self.shedder.sheds(priority(level), user, chance, at(self.now))
        });
        admitted.count() as f64 / (self.users * u64::from(chances as u32)) as f64
    }
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 0.005, "{found} is not {expected}");
}

#[test]
fn a_step_moves_a_share_of_the_demand_whoever_it_comes_from() {
    let spread = [10; Priority::LEVELS];
    let one_class = [0, 0, 0, 0, 0, 100, 0, 0, 0, 0];
    let mostly_bulk = [1, 0, 2, 0, 0, 3, 0, 0, 0, 1000];
    for (users, per_s) in [(1, spread), (1, one_class), (1000, one_class), (3, mostly_bulk), (50, spread)] {
        let mut crowd = Crowd::new(users, per_s);
        near(crowd.second(&OVER), 0.95);
        near(crowd.second(&OVER), 0.90);
        near(crowd.second(&UNDER), 0.91);
        near(crowd.second(&IDLE), 0.96);
        near(crowd.second(&IDLE), 1.0);
        assert!(!crowd.shedder.is_shedding());
    }
}

#[test]
fn the_least_urgent_go_first_and_the_most_urgent_stay() {
    let mut crowd = Crowd::new(10, [10; Priority::LEVELS]);
    for _ in 0..6 {
        crowd.second(&OVER);
    }
    near(crowd.admitted(9), 0.0);
    near(crowd.admitted(6), 1.0);
    for _ in 0..6 {
        crowd.second(&OVER);
    }
    near(crowd.admitted(4), 0.0);
    near(crowd.admitted(3), 1.0);
    for _ in 0..20 {
        crowd.second(&OVER);
    }
    near(crowd.admitted(1), 0.0);
    near(crowd.admitted(0), 1.0);
    near(crowd.second(&OVER), 0.1);
}

#[test]
fn the_most_urgent_are_shed_only_while_there_is_no_place_at_all() {
    let hard = Strain { hard: true, ..OVER };
    let mut crowd = Crowd::new(10, [10; Priority::LEVELS]);
    for _ in 0..40 {
        crowd.second(&hard);
    }
    near(crowd.admitted(0), 0.0);
    crowd.shedder.on_tick(at(crowd.now + 100), Level::L3, &OVER);
    near(crowd.admitted(0), 1.0);
    near(crowd.admitted(1), 0.0);
}

#[test]
fn a_lone_tenant_is_thinned_and_not_switched_off() {
    let mut crowd = Crowd::new(1, [0, 0, 0, 0, 0, 40, 0, 0, 0, 0]);
    for _ in 0..10 {
        crowd.second(&OVER);
    }
    near(crowd.admitted(5), 0.5);
}

#[test]
fn what_is_on_its_way_down_is_left_to_go() {
    let over = |excess| Strain { excess, ..OVER };
    let mut crowd = Crowd::new(10, [10; Priority::LEVELS]);
    near(crowd.second(&over(2.0)), 0.95);
    // A twentieth of it less: enough. A hundredth: not. Half of it: more than enough.
    near(crowd.second(&over(1.9)), 0.95);
    near(crowd.second(&over(1.88)), 0.90);
    near(crowd.second(&over(0.94)), 0.91);
    near(crowd.second(&Strain { forced: true, ..over(0.1) }), 0.86);
}

#[test]
fn a_little_too_much_takes_a_small_step_and_where_little_is_admitted_so_does_much() {
    let over = |excess| Strain { excess, ..OVER };
    let mut crowd = Crowd::new(10, [10; Priority::LEVELS]);
    near(crowd.second(&over(0.2)), 0.99);
    near(crowd.second(&over(0.4)), 0.97);
    for _ in 0..14 {
        crowd.second(&over(2.0));
    }
    near(crowd.shedder.admitted(), 0.27);
    near(crowd.second(&over(2.0)), 0.22);
    near(crowd.second(&over(2.0)), 0.176);
    near(crowd.second(&over(2.0)), 0.141);
}

#[test]
fn while_nobody_serves_the_cursor_stays() {
    let mut crowd = Crowd::new(10, [10; Priority::LEVELS]);
    near(crowd.second(&OVER), 0.95);
    for strain in [OVER, UNDER, IDLE] {
        near(crowd.second(&Strain { rests: true, ..strain }), 0.95);
    }
    near(crowd.second(&Strain { rests: true, forced: true, ..UNDER }), 0.90);
}

#[test]
fn above_the_operators_threshold_the_rate_admitted_comes_down_to_it() {
    let strain = Strain { per_s: 1500, per_s_max: Some(1200), ..IDLE };
    let mut crowd = Crowd::new(100, [150; Priority::LEVELS]);
    let shares: Vec<_> = (0..40).map(|_| crowd.second(&strain)).collect();
    for share in &shares[5..] {
        assert!((0.75..=0.85).contains(share), "{shares:?}");
    }
}

#[test]
fn below_the_level_nobody_is_shed() {
    let mut crowd = Crowd::new(10, [10; Priority::LEVELS]);
    for _ in 0..10 {
        crowd.second(&OVER);
    }
    crowd.shedder.on_tick(at(crowd.now + 100), Level::L2, &OVER);
    assert!(!crowd.shedder.is_shedding());
    near(crowd.admitted(9), 1.0);
}

#[test]
fn shedding_begins_at_once_and_goes_on_once_a_second() {
    let mut crowd = Crowd::new(10, [10; Priority::LEVELS]);
    crowd.shedder.on_tick(at(0), Level::L0, &UNDER);
    for level in 0..10 {
        (0..10).for_each(|user| crowd.shedder.asked(priority(level), user, at(100)));
    }
    crowd.shedder.on_tick(at(300), Level::L3, &OVER);
    near(crowd.shedder.admitted(), 0.95);
    for now in (400..1_300).step_by(100) {
        crowd.shedder.on_tick(at(now), Level::L3, &OVER);
    }
    near(crowd.shedder.admitted(), 0.95);
    crowd.shedder.on_tick(at(1_300), Level::L3, &OVER);
    near(crowd.shedder.admitted(), 0.90);
}

#[test]
fn a_user_s_lot_stays_for_an_hour_and_is_then_drawn_anew() {
    let mut crowd = Crowd::new(500, [0, 0, 0, 0, 0, 500, 0, 0, 0, 0]);
    for _ in 0..10 {
        crowd.second(&OVER);
    }
    near(crowd.shedder.admitted(), 0.5);
    let lots = |second: u64| -> Vec<bool> {
        (0..500).map(|user| crowd.shedder.sheds(priority(5), user, 0.5, at(second * 1000))).collect()
    };
    assert_eq!(lots(10), lots(3_599));
    let (before, after) = (lots(3_599), lots(3_600));
    let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    assert!((150..350).contains(&moved), "{moved} of 500 changed sides");
    let other = Shedder::new(8, at(0));
    assert!(!other.sheds(priority(9), 1, 0.99, at(0)));
}

prop_compose! {
    fn strain()(
        excess in -1.0..3.0f64,
        forced in prop::bool::weighted(0.1),
        rests in prop::bool::weighted(0.1),
        hard in prop::bool::weighted(0.2),
        idle: bool,
        per_s in 0u32..2_000,
        per_s_max in prop::option::of(1u32..2_000),
    ) -> Strain {
        Strain { excess, forced, rests, per_s, per_s_max, idle, hard }
    }
}

proptest! {
    #[test]
    fn nobody_is_shed_before_a_less_urgent_one(
        seconds in prop::collection::vec((strain(), 0u8..4, prop::collection::vec((0u8..10, 0u64..40), 0..40)), 1..25),
        chances in prop::collection::vec(0.0..1.0f64, 2),
    ) {
        let mut shedder = Shedder::new(3, at(0));
        for (second, (strain, level, asked)) in (0..).zip(&seconds) {
            let now = at(second * 1000);
            for &(level, user) in asked {
                shedder.asked(priority(level), user, now);
            }
            let before = shedder.admitted();
            let level = if *level == 0 { Level::L2 } else { Level::L3 };
            shedder.on_tick(now, level, strain);
            let admitted = shedder.admitted();
            prop_assert!((0.0..=1.0 + 1e-9).contains(&admitted), "{admitted}");
            prop_assert!(before.is_finite());
            // Over all users, classes do not overlap: if one of a class is shed, all of the classes after it are.
            let mut first_shed = None;
            for (user, chance) in (0..40).flat_map(|user| chances.iter().map(move |chance| (user, *chance))) {
                let sheds: Vec<_> = (0..10).map(|level| shedder.sheds(priority(level), user, chance, now)).collect();
                prop_assert!(sheds.is_sorted(), "{sheds:?}");
                prop_assert!(!sheds[0] || strain.hard, "the most urgent is shed");
                prop_assert!(level == Level::L3 || !sheds[9], "below L3 somebody is shed");
                let class = (0..10).find(|&level| sheds[usize::from(level)]).map(|level| Urgency::of(priority(level)));
                first_shed = first_shed.into_iter().chain(class).min();
            }
            if let Some(first) = first_shed {
                for (user, level) in (0..40).flat_map(|user| (0..10).map(move |level| (user, level))) {
                    let after = Urgency::of(priority(level)) > first;
                    prop_assert!(!after || shedder.sheds(priority(level), user, 0.0, now));
                }
            }
        }
    }

    #[test]
    fn whatever_was_shed_is_let_in_again_within_seconds_of_rest(
        busy in 1u64..30, level in 0u8..10, users in 1u64..200, gone: bool,
    ) {
        let mut per_s = [0; Priority::LEVELS];
        per_s[usize::from(level)] = 100;
        let mut crowd = Crowd::new(users, per_s);
        for _ in 0..busy {
            crowd.second(&OVER);
        }
        if gone {
            crowd.per_s = [0; Priority::LEVELS];
        }
        for _ in 0..21 {
            crowd.second(&IDLE);
        }
        prop_assert!(!crowd.shedder.is_shedding());
    }
}
