//! Budgets, hedges and looks, through the stage's door.

use std::time::Duration;

use weir_core::{Class, Room};
use weir_testkit::at;

use super::{ASK, config, name, route, set};
use crate::config::Endpoint;
use crate::{Ask, EndpointId, Route};

const A: EndpointId = EndpointId(0);
const B: EndpointId = EndpointId(1);

fn repeats(route: &Route, endpoint: EndpointId, class: Class) -> usize {
    (0..1_000).take_while(|_| route.may_repeat(endpoint, class, false)).count()
}

#[test]
fn first_attempts_at_an_endpoint_earn_repeated_ones_there() {
    let route = route(&[config("a", 9_999)], &[config("b", 9_999)]);
    let attempts = |ask: Ask<'_>| (0..400).for_each(|_| drop(route.pick(&ask).unwrap()));
    attempts(Ask { earns: false, ..ASK });
    attempts(Ask { tried: &[A], only: Some(A), ..ASK });
    assert_eq!(
        repeats(&route, A, Class::Overload),
        50,
        "neither an SDK's repetition nor a repeated attempt earns"
    );
    set(20_000);
    attempts(ASK);
    assert_eq!(repeats(&route, A, Class::Truncated), 46, "140 tokens, three for each");
    assert_eq!(repeats(&route, A, Class::OwnLimit), 2, "the rest, one for each");
    assert_eq!(repeats(&route, A, Class::Unprocessed), 1_000, "what was not begun is free");
    assert_eq!(repeats(&route, B, Class::Overload), 50, "each endpoint has its own");
    assert_eq!(route.snapshots()[0].retries_left, 0);
}

#[test]
fn a_slow_first_token_is_asked_twice_elsewhere_within_the_budget() {
    let route = route(&[config("a", 10), config("b", 10)], &[]);
    let ask = Ask { tried: &[A], ..ASK };
    for _ in 0..5 {
        assert_eq!(name(&route.hedge(&ask).unwrap()), "b");
    }
    assert!(route.hedge(&ask).is_none(), "the budget is used up");
    (0..13).for_each(|_| route.streamed());
    assert!(route.hedge(&Ask { tried: &[A, B], ..ASK }).is_none(), "nobody else");
    let held: Vec<_> = (0..8).map(|_| route.pick(&Ask { only: Some(B), ..ASK }).unwrap()).collect();
    assert!(route.hedge(&ask).is_some(), "a fifth of its places is free, and nothing was spent for nothing");
    (0..13).for_each(|_| route.streamed());
    let one_more = route.pick(&Ask { only: Some(B), ..ASK }).unwrap();
    assert!(route.hedge(&ask).is_none(), "it is nearly full");
    drop((held, one_more));
    assert!(route.hedge(&ask).is_some());
}

#[test]
fn nothing_is_asked_twice_while_most_attempts_fail() {
    let route = route(&[config("a", 99), config("b", 99)], &[]);
    for _ in 0..20 {
        route.pick(&Ask { only: Some(A), ..ASK }).unwrap().failed(Class::Overload, None, at(0));
    }
    assert!(route.hedge(&Ask { tried: &[A], ..ASK }).is_none());
    set(10_000);
    assert!(route.hedge(&Ask { tried: &[A], ..ASK }).is_some());
}

#[test]
fn the_second_is_asked_when_most_answers_would_have_begun() {
    let route = route(&[config("a", 99)], &[]);
    let ms = |ms| Some(Duration::from_millis(ms));
    assert_eq!(route.hedge_after(A, 1.0), ms(8_000), "nothing is known");
    for _ in 0..30 {
        route.pick(&Ask { streamed: false, ..ASK }).unwrap().first_token(at(30_000), None);
    }
    assert_eq!(route.hedge_after(A, 1.0), ms(8_000), "whole answers say nothing of first tokens");
    for _ in 0..30 {
        route.pick(&Ask { prompt_kib: 1.0, ..ASK }).unwrap().first_token(at(2_000), None);
    }
    let after = route.hedge_after(A, 1.0).unwrap();
    assert!(after >= Duration::from_millis(1_900) && after <= Duration::from_millis(2_200), "{after:?}");
    assert_eq!(route.snapshots()[0].hedge_after_ms, Some(after.as_millis() as u64));
}

#[test]
fn looks_are_made_where_the_config_says_and_heeded_by_the_circuit() {
    let checked = Endpoint { health_check_s: Some(7), ..config("b", 9) };
    let route = route(&[config("a", 9), checked], &[]);
    let to_check: Vec<_> =
        route.to_check().map(|endpoint| (endpoint.id(), endpoint.health_check())).collect();
    assert_eq!(to_check, [(B, Some(Duration::from_secs(7)))]);
    (0..10).for_each(|_| route.checked(B, false));
    assert_eq!(route.snapshots()[1].circuit, "open");
    assert!(route.snapshots()[1].rests_ms >= 5_000);
    route.checked(B, true);
    assert_eq!(route.snapshots()[1].circuit, "half-open");
    assert_eq!(route.snapshots()[1].rests_ms, 0);
}

#[test]
fn an_endpoint_that_rests_has_room_for_what_it_has_and_no_more() {
    let route = route(&[config("a", 10), config("b", 4)], &[]);
    let room = |ms: u64| {
        set(ms);
        route.room(ASK.pool, at(ms))
    };
    assert_eq!(room(0), Room::of(14));
    let pick = |only| route.pick(&Ask { only: Some(only), ..ASK }).unwrap();
    let (held, paused) = (pick(A), pick(A));
    paused.failed(Class::Overload, Some(Duration::from_secs(2)), at(0));
    let until = Some(at(2_000));
    assert_eq!(room(0), Room { now: 1 + 4, whole: 14, rests: false, until });
    drop(held);
    assert_eq!(room(10), Room { now: 4, whole: 14, rests: false, until });
    pick(B).failed(Class::Overload, Some(Duration::from_secs(1)), at(10));
    assert_eq!(room(10), Room { now: 0, whole: 14, rests: true, until: Some(at(1_010)) });
    assert_eq!(room(1_010), Room { now: 4, whole: 14, rests: false, until });
    assert_eq!(room(2_000), Room::of(14));
}

#[test]
fn an_open_circuit_has_room_for_its_probes_when_its_time_has_come() {
    let route = route(&[config("a", 10)], &[]);
    for _ in 0..10 {
        route.pick(&ASK).unwrap().failed(Class::Hard, None, at(0));
    }
    let room = |ms: u64| route.room(ASK.pool, at(ms));
    let Room { now: 0, whole: 10, rests: true, until: Some(until) } = room(0) else {
        panic!("{:?}", room(0));
    };
    let ms = until.duration_since(at(0)).as_millis() as u64 + 1;
    set(ms);
    let rests = Room { now: 3, whole: 10, rests: true, until: None };
    assert_eq!(room(ms), rests);
    let mut probes: Vec<_> = (0..3).map(|_| route.pick(&ASK).unwrap()).collect();
    assert_eq!(room(ms), rests, "three are out, and no more may go");
    assert!(probes[0].first_token(at(ms), None), "a good one makes room for another");
    assert_eq!(room(ms), Room { now: 4, ..rests });
    assert!(probes[1].first_token(at(ms), None));
    assert!(probes[2].first_token(at(ms), None), "the last one closes it");
    assert_eq!(room(ms), Room::of(10));
}
