//! Chat answers, rule by rule.

use weir_core::{Finish, Operation, Prefill, Rung};

use super::service::Writes;
use super::{Call, HOLDS, refused};
use crate::dialect::format;
use crate::relay::Delivered;
use crate::stream::StreamReader;

const BODY: &str = r#"{"model":"m","messages":[{"role":"user","content":"go"}],"stream":true}"#;
const PREFIX: Rung = Rung::Prefill(Prefill::Prefix);

fn service(id: u32) -> Writes {
    Writes::plainly(id)
}

#[test]
fn says_what_the_caller_has() {
    let check = |body: &str, reads: &[Vec<String>], expected: Delivered| {
        let mut call = Call::chat(body);
        assert_eq!(call.cut(&reads.concat()), expected, "{reads:?}");
    };
    let one = |delta: &str| vec![service(1).delta(delta)];
    let role = || vec![service(1).role()];
    check(BODY, &[], Delivered::Nothing);
    check(BODY, &[role()], Delivered::Nothing);
    check(BODY, &[role(), service(1).think("so")], Delivered::Reasoning);
    check(
        BODY,
        &[role(), one(r#""reasoning":"so","reasoning_details":[{"text":"so"}]"#)],
        Delivered::Reasoning,
    );
    check(
        BODY,
        &[role(), one(r#""reasoning":"so","reasoning_details":[{"signature":"s"}]"#)],
        Delivered::Other,
    );
    check(BODY, &[role(), service(1).think("so"), service(1).say("yes")], Delivered::Content);
    check(BODY, &[role(), service(1).say("yes"), one(r#""refusal":"no""#)], Delivered::Other);
    check(BODY, &[role(), one(r#""audio":{"id":"a"}"#)], Delivered::Other);
    check(BODY, &[role(), one(r#""content":[{"type":"thinking"}]"#)], Delivered::Other);
    check(BODY, &[role(), one(r#""content":"a","annotations":[{}]"#)], Delivered::Other);
    check(
        BODY,
        &[role(), one(r#""content":"a","refusal":null,"tool_calls":[],"audio":{}"#)],
        Delivered::Content,
    );
    check(BODY, &[role(), service(1).say("yes"), service(1).end("stop")[..1].to_vec()], Delivered::Finished);
    check(&BODY.replace("true", "true,\"n\":2"), &[role()], Delivered::Other);
    check(
        &BODY.replace("true", "true,\"n\":1,\"seed\":3,\"logprobs\":true"),
        &[service(1).say("a")],
        Delivered::Content,
    );
}

#[test]
fn a_service_that_continues_is_heard_as_if_it_were_the_first() {
    let check = |had: &str, new: &str, expected: &str| {
        let mut call = Call::chat(BODY);
        call.cut(&[vec![service(1).role()], service(1).say(had)].concat());
        call.resume(PREFIX);
        let thought = if new.is_empty() { "" } else { "once more" };
        call.whole(&service(2).chat(thought, new)).unwrap();
        call.caller.has_whole(expected);
        assert_eq!((call.caller.roles, call.caller.reasoning.as_str()), (1, ""));
    };
    check("Hello", " world", "Hello world");
    check("Hello", "", "Hello");
    // White space that was taken off the end comes again, in part, or not at all.
    check("Hello \n\n", " \n\nworld", "Hello \n\nworld");
    check("Hello \n\n", " \nworld", "Hello \n\nworld");
    check("Hello \n\n", "world", "Hello \n\nworld");
    check("Hello\n", "\n\nworld", "Hello\n\nworld");
    // Services that continue a marked message never say it again, but an answer may repeat itself.
    check("0000000000000000", "00000000000000001", "000000000000000000000000000000001");
    check("It was a dark night", "It was a dark night and", "It was a dark nightIt was a dark night and");
    check("It was a dark night", "It was a dark day", "It was a dark nightIt was a dark day");
    check("It was a dark night", "It was a dark", "It was a dark nightIt was a dark");
    check("ha ha", "ha ha", "ha haha ha");
}

#[test]
fn an_answer_that_could_be_an_echo_is_not_joined_on() {
    let check = |rung: Rung, new: &str, expected: Option<&str>| {
        let mut call = Call::chat(BODY);
        call.cut(&[vec![service(1).role()], service(1).say("0000000000000000")].concat());
        call.resume(rung);
        if let Some(expected) = expected {
            call.whole(&service(2).chat("", new)).unwrap();
            return call.caller.has_whole(expected);
        }
        refused(&mut call, &service(2).chat("", new));
        assert_eq!(call.relay.broke(), Delivered::Content);
        // It is said again, or given to a service that never echoes.
        assert!(!call.relay.can(rung) && call.relay.can(Rung::Replay) && call.relay.can(PREFIX));
        call.resume(rung);
        call.whole(&service(3).chat("", "00000000000000001")).unwrap();
        call.caller.has_whole("00000000000000001");
    };
    for style in [Prefill::ContinueFinalMessage, Prefill::Trailing] {
        check(Rung::Prefill(style), "00000000000000001", None);
        check(Rung::Prefill(style), "0000000000000000", None);
        check(Rung::Prefill(style), "0000000000000001", Some("00000000000000000000000000000001"));
        check(Rung::Prefill(style), "000", Some("0000000000000000000"));
    }
    check(Rung::Prefill(Prefill::Partial), "00000000000000001", Some("000000000000000000000000000000001"));
    check(Rung::Replay, "00000000000000001", Some("00000000000000001"));
}

#[test]
fn a_continuation_that_only_reasons_is_not_believed() {
    let mut call = Call::chat(BODY);
    call.cut(&[vec![service(1).role()], service(1).say("Hello")].concat());
    call.resume(Rung::Prefill(Prefill::ContinueFinalMessage));
    refused(&mut call, &service(2).chat(" world", ""));
}

#[test]
fn a_replay_is_passed_on_from_where_the_caller_stands() {
    let check = |had: &str, again: &str, expected: Option<&str>| {
        let mut call = Call::chat(BODY);
        call.cut(&[vec![service(1).role()], service(1).think("so"), service(1).say(had)].concat());
        call.resume(Rung::Replay);
        let writes = Writes { ascii: true, lengths: vec![3], ..service(2) };
        match expected {
            None => refused(&mut call, &writes.chat("otherwise", again)),
            Some(expected) => {
                call.whole(&writes.chat("otherwise", again)).unwrap();
                call.caller.has_whole(expected);
                assert_eq!(call.caller.reasoning, "so");
            }
        }
    };
    check("中文😀", "中文😀!", Some("中文😀!"));
    check("12345", "12345678", Some("12345678"));
    check("12345", "12345", Some("12345"));
    check("12345", "1234", None);
    check("12345", "12346", None);
    check("12345", "", None);
    check("12345", "02345", None);
}

#[test]
fn tool_calls_before_a_replay_has_caught_up_are_another_answer() {
    let tool =
        |id| service(id).delta(r#""tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]"#);
    let mut call = Call::chat(BODY);
    call.cut(&[vec![service(1).role()], service(1).say("I will look")].concat());
    call.resume(Rung::Replay);
    refused(&mut call, &[vec![tool(2)], service(2).end("tool_calls")].concat());
    call.relay.broke();
    call.resume(Rung::Replay);
    call.whole(&[service(3).say("I will look"), vec![tool(3)], service(3).end("tool_calls")].concat())
        .unwrap();
    call.caller.has_whole("I will look");
    assert_eq!((call.caller.tools.as_str(), call.caller.finishes[0].as_str()), ("{}", "tool_calls"));
}

#[test]
fn reasoning_that_was_shown_is_not_shown_again() {
    let mut call = Call::chat(BODY);
    assert_eq!(
        call.cut(&[vec![service(1).role()], service(1).think("first I")].concat()),
        Delivered::Reasoning
    );
    assert!(call.relay.can(Rung::Replay) && !call.relay.can(PREFIX) && !call.relay.can(Rung::Instructed));
    call.resume(Rung::Replay);
    call.whole(&service(2).chat("another thought", "yes")).unwrap();
    call.caller.has_whole("yes");
    assert_eq!(call.caller.reasoning, "first I");
}

#[test]
fn what_an_instructed_model_repeats_is_left_out() {
    let long = "x".repeat(300);
    let check = |had: &str, new: &str, expected: &str| {
        let mut call = Call::chat(BODY);
        call.cut(&[vec![service(1).role()], service(1).say(had)].concat());
        call.resume(Rung::Instructed);
        call.whole(&service(2).chat("", new)).unwrap();
        call.caller.has_whole(expected);
    };
    check("the quick brown fox", " jumps", "the quick brown fox jumps");
    check("the quick brown fox", "quick brown fox jumps", "the quick brown fox jumps");
    check("the quick brown fox", "quick brown fox", "the quick brown fox");
    check("the quick brown fox", "quick brown cat", "the quick brown foxquick brown cat");
    // So short a repetition is chance.
    check("hell", "low", "helllow");
    check("我喜欢北京", "欢北京烤鸭", "我喜欢北京烤鸭");
    check(&format!("{long}y"), &format!("{}yz", &long[..199]), &format!("{long}yz"));
}

#[test]
fn a_stop_sequence_is_seen_although_two_services_said_it() {
    let check = |stop: &str, had: &str, new: &str, expected: &str, over: bool| {
        let body = BODY
            .replace("true", &format!("true,\"stop\":{stop},\"stream_options\":{{\"include_usage\":true}}"));
        let mut call = Call::chat(&body);
        call.cut(&[vec![service(1).role()], service(1).say(had)].concat());
        call.resume(PREFIX);
        let events = Writes { lengths: vec![1], ..service(2) }.chat("", new);
        call.whole(&events).unwrap();
        call.caller.has_whole(expected);
        assert_eq!(call.relay.is_over(), over, "{stop} {had} {new}");
        assert_eq!((call.caller.finish, call.caller.finishes[0].as_str()), (Some(Finish::Whole), "stop"));
        assert_eq!(call.caller.usage.len(), usize::from(over));
    };
    check("\"END\"", "one E", "ND two", "one E", true);
    check("[\"x\",\"END\"]", "one EN", "D", "one EN", true);
    check("\"END\"", "one E", "Nd two", "one ENd two", false);
    check("\"END\"", "one E", "N", "one EN", false);
    check("\"\\n\\nQ\"", "one\n", "\n\nQ: two", "one\n", true);
    check("null", "one E", "ND", "one END", false);
}

#[test]
fn nothing_comes_after_a_completed_stop_sequence() {
    let mut call = Call::chat(&BODY.replace("true", "true,\"stop\":\"END\""));
    call.cut(&[vec![service(1).role()], service(1).say("one E")].concat());
    call.resume(PREFIX);
    call.whole(&service(2).chat("", "ND and more")).unwrap();
    assert!(call.relay.is_over());
    let bytes = call.caller.bytes.clone();
    call.whole(&service(2).say("and more")).unwrap();
    assert_eq!(call.caller.bytes, bytes);
}

#[test]
fn what_is_missing_after_the_finish_is_its_closing() {
    let mut call = Call::chat(BODY);
    let events = service(1).chat("", "Hello");
    assert_eq!(call.cut(&events[..events.len() - 1]), Delivered::Finished);
    assert_eq!(call.relay.closing(), b"data: [DONE]\n\n");
    for rung in [Rung::Fresh, Rung::Replay, PREFIX, Rung::Instructed] {
        assert!(!call.relay.can(rung), "{rung:?}");
    }
    let mut call = Call::chat(BODY);
    call.whole(&events).unwrap();
    assert_eq!(call.relay.closing(), b"");
}

#[test]
fn fields_of_the_services_own_stay() {
    let mut call = Call::chat(BODY);
    call.cut(&[vec![service(1).role()], service(1).say("a")].concat());
    call.resume(PREFIX);
    let event = "data: {\"id\":\"c2\",\"x\":1.50,\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"b\",\
        \"y\":null},\"logprobs\":{\"content\":[]},\"finish_reason\":null}],\"model\":\"m2\"}\n\n";
    call.reads(&[event]).unwrap();
    let joined = event.replace("c2", "c1").replace("m2", "m1").replace("\"role\":\"assistant\",", "");
    assert!(call.caller.bytes.ends_with(&joined), "{}", call.caller.bytes);
}

#[test]
fn several_breaks_in_a_row_are_one_answer() {
    let mut call = Call::new(weir_core::Operation::Chat, BODY, HOLDS);
    call.cut(&[service(1).role()]);
    call.resume(Rung::Fresh);
    call.cut(&[vec![service(2).role()], service(2).say("one ")].concat());
    call.resume(PREFIX);
    call.cut(&[vec![service(3).role()], service(3).say(" two")].concat());
    let request = call.resume(PREFIX);
    assert_eq!(request["messages"][1]["content"], "one two");
    call.cut(&service(4).chat("", " three")[..1]);
    call.resume(Rung::Replay);
    call.whole(&service(5).chat("", "one two three")).unwrap();
    call.caller.has_whole("one two three");
}

#[test]
fn prompts_in_a_list_are_several_answers() {
    let two = "{\"model\":\"m\",\"prompt\":[\"a\",\"b\"],\"stream\":true}";
    let said = |index: usize, finish: &str| {
        format!(
            "data: {{\"id\":\"c\",\"choices\":[{{\"index\":{index},\"text\":\"a\",\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let mut relay = Call::new(Operation::Completions, two, HOLDS).relay;
    let mut reader = StreamReader::new(format(Operation::Completions).unwrap(), true);
    for event in [said(1, "null"), said(0, "null"), said(0, "\"stop\"")] {
        let chunk = reader.push(event.into()).unwrap().unwrap();
        assert_eq!((chunk.finish, relay.push(chunk).is_ok()), (None, true));
    }
    // The end of one is not the end of both.
    assert_eq!(relay.broke(), Delivered::Other);
}

#[test]
fn stop_sequences_beyond_their_bounds_are_not_looked_for_across_a_seam() {
    let check = |stops: &[String], had: &str, new: &str, over: bool| {
        let body = BODY.replace("true", &format!("true,\"stop\":{}", serde_json::json!(stops)));
        let mut call = Call::chat(&body);
        call.cut(&[vec![service(1).role()], service(1).say(had)].concat());
        call.resume(PREFIX);
        call.reads(&service(2).say(new)).unwrap();
        assert_eq!(call.relay.is_over(), over, "{} {}", stops.len(), stops[0].len());
    };
    let marks = |length: usize| vec!["x".repeat(length)];
    check(&marks(256), &"x".repeat(200), &"x".repeat(56), true);
    check(&marks(257), &"x".repeat(200), &"x".repeat(57), false);
    let many = |before: usize| [vec!["no".to_owned(); before], vec!["END".to_owned()]].concat();
    check(&many(15), "one E", "ND", true);
    check(&many(16), "one E", "ND", false);
}

#[test]
fn what_cannot_be_read_is_not_let_through_before_it_is_clear_what_is_new() {
    let unreadable = [
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"o\"}}]]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"o\"}},{\"index\":1}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"o\"}}]}\n\n",
    ];
    for bytes in unreadable {
        let garbled = || weir_core::Chunk { bytes: bytes.into(), ..weir_core::Chunk::default() };
        for (rung, had, new) in
            [(Rung::Replay, "Hello", "Hell"), (PREFIX, "Hello", ""), (PREFIX, "Hello ", "")]
        {
            let mut call = Call::chat(BODY);
            call.cut(&[vec![service(1).role()], service(1).say(had)].concat());
            call.resume(rung);
            call.reads(&service(2).say(new)).unwrap();
            assert!(call.relay.push(garbled()).is_err(), "{rung:?} {bytes}");
            assert_eq!(call.relay.broke(), Delivered::Content);
        }
        // Once it is clear, it passes as it always did.
        let mut call = Call::chat(BODY);
        call.cut(&[vec![service(1).role()], service(1).say("Hello")].concat());
        call.resume(Rung::Replay);
        call.reads(&service(2).say("Hello w")).unwrap();
        assert!(call.relay.push(garbled()).is_ok());
    }
    let mut call = Call::chat(BODY);
    call.cut(&[vec![service(1).role()], service(1).say("Hello")].concat());
    call.resume(Rung::Replay);
    let comment = weir_core::Chunk { bytes: ": keep-alive\n\n".into(), ..weir_core::Chunk::default() };
    assert!(call.relay.push(comment).is_ok(), "a comment says nothing");
}
