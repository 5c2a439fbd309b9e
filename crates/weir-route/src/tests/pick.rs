//! Which endpoint is picked, and what is said when none is.

use std::time::Duration;

use proptest::prelude::*;
use weir_core::{Class, Dialect, End, Observer};
use weir_testkit::at;

use super::{ASK, config, name, picked, route, set};
use crate::config::Endpoint;
use crate::{Ask, Choice, EndpointId, Lease, NoEndpoint, Outlook, Route};

const A: EndpointId = EndpointId(0);
const B: EndpointId = EndpointId(1);
const C: EndpointId = EndpointId(2);

/// Makes an endpoint fail so often, at the time `ms`, that its circuit opens.
fn break_down(route: &Route, endpoint: EndpointId, ms: u64) {
    fail(route, endpoint, (Class::Hard, None), 10, ms);
}

fn fail(route: &Route, endpoint: EndpointId, how: (Class, Option<u64>), times: usize, ms: u64) {
    let ask = Ask { only: Some(endpoint), desperate: true, ..ASK };
    for _ in 0..times {
        route.pick(&ask).unwrap().failed(how.0, how.1.map(Duration::from_secs), at(ms));
    }
}

#[test]
fn an_endpoint_never_has_more_calls_than_its_limit() {
    let route = route(&[config("a", 2), config("b", 1)], &[]);
    let mut leases: Vec<_> = (0..3).map(|_| route.pick(&ASK).unwrap()).collect();
    assert_eq!(picked(&route, &ASK).err(), Some(NoEndpoint::Busy));
    assert_eq!(picked(&route, &Ask { desperate: true, ..ASK }).err(), Some(NoEndpoint::Busy));
    let freed = name(&leases.pop().unwrap());
    assert_eq!(picked(&route, &ASK), Ok(freed));
    assert_eq!(route.room(ASK.pool, at(0)).now, 3);
}

#[test]
fn one_that_was_tried_comes_last_and_the_fallback_before_it() {
    let route = route(&[config("a", 9)], &[config("b", 9)]);
    assert_eq!(picked(&route, &ASK).unwrap(), "a");
    assert_eq!(picked(&route, &Ask { tried: &[A], ..ASK }).unwrap(), "b");
    assert_eq!(picked(&route, &Ask { tried: &[A, B], ..ASK }).unwrap(), "a");
    assert_eq!(picked(&route, &Ask { only: Some(B), ..ASK }).unwrap(), "b");
}

#[test]
fn one_that_cools_off_comes_after_everybody_and_before_nobody() {
    let route = route(&[config("a", 9), config("b", 9)], &[]);
    fail(&route, A, (Class::Overload, None), 5, 0);
    for _ in 0..20 {
        assert_eq!(
            picked(&route, &Ask { tried: &[B], ..ASK }).unwrap(),
            "b",
            "a tried one can take the call"
        );
    }
    assert_eq!(picked(&route, &Ask { only: Some(A), ..ASK }).unwrap(), "a");
    break_down(&route, B, 0);
    assert_eq!(picked(&route, &ASK).unwrap(), "a");
}

#[test]
fn nobody_calls_a_dead_service_unless_desperate() {
    let route = route(&[config("a", 9)], &[config("b", 9)]);
    break_down(&route, A, 0);
    assert_eq!(picked(&route, &ASK).unwrap(), "b");
    fail(&route, B, (Class::Quota, None), 1, 0);
    let Err(NoEndpoint::Resting { until }) = picked(&route, &ASK) else { panic!("both rest") };
    assert!(until >= at(5_000) && until <= at(6_000), "the first that comes back");
    let desperate = Ask { desperate: true, ..ASK };
    assert_eq!(picked(&route, &desperate).unwrap(), "a", "rather a shut one than one without a key");
    assert!(route.snapshots()[1].key_disabled);
    set(6_000);
    assert_eq!(picked(&route, &ASK).unwrap(), "a");
    assert_eq!(picked(&route, &Ask { only: Some(B), ..ASK }), Err(NoEndpoint::Resting { until: at(60_000) }));
}

