//! Verdicts on observations made up for the purpose: what passes, and every way not to.

use std::time::Duration;

use super::case;
use crate::exchange::End;
use crate::judge::{Seen, Verdict, judge};
use crate::question::{THOUGHTS, WORDS};
use crate::told::{Tokens, Told, ToolCall};
use crate::upstream::Attempt;

/// A whole answer, as the scenarios' services give it.
fn whole() -> Told {
    Told {
        text: WORDS.to_owned(),
        finish: Some("stop".to_owned()),
        usage: Some(Tokens { prompt: 20, completion: 60 }),
        model: Some("drill-fallback".to_owned()),
        done: true,
        end: End::Clean,
        took: Duration::from_secs(1),
        ..Told::default()
    }
}

/// The same in Anthropic's dialect.
fn message() -> Told {
    Told { finish: Some("end_turn".to_owned()), ..whole() }
}

/// The beginning of an answer, without its end.
fn begun(text: &str) -> Told {
    Told { text: text.to_owned(), finish: None, usage: None, done: false, ..whole() }
}

fn error(text: &str) -> Told {
    Told { error: Some("status 503: {}".to_owned()), ..begun(text) }
}

fn attempts(at: &[i64]) -> Vec<Attempt> {
    let ended = Some("complete".to_owned());
    let model = Some("drill-fallback".to_owned());
    at.iter()
        .map(|&started_ms| Attempt {
            path: "/v1/chat/completions".to_owned(),
            model: model.clone(),
            started_ms,
            ended: ended.clone(),
            prefill: false,
            prompt_tokens: 20,
            answer_tokens: 60,
        })
        .collect()
}

fn call(told: Told) -> Seen {
    Seen { calls: vec![told], primary: attempts(&[0]), fallback: attempts(&[5]), ..Seen::default() }
}

#[track_caller]
fn check(id: &str, seen: &Seen, expected: Verdict, says: &str) {
    let (verdict, reason) = judge(&case(id), seen);
    assert_eq!((verdict, reason.contains(says)), (expected, true), "{id}: {reason}");
}

#[test]
fn a_whole_answer_passes() {
    check("S08", &call(whole()), Verdict::Pass, "whole");
    let half = Told { thoughts: THOUGHTS[..20].to_owned(), ..whole() };
    check("X04-chat-stream", &call(half), Verdict::Pass, "whole");
}

#[test]
fn what_is_not_whole_and_does_not_say_so_fails() {
    let (beginning, _) = WORDS.split_at(100);
    let fail = |told: Told, says: &str| check("S08", &call(told), Verdict::Fail, says);
    fail(begun(beginning), "truncated, and ends in good order: 100 of");
    fail(Told { done: true, ..begun(beginning) }, "truncated, and ends in good order");
    fail(Told { finish: Some("stop".to_owned()), done: true, ..begun(beginning) }, "claims to be whole");
    fail(Told { finish: Some("length".to_owned()), done: true, ..begun(beginning) }, "`length`");
    fail(Told { finish: Some("length".to_owned()), ..whole() }, "`length`");
    fail(Told { end: End::Broken("reset".to_owned()), ..begun(beginning) }, "without a word (reset)");
    fail(Told { end: End::Hung, ..begun(beginning) }, "hangs");
    fail(begun(""), "0 of");
}

#[test]
fn words_that_are_not_the_answers_fail() {
    let fail = |told: Told, says: &str| check("S08", &call(told), Verdict::Fail, says);
    fail(
        Told { text: format!("{}{WORDS}", &WORDS[..100]), ..whole() },
        "said twice: it begins again after 100",
    );
    fail(Told { text: format!("{WORDS}{WORDS}"), ..whole() }, "said twice");
    fail(Told { text: format!("{WORDS} More."), ..whole() }, "goes on after the end, by 1 words");
    fail(Told { text: WORDS.replace("gate", "door"), ..whole() }, "wrong from character");
    fail(Told { text: WORDS.replacen(" is", "", 1), ..whole() }, "wrong from character");
    let twice = format!("{}{THOUGHTS}", &THOUGHTS[..20]);
    check(
        "X04-chat-stream",
        &call(Told { thoughts: twice, ..whole() }),
        Verdict::Fail,
        "the thoughts said twice",
    );
    fail(Told { error: Some("oops".to_owned()), text: "Other words".to_owned(), ..whole() }, "wrong from");
}

