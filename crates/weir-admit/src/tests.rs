//! Who gets in, with what urgency, and what is charged.

use std::time::Duration;

use proptest::prelude::*;
use weir_core::{End, Kind, Observer, PoolId, Priority, Rejection, Request};
use weir_testkit::{at, chat, start, still_clock, usage_chunk, with_header};

use crate::bucket::Bucket;
use crate::{Admission, Admit, Models, NewKey, config};

const TOKEN: &str = "weir_000102030405060708090a0b0c0d0e0f1011121314151617";

fn key(rpm: Option<u64>, tpm: Option<u64>, priority_cap: u8) -> config::Key {
    config::Key {
        name: "team".into(),
        hash: crate::hash_text(TOKEN),
        rpm,
        tpm,
        priority_cap,
        weight: 1,
        team: None,
    }
}

fn admit(keys: &[config::Key], requests_max: usize) -> Admit {
    let mut models = Models::default();
    models.insert("flash", PoolId(0), Duration::from_secs(600));
    models.insert("pro", PoolId(1), Duration::from_secs(60));
    Admit::new(still_clock(), keys, requests_max, models).unwrap()
}

fn refusal(result: Result<Admission, Rejection>) -> (Kind, String) {
    let rejection = result.expect_err("the request is refused");
    (rejection.kind, rejection.message)
}

fn headers(admission: &Admission) -> http::HeaderMap {
    let mut headers = http::HeaderMap::new();
    admission.rates().write_headers(&mut headers);
    headers
}

fn with_token(request: Request) -> Request {
    with_header(request, "authorization", &format!("Bearer {TOKEN}"))
}

#[test]
fn a_key_is_needed_when_there_are_keys() {
    let stage = admit(&[key(None, None, 0)], 10);
    assert_eq!(refusal(stage.check(&chat("flash"))).0, Kind::Unauthenticated);
    let wrong = with_header(chat("flash"), "x-api-key", "weir_else");
    assert_eq!(refusal(stage.check(&wrong)).0, Kind::Unauthenticated);
    assert_eq!(&*stage.check(&with_token(chat("flash"))).unwrap().tenant.name, "team");
    assert!(stage.check(&with_header(chat("flash"), "x-api-key", TOKEN)).is_ok());
    assert!(stage.check(&with_header(chat("flash"), "authorization", &format!("bearer {TOKEN}"))).is_ok());
}

#[test]
fn open_callers_with_different_credentials_have_different_scopes() {
    let stage = admit(&[], 10);
    let scope = |request: Request| stage.check(&request).unwrap().tenant.scope;
    let keyed = |token: &str| scope(with_header(chat("flash"), "x-api-key", token));
    assert_ne!(keyed("a"), keyed("b"));
    assert_eq!(keyed("a"), keyed("a"));
    assert_ne!(keyed("a"), scope(chat("flash")));
}

#[test]
fn without_keys_no_web_page_is_served() {
    let stage = admit(&[], 10);
    let check = |name: &str, value: &str, served: bool| {
        let result = stage.check(&with_header(chat("flash"), name, value));
        assert_eq!(result.is_ok(), served, "{name}: {value}");
    };
    for host in ["localhost:8080", "127.0.0.1:8080", "127.0.0.2", "[::1]:8080", "LOCALHOST"] {
        check("host", host, true);
    }
    for host in ["evil.test", "10.0.0.1:8080", "127.0.0.1.evil.test", "[fd00::1]"] {
        check("host", host, false);
    }
    check("origin", "http://localhost:3000", true);
    check("origin", "https://evil.test", false);
    check("origin", "null", false);
    let keyed = admit(&[key(None, None, 0)], 10);
    assert!(keyed.check(&with_header(with_token(chat("flash")), "host", "gateway.corp")).is_ok());
}

#[test]
fn an_answer_without_usage_costs_what_was_reserved_and_a_known_one_nothing() {
    for (free, remaining) in [(false, "743"), (true, "1000")] {
        let stage = admit(&[key(None, Some(1000), 0)], 10);
        let request = with_token(chat("flash"));
        let admission = stage.check(&request).unwrap();
        let observer: Box<dyn Observer> =
            if free { Box::new(admission.into_free_observer()) } else { Box::new(admission.into_observer()) };
        observer.end(start(), End::Complete);
        let mut counting = with_token(chat("flash"));
        counting.operation = weir_core::Operation::CountTokens;
        let now = headers(&stage.check(&counting).unwrap())["x-ratelimit-remaining-tokens"].clone();
        assert_eq!(now, remaining);
    }
}

