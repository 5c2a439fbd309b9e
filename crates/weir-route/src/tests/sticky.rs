//! A conversation's home: where it is, when it is left, and that it is found again.

use std::collections::HashMap;

use proptest::prelude::*;
use weir_core::Class;
use weir_testkit::at;

use super::{ASK, config, name, picked, route, set};
use crate::config::Endpoint;
use crate::{Ask, Lease, Route};

fn in_session(session: u64) -> Ask<'static> {
    Ask { session: Some(session), ..ASK }
}

fn configs(names: &[&str]) -> Vec<Endpoint> {
    names.iter().map(|name| config(name, 999)).collect()
}

fn homes(route: &Route) -> HashMap<u64, String> {
    (0..600).map(|session| (session, picked(route, &in_session(session)).unwrap())).collect()
}

#[test]
fn a_conversation_stays_and_conversations_spread() {
    let route = route(&configs(&["a", "b", "c"]), &[]);
    let first = homes(&route);
    assert_eq!(homes(&route), first);
    for endpoint in ["a", "b", "c"] {
        let at_home = first.values().filter(|home| *home == endpoint).count();
        assert!((150..250).contains(&at_home), "{endpoint}: {at_home} of 600");
    }
}

#[test]
fn homes_do_not_depend_on_the_order_or_on_other_endpoints() {
    let all = homes(&route(&configs(&["a", "b", "c"]), &[]));
    assert_eq!(homes(&route(&configs(&["c", "a", "b"]), &[])), all);
    let fewer = homes(&route(&configs(&["a", "c"]), &[]));
    for (session, home) in &all {
        assert!(home == "b" || fewer[session] == *home, "{session} moved from {home}");
    }
}

/// Written down, so that a new version does not move everybody.
#[test]
fn homes_are_the_same_in_every_version() {
    let homes = homes(&route(&configs(&["a", "b", "c"]), &[]));
    let first: String = (0..24).map(|session| homes[&session].as_str()).collect();
    assert_eq!(first, "baccacabcabbaabccbaaacbb");
}

#[test]
fn a_conversation_returns_home_after_a_failover() {
    let route = route(&configs(&["a", "b", "c"]), &[]);
    let session = in_session(5);
    let home = route.pick(&session).unwrap();
    let id = home.endpoint().id();
    drop(home);
    for _ in 0..10 {
        route.pick(&Ask { only: Some(id), ..ASK }).unwrap().failed(Class::Hard, None, at(0));
    }
    let away = picked(&route, &session).unwrap();
    assert!(away != *route.endpoint(id).name().as_ref());
    assert_eq!(picked(&route, &session).unwrap(), away, "the second in its order is a home too");
    set(60_000);
    for _ in 0..3 {
        route.pick(&Ask { only: Some(id), ..ASK }).unwrap().first_token(at(60_000), None);
    }
    let home = route.endpoint(id).name().to_string();
    let at_home = [60_000, 65_000, 70_000].map(|ms| {
        set(ms);
        homes(&route).values().filter(|endpoint| **endpoint == home).count()
    });
    assert!(at_home[0] < 40 && at_home[1] > 80 && at_home[1] < 140 && at_home[2] > 150, "{at_home:?}");
    assert_eq!(picked(&route, &session).unwrap(), *route.endpoint(id).name().as_ref());
    // A repeated attempt goes elsewhere while there is another, and home otherwise.
    assert_eq!(picked(&route, &Ask { tried: &[id], ..session }).unwrap(), away);
    let all: Vec<_> = route.endpoints.iter().map(|endpoint| endpoint.id()).collect();
    assert_eq!(picked(&route, &Ask { tried: &all, ..session }).unwrap(), *route.endpoint(id).name().as_ref());
}

#[test]
fn a_home_that_is_much_slower_is_left() {
    let route = route(&configs(&["a", "b"]), &[]);
    let session = in_session(5);
    let answer = |id, ms: u64| {
        set(0);
        let mut lease = route.pick(&Ask { only: Some(id), ..ASK }).unwrap();
        lease.first_token(at(ms), None);
    };
    let home = route.pick(&session).unwrap().endpoint().id();
    let other = route.endpoints.iter().map(|endpoint| endpoint.id()).find(|id| *id != home).unwrap();
    answer(other, 200);
    answer(home, 3_000);
    assert_eq!(
        route.pick(&session).unwrap().endpoint().id(),
        home,
        "a prompt in memory is worth three seconds"
    );
    answer(home, 4_000);
    assert_eq!(route.pick(&session).unwrap().endpoint().id(), other);
}

proptest! {
    #[test]
    fn no_home_has_a_quarter_more_calls_than_the_mean(
        sessions in prop::collection::vec((0u64..4, any::<bool>()), 1..200),
    ) {
        let route = route(&configs(&["a", "b", "c", "d"]), &[]);
        let mut held: Vec<Lease> = Vec::new();
        for (session, ends) in sessions {
            if ends && !held.is_empty() {
                held.remove(session as usize % held.len());
            }
            let before: Vec<usize> = route.snapshots().iter().map(|snapshot| snapshot.in_flight).collect();
            let lease = route.pick(&in_session(session)).unwrap();
            let mean = before.iter().sum::<usize>() as f64 / 4.0;
            let load = before[lease.endpoint().id().0];
            prop_assert!(load <= (1.25 * (mean + 1.0)).ceil() as usize, "{before:?} {}", name(&lease));
            held.push(lease);
        }
    }
}
