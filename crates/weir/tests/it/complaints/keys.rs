//! Callers with keys, some of one team.

use weir_admit::hash_text;

use crate::house::{Reply, Weir};

/// The `[[key]]`s of these callers, each with its team; an empty one is none.
pub fn keys(callers: &[(&str, &str)]) -> String {
    let key = |(name, team): &(&str, &str)| {
        let team = if team.is_empty() { String::new() } else { format!("team = \"{team}\"\n") };
        format!("[[key]]\nname = \"{name}\"\nhash = \"{}\"\n{team}", hash_text(&token(name)))
    };
    callers.iter().map(key).collect()
}

/// What the caller sends with its key.
pub fn bearer(name: &str) -> String {
    format!("Bearer {}", token(name))
}

/// A question of one caller's to a chat; the same words get the same answer.
pub fn ask(weir: &Weir, name: &str, headers: &[(&str, &str)], more: &str) -> Reply {
    let bearer = bearer(name);
    let headers = [headers, &[("authorization", bearer.as_str())]].concat();
    weir.post("/v1/chat/completions", &headers, &question(more))
}

/// A request whose answer is kept by default, with more members.
pub fn question(more: &str) -> String {
    format!(
        r#"{{"model":"deepseek-flash","temperature":0,"messages":[{{"role":"user","content":"What do I owe?"}}]{more}}}"#
    )
}

/// Where an answer came from.
pub fn state(reply: &Reply) -> &str {
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.header("x-cache")
}

fn token(name: &str) -> String {
    format!("weir_{name:0>32}")
}