#[test]
fn one_that_is_only_full_is_waited_for_as_such() {
    let route = route(&[config("a", 1), config("b", 9)], &[]);
    break_down(&route, B, 0);
    let held = route.pick(&ASK).unwrap();
    assert_eq!(name(&held), "a");
    assert_eq!(picked(&route, &ASK), Err(NoEndpoint::Busy));
    assert_eq!(picked(&route, &Ask { desperate: true, ..ASK }).unwrap(), "b");
}

#[test]
fn no_more_than_three_probes_are_out() {
    let route = route(&[config("a", 99)], &[]);
    break_down(&route, A, 0);
    set(6_000);
    let mut probes: Vec<_> = (0..3).map(|_| route.pick(&ASK).unwrap()).collect();
    assert_eq!(picked(&route, &ASK), Err(NoEndpoint::Resting { until: at(6_250) }));
    probes.pop();
    probes.push(route.pick(&ASK).unwrap());
    assert!(picked(&route, &ASK).is_err());
    for probe in &mut probes {
        probe.first_token(at(6_100), None);
    }
    assert_eq!(route.snapshots()[0].circuit, "closed");
    assert!(picked(&route, &ASK).is_ok());
}

#[test]
fn probes_are_made_although_another_endpoint_is_idle() {
    let route = route(&[config("a", 99), config("b", 99)], &[]);
    break_down(&route, A, 0);
    assert_eq!(picked(&route, &ASK).unwrap(), "b");
    set(6_000);
    let leases: Vec<_> = (0..5).map(|_| route.pick(&ASK).unwrap()).collect();
    assert_eq!(leases.iter().map(name).collect::<String>(), "aaabb");
}

#[test]
fn only_those_who_speak_the_dialect_are_asked() {
    let speaking = |name, dialect| Endpoint { dialects: Some(vec![dialect]), ..config(name, 9) };
    let route = route(&[speaking("a", Dialect::OpenAi)], &[speaking("b", Dialect::Anthropic)]);
    let anthropic = Ask { dialect: Dialect::Anthropic, ..ASK };
    assert_eq!(picked(&route, &anthropic).unwrap(), "b");
    assert_eq!(picked(&route, &Ask { only: Some(A), ..anthropic }), Err(NoEndpoint::WrongDialect));
    let route = super::route(&[speaking("a", Dialect::OpenAi)], &[]);
    assert_eq!(picked(&route, &anthropic), Err(NoEndpoint::WrongDialect));
}

#[test]
fn what_a_service_keeps_is_found_again_at_the_first_that_can_answer() {
    let route = route(&[config("a", 1), config("b", 9), config("c", 9)], &[]);
    let first = Ask { choice: Choice::First, session: Some(7), ..ASK };
    let held = route.pick(&first).unwrap();
    assert_eq!(name(&held), "a");
    assert_eq!(picked(&route, &first).unwrap(), "b");
    drop(held);
    for _ in 0..20 {
        assert_eq!(picked(&route, &first).unwrap(), "a");
    }
}

#[test]
fn a_full_or_resting_endpoint_still_makes_the_process_ready() {
    let route = route(&[config("a", 1)], &[]);
    let held = route.pick(&ASK).unwrap();
    assert!(route.can_serve());
    held.failed(Class::Overload, Some(Duration::from_secs(20)), at(0));
    assert!(route.can_serve());
    break_down(&route, A, 0);
    assert!(!route.can_serve());
}

#[test]
fn the_outlook_tells_equals_from_others() {
    let route = route(&[config("a", 9), config("b", 9)], &[config("c", 9)]);
    let check = |tried: &[EndpointId], only, another, peer| {
        let outlook = route.outlook(&Ask { tried, only, ..ASK });
        assert_eq!(outlook, Outlook { another, peer, later: another }, "{tried:?} {only:?}");
    };
    check(&[], Some(A), true, true);
    check(&[B], Some(A), true, false);
    check(&[], Some(C), true, false);
    check(&[A, B], Some(C), false, false);
    check(&[A, B, C], None, false, false);
    check(&[A], None, true, false);
    fail(&route, B, (Class::Overload, None), 5, 0);
    check(&[], Some(A), true, false);
}

