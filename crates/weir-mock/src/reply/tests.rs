//! Cutting replies: tokens, bytes, and what may never be kept.

use super::*;

fn reply() -> Reply {
    let mut reply = Reply::events();
    for (text, part, tokens) in [
        ("open", Part::Opening, 0),
        ("a", Part::Token, 1),
        ("b", Part::Token, 2),
        ("close", Part::Finish, 2),
        ("c", Part::Token, 3),
        ("finish", Part::Finish, 3),
        ("done", Part::Done, 3),
    ] {
        reply.steps.push(Step::Send(Frame { bytes: text.into(), part, tokens }));
    }
    reply
}

fn sent(reply: &Reply) -> Vec<String> {
    let text = |step: &Step| match step {
        Step::Send(frame) => String::from_utf8(frame.bytes.to_vec()).ok(),
        _ => None,
    };
    reply.steps.iter().filter_map(text).collect()
}

#[track_caller]
fn check_tokens(tokens: u32, expected: &[&str]) {
    let mut reply = reply();
    reply.keep_tokens(tokens);
    assert_eq!(sent(&reply), expected);
}

#[test]
fn an_answer_is_cut_after_a_token_and_always_before_its_end() {
    check_tokens(0, &["open"]);
    check_tokens(1, &["open", "a"]);
    check_tokens(2, &["open", "a", "b", "close"]);
    check_tokens(3, &["open", "a", "b", "close", "c"]);
    check_tokens(9, &["open", "a", "b", "close", "c"]);
}

#[test]
fn an_answer_is_cut_after_any_byte() {
    for bytes in 0..22 {
        let mut reply = reply();
        let all = sent(&reply).concat();
        reply.keep_bytes(bytes);
        assert_eq!(sent(&reply).concat(), all[..bytes]);
    }
}

#[test]
fn an_answer_is_cut_inside_the_next_character_that_has_several_bytes() {
    #[track_caller]
    fn check(tokens: u32, expected: &[u8]) {
        let mut reply = Reply::events();
        for (text, tokens) in [("水a", 1), ("b", 2), ("c水d", 3)] {
            let frame = Frame { bytes: text.into(), part: Part::Token, tokens };
            reply.steps.push(Step::Send(frame));
        }
        reply.keep_into_character(tokens);
        let bytes = |step: &Step| match step {
            Step::Send(frame) => frame.bytes.to_vec(),
            _ => Vec::new(),
        };
        assert_eq!(reply.steps.iter().flat_map(bytes).collect::<Vec<_>>(), expected);
    }
    check(0, b"\xe6");
    check(1, "水abc水".as_bytes().split_last_chunk::<2>().expect("three bytes").0);
    check(3, "水abc水d".as_bytes());
}

#[test]
fn a_whole_body_is_cut_at_the_same_share_and_never_whole() {
    for (tokens, bytes) in [(0, 0), (5, 50), (10, 99), (99, 99)] {
        let mut reply = Reply::json();
        reply.send_whole(vec![b'x'; 100].into(), 10);
        reply.keep_tokens(tokens);
        assert_eq!(sent(&reply).concat().len(), bytes);
    }
}

#[test]
fn a_wait_is_filled_once_a_period() {
    let mut reply = Reply::events();
    assert!(!reply.wait(Duration::from_millis(10), Duration::from_millis(10), KEEP_ALIVE));
    assert!(reply.sends_nothing());
    assert!(reply.wait(Duration::from_millis(25), Duration::from_millis(10), KEEP_ALIVE));
    assert_eq!(sent(&reply).len(), 2);
}
