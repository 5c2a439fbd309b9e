//! Complaints of leaks: an answer made for one caller that reaches another, or a cache on the way.
//!
//! llmgateway PR 3758 (GHSA-h9ww-f95j-h54c), LiteLLM#29955, wso2#733 and genblaze#68 are one complaint, tenants that are not
//! part of the key, and so one test for each place where an answer waits.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::house::{Caller, Service, Weir};
use crate::redis::Server;

use super::keys::{ask, bearer, keys, question, state};

const TWO: [(&str, &str); 2] = [("one", ""), ("other", "")];

/// A place for a database of one test's own.
fn scratch() -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let name = format!("leaks-{}-{}.db", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    // Of an earlier run with the same process number.
    let _none = std::fs::remove_file(&file);
    file
}

#[test]
fn llmgateway_3758_an_answer_in_memory_is_one_keys() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], &keys(&TWO));
    let stream = r#","stream":true"#;
    assert_eq!(state(&ask(&weir, "one", &[], "")), "MISS");
    assert_eq!(state(&ask(&weir, "other", &[], stream)), "MISS");
    for (name, more) in [("one", ""), ("one", stream), ("other", ""), ("other", stream)] {
        assert_eq!(state(&ask(&weir, name, &[], more)), "HIT-memory");
    }
    assert_eq!(service.log().len(), 2);
}

#[test]
fn litellm_29955_an_answer_on_disk_is_one_keys() {
    let config = format!("{}[cache]\ndisk = \"{}\"\n", keys(&TWO), scratch().display());
    let service = Service::with("");
    let weir = Weir::before(&[&service], &config);
    assert_eq!(state(&ask(&weir, "one", &[], "")), "MISS");
    weir.signal("TERM");
    assert_eq!(weir.ended().1, Some(0));
    let weir = Weir::before(&[&service], &config);
    assert_eq!(state(&ask(&weir, "other", &[], "")), "MISS");
    assert_eq!(state(&ask(&weir, "one", &[], "")), "HIT-disk");
}

#[test]
fn wso2_733_an_answer_in_redis_is_one_keys() {
    let (server, service) = (Server::start(&[]), Service::with(""));
    let config = format!("{}{}", keys(&TWO), server.config());
    let [first, second] = [(); 2].map(|()| Weir::before(&[&service], &config));
    assert_eq!(state(&ask(&first, "one", &[], "")), "MISS");
    server.holds(1);
    assert_eq!(state(&ask(&second, "other", &[], "")), "MISS");
    assert_eq!(state(&ask(&second, "one", &[], "")), "HIT-redis");
}

#[test]
fn genblaze_68_a_call_under_way_is_one_keys() {
    let service = Service::with(r#"{"fault":"slow_first_token","delay_ms":500}"#);
    let weir = Weir::before(&[&service], &keys(&TWO));
    std::thread::scope(|scope| {
        for name in ["one", "other", "one", "other"] {
            let weir = &weir;
            scope.spawn(move || assert_eq!(ask(weir, name, &[], "").status, 200));
        }
    });
    assert_eq!(service.log().len(), 2, "one call a key");
}

#[test]
fn llmgateway_3758_a_team_shares_and_nobody_else() {
    let service = Service::with("");
    let callers = [("one", "red"), ("mate", "red"), ("other", "blue"), ("red", ""), ("lone", "")];
    let weir = Weir::before(&[&service], &format!("{}[cache]\nscope = \"team\"\n", keys(&callers)));
    assert_eq!(state(&ask(&weir, "one", &[], "")), "MISS");
    assert_eq!(state(&ask(&weir, "mate", &[], "")), "HIT-memory");
    // Not even who is called like the team.
    for name in ["other", "red", "lone"] {
        assert_eq!(state(&ask(&weir, name, &[], "")), "MISS", "{name}");
    }
}

#[test]
fn litellm_29955_a_user_of_a_key_finds_nothing_of_another_user() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], &format!("{}[cache]\nscope = \"user\"\n", keys(&TWO)));
    let of = |name, more: &str| state(&ask(&weir, name, &[], more)).to_owned();
    let (ann, ben) = (r#","user":"ann""#, r#","user":"ben""#);
    assert_eq!([ann, ben, ""].map(|user| of("one", user)), ["MISS", "MISS", "MISS"]);
    assert_eq!([ann, ben, ""].map(|user| of("one", user)), ["HIT-memory", "HIT-memory", "HIT-memory"]);
    assert_eq!(of("other", ann), "MISS", "two keys may have users of one name");
    // An application that adds its user to what somebody sent it: services take the last.
    assert_eq!(of("one", &format!("{ann}{ben}")), "MISS");
    assert_eq!(of("one", &format!("{ann},\"user\":\"eve\"")), "MISS");
}

