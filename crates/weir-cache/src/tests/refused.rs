//! What a service refuses for what it is, is refused again for ten seconds, to those who may know, and not a call is made.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use weir_core::{Kind, Rejection, Reply};

use super::deterministic;
use crate::key::Key;
use crate::refused::Refusals;

const KEY: Key = [1; 32];

fn refusal(kind: Kind, status: u16, bytes: usize) -> Rejection {
    let status = StatusCode::from_u16(status).unwrap();
    let reply = Reply { status, content_type: None, body: Bytes::from(vec![b'x'; bytes]) };
    Rejection { reply: Some(Box::new(reply)), ..Rejection::new(kind, "no") }
}

#[test]
fn what_is_wrong_with_the_request_is_remembered_for_ten_seconds() {
    let (refusals, now) = (Refusals::default(), weir_testkit::start());
    refusals.note(KEY, &refusal(Kind::Upstream, 400, 10), now);
    let known = |ms| refusals.get(&KEY, now + Duration::from_millis(ms));
    assert_eq!(known(9_999).unwrap().reply.unwrap().status, 400);
    assert!(known(10_000).is_none());
    assert!(refusals.get(&[2; 32], now).is_none());
}

#[test]
fn what_is_wrong_with_the_caller_or_the_moment_is_not() {
    let now = weir_testkit::start();
    for (kind, status, bytes) in [
        (Kind::Upstream, 401, 10),
        (Kind::Upstream, 403, 10),
        (Kind::Upstream, 429, 10),
        (Kind::Upstream, 500, 10),
        (Kind::Overloaded, 400, 10),
        (Kind::Upstream, 400, (16 << 10) + 1),
    ] {
        let refusals = Refusals::default();
        refusals.note(KEY, &refusal(kind, status, bytes), now);
        assert!(refusals.get(&KEY, now).is_none(), "{kind:?} {status} {bytes}");
    }
    let refusals = Refusals::default();
    refusals.note(KEY, &Rejection::new(Kind::Upstream, "no reply"), now);
    assert!(refusals.get(&KEY, now).is_none());
}

#[test]
fn nobody_else_is_told() {
    let cache = super::cache(crate::config::Mode::All);
    let refused = |hash: u8, control: &str| {
        let request = weir_testkit::with_header(deterministic(""), "cache-control", control);
        match super::look(&cache, &super::tenant(hash), &request) {
            Ok(crate::Lookup::Miss(miss)) => Ok(miss.asked),
            Err(rejection) => Err(rejection.reply.unwrap().status.as_u16()),
            Ok(_) => panic!("nothing is kept"),
        }
    };
    let asked = refused(1, "").unwrap();
    cache.refused(asked, &refusal(Kind::Upstream, 404, 10));
    assert_eq!(refused(1, "").err(), Some(404));
    assert!(refused(1, "no-cache").is_ok(), "who wants a new answer gets a new one");
    assert!(refused(2, "").is_ok());
}
