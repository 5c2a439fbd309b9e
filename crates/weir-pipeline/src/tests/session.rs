//! Which requests belong together.

use weir_core::Operation;
use weir_testkit::{chat, with_header};

use crate::session::of;

fn session(body: &str) -> Option<u64> {
    let mut request = chat("m");
    request.envelope = weir_wire::envelope::read(Operation::Chat, body.to_owned().into()).unwrap().1;
    of(&request)
}

#[test]
fn the_turns_of_a_conversation_are_one_session() {
    let turns = |rest: &str| {
        session(&format!(
            r#"{{"model":"m","messages":[{{"role":"system","content":"s"}},{{"role":"user","content":"a"}}{rest}]}}"#
        ))
    };
    let first = turns("");
    assert!(first.is_some());
    assert_eq!(first, turns(r#",{"role":"assistant","content":"b"},{"role":"user","content":"c"}"#));
    assert_ne!(first, session(r#"{"model":"m","messages":[{"role":"user","content":"z"}]}"#));
}

#[test]
fn a_named_session_counts_more_than_the_words() {
    let named = |words: &str| {
        let body = format!(
            r#"{{"model":"m","prompt_cache_key":"k","messages":[{{"role":"user","content":"{words}"}}]}}"#
        );
        session(&body)
    };
    assert_eq!(named("a"), named("b"));
    let in_header = of(&with_header(chat("m"), "x-weir-session", "s"));
    assert!(in_header.is_some());
    assert_ne!(in_header, named("a"));
}