#[test]
fn a_new_key_opens_what_its_hash_guards() {
    let new = NewKey::from_random([7; 24]);
    assert!(new.token.starts_with("weir_") && new.token.len() == 53);
    let stage = admit(&[config::Key { hash: new.hash, ..key(None, None, 0) }], 10);
    assert!(stage.check(&with_header(chat("flash"), "x-api-key", &new.token)).is_ok());
}

#[test]
fn an_unknown_model_is_refused_with_the_known_ones() {
    let (kind, message) = refusal(admit(&[], 10).check(&chat("flsh")));
    assert_eq!(kind, Kind::UnknownModel);
    assert!(message.contains("`flsh`") && message.contains("`flash`, `pro`"), "{message}");
}

#[test]
fn a_wildcard_takes_what_no_other_pool_has() {
    let mut models = Models::default();
    models.insert("flash", PoolId(0), Duration::from_secs(1));
    models.insert("*", PoolId(1), Duration::from_secs(1));
    let stage = Admit::new(still_clock(), &[], 10, models).unwrap();
    assert_eq!(stage.check(&chat("flash")).unwrap().pool, PoolId(0));
    assert_eq!(stage.check(&chat("anything")).unwrap().pool, PoolId(1));
    assert_eq!(stage.models().names(), ["flash"]);
}

#[test]
fn priority_comes_from_header_or_tier_and_is_capped() {
    let check = |header: Option<&str>, tier: Option<&str>, cap: u8, expected: u8| {
        let mut request = with_token(chat("flash"));
        if let Some(level) = header {
            request = with_header(request, "x-weir-priority", level);
        }
        request.envelope.service_tier = tier.map(str::to_owned);
        let admission = admit(&[key(None, None, cap)], 10).check(&request).unwrap();
        assert_eq!(admission.priority, Priority::new(expected).unwrap(), "{header:?} {tier:?} {cap}");
    };
    check(None, None, 0, 5);
    check(Some("0"), None, 0, 0);
    check(Some("0"), None, 3, 3);
    check(Some("9"), Some("priority"), 0, 9);
    check(None, Some("priority"), 0, 2);
    check(None, Some("flex"), 0, 8);
    check(None, Some("default"), 0, 5);
}

#[test]
fn what_is_granted_where_more_was_asked_for_is_noted() {
    let check = |name: &str, value: &str, cap: u8, priority: Option<u8>, deadline_s: Option<u64>| {
        let request = with_header(with_token(chat("pro")), name, value);
        admit(&[key(None, None, cap)], 10).check(&request).unwrap();
        let granted = (request.trail.capped_priority(), request.trail.capped_deadline());
        assert_eq!(
            granted,
            (priority.and_then(Priority::new), deadline_s.map(Duration::from_secs)),
            "{name}: {value}"
        );
    };
    check("x-weir-priority", "2", 3, Some(3), None);
    check("x-weir-priority", "3", 3, None, None);
    check("x-weir-priority", "4", 3, None, None);
    // Who asks for nothing is granted whatever it is.
    check("x-other", "1", 9, None, None);
    check("x-weir-deadline-ms", "60000", 0, None, None);
    check("x-weir-deadline-ms", "60001", 0, None, Some(60));
}

#[test]
fn a_bad_header_is_refused_by_its_value_and_the_range() {
    let check = |name: &str, values: &[&str], range: &str| {
        for value in values {
            let (kind, message) = refusal(admit(&[], 10).check(&with_header(chat("flash"), name, value)));
            let told = message.contains(&format!("`{name}` is `{value}`")) && message.contains(range);
            assert!(kind == Kind::BadRequest && told, "{message}");
        }
    };
    check("x-weir-priority", &["10", "-1", "high", "", "1.5", "300"], "0 (first) to 9 (last)");
    let absurd = ["-1", "0", "soon", "", "1e3", "86400001", "99999999999999999999999"];
    check("x-weir-deadline-ms", &absurd, "from 1 to 86400000");
    check("x-weir-degrade", &["perhaps", "Never", "", "0"], "`allow` or `never`");
    assert!(admit(&[], 10).check(&with_header(chat("flash"), "x-weir-deadline-ms", "86400000")).is_ok());
}

