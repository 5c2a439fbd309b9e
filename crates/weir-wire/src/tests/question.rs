//! Which words are the question, and what an answer says.

use bytes::Bytes;
use proptest::prelude::*;
use weir_core::Operation::{self, Chat, Completions, Messages, Responses};

use crate::envelope;
use crate::question::{last_words, said};

fn asked(operation: Operation, body: &str) -> Option<String> {
    let (_, envelope) = envelope::read(operation, Bytes::from(body.to_owned())).ok()?;
    last_words(operation, &envelope).map(|range| body[range].to_owned())
}

#[test]
fn the_last_words_of_the_user_are_the_question() {
    let check = |operation, body: &str, expected: Option<&str>| {
        assert_eq!(asked(operation, body).as_deref(), expected, "{body}");
    };
    let chat = |messages: &str| format!(r#"{{"model":"m","messages":{messages}}}"#);
    check(
        Chat,
        &chat(r#"[{"role":"system","content":"s"},{"role":"user","content":"a \"b\""}]"#),
        Some(r#""a \"b\"""#),
    );
    check(Chat, &chat(r#"[{"role":"user","content":[{"type":"text","text":"q"}]}]"#), Some(r#""q""#));
    check(
        Chat,
        &chat(
            r#"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:x"}},{"type":"text","text":"q"}]}]"#,
        ),
        Some(r#""q""#),
    );
    check(
        Chat,
        &chat(r#"[{"role":"user","content":[{"type":"text","text":"p"},{"type":"text","text":"q"}]}]"#),
        None,
    );
    check(Chat, &chat(r#"[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]"#), None);
    check(Chat, &chat(r#"[{"role":"tool","content":"7"}]"#), None);
    check(Chat, &chat("[]"), None);
    check(
        Chat,
        r#"{"model":"m","messages":[{"role":"user","content":"p"}],"messages":[{"role":"user","content":"q"}]}"#,
        None,
    );
    check(Messages, &chat(r#"[{"role":"user","content":"q"}]"#), Some(r#""q""#));
    check(Responses, r#"{"model":"m","input":"q"}"#, Some(r#""q""#));
    check(
        Responses,
        r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"q"}]}]}"#,
        Some(r#""q""#),
    );
    check(Completions, r#"{"model":"m","prompt":"q"}"#, None);
}

#[test]
fn an_answer_says_one_thing_or_nothing() {
    let check = |operation, body: &str, expected: Option<&str>| {
        assert_eq!(said(operation, body.as_bytes()).as_deref(), expected, "{body}");
    };
    check(Chat, r#"{"choices":[{"message":{"content":"a"}}]}"#, Some("a"));
    check(Chat, r#"{"choices":[{"message":{"content":"a"}},{"message":{"content":"b"}}]}"#, None);
    check(Chat, r#"{"choices":[{"message":{"content":null,"tool_calls":[]}}]}"#, None);
    check(
        Messages,
        r#"{"content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"a"}]}"#,
        Some("a"),
    );
    check(
        Responses,
        r#"{"output":[{"type":"reasoning"},{"type":"message","content":[{"type":"output_text","text":"a"}]}]}"#,
        Some("a"),
    );
    check(Chat, "{", None);
}

proptest! {
    #[test]
    fn no_body_makes_it_stumble(body in "[\\{\\}\\[\\]\":,a-z ]{0,80}") {
        for operation in [Chat, Messages, Responses] {
            asked(operation, &format!(r#"{{"model":"m","messages":{body},"input":{body}}}"#));
            said(operation, body.as_bytes());
        }
    }
}