#[test]
fn an_explicit_error_is_safe_and_passes_where_it_is_right() {
    check("S08", &call(error("")), Verdict::Safe, "status 503");
    check("S08", &call(error(&WORDS[..100])), Verdict::Safe, "status 503");
    check("X17", &call(error("")), Verdict::Pass, "explicit error");
    check("X17", &call(message()), Verdict::Pass, "whole");
    let seen = Seen { after: Some(whole()), ..call(error("")) };
    check("X21-chat-stream", &seen, Verdict::Pass, "explicit error");
}

#[test]
fn an_error_that_does_not_end_or_claims_to_be_an_answer_fails() {
    check("S08", &call(Told { end: End::Hung, ..error("") }), Verdict::Fail, "never ended");
    let claims = Told { error: Some("oops".to_owned()), ..whole() };
    check("S08", &call(claims), Verdict::Fail, "claims to be whole");
}

#[test]
fn a_breach_of_the_api_fails_however_whole_the_text_is() {
    let told = Told { breaches: vec!["an event that is no JSON: {".to_owned()], ..whole() };
    check("S10", &Seen { after: Some(whole()), ..call(told) }, Verdict::Fail, "no JSON");
}

#[test]
fn a_content_filter_is_passed_on_and_not_gone_round() {
    let refused =
        Told { status: Some(400), error: Some("status 400: content_filter".to_owned()), ..begun("") };
    let seen = Seen { fallback: vec![], ..call(refused.clone()) };
    check("S13", &seen, Verdict::Pass, "explicit error");
    check("S13", &call(refused.clone()), Verdict::Partial, "at the fallback: 1, not at most 0");
    check("S13", &call(whole()), Verdict::Fail, "where an error is right");
    let reworded = Seen { fallback: vec![], ..call(error("")) };
    check("S13", &reworded, Verdict::Partial, "does not say `content_filter`");
    let other = Seen { fallback: vec![], ..call(Told { status: Some(502), ..refused.clone() }) };
    check("S13", &other, Verdict::Partial, "the status is 502, not 400");
    let in_band = Seen { fallback: vec![], ..call(Told { status: Some(200), ..refused.clone() }) };
    check("S13", &in_band, Verdict::Partial, "the status is 200, not 400");
}

#[test]
fn a_prefill_error_must_not_hide_the_real_one() {
    let masked = Told { error: Some("status 400: invalid_prefill".to_owned()), ..begun("") };
    check("S14", &call(masked), Verdict::Fail, "hides the real one");
    check("S14", &call(error("")), Verdict::Safe, "status 503");
}

#[test]
fn usage_is_that_of_one_whole_answer() {
    let told = |prompt, completion| call(Told { usage: Some(Tokens { prompt, completion }), ..whole() });
    check("S08", &told(20, 60), Verdict::Pass, "whole");
    check("S08", &told(20, 100), Verdict::Fail, "wrong usage: 20 + 100 tokens are told, 20 + 60 are right");
    check("S08", &told(40, 60), Verdict::Fail, "wrong usage");
    check("S08", &told(20, 20), Verdict::Fail, "wrong usage");
    check("S08", &told(0, 0), Verdict::Fail, "wrong usage");
    // A service that was given forty tokens of the answer says 20 + 40 + 4 of template for the prompt, 20 for the rest.
    let begun = Attempt { prefill: true, prompt_tokens: 64, answer_tokens: 20, ..attempts(&[900]).remove(0) };
    let taken_up = |prompt, completion| {
        let primary = [attempts(&[0]), vec![begun.clone()]].concat();
        Seen { primary, fallback: vec![], ..told(prompt, completion) }
    };
    check("S08", &taken_up(24, 60), Verdict::Pass, "whole");
    check("S08", &taken_up(20, 60), Verdict::Pass, "whole");
    check("S08", &taken_up(64, 20), Verdict::Fail, "wrong usage");
    check("S08", &taken_up(84, 60), Verdict::Fail, "wrong usage");
    // How many tokens the beginning has is the gateway's estimate: forty, give or take ten.
    check("S08", &taken_up(14, 70), Verdict::Pass, "whole");
    check("S08", &taken_up(34, 50), Verdict::Pass, "whole");
    check("S08", &taken_up(13, 71), Verdict::Fail, "13 + 71 tokens are told, 10 to 34 + 50 to 70 are right");
    check("S08", &taken_up(35, 49), Verdict::Fail, "wrong usage");
    check("S08", &taken_up(24, 100), Verdict::Fail, "wrong usage");
}