#[test]
fn one_that_only_rests_is_an_outlook_for_later_and_no_tried_one_is_taken_in_its_place() {
    let route = route(&[config("a", 9), config("b", 9)], &[]);
    fail(&route, B, (Class::Overload, Some(20)), 1, 0);
    let ask = Ask { tried: &[A], untried: true, ..ASK };
    assert_eq!(route.outlook(&ask), Outlook { another: false, peer: false, later: true });
    assert!(matches!(route.pick(&ask), Err(NoEndpoint::Resting { .. })));
    assert_eq!(picked(&route, &Ask { untried: false, ..ask }).unwrap(), "a");
}

#[test]
fn equals_share_the_calls_whatever_their_order() {
    let route = route(&[config("a", 999), config("b", 999), config("c", 999)], &[]);
    let mut counts = [0; 3];
    for _ in 0..3_000 {
        counts[route.pick(&ASK).unwrap().endpoint().id().0] += 1;
    }
    assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
}

#[test]
fn a_service_that_came_back_gets_its_traffic_by_and_by() {
    let route = route(&[config("a", 9_999), config("b", 9_999)], &[]);
    let share_of_a = |ms| {
        set(ms);
        let leases: Vec<Lease> = (0..1_000).map(|_| route.pick(&ASK).unwrap()).collect();
        leases.iter().filter(|lease| name(lease) == "a").count()
    };
    break_down(&route, A, 0);
    assert_eq!(share_of_a(1_000), 0);
    set(100_000);
    let mut probes: Vec<_> = (0..3).map(|_| route.pick(&Ask { only: Some(A), ..ASK }).unwrap()).collect();
    let mut other = route.pick(&Ask { only: Some(B), ..ASK }).unwrap();
    // Both now answer in a second.
    set(101_000);
    for lease in probes.iter_mut().chain([&mut other]) {
        lease.first_token(at(101_000), None);
    }
    drop((probes, other));
    let shares = [101_000, 104_000, 107_000, 111_000].map(share_of_a);
    assert!(shares[0] > 50 && shares[0] < 130, "{shares:?}");
    assert!(shares.is_sorted() && shares[3] > 480, "{shares:?}");
}

proptest! {
    #[test]
    fn every_place_comes_back_however_calls_end(
        ends in prop::collection::vec((0u8..7, any::<bool>(), any::<bool>(), 0u64..4_000), 0..200),
    ) {
        let route = route(&[config("a", 4), config("b", 3)], &[]);
        let mut held = Vec::new();
        let mut ms = 0;
        for (how, keep, desperate, wait) in ends {
            ms += wait;
            set(ms);
            let now = at(ms);
            let mut lease = match route.pick(&Ask { desperate, ..ASK }) {
                Ok(lease) => lease,
                Err(NoEndpoint::Resting { until }) => {
                    prop_assert!(!desperate && until > now);
                    continue;
                }
                Err(none) => {
                    prop_assert_eq!(none, NoEndpoint::Busy);
                    prop_assert!(!desperate || held.len() == 7);
                    held.clear();
                    continue;
                }
            };
            match how {
                _ if keep => held.push(lease),
                0 => drop(lease),
                1 => { lease.failed(Class::Timeout, None, now); }
                2 | 3 => {
                    lease.first_token(now, None);
                    let end = if how == 2 { End::Complete } else { End::Failed(Class::Truncated) };
                    Box::new(lease).end(now, end);
                }
                4 => { lease.failed(Class::Overload, Some(Duration::from_secs(wait / 500)), now); }
                5 => lease.outrun(now),
                _ => Box::new(lease).end(now, End::Abandoned),
            }
            let snapshots = route.snapshots();
            let in_flight: usize = snapshots.iter().map(|snapshot| snapshot.in_flight).sum();
            prop_assert_eq!(in_flight, held.len());
            prop_assert!(snapshots.iter().all(|snapshot| snapshot.in_flight <= snapshot.limit));
        }
    }
}