#[test]
fn llmgateway_3758_nothing_a_caller_writes_widens_whose_answers_it_finds() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], &keys(&TWO));
    assert_eq!(state(&ask(&weir, "one", &[], "")), "MISS");
    for wider in ["global", "team"] {
        let refused = ask(&weir, "other", &[("x-weir-cache-scope", wider)], "");
        assert_eq!(refused.status, 400, "{}", refused.body);
    }
    for body in [r#","user":"one""#, r#","metadata":{"key":"one"}"#, r#","scope":"global""#] {
        assert_eq!(state(&ask(&weir, "other", &[], body)).to_owned(), "MISS", "{body}");
        weir.purge("key=other");
    }
}

/// semantic-router#2134: the tenant was put into the text that is embedded, where it was one word among many. CacheAttack
/// (arXiv 2601.23088): an attacker plants answers under questions that are near to others'.
#[test]
fn semantic_router_2134_and_cacheattack_questions_of_two_keys_are_never_compared() {
    let service = Service::with("");
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/../weir-embed/fixtures/static");
    let semantic = format!("[cache.semantic]\npath = \"{weights}\"\nsimilarity_min = 0.1\n");
    let weir = Weir::before(&[&service], &format!("{}{semantic}", keys(&TWO)));
    let compared = || {
        let line = "weir_cache_semantic_requests_total{result=\"compared\"} ";
        let metrics = weir.admin("/metrics").body;
        metrics.lines().find_map(|found| found.strip_prefix(line)).unwrap_or("0").to_owned()
    };
    let say = |name, words: &str| {
        let bearer = bearer(name);
        let body = question("").replace("What do I owe?", words);
        weir.post("/v1/chat/completions", &[("authorization", &bearer)], &body).status
    };
    assert_eq!(say("one", "How long does a transfer take"), 200);
    assert_eq!(say("other", "how long does a transfer take?"), 200);
    assert_eq!(compared(), "0");
    assert_eq!(say("one", "how long does a transfer take?"), 200);
    assert_eq!(compared(), "1", "its own are");
}

/// any-llm#973: answers from the cache went out without `private`, so that networks on the way kept them for everybody.
#[test]
fn any_llm_973_no_cache_on_the_way_may_keep_an_answer() {
    let service = Service::with(r#"{"fault":"slow_first_token","delay_ms":300,"times":1}"#);
    let weir = Weir::before(&[&service], &keys(&TWO));
    let stream = r#","stream":true"#;
    let (miss, shared) = std::thread::scope(|scope| {
        let two = [(); 2].map(|()| scope.spawn(|| ask(&weir, "one", &[], stream)));
        let [first, second] = two.map(|caller| caller.join().unwrap());
        if first.header("x-cache") == "MISS" { (first, second) } else { (second, first) }
    });
    let hits = ["", stream].map(|more| ask(&weir, "one", &[], more));
    let bypass = ask(&weir, "one", &[("cache-control", "no-store")], "");
    let nobody = weir.chat(&question(""));
    let seen = [&miss, &shared, &hits[0], &hits[1], &bypass, &nobody];
    let states = seen.map(|reply| reply.header("x-cache").to_owned());
    assert_eq!(states[2..5], ["HIT-memory", "HIT-memory", "BYPASS"]);
    assert_eq!((&*states[0], nobody.status), ("MISS", 401));
    for (reply, state) in seen.iter().zip(&states).take(5) {
        assert_eq!(reply.header("cache-control"), "private, no-store", "{state}");
    }
}

/// Who may call is asked before what is known: a key that was taken away finds its own answers no more.
#[test]
fn genblaze_68_who_is_not_let_in_is_given_no_kept_answer() {
    let config = format!("[cache]\ndisk = \"{}\"\n", scratch().display());
    let service = Service::with("");
    let weir = Weir::before(&[&service], &format!("{}{config}", keys(&TWO)));
    assert_eq!(state(&ask(&weir, "one", &[], "")), "MISS");
    assert_eq!(ask(&weir, "nobody", &[], "").status, 401);
    let only = [("cache-control", "only-if-cached")];
    assert_eq!(ask(&weir, "nobody", &only, "").status, 401, "nor is it told whether there is one");
    assert_eq!(
        Caller::to(&weir.data).send("POST", "/v1/chat/completions", &[], &question("")).read().status,
        401
    );
    weir.signal("TERM");
    weir.ended();
    let weir = Weir::before(&[&service], &format!("{}{config}", keys(&TWO[1..])));
    let refused = ask(&weir, "one", &[], "");
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (401, Some("invalid_api_key")));
    let weir = Weir::before(&[&service], &format!("{}{config}", keys(&TWO)));
    assert_eq!(state(&ask(&weir, "one", &[], "")), "HIT-disk", "it is there all the time");
}
