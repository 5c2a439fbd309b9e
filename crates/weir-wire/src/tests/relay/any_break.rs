//! Any answer, broken anywhere, taken up by any service on any rung: the caller gets it whole, once.

use proptest::collection::vec;
use proptest::prelude::*;
use weir_core::{Operation, Prefill, Rung};

use super::service::{Block, Writes};
use super::{Call, HOLDS, NO_HOLDS, refused};
use crate::relay::Delivered;

/// What texts are made of: every kind of character, and what could confuse a reader of JSON or of events.
const WORDS: &[&str] = &[
    "a",
    "hello",
    "The end",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    "中",
    "文字，",
    "é",
    "😀",
    "👩‍👩‍👧",
    "\"",
    "\\",
    "\\n",
    "\\u4e2d",
    "\"delta\":{\"content\":\"x\"}",
    "{",
    "}",
    "data: [DONE]\n\n",
    "1",
    "\u{7f}",
    "\r\n",
];

fn text(words: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    vec(prop::sample::select(WORDS), words).prop_map(|words| words.concat())
}

fn writes(id: u32) -> impl Strategy<Value = Writes> {
    (any::<bool>(), any::<bool>(), vec(1_usize..9, 1..5)).prop_map(move |(ascii, spaced, lengths)| Writes {
        id,
        ascii,
        spaced,
        lengths,
    })
}

/// How a service takes up an answer.
#[derive(Clone, Copy, Debug)]
struct Manner {
    rung: Rung,
    /// Given a beginning, it may say that again first; asked in words, it repeats so many characters.
    repeats: usize,
    /// It does not say again the white space that was taken off the beginning.
    trims: bool,
}

fn manner() -> impl Strategy<Value = Manner> {
    let rungs = [
        Rung::Replay,
        Rung::Prefill(Prefill::Prefix),
        Rung::Prefill(Prefill::Trailing),
        Rung::Prefill(Prefill::ContinueFinalMessage),
        Rung::Instructed,
    ];
    (prop::sample::select(rungs.to_vec()), 0_usize..60, any::<bool>())
        .prop_map(|(rung, repeats, trims)| Manner { rung, repeats, trims })
}

/// Joins reads, so that several events come at once.
fn grouped(events: Vec<String>, sizes: &[usize]) -> Vec<String> {
    let mut sizes = sizes.iter().cycle();
    let mut events = events.into_iter();
    std::iter::from_fn(|| {
        let group: String = events.by_ref().take(*sizes.next().unwrap()).collect();
        (!group.is_empty()).then_some(group)
    })
    .collect()
}

/// What the service says next, in the given manner, of an answer of which the caller has the beginning.
/// `None`: in this manner nobody could tell what is new.
fn rest_of<'a>(answer: &'a str, had: &str, manner: Manner) -> Option<&'a str> {
    let solid = |text: &str| text.bytes().filter(|byte| !byte.is_ascii_whitespace()).count() >= 8;
    match manner.rung {
        Rung::Fresh | Rung::Replay => Some(answer),
        Rung::Prefill(style) => {
            let begun = had.trim_end();
            let rest = &answer[begun.len()..];
            let after = &answer[had.len()..];
            if manner.repeats > 30 && may_echo(style) && is_long(begun) {
                Some(answer)
            } else if manner.trims && !after.starts_with(char::is_whitespace) {
                Some(after)
            } else {
                Some(rest)
            }
        }
        Rung::Instructed => {
            let overlap = |text: &str| {
                let ends =
                    had.char_indices().map(|(at, _)| &had[at..]).filter(|end| end.chars().count() <= 200);
                ends.filter(|end| solid(end)).find(|end| text.starts_with(end)).map_or(0, str::len)
            };
            let from = had.char_indices().rev().nth(manner.repeats).map_or(0, |(at, _)| at);
            let repeated = &answer[from..];
            let plain = &answer[had.len()..];
            if solid(&had[from..]) && overlap(repeated) == had.len() - from {
                Some(repeated)
            } else {
                (overlap(plain) == 0).then_some(plain)
            }
        }
    }
}

fn is_long(begun: &str) -> bool {
    begun.chars().count() >= 16
}

/// Whether some services say the beginning again that they were given in this way.
fn may_echo(style: Prefill) -> bool {
    !matches!(style, Prefill::Prefix | Prefill::Partial)
}

