//! What may be kept, for whom, and when two requests are the same.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use prometheus_client::registry::Registry;
use weir_core::{Answer, Body, CacheState, Chunk, Finish, Head, Operation, Request, Scope};
use weir_testkit::{chat, still_clock, with_header};

use crate::config::{self, Mode};
use crate::{Cache, Lookup};

const A: Scope = Scope::of_hash([1; 32]);
const B: Scope = Scope::of_hash([2; 32]);

fn cache(mode: Mode) -> Cache {
    let config = config::Cache { mode, ..config::Cache::default() };
    Cache::new(still_clock(), &config, &[9; 32], &mut Registry::default())
}

fn request(body: &str) -> Request {
    let (model, envelope) = weir_wire::envelope::read(Operation::Chat, Bytes::from(body.to_owned())).unwrap();
    let mut request = chat(&model);
    request.envelope = envelope;
    request
}

fn deterministic(extra: &str) -> Request {
    request(&format!(r#"{{"model":"m","messages":[],"temperature":0{extra}}}"#))
}

/// Runs a request through: the bytes of a hit, or `None` after having answered a miss with `answer`.
fn run(cache: &Cache, scope: &Scope, request: &Request, answer: Option<Finish>) -> Option<Bytes> {
    let mut cx = Context::from_waker(Waker::noop());
    match cache.look(request, scope) {
        Lookup::Hit(mut answer) => match answer.poll_chunk(&mut cx) {
            Poll::Ready(Some(Ok(chunk))) => Some(chunk.bytes),
            other => panic!("a hit has one chunk, got {other:?}"),
        },
        Lookup::Miss(fill) => {
            let chunk = Chunk { bytes: Bytes::from_static(b"answer"), finish: answer, ..Chunk::default() };
            let mut passed =
                Answer::new(still_clock(), Head::default(), Body::Whole(Some(chunk))).observed_by(fill);
            while let Poll::Ready(Some(_)) = passed.poll_chunk(&mut cx) {}
            None
        }
    }
}

#[test]
fn a_whole_answer_is_known_the_second_time() {
    let cache = cache(Mode::Deterministic);
    let again = deterministic("");
    assert_eq!(run(&cache, &A, &deterministic(""), Some(Finish::Whole)), None);
    assert_eq!(run(&cache, &A, &again, None).as_deref(), Some(&b"answer"[..]));
    assert_eq!(again.trail.cache(), CacheState::HitMemory);
}

#[test]
fn another_tenant_never_sees_it() {
    let cache = cache(Mode::All);
    run(&cache, &A, &deterministic(""), Some(Finish::Whole));
    assert_eq!(run(&cache, &B, &deterministic(""), None), None);
}

#[test]
fn what_is_not_whole_is_not_kept() {
    for finish in [None, Some(Finish::Length), Some(Finish::Filtered)] {
        let cache = cache(Mode::All);
        run(&cache, &A, &deterministic(""), finish);
        assert_eq!(run(&cache, &A, &deterministic(""), None), None, "{finish:?}");
    }
}

#[test]
fn requests_differ_by_every_field_but_a_few() {
    let same = |a: Request, b: Request| {
        let cache = cache(Mode::All);
        run(&cache, &A, &a, Some(Finish::Whole));
        run(&cache, &A, &b, None).is_some()
    };
    assert!(!same(deterministic(""), deterministic(r#","top_p":1"#)));
    assert!(!same(deterministic(r#","unknown":1"#), deterministic(r#","unknown":2"#)));
    assert!(!same(deterministic(r#","seed":null"#), deterministic("")));
    assert!(!same(deterministic(r#","stream":true"#), deterministic("")));
    assert!(same(deterministic(r#","user":"x""#), deterministic(r#","user":"y""#)));
    assert!(same(deterministic(r#","a":1,"b":2"#), deterministic(r#","b":2,"a":1"#)));
    assert!(!same(deterministic(""), with_header(deterministic(""), "anthropic-beta", "x")));
}

#[test]
fn only_what_may_be_cached_is() {
    let cached = |mode: Mode, make: &dyn Fn() -> Request| {
        let cache = cache(mode);
        run(&cache, &A, &make(), Some(Finish::Whole));
        run(&cache, &A, &make(), None).is_some()
    };
    let plain = || request(r#"{"model":"m","messages":[]}"#);
    assert!(!cached(Mode::Deterministic, &plain));
    assert!(cached(Mode::All, &plain));
    assert!(!cached(Mode::Off, &|| deterministic("")));
    assert!(cached(Mode::Deterministic, &|| request(r#"{"model":"m","messages":[],"seed":1}"#)));
    assert!(!cached(Mode::Deterministic, &|| deterministic(r#","tools":[{}]"#)));
    assert!(!cached(Mode::All, &|| deterministic(r#","store":true"#)));
    assert!(!cached(Mode::All, &|| with_header(deterministic(""), "cache-control", "no-store")));
    assert!(!cached(Mode::All, &|| with_header(deterministic(""), "cache-control", "max-age=0, no-cache")));
    assert!(!cached(Mode::All, &|| with_header(deterministic(""), "x-weir-cache", "off")));
}

#[test]
fn an_answer_over_the_limit_is_not_kept() {
    let config = config::Cache { mode: Mode::All, answer_kib_max: 0, ..config::Cache::default() };
    let cache = Cache::new(still_clock(), &config, &[9; 32], &mut Registry::default());
    run(&cache, &A, &deterministic(""), Some(Finish::Whole));
    assert_eq!(run(&cache, &A, &deterministic(""), None), None);
}
