//! What may be kept, for whom, how long, and when two requests are the same.

mod age;
mod disk;
mod flights;
mod gate;
mod headers;
mod keys;
mod live;
mod refused;
mod sealed;
mod semantic;
mod tiers;

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use prometheus_client::registry::Registry;
use weir_core::{
    Answer, Body, CacheState, Chance, Chunk, Clock, Finish, Head, Operation, PoolId, Priority, Rejection,
    Request, Scope, Tenant,
};
use weir_testkit::{chat, start, with_header};

use crate::config::{self, Mode};
use crate::{Asker, Cache, Forms, Lookup, Miss, Parts, Secret, Stale};

/// Who asks in these tests, where it is not the point how urgently; a lesser answer will do.
const fn asker(tenant: &Tenant) -> Asker<'_> {
    Asker { tenant, pool: PoolId(0), priority: Priority::LAST, may_degrade: true }
}

thread_local! {
    /// Milliseconds since 1970 on this test's wall clock.
    static WALL_MS: Cell<u64> = const { Cell::new(1_000_000_000_000) };
}

fn wall() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(WALL_MS.get())
}

/// Lets time pass on the wall clock.
fn pass(seconds: u64) {
    WALL_MS.set(WALL_MS.get() + seconds * 1000);
}

fn clock() -> Clock {
    Clock::new(start, wall)
}

/// Streams here are whole answers with a mark before them.
const FORMS: Forms = Forms {
    assemble: |_operation, stream, _usage| {
        Some((stream.slice(b"data: ".len().min(stream.len())..), Bytes::from_static(&[1, 2])))
    },
    question: |_operation, envelope| {
        let member = envelope.members.iter().find(|member| envelope.key(member) == b"q")?;
        Some(member.value.clone())
    },
    said: |_operation, entry| String::from_utf8(entry.body.to_vec()).ok(),
    play: |_operation, entry, _usage| Some(Bytes::from([b"data: ", &entry.body[..]].concat())),
};

fn tenant(hash: u8) -> Tenant {
    Tenant { name: format!("key-{hash}").into(), scope: Scope::of_hash([hash; 32]), team: None }
}

fn parts(config: &config::Cache, chance: Arc<Chance>, secret: Secret) -> Parts<'_> {
    let (clock, forms) = (clock(), FORMS);
    Parts {
        clock,
        chance,
        config,
        pools: &[],
        secret,
        redis_password: None,
        revision: &[],
        embedder: None,
        forms,
    }
}

fn built(config: &config::Cache) -> Cache {
    let chance = Arc::new(Chance::seeded(1));
    Cache::in_memory(&parts(config, chance, Secret::Given([9; 32])), &mut Registry::default())
}

fn cache(mode: Mode) -> Cache {
    built(&config::Cache { mode, ..config::Cache::default() })
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

/// Everything that a whole answer, or a stream that is ready, has in it.
fn read(mut answer: Answer) -> Bytes {
    let mut cx = Context::from_waker(Waker::noop());
    let mut all = Vec::new();
    while let Poll::Ready(Some(chunk)) = answer.poll_chunk(&mut cx) {
        all.extend_from_slice(&chunk.unwrap().bytes);
    }
    all.into()
}

/// A look, which needs no waiting while there is only memory.
fn look(cache: &Cache, tenant: &Tenant, request: &Request) -> Result<Lookup, Rejection> {
    let mut cx = Context::from_waker(Waker::noop());
    match std::pin::pin!(cache.look(request, &asker(tenant))).poll(&mut cx) {
        Poll::Ready(found) => found,
        Poll::Pending => panic!("memory answers at once"),
    }
}

/// Answers a miss.
fn answer_with(fill: crate::Fill, bytes: Bytes, finish: Option<Finish>) {
    let chunk = Chunk { bytes, finish, ..Chunk::default() };
    let passed = Answer::new(clock(), Head::default(), Body::Whole(Some(chunk))).observed_by(fill);
    read(passed);
}

/// Runs a request through: the bytes of a hit, or `None` after having answered a miss.
fn run(cache: &Cache, tenant: &Tenant, request: &Request, finish: Option<Finish>) -> Option<Bytes> {
    match look(cache, tenant, request).expect("the request is understood") {
        Lookup::Hit(answer) | Lookup::Old(answer, _) => Some(read(answer)),
        Lookup::Miss(Miss { fill, .. }) => {
            let mark: &[u8] = if request.envelope.stream { b"data: " } else { b"" };
            answer_with(fill, [mark, b"answer"].concat().into(), finish);
            None
        }
    }
}

fn keep(cache: &Cache, request: &Request) {
    assert_eq!(run(cache, &tenant(1), request, Some(Finish::Whole)), None, "it was not known before");
}

fn is_known(cache: &Cache, request: &Request) -> bool {
    run(cache, &tenant(1), request, None).is_some()
}

fn stale(cache: &Cache, request: &Request) -> Stale {
    match look(cache, &tenant(1), request).expect("the request is understood") {
        Lookup::Hit(_) | Lookup::Old(..) => panic!("it is fresh, or nearly"),
        Lookup::Miss(miss) => miss.stale,
    }
}

#[test]
fn a_whole_answer_is_known_the_second_time() {
    let cache = cache(Mode::Deterministic);
    keep(&cache, &deterministic(""));
    let again = deterministic("");
    assert_eq!(run(&cache, &tenant(1), &again, None).as_deref(), Some(&b"answer"[..]));
    assert_eq!(again.trail.cache(), CacheState::HitMemory);
}

#[test]
fn what_is_not_whole_is_not_kept() {
    for finish in [None, Some(Finish::Length), Some(Finish::Filtered)] {
        let cache = cache(Mode::All);
        run(&cache, &tenant(1), &deterministic(""), finish);
        assert!(!is_known(&cache, &deterministic("")), "{finish:?}");
    }
}

#[test]
fn an_answer_over_the_limit_is_not_kept() {
    let cache = built(&config::Cache { mode: Mode::All, answer_kib_max: 0, ..config::Cache::default() });
    keep(&cache, &deterministic(""));
    assert!(!is_known(&cache, &deterministic("")));
}

#[test]
fn one_kept_answer_is_given_as_a_stream_or_whole() {
    let cache = cache(Mode::All);
    let streamed = || deterministic(r#","stream":true"#);
    keep(&cache, &streamed());
    assert_eq!(run(&cache, &tenant(1), &deterministic(""), None).as_deref(), Some(&b"answer"[..]));
    assert_eq!(run(&cache, &tenant(1), &streamed(), None).as_deref(), Some(&b"data: answer"[..]));
}

#[test]
fn only_what_may_be_cached_is() {
    let cached = |mode: Mode, make: &dyn Fn() -> Request| {
        let cache = cache(mode);
        run(&cache, &tenant(1), &make(), Some(Finish::Whole));
        is_known(&cache, &make())
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
fn what_was_thrown_out_while_its_answer_came_is_not_put_back() {
    let cache = cache(Mode::All);
    let Ok(Lookup::Miss(Miss { fill, .. })) = look(&cache, &tenant(1), &deterministic("")) else {
        panic!("nothing is kept")
    };
    let mut cx = Context::from_waker(Waker::noop());
    let all = crate::Which::All;
    assert!(matches!(std::pin::pin!(cache.purge(&all)).poll(&mut cx), Poll::Ready(Ok(0))));
    answer_with(fill, Bytes::from_static(b"answer"), Some(Finish::Whole));
    assert!(!is_known(&cache, &deterministic("")));
}