#[test]
fn thoughts_are_signed_or_they_are_none() {
    let thinks =
        |thoughts: &str, unsigned| call(Told { thoughts: thoughts.to_owned(), unsigned, ..message() });
    check("X17", &thinks("", false), Verdict::Pass, "whole");
    check("X17", &thinks(THOUGHTS, false), Verdict::Pass, "whole");
    check("X17", &thinks(THOUGHTS, true), Verdict::Fail, "without their signature");
    check("X17", &thinks(&THOUGHTS[..30], true), Verdict::Fail, "without their signature");
    check("X17", &thinks(&THOUGHTS[..30], false), Verdict::Fail, "a signature under half of the thoughts");
    check("X16-messages-plain", &thinks(THOUGHTS, true), Verdict::Fail, "without their signature");
    let honest = Told { thoughts: THOUGHTS[..30].to_owned(), ..error("") };
    check("X17", &call(honest), Verdict::Pass, "explicit error");
}

#[test]
fn a_right_answer_with_blemishes_is_partial() {
    check("S08", &call(Told { usage: None, ..whole() }), Verdict::Partial, "no usage");
    check("S11", &call(Told { done: false, ..whole() }), Verdict::Partial, "mark of the end");
    let broken = Told { end: End::Broken("reset".to_owned()), ..whole() };
    check("S08", &call(broken), Verdict::Partial, "good order");
}

#[test]
fn attempts_are_counted_on_the_services_side() {
    let with = |primary: &[i64]| Seen { primary: attempts(primary), ..call(whole()) };
    check("S01", &with(&[0, 1_900]), Verdict::Pass, "");
    check("S01", &with(&[0]), Verdict::Partial, "not asked a second time");
    check("S01", &with(&[0, 900]), Verdict::Partial, "after 900 ms");
    check("S01", &with(&[0, 10, 20]), Verdict::Partial, "at the primary in 1.5 s: 3");
    check("S02", &with(&[0, 900, 1_800, 2_900, 9_000]), Verdict::Pass, "");
    check("S02", &with(&[0, 1, 2, 3, 4]), Verdict::Partial, "at the primary in 3 s: 5, not at most 4");
    check("S04", &with(&[0; 7]), Verdict::Partial, "at the primary: 7, not at most 6");
    check("S06", &with(&[0, 9]), Verdict::Partial, "not at most 1");
    let straight = Seen { fallback: vec![], ..call(whole()) };
    check("S12", &straight, Verdict::Partial, "at the fallback: 0, not at least 1");
    check("S16", &straight, Verdict::Partial, "the fallback was not asked");
    let other = Told { model: Some("drill".to_owned()), ..whole() };
    check("S16", &call(other), Verdict::Partial, "from `drill`, not from `drill-fallback`");
}

