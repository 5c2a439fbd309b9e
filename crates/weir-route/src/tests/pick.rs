//! Which endpoint is picked.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use proptest::prelude::*;
use weir_core::{Chance, Class, Dialect, End, Observer, PoolId};
use weir_testkit::{start, still_clock};

use crate::config::Endpoint;
use crate::{Choice, EndpointId, KeySource, Lease, Member, NoEndpoint, PoolPlan, Route};

const POOL: PoolId = PoolId(0);

fn endpoint(name: &str, limit: usize, dialects: Option<Vec<Dialect>>) -> Endpoint {
    let text = format!(r#"{{"name":"{name}","base_url":"http://{name}.test","max_concurrent":{limit}}}"#);
    Endpoint { dialects, ..serde_json::from_str(&text).unwrap() }
}

fn route(first: &[Endpoint], fallback: &[Endpoint]) -> Route {
    let member = |config| Member { config, key: KeySource::None, model: Some("m") };
    let plan = PoolPlan {
        first: first.iter().map(member).collect(),
        fallback: fallback.iter().map(member).collect(),
    };
    Route::new(still_clock(), Arc::new(Chance::seeded(1)), &[plan], &mut Registry::default())
}

fn pick(route: &Route, tried: &[EndpointId]) -> Result<Lease, NoEndpoint> {
    route.pick(POOL, Dialect::OpenAi, tried, Choice::Balanced)
}

fn name(lease: &Lease) -> String {
    lease.endpoint().name().to_string()
}

#[test]
fn an_endpoint_never_has_more_calls_than_its_limit() {
    let route = route(&[endpoint("a", 2, None), endpoint("b", 1, None)], &[]);
    let mut leases: Vec<_> = (0..3).map(|_| pick(&route, &[]).unwrap()).collect();
    assert_eq!(pick(&route, &[]).err(), Some(NoEndpoint::Busy));
    let freed = name(&leases.pop().unwrap());
    assert_eq!(name(&pick(&route, &[]).unwrap()), freed);
    assert_eq!(route.capacity(POOL), 3);
}

#[test]
fn one_that_was_tried_comes_last_and_the_fallback_before_it() {
    let route = route(&[endpoint("a", 9, None)], &[endpoint("b", 9, None)]);
    let first = pick(&route, &[]).unwrap();
    assert_eq!(name(&first), "a");
    let tried = [first.endpoint().id()];
    assert!(route.has_another(POOL, Dialect::OpenAi, &tried));
    let second = pick(&route, &tried).unwrap();
    assert_eq!(name(&second), "b");
    let tried = [first.endpoint().id(), second.endpoint().id()];
    assert!(!route.has_another(POOL, Dialect::OpenAi, &tried));
    assert_eq!(name(&pick(&route, &tried).unwrap()), "a");
}

#[test]
fn a_sick_endpoint_is_still_asked_when_there_is_no_other() {
    let route = route(&[endpoint("a", 9, None)], &[]);
    for _ in 0..30 {
        pick(&route, &[]).unwrap().failed(Class::Hard, None, start());
    }
    assert_eq!(route.snapshots()[0].circuit, "open");
    assert!(!route.can_serve());
    assert!(pick(&route, &[]).is_ok());
}

#[test]
fn only_those_who_speak_the_dialect_are_asked() {
    let route = route(
        &[endpoint("a", 9, Some(vec![Dialect::OpenAi])), endpoint("b", 9, Some(vec![Dialect::Anthropic]))],
        &[],
    );
    let asked = route.pick(POOL, Dialect::Anthropic, &[], Choice::Balanced).unwrap();
    assert_eq!(name(&asked), "b");
    let route = self::route(&[endpoint("a", 9, Some(vec![Dialect::OpenAi]))], &[]);
    assert_eq!(
        route.pick(POOL, Dialect::Anthropic, &[], Choice::Balanced).err(),
        Some(NoEndpoint::WrongDialect)
    );
}

#[test]
fn what_a_service_keeps_is_found_again_at_the_first_that_can_answer() {
    let route = route(&[endpoint("a", 1, None), endpoint("b", 9, None)], &[]);
    let first = |route: &Route| route.pick(POOL, Dialect::OpenAi, &[], Choice::First).unwrap();
    let held = first(&route);
    assert_eq!(name(&held), "a");
    assert_eq!(name(&first(&route)), "b");
    drop(held);
    for _ in 0..20 {
        assert_eq!(name(&first(&route)), "a");
    }
}

#[test]
fn a_full_or_resting_endpoint_still_makes_the_process_ready() {
    let route = route(&[endpoint("a", 1, None)], &[]);
    let held = pick(&route, &[]).unwrap();
    assert!(route.can_serve());
    held.failed(Class::Overload, Some(std::time::Duration::from_secs(20)), start());
    assert!(route.can_serve());
}

#[test]
fn base_urls_follow_the_sdks_conventions() {
    let check = |url: &str, openai: Option<&str>, anthropic: Option<&str>| {
        let config = Endpoint { base_url: url.into(), ..endpoint("a", 1, None) };
        let route = route(&[config], &[]);
        let found = &route.endpoints[0];
        assert_eq!(
            (found.base(Dialect::OpenAi), found.base(Dialect::Anthropic)),
            (openai, anthropic),
            "{url}"
        );
    };
    check("http://h:1", Some("http://h:1/v1"), Some("http://h:1/v1"));
    check("http://h:1/v1/", Some("http://h:1/v1"), Some("http://h:1/v1"));
    check("https://h/api/paas/v4", Some("https://h/api/paas/v4"), Some("https://h/api/paas/v4/v1"));
    check(
        "https://api.deepseek.com",
        Some("https://api.deepseek.com/v1"),
        Some("https://api.deepseek.com/anthropic/v1"),
    );
    check(
        "https://api.deepseek.com/v1",
        Some("https://api.deepseek.com/v1"),
        Some("https://api.deepseek.com/anthropic/v1"),
    );
    check("https://api.openai.com/v1", Some("https://api.openai.com/v1"), None);
    check("https://api.anthropic.com", None, Some("https://api.anthropic.com/v1"));
}

proptest! {
    #[test]
    fn every_place_comes_back_however_calls_end(ends in prop::collection::vec((0u8..5, any::<bool>()), 0..200)) {
        let route = route(&[endpoint("a", 4, None), endpoint("b", 3, None)], &[]);
        let mut held = Vec::new();
        for (how, keep) in ends {
            let Ok(lease) = pick(&route, &[]) else {
                prop_assert_eq!(held.len(), 7);
                held.clear();
                continue;
            };
            match how {
                _ if keep => held.push(lease),
                0 => drop(lease),
                1 => lease.failed(Class::Timeout, None, start()),
                2 => { lease.first_token(start()); Box::new(lease).end(start(), End::Complete); }
                3 => { lease.first_token(start()); Box::new(lease).end(start(), End::Failed(Class::Truncated)); }
                _ => Box::new(lease).end(start(), End::Abandoned),
            }
            let in_flight: usize = route.snapshots().iter().map(|snapshot| snapshot.in_flight).sum();
            prop_assert_eq!(in_flight, held.len());
        }
    }
}
