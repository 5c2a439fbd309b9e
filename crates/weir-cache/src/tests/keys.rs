//! When two requests are the same, and whose answers they share.

use proptest::prelude::*;
use weir_core::{Finish, Request, Tenant};
use weir_testkit::with_header;

use super::{built, deterministic, request, run, tenant};
use crate::config::{self, Mode, Scope};

fn shares(scope: Scope, (one, first): (&Tenant, &Request), (other, second): (&Tenant, &Request)) -> bool {
    let cache = built(&config::Cache { mode: Mode::All, scope, ..config::Cache::default() });
    run(&cache, one, first, Some(Finish::Whole));
    run(&cache, other, second, None).is_some()
}

fn same(one: &Request, other: &Request) -> bool {
    shares(Scope::Key, (&tenant(1), one), (&tenant(1), other))
}

#[test]
fn requests_differ_by_every_field_but_a_few() {
    let plain = deterministic("");
    assert!(!same(&plain, &deterministic(r#","top_p":1"#)));
    assert!(!same(&deterministic(r#","unknown":1"#), &deterministic(r#","unknown":2"#)));
    assert!(!same(&deterministic(r#","seed":null"#), &plain));
    assert!(same(&deterministic(r#","user":"x""#), &deterministic(r#","user":"y""#)));
    assert!(same(&deterministic(r#","a":1,"b":2"#), &deterministic(r#","b":2,"a":1"#)));
    assert!(same(&deterministic(r#","stream":true"#), &plain), "one kept answer has both forms");
    assert!(!same(&plain, &with_header(deterministic(""), "anthropic-beta", "x")));
    // Of a member that is there twice, services take the last.
    assert!(!same(&deterministic(r#","top_p":1,"top_p":0"#), &deterministic(r#","top_p":0,"top_p":1"#)));
}

/// Complaints of users of other gateways: each of these fields was left out of somebody's key, or an absent
/// `temperature` was taken for 0.
#[test]
fn no_field_that_changes_an_answer_is_left_out() {
    for field in ["max_tokens", "top_p", "stop", "n", "tool_choice", "seed", "logit_bias", "response_format"]
    {
        let with = |value: &str| deterministic(&format!(r#","{field}":{value}"#));
        assert!(!same(&with("1"), &with("2")), "{field}");
        assert!(!same(&with("1"), &deterministic("")), "{field}");
    }
    let messages = |text: &str| request(&format!(r#"{{"model":"m","messages":[{{"content":"{text}"}}]}}"#));
    assert!(!same(&messages("enable 2FA"), &messages("disable 2FA")));
    let absent = request(r#"{"model":"m","messages":[]}"#);
    assert!(!same(&deterministic(""), &absent));
}

#[test]
fn answers_are_shared_as_far_as_the_operator_says() {
    let plain = deterministic("");
    let with_user = |user: &str| deterministic(&format!(r#","user":"{user}""#));
    let mate = |hash: u8| Tenant { team: Some("search".into()), ..tenant(hash) };
    let check = |scope, expected: [bool; 4]| {
        let found = [
            shares(scope, (&tenant(1), &with_user("x")), (&tenant(1), &with_user("y"))),
            shares(scope, (&mate(1), &plain), (&mate(2), &plain)),
            shares(scope, (&tenant(1), &plain), (&tenant(2), &plain)),
            shares(scope, (&mate(1), &plain), (&Tenant { team: Some("ads".into()), ..tenant(2) }, &plain)),
        ];
        assert_eq!(found, expected, "{scope:?}");
    };
    check(Scope::User, [false, false, false, false]);
    check(Scope::Key, [true, false, false, false]);
    check(Scope::Team, [true, true, false, false]);
    check(Scope::Global, [true, true, true, true]);
}

proptest! {
    /// Whatever a caller writes, it finds nothing of another's.
    #[test]
    fn no_request_of_one_key_finds_an_answer_of_another(
        fields in prop::collection::btree_map("[a-z_]{1,12}", "[a-z0-9]{0,8}", 0..5),
        name in "[a-z]{0,8}",
    ) {
        let extra: String = fields.iter().map(|(key, value)| format!(r#","{key}":"{value}""#)).collect();
        let body = format!(r#"{{"model":"m","messages":[]{extra}}}"#);
        let (one, mut other) = (tenant(1), tenant(2));
        // Not even by being called the same, or by calling its team like the other's key.
        other.name = one.name.clone();
        other.team = Some(name.as_str().into());
        for scope in [Scope::User, Scope::Key, Scope::Team] {
            prop_assert!(!shares(scope, (&one, &request(&body)), (&other, &request(&body))));
            prop_assert!(!shares(scope, (&other, &request(&body)), (&one, &request(&body))));
        }
    }
}

#[test]
fn a_caller_can_narrow_the_scope_and_not_widen_it() {
    let asking = |scope: &str| with_header(deterministic(r#","user":"x""#), "x-weir-cache-scope", scope);
    let global = built(&config::Cache { mode: Mode::All, scope: Scope::Global, ..config::Cache::default() });
    run(&global, &tenant(1), &asking("key"), Some(Finish::Whole));
    assert!(run(&global, &tenant(1), &asking("key"), None).is_some());
    assert!(run(&global, &tenant(2), &asking("key"), None).is_none(), "it is the other key's alone");
    assert!(run(&global, &tenant(1), &asking("user"), None).is_none(), "nor is it one user's");
    assert!(run(&global, &tenant(1), &deterministic(""), None).is_none(), "nor everybody's");
    let key = built(&config::Cache { mode: Mode::All, ..config::Cache::default() });
    for wider in ["team", "global", "all", ""] {
        let refused = super::look(&key, &tenant(1), &asking(wider)).err().expect(wider);
        assert!(refused.message.contains("no wider than `key`"), "{}", refused.message);
    }
}
