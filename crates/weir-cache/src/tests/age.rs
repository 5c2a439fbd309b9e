//! How old an answer may be, and when an old one is better than none.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use prometheus_client::registry::Registry;
use weir_core::{CacheOwn, CacheState, Chance, Kind, PoolId, Rejection};
use weir_testkit::with_header;

use super::{asker, cache, deterministic, is_known, keep, pass, read, run, stale, tenant};
use crate::config::{self, Mode};
use crate::{Asker, Cache, Lookup, Parts, Secret};

const HOUR: u64 = 3600;

#[test]
fn an_answer_is_fresh_for_an_hour_give_or_take_a_tenth() {
    let cache = cache(Mode::All);
    keep(&cache, &deterministic(""));
    pass(HOUR - 361);
    assert!(is_known(&cache, &deterministic("")));
    pass(2 * 361);
    assert!(!is_known(&cache, &deterministic("")));
}

#[test]
fn the_caller_says_how_long_it_is_fresh() {
    let cache = cache(Mode::All);
    let ten = || with_header(deterministic(""), "x-weir-cache-ttl", "10");
    keep(&cache, &ten());
    pass(8);
    assert!(is_known(&cache, &ten()));
    pass(4 + 60);
    assert!(!is_known(&cache, &ten()));
}

#[test]
fn the_caller_says_how_old_it_may_be() {
    let cache = cache(Mode::All);
    keep(&cache, &deterministic(""));
    pass(100);
    let asking = |control: &str| is_known(&cache, &with_header(deterministic(""), "cache-control", control));
    assert!(asking("max-age=100"));
    assert!(!asking("max-age=99"));
    assert!(!asking("no-cache"));
    pass(2 * HOUR);
    assert!(!asking("max-stale=10"));
    assert!(asking("max-stale=9000"));
    assert!(asking("max-stale"));
    let old = with_header(deterministic(""), "cache-control", "max-stale");
    run(&cache, &tenant(1), &old, None);
    assert_eq!(old.trail.cache(), CacheState::HitStale);
}

#[test]
fn a_pressed_service_is_spared_by_an_answer_that_is_hardly_stale() {
    let at_once = config::Cache { mode: Mode::All, stale_while_revalidate_s: 0, ..config::Cache::default() };
    let (waiting, cache) = (cache(Mode::All), super::built(&at_once));
    let ten = || with_header(deterministic(""), "x-weir-cache-ttl", "10");
    keep(&waiting, &ten());
    keep(&cache, &ten());
    pass(12);
    let asked = ten();
    let Ok(Lookup::Old(_, refresh)) = super::look(&waiting, &tenant(1), &asked) else { panic!("it is old") };
    assert!(refresh.can_wait());
    assert_eq!(asked.trail.degraded_how(), Some("stale;age=12"));
    let asked = ten();
    assert_eq!(read(stale(&cache, &asked).under_pressure().unwrap())[..], b"answer"[..]);
    assert_eq!(asked.trail.cache(), CacheState::HitStale);
    assert_eq!(asked.trail.degraded_how(), Some("stale;age=12"));
    pass(40);
    assert!(stale(&cache, &ten()).under_pressure().is_none());
    let asked = ten();
    let Ok(Lookup::Old(_, refresh)) = super::look(&waiting, &tenant(1), &asked) else { panic!("it is old") };
    assert!(!refresh.can_wait());
    assert_eq!(asked.trail.degraded_how(), None);
}

#[test]
fn an_old_answer_is_better_than_an_error_of_ours() {
    let cache = cache(Mode::All);
    keep(&cache, &deterministic(""));
    let instead = |kind| stale(&cache, &deterministic("")).instead_of(&Rejection::new(kind, "")).is_some();
    pass(2 * HOUR);
    assert!(instead(Kind::UpstreamsDown) && instead(Kind::Overloaded) && instead(Kind::DeadlineExceeded));
    // What the caller did wrong, and what its key may not have, stays so.
    assert!(!instead(Kind::RateLimited) && !instead(Kind::BadRequest) && !instead(Kind::TooLarge));
    pass(24 * HOUR);
    assert!(!instead(Kind::Overloaded), "after a day only …");
    assert!(instead(Kind::UpstreamsDown), "… when nobody can be reached");
    pass(6 * 24 * HOUR);
    assert!(!instead(Kind::UpstreamsDown), "after a week not even then");
}