#[test]
fn begun_answers_are_counted_on_the_services_side() {
    let attempt = |ended: &str, prefill: bool| Attempt {
        ended: Some(ended.to_owned()),
        prefill,
        answer_tokens: if prefill { 20 } else { 60 },
        ..attempts(&[0]).remove(0)
    };
    let (cut, taken_up, refused) =
        (attempt("cut", false), attempt("complete", true), attempt("rejected", true));
    let seen = |primary: &[&Attempt], fallback: &[&Attempt]| {
        let own = |attempts: &[&Attempt]| attempts.iter().copied().cloned().collect();
        Seen { primary: own(primary), fallback: own(fallback), ..call(whole()) }
    };
    let again = attempt("complete", false);
    check("X22-chat-stream", &seen(&[&cut, &taken_up], &[]), Verdict::Pass, "");
    check("X22-chat-stream", &seen(&[&cut], &[&again]), Verdict::Partial, "no begun answer was given");
    check(
        "X22-chat-stream",
        &seen(&[&cut, &refused], &[&again]),
        Verdict::Partial,
        "no begun answer was given",
    );
    check("X23-chat-stream", &seen(&[&cut], &[&refused, &again, &again]), Verdict::Pass, "");
    check("X23-chat-stream", &seen(&[&cut], &[&again]), Verdict::Partial, "no begun answer was refused");
    let twice = seen(&[&cut], &[&refused, &again, &refused, &again]);
    check("X23-chat-stream", &twice, Verdict::Partial, "was given 1 more");
}

#[test]
fn a_slow_answer_is_partial() {
    let slow = Told { took: Duration::from_secs(16), ..whole() };
    check("S07", &call(slow.clone()), Verdict::Partial, "took 16.0 s, not at most 15 s");
    check("S06", &call(slow), Verdict::Pass, "");
}

#[test]
fn a_gateway_that_does_not_answer_afterwards_fails() {
    check("S10", &Seen { after: Some(whole()), ..call(whole()) }, Verdict::Pass, "");
    check("S10", &Seen { after: Some(error("")), ..call(whole()) }, Verdict::Fail, "afterwards");
}

#[test]
fn an_outage_is_bridged_and_its_end_is_noticed() {
    let calls = || vec![whole(); 20];
    let probes = [0, 4_000, 20_000, 40_000, 64_000, 68_000];
    let seen = |primary: &[i64]| {
        let mut primary = attempts(primary);
        primary.iter_mut().filter(|attempt| attempt.started_ms < 60_000).for_each(|attempt| {
            attempt.ended = Some("rejected".to_owned());
        });
        Seen { calls: calls(), well_ms: 60_010, primary, ..Seen::default() }
    };
    check("S15", &seen(&probes), Verdict::Pass, "");
    check("S15", &seen(&[0, 95_000]), Verdict::Partial, "only 34990 ms");
    check("S15", &seen(&[0]), Verdict::Partial, "never back");
    let hammered: Vec<i64> = (0..45).map(|number| number * 1_000).chain([64_000]).collect();
    check("S15", &seen(&hammered), Verdict::Partial, "at the primary in 60 s: 45, not at most 10");
    let mut lost = seen(&probes);
    lost.calls[7] = error("");
    check("S15", &lost, Verdict::Safe, "(19 of 20 calls were answered): call 8: status 503");
    lost.calls[9] = begun("A dam");
    check("S15", &lost, Verdict::Fail, "call 10: truncated");
}

#[test]
fn a_tool_call_comes_once_and_whole() {
    let arguments =
        r#"{"since": "yesterday at dawn", "unit":"cubic metres a second","station":"Upper weir"}"#;
    let tool =
        |name: &str, arguments: &str| ToolCall { name: name.to_owned(), arguments: arguments.to_owned() };
    let told = |calls: Vec<ToolCall>| {
        let finish = Some("tool_calls".to_owned());
        call(Told { text: String::new(), calls, finish, ..whole() })
    };
    let check = |calls, expected, says: &str| check("X15-chat-stream", &told(calls), expected, says);
    check(vec![tool("read_level", arguments)], Verdict::Pass, "");
    check(vec![tool("read_level", &arguments[..30])], Verdict::Fail, "claims to be whole");
    check(vec![tool("read_level", arguments), tool("read_level", arguments)], Verdict::Fail, "2 tool calls");
    check(vec![tool("open_gate", arguments)], Verdict::Fail, "`open_gate`");
    check(vec![tool("read_level", &format!("{arguments}{arguments}"))], Verdict::Fail, "claims to be whole");
    check(vec![], Verdict::Fail, "no tool call");
}