/// The service begins with all that it was given: an echo, or an answer that repeats itself. Nobody can tell.
fn is_unclear(rung: Rung, had: &str, said: &str) -> bool {
    let begun = had.trim_end();
    matches!(rung, Rung::Prefill(style) if may_echo(style)) && is_long(begun) && said.starts_with(begun)
}

fn begun_in(request: &serde_json::Value) -> Option<&str> {
    let last = request["messages"].as_array()?.last()?;
    (last["role"] == "assistant").then(|| last["content"].as_str().unwrap())
}

const BODY: &str = r#"{"model":"m","messages":[{"role":"user","content":"go"}],"stream":true}"#;

proptest! {
    #[test]
    fn a_broken_chat_answer_is_continued_to_the_byte(
        (reasoning, answer) in (text(0..8), text(0..40)),
        services in (writes(1), writes(2), writes(3)),
        manners in (manner(), manner()),
        cuts in (0_usize..60, 0_usize..60),
        sizes in vec(1_usize..4, 1..4),
    ) {
        let mut call = Call::chat(BODY);
        let events = grouped(services.0.chat(&reasoning, &answer), &sizes);
        let cut = cuts.0.min(events.len() - 1);
        let mut delivered = call.cut(&events[..cut]);
        let later = [(&services.1, manners.0, Some(cuts.1)), (&services.2, manners.1, None)];
        for (service, manner, cut) in later {
            if delivered == Delivered::Finished {
                break;
            }
            let had = call.caller.text.clone();
            let rung = if call.relay.can(manner.rung) { manner.rung } else { Rung::Replay };
            let manner = Manner { rung, ..manner };
            let (rung, rest) = match rest_of(&answer, &had, manner) {
                Some(rest) => (rung, rest),
                None => (Rung::Replay, &answer[..]),
            };
            prop_assert!(call.relay.can(rung), "{:?} {:?}", rung, delivered);
            let request = call.resume(rung);
            if let Rung::Prefill(_) = rung {
                prop_assert_eq!(begun_in(&request), Some(had.trim_end()));
            }
            let (rung, rest) = if is_unclear(rung, &had, rest) {
                refused(&mut call, &grouped(service.chat("", rest), &sizes));
                prop_assert_eq!(call.relay.broke(), delivered);
                call.resume(Rung::Replay);
                (Rung::Replay, &answer[..])
            } else {
                (rung, rest)
            };
            prop_assert!(call.relay.can(rung));
            // One that only thinks and then ends is not believed.
            let thought = if rest.is_empty() { "" } else { "thought anew" };
            let events = grouped(service.chat(thought, rest), &sizes);
            match cut {
                Some(cut) => delivered = call.cut(&events[..cut.min(events.len() - 1)]),
                None => call.whole(&events).unwrap(),
            }
        }
        if delivered == Delivered::Finished {
            prop_assert_eq!(call.caller.done, 0);
            let bytes = call.relay.closing().into();
            call.caller.take(&weir_core::Chunk { bytes, ..weir_core::Chunk::default() });
        }
        call.caller.has_whole(&answer);
        prop_assert_eq!(call.caller.roles, 1);
        let thought = &call.caller.reasoning;
        prop_assert!(reasoning.starts_with(thought) || "thought anew".starts_with(thought), "{}", thought);
    }

    #[test]
    fn a_broken_message_is_continued_to_the_byte(
        (thinking, texts) in (text(0..6), vec(text(1..25), 1..3)),
        tool in prop::option::of(text(0..5)),
        services in (writes(1), writes(2), writes(3)),
        manners in (manner(), manner()),
        cuts in (0_usize..60, 0_usize..60),
        sizes in vec(1_usize..4, 1..4),
    ) {
        let mut blocks: Vec<Block<'_>> = Vec::new();
        if !thinking.is_empty() {
            blocks.push(Block::Thinking(&thinking));
        }
        blocks.extend(texts.iter().map(|text| Block::Text(text)));
        blocks.extend(tool.as_deref().map(Block::Tool));
        let answer = texts.concat();
        let mut call = Call::new(Operation::Messages, BODY, HOLDS);
        let events = grouped(services.0.message(&blocks), &sizes);
        let mut delivered = call.cut(&events[..cuts.0.min(events.len() - 1)]);
        let later = [(&services.1, manners.0, Some(cuts.1)), (&services.2, manners.1, None)];
        for (service, manner, cut) in later {
            if delivered == Delivered::Finished {
                break;
            }
            let had = call.caller.text.clone();
            let fits = call.relay.can(manner.rung) && had.len() < texts[0].len();
            let rung = if fits { manner.rung } else { Rung::Replay };
            // Only the present block is continued; the others are said as they are.
            let rest = if rung == Rung::Replay { Some(&answer[..]) } else {
                rest_of(&texts[0], &had, Manner { rung, ..manner })
            };
            let (rung, rest) = rest.map_or((Rung::Replay, ""), |rest| (rung, rest));
            prop_assert!(call.relay.can(rung), "{:?} {:?}", rung, delivered);
            call.resume(rung);
            let continued = |rest| {
                let mut said = blocks.clone();
                said.retain(|block| !matches!(block, Block::Thinking(_)));
                said[0] = Block::Text(rest);
                said
            };
            let said = if is_unclear(rung, &had, rest) {
                refused(&mut call, &grouped(service.message(&continued(rest)), &sizes));
                prop_assert_eq!(call.relay.broke(), delivered);
                call.resume(Rung::Replay);
                blocks.clone()
            } else if rung == Rung::Replay {
                blocks.clone()
            } else {
                continued(rest)
            };
            let events = grouped(service.message(&said), &sizes);
            match cut {
                Some(cut) => delivered = call.cut(&events[..cut.min(events.len() - 1)]),
                None => call.whole(&events).unwrap(),
            }
        }
        if delivered == Delivered::Finished {
            let bytes = call.relay.closing().into();
            call.caller.take(&weir_core::Chunk { bytes, ..weir_core::Chunk::default() });
        }
        call.caller.has_whole(&answer);
        prop_assert_eq!(&call.caller.tools, tool.as_deref().unwrap_or_default());
        prop_assert!(thinking.starts_with(&call.caller.reasoning));
    }

    #[test]
    fn a_replay_that_lies_gives_nothing(
        answer in text(4..40),
        services in (writes(1), writes(2), writes(3)),
        cut in 2_usize..60,
        place: prop::sample::Index,
    ) {
        let mut call = Call::chat(BODY);
        let events = services.0.chat("", &answer);
        let delivered = call.cut(&events[..cut.min(events.len() - 2)]);
        prop_assume!(delivered == Delivered::Content);
        let had = call.caller.text.clone();
        let borders: Vec<_> = had.char_indices().collect();
        let (at, char) = borders[place.index(borders.len())];
        let lie = format!("{}☹{}", &answer[..at], &answer[at + char.len_utf8()..]);
        call.resume(Rung::Replay);
        refused(&mut call, &services.1.chat("", &lie));
        prop_assert_eq!(call.relay.broke(), Delivered::Content);
        call.resume(Rung::Replay);
        refused(&mut call, &services.1.chat("", &had[..at]));
        prop_assert_eq!(call.relay.broke(), Delivered::Content);
        call.resume(Rung::Replay);
        call.whole(&services.2.chat("", &answer)).unwrap();
        call.caller.has_whole(&answer);
    }

    #[test]
    fn an_unbroken_answer_is_the_services_own_bytes(
        (reasoning, answer, tool) in (text(0..8), text(0..40), text(0..5)),
        service in writes(1),
        shaped: bool,
        sizes in vec(1_usize..6, 1..4),
    ) {
        let shape = if shaped { r#","response_format":{"type":"json_object"},"output_format":{}}"# } else { "}" };
        let body = BODY.replace("true}", &format!("true{shape}"));
        let call_of_tool = service.delta(
            r#""tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{"}}]"#);
        let mut chat = service.chat(&reasoning, &answer);
        chat.insert(chat.len() - 2, call_of_tool);
        let message =
            service.message(&[Block::Thinking(&reasoning), Block::Text(&answer), Block::Tool(&tool), Block::Text("x")]);
        for (operation, events) in [(Operation::Chat, chat), (Operation::Messages, message)] {
            for holds in [HOLDS, NO_HOLDS] {
                let mut call = Call::new(operation, &body, holds);
                call.whole(&grouped(events.clone(), &sizes)).unwrap();
                prop_assert_eq!(&call.caller.bytes, &events.concat());
            }
        }
    }
}