#[test]
fn the_caller_says_how_stale_an_answer_may_be_that_stands_in_for_an_error() {
    let cache = cache(Mode::All);
    keep(&cache, &deterministic(""));
    pass(2 * HOUR);
    let never = with_header(deterministic(""), "cache-control", "stale-if-error=0");
    let overloaded = Rejection::new(Kind::Overloaded, "");
    assert!(stale(&cache, &never).instead_of(&overloaded).is_none());
    assert!(stale(&cache, &deterministic("")).instead_of(&overloaded).is_some());
}

#[test]
fn a_clock_that_goes_back_makes_nothing_old() {
    let cache = cache(Mode::All);
    keep(&cache, &deterministic(""));
    super::WALL_MS.set(super::WALL_MS.get() - 1_000_000);
    assert!(is_known(&cache, &deterministic("")));
}

/// What a look found, by name, and the bytes.
fn found(cache: &crate::Cache, request: &weir_core::Request) -> (&'static str, Option<bytes::Bytes>) {
    match super::look(cache, &tenant(1), request).unwrap() {
        Lookup::Hit(answer) => ("hit", Some(read(answer))),
        Lookup::Old(answer, _) => ("old", Some(read(answer))),
        Lookup::Miss(_) => ("miss", None),
    }
}

#[test]
fn for_a_minute_after_it_was_fresh_it_is_given_while_a_new_one_is_fetched() {
    let cache = cache(Mode::All);
    let ten = |control: &str| {
        let request = with_header(deterministic(""), "x-weir-cache-ttl", "10");
        if control.is_empty() { request } else { with_header(request, "cache-control", control) }
    };
    keep(&cache, &ten(""));
    pass(12);
    let asked = ten("");
    assert_eq!(found(&cache, &asked), ("old", Some("answer".into())));
    assert_eq!(asked.trail.cache(), CacheState::HitStale);
    assert_eq!(found(&cache, &ten("only-if-cached")).0, "hit", "this one wants no call made");
    assert_eq!(found(&cache, &ten("max-age=10")).0, "miss");
    let tenant = tenant(1);
    let strict = Asker { may_degrade: false, ..asker(&tenant) };
    let mut cx = Context::from_waker(Waker::noop());
    let strict = std::pin::pin!(cache.look(&asked, &strict)).poll(&mut cx);
    assert!(matches!(strict, Poll::Ready(Ok(Lookup::Miss(_)))), "who wants no lesser answer gets none");
    pass(60);
    assert_eq!(found(&cache, &ten("")).0, "miss");
}

#[test]
fn each_pool_has_lives_of_its_own() {
    let own = CacheOwn { mode: Some(Mode::All), ttl_s: Some(5), ..CacheOwn::default() };
    let config = config::Cache { mode: Mode::Off, stale_while_revalidate_s: 0, ..config::Cache::default() };
    let parts = super::parts(&config, Arc::new(Chance::seeded(1)), Secret::Given([9; 32]));
    let parts = Parts { pools: &[own, CacheOwn::default()], ..parts };
    let cache = Cache::in_memory(&parts, &mut Registry::default());
    keep(&cache, &deterministic(""));
    pass(4);
    assert!(is_known(&cache, &deterministic("")));
    pass(2);
    assert!(!is_known(&cache, &deterministic("")));
    let tenant = tenant(1);
    let other = Asker { pool: PoolId(1), ..asker(&tenant) };
    let asked = deterministic("");
    let mut cx = Context::from_waker(Waker::noop());
    assert!(std::pin::pin!(cache.look(&asked, &other)).poll(&mut cx).is_ready());
    assert_eq!(asked.trail.cache(), CacheState::Bypass, "as `[cache]` has it: off");
}