#[test]
fn deadlines_are_the_shortest_of_what_is_known() {
    let check = |model: &str, stream: bool, headers: &[(&str, &str)], begin_s: f64, end_s: f64| {
        let mut request = chat(model);
        request.envelope.stream = stream;
        let request =
            headers.iter().fold(request, |request, (name, value)| with_header(request, name, value));
        let admission = admit(&[], 10).check(&request).unwrap();
        let seconds = |moment: std::time::Instant| moment.duration_since(start()).as_secs_f64();
        assert_eq!(
            (seconds(admission.begin_by), seconds(admission.deadline)),
            (begin_s, end_s),
            "{model} {headers:?}"
        );
    };
    check("flash", false, &[], 600.0, 600.0);
    check("pro", false, &[("x-stainless-read-timeout", "600")], 60.0, 60.0);
    check("flash", false, &[("x-stainless-timeout", "30")], 28.0, 28.0);
    check("flash", false, &[("x-stainless-timeout", "1")], 0.9, 0.9);
    check("flash", true, &[("x-stainless-read-timeout", "30")], 28.0, 600.0);
    check("flash", true, &[("x-weir-deadline-ms", "1500")], 1.5, 1.5);
}

#[test]
fn a_key_over_its_rate_is_told_when_to_come_back() {
    let stage = admit(&[key(Some(2), None, 0)], 10);
    let request = with_token(chat("flash"));
    let first = stage.check(&request).unwrap();
    assert_eq!(headers(&first)["x-ratelimit-remaining-requests"], "1");
    assert!(stage.check(&request).is_ok());
    let rejection = stage.check(&request).unwrap_err();
    assert_eq!(rejection.kind, Kind::RateLimited);
    assert_eq!(rejection.retry_after, Some(Duration::from_secs(30)));
    assert_eq!(rejection.headers.unwrap()["x-ratelimit-limit-requests"], "2");
}

#[test]
fn tokens_are_reserved_and_then_charged_as_used() {
    let stage = admit(&[key(None, Some(1000), 0)], 10);
    let request = with_token(chat("flash"));
    let remaining = |admission: &Admission| headers(admission)["x-ratelimit-remaining-tokens"].clone();
    let admission = stage.check(&request).unwrap();
    assert_eq!(remaining(&admission), "743");
    let mut observer: Box<dyn Observer> = Box::new(admission.into_observer());
    observer.chunk(start(), &usage_chunk(300, 600));
    observer.end(start(), End::Complete);
    let rejection = stage.check(&request).unwrap_err();
    assert_eq!(rejection.kind, Kind::RateLimited);
    assert!(rejection.message.contains("tokens"), "{}", rejection.message);
}

#[test]
fn a_reservation_without_an_answer_is_given_back() {
    let stage = admit(&[key(None, Some(300), 0)], 10);
    let request = with_token(chat("flash"));
    for _ in 0..5 {
        drop(stage.check(&request).unwrap());
    }
}

#[test]
fn seats_come_back_however_a_request_ends() {
    let stage = admit(&[], 1);
    let admission = stage.check(&chat("flash")).unwrap();
    assert_eq!(refusal(stage.check(&chat("flash"))).0, Kind::Overloaded);
    drop(admission);
    let observer: Box<dyn Observer> = Box::new(stage.check(&chat("flash")).unwrap().into_observer());
    assert_eq!(stage.in_house(), 1);
    observer.end(start(), End::Abandoned);
    assert_eq!(stage.in_house(), 0);
}

proptest! {
    #[test]
    fn a_bucket_never_lets_more_through_than_its_rate(
        rate in 1u64..1000,
        steps in prop::collection::vec((0u64..5_000, 1u64..50), 1..200),
    ) {
        let mut bucket = Bucket::per_minute(rate, start());
        let (mut now_ms, mut taken) = (0, 0);
        for (wait_ms, amount) in steps {
            now_ms += wait_ms;
            let amount = amount.min(rate);
            if bucket.take(amount as f64, at(now_ms)).is_ok() {
                taken += amount;
            }
            let allowed = rate as f64 + rate as f64 * now_ms as f64 / 60_000.0;
            prop_assert!(taken as f64 <= allowed + 1e-6);
        }
    }

    #[test]
    fn the_wait_a_bucket_names_is_long_enough(rate in 1u64..1000, first in 1u64..1000) {
        let mut bucket = Bucket::per_minute(rate, start());
        let first = first.min(rate);
        prop_assert!(bucket.take(rate as f64, start()).is_ok());
        let wait = bucket.take(first as f64, start()).unwrap_err();
        let slack = Duration::from_micros(1);
        prop_assert!(bucket.take(first as f64, start() + wait + slack).is_ok());
    }
}
