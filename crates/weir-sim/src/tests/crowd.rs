//! Who comes when, and asks what.

use super::TRACE;
use crate::arrivals::{Arrivals, Rate};
use crate::crowd::{Book, Comer, Crowd, Group, Role, Sizes, USUAL_SIZES};
use crate::trace;
use crate::trouble::Slots;

const USUAL: Arrivals = Arrivals { rate: Rate::Steady(5.0), until_s: 20.0, requests_max: u32::MAX };

fn usual() -> Group {
    Group::everybody(USUAL, USUAL_SIZES)
}

fn recorded() -> Group {
    let rate = Rate::Recorded { at_s: trace::moments(&TRACE), speed: 2.0 };
    let arrivals = Arrivals { rate, until_s: f64::INFINITY, requests_max: 6 };
    Group::everybody(arrivals, Sizes::Recorded(TRACE.as_slice().into()))
}

/// The questions of one usual group.
pub(super) fn book() -> Book {
    Book::new(1, &[usual()])
}

fn all(mut crowd: Crowd) -> Vec<Comer> {
    std::iter::from_fn(|| crowd.next()).collect()
}

#[test]
fn half_of_the_questions_have_one_answer() {
    let book = book();
    let fixed = (0..10_000).filter(|&number| book.question(number).fixed).count();
    assert!((4_800..5_200).contains(&fixed), "{fixed}");
}

/// Or a world without its crowd would be another world.
#[test]
fn who_comes_and_asks_what_does_not_depend_on_who_else_comes() {
    let groups = [usual(), Group { role: Role::Crowd, ..usual() }, recorded()];
    let with = all(Crowd::new(3, &groups, |_| false));
    let without = all(Crowd::new(3, &groups, |group| group.role == Role::Crowd));
    let guarded: Vec<_> = with.iter().copied().filter(|comer| comer.group != 1).collect();
    assert_eq!(guarded, without);
    assert!(with.len() > without.len() + 50 && with.is_sorted_by_key(|comer| comer.at_s));
}

#[test]
fn a_recording_is_played_over_and_over_at_its_speed() {
    let groups = [recorded()];
    let (book, comers) = (Book::new(3, &groups), all(Crowd::new(3, &groups, |_| false)));
    let at_s: Vec<_> = comers.iter().map(|comer| (comer.at_s * 1e3).round()).collect();
    // 5.2 s, and the mean pause of 5.2 s ÷ 3 before it begins again.
    assert_eq!(at_s, [0.0, 2_150.0, 2_550.0, 2_600.0, 3_467.0, 5_617.0]);
    let answers = comers.iter().map(|comer| book.question(comer.number).answer_tokens);
    assert!(answers.eq([44, 109, 420, 16, 44, 109]));
}

#[test]
fn a_walk_follows_its_line() {
    let points = [(0.0, 100.0), (10.0, 100.0), (20.0, 300.0), (40.0, 300.0)];
    let arrivals = Arrivals { rate: Rate::Walk(points.into()), until_s: 40.0, requests_max: u32::MAX };
    let comers = all(Crowd::new(5, &[Group::everybody(arrivals, USUAL_SIZES)], |_| false));
    let check = |from: f64, until: f64, expected: u32| {
        let come = comers.iter().filter(|comer| (from..until).contains(&comer.at_s)).count() as u32;
        assert!(come.abs_diff(expected) < 4 * expected.isqrt(), "{from} to {until}: {come}, not {expected}");
    };
    check(0.0, 10.0, 1_000);
    check(10.0, 20.0, 2_000);
    check(20.0, 40.0, 6_000);
}

#[test]
fn room_turns_when_it_is_said_to() {
    let slots = Slots { usual: 100, turns: &[(10.0, 0.5), (20.0, 2.0)] };
    assert_eq!([0.0, 9.9, 10.0, 19.9, 20.0, 99.0].map(|s| slots.at(s)), [100, 100, 50, 50, 200, 200]);
}
