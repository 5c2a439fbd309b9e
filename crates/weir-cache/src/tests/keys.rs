//! When two requests are the same, and whose answers they share.

use proptest::prelude::*;
use serde_json::Value;
use weir_core::{Finish, Operation, Request, Tenant};
use weir_testkit::with_header;

use super::{FORMS, built, deterministic, request, run, tenant};
use crate::config::{self, Mode, Scope};
use crate::key::keys;

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

/// A user that an application adds to a body counts, whatever users are written there already: services take the last.
#[test]
fn each_copy_of_a_user_counts() {
    let with = |users: &[&str]| {
        let users: String = users.iter().map(|user| format!(r#","user":"{user}""#)).collect();
        deterministic(&users)
    };
    let check = |one: &[&str], other: &[&str], expected| {
        let found = shares(Scope::User, (&tenant(1), &with(one)), (&tenant(1), &with(other)));
        assert_eq!(found, expected, "{one:?} {other:?}");
    };
    check(&["ann", "ben"], &["ann", "ben"], true);
    check(&["ann", "ben"], &["ann", "eve"], false);
    check(&["ann", "ben"], &["eve", "ben"], false);
    check(&["ann", "ben"], &["ann"], false);
    check(&["ann", "ben"], &["ben", "ann"], false);
    check(&["ann"], &[], false);
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

/// What one caller sends.
#[derive(Clone, Debug)]
struct Sent {
    who: u8,
    narrowed: Option<Scope>,
    members: Vec<(&'static str, &'static str)>,
    words: &'static str,
}

impl Sent {
    /// All are called the same; some have no team, one has a team that is called as another's key is written.
    fn tenant(&self) -> Tenant {
        let one = "\u{1}".repeat(32);
        let team = [None, None, Some("red"), Some("red"), Some("key"), Some(&one)][usize::from(self.who)];
        Tenant { name: "all".into(), team: team.map(Into::into), ..tenant(self.who) }
    }

    fn body(&self) -> String {
        let members: String =
            self.members.iter().map(|(name, value)| format!(r#","{name}":{value}"#)).collect();
        format!(r#"{{"model":"m","messages":[]{members},"q":"{}"}}"#, self.words)
    }

    /// What it is known by, as an answer and as a question.
    fn keys(&self, widest: Scope) -> Option<[[u8; 32]; 2]> {
        let asking = request(&self.body());
        let asking = match self.narrowed {
            Some(scope) => with_header(asking, "x-weir-cache-scope", scope.name()),
            None => asking,
        };
        let words = (FORMS.question)(Operation::Chat, &asking.envelope).unwrap();
        keys(widest, &self.tenant(), &asking, &words).ok()
    }

    /// Whom its services take it for: every copy of the two members, however they are written.
    fn users(&self) -> [Vec<Value>; 2] {
        ["user", "metadata"].map(|wanted| {
            let copies = self.members.iter().filter(|(name, _)| *name == wanted);
            copies.map(|(_, value)| serde_json::from_str(value).unwrap()).collect()
        })
    }

    /// Whether what is made for it may be given to the other, by what the operator says and it wants.
    fn lets(&self, widest: Scope, other: &Self) -> bool {
        let team = |sent: &Self| sent.tenant().team;
        match self.narrowed.unwrap_or(widest) {
            Scope::Global => true,
            Scope::Team => self.who == other.who || (team(self).is_some() && team(self) == team(other)),
            Scope::Key => self.who == other.who,
            Scope::User => self.who == other.who && self.users() == other.users(),
        }
    }
}

const SCOPES: [Scope; 4] = [Scope::User, Scope::Key, Scope::Team, Scope::Global];

const NAMES: [&str; 10] =
    ["user", "metadata", "scope", "team", "key", "global", "tenant", "alike", "ключ", "x-weir-cache-scope"];
const VALUES: [&str; 8] =
    [r#""ann""#, r#""ben""#, r#""ü""#, r#""\u00fc""#, r#"{"user_id":"ann"}"#, "null", r#""""#, "1"];

fn sent() -> impl Strategy<Value = Sent> {
    let member = (prop::sample::select(&NAMES[..]), prop::sample::select(&VALUES[..]));
    let narrowed = prop::option::weighted(0.3, prop::sample::select(&SCOPES[..]));
    let words = prop::sample::select(&["", "how", "how?", "wie schön"][..]);
    let names_and_values = (0_u8..6, narrowed, prop::collection::vec(member, 0..4), words);
    names_and_values.prop_map(|(who, narrowed, members, words)| Sent { who, narrowed, members, words })
}

/// Two that have much in common, or nothing.
fn pair() -> impl Strategy<Value = (Sent, Sent)> {
    (sent(), sent(), any::<[bool; 4]>()).prop_map(|(one, mut other, [who, narrowed, members, words])| {
        if who {
            other.who = one.who;
        }
        if narrowed {
            other.narrowed = one.narrowed;
        }
        if members {
            other.members.clone_from(&one.members);
        }
        if words {
            other.words = one.words;
        }
        (one, other)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Two requests share an answer, or are compared, only if each may be given what is made for the other.
    #[test]
    fn no_hit_crosses_a_scope(widest in prop::sample::select(&SCOPES[..]), (one, other) in pair()) {
        let (Some(first), Some(second)) = (one.keys(widest), other.keys(widest)) else {
            let wider = |sent: &Sent| sent.narrowed.is_some_and(|scope| scope > widest);
            prop_assert!(wider(&one) || wider(&other));
            return Ok(());
        };
        let may_share = one.lets(widest, &other) && other.lets(widest, &one);
        for (mine, others) in first.iter().zip(&second) {
            prop_assert!(mine != others || may_share);
        }
        prop_assert!(first[0] != second[1] && first[1] != second[0], "an answer is no question");
        // And they do share, or what is above would say nothing.
        if may_share && one.narrowed == other.narrowed && one.members == other.members {
            prop_assert_eq!(first[1], second[1]);
            prop_assert_eq!(first[0] == second[0], one.words == other.words);
        }
    }
}
