//! Streams: what reaches the caller, what is learned, and that no dead stream passes for a whole one.

use bytes::Bytes;
use proptest::prelude::*;
use weir_core::{Class, Finish, Operation, Usage};

use crate::dialect::format;
use crate::stream::StreamReader;

#[derive(Debug, Default, PartialEq)]
struct Seen {
    text: String,
    progress: bool,
    usage: Option<Usage>,
    finish: Option<Finish>,
    failed: Option<Class>,
}

fn run(operation: Operation, keeps_usage: bool, reads: &[&[u8]]) -> Seen {
    let mut reader = StreamReader::new(format(operation).unwrap(), keeps_usage);
    let mut seen = Seen::default();
    let results = reads.iter().map(|read| Some(Bytes::copy_from_slice(read))).chain([None]);
    for read in results {
        let result = match read {
            Some(read) => reader.push(read),
            None => reader.finish(),
        };
        match result {
            Ok(None) => {}
            Ok(Some(chunk)) => {
                seen.text.push_str(std::str::from_utf8(&chunk.bytes).unwrap());
                seen.progress |= chunk.progress;
                seen.usage = chunk.usage.or(seen.usage);
                seen.finish = chunk.finish.or(seen.finish);
            }
            Err(failure) => {
                seen.failed = Some(failure.class);
                break;
            }
        }
    }
    seen
}

const ROLE: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
const TEXT: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]}\n\n";
const STOP: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"prompt_cache_hit_tokens\":4}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn chat(reads: &[&str]) -> Seen {
    let reads: Vec<_> = reads.iter().map(|read| read.as_bytes()).collect();
    run(Operation::Chat, false, &reads)
}

#[test]
fn the_usage_weir_asked_for_is_learned_and_not_passed_on() {
    let seen = chat(&[ROLE, TEXT, STOP, USAGE, DONE]);
    assert_eq!(seen.text, [ROLE, TEXT, STOP, DONE].concat());
    assert_eq!(seen.usage, Some(Usage { prompt: 9, cached: 4, completion: 2, reasoning: 0 }));
    assert_eq!((seen.finish, seen.failed), (Some(Finish::Whole), None));
    let asked = [ROLE, TEXT, STOP, USAGE, DONE].concat();
    assert_eq!(run(Operation::Chat, true, &[asked.as_bytes()]).text, asked);
}

#[test]
fn keep_alives_and_an_empty_opening_chunk_are_no_progress() {
    let mut reader = StreamReader::new(format(Operation::Chat).unwrap(), false);
    assert!(reader.push(Bytes::from_static(b": keep-alive\n\n\n\n")).unwrap().is_none());
    assert!(!reader.push(Bytes::from_static(ROLE.as_bytes())).unwrap().unwrap().progress);
    assert!(reader.push(Bytes::from_static(TEXT.as_bytes())).unwrap().unwrap().progress);
    let reasoning = "data: {\"choices\":[{\"delta\":{\"content\":null,\"reasoning_content\":\"so\"}}]}\n\n";
    let mut reader = StreamReader::new(format(Operation::Chat).unwrap(), false);
    assert!(reader.push(Bytes::from_static(reasoning.as_bytes())).unwrap().unwrap().progress);
}

#[test]
fn a_dead_stream_is_never_whole() {
    let check =
        |reads: &[&str], expected: Option<Class>| assert_eq!(chat(reads).failed, expected, "{reads:?}");
    check(&[ROLE, TEXT], Some(Class::Truncated));
    check(&[ROLE, TEXT, DONE], Some(Class::Truncated));
    check(&[], Some(Class::Truncated));
    check(&[TEXT, &STOP.replace("stop", "insufficient_system_resource")], Some(Class::Truncated));
    check(&["data: {\"error\":{\"message\":\"full\",\"code\":503}}\n\n"], Some(Class::Overload));
    check(&[TEXT, "data: {\"error\":{\"message\":\"broke\",\"code\":500}}\n\n"], Some(Class::Hard));
    check(&[TEXT, STOP], None);
}

#[test]
fn a_forgotten_closing_mark_is_added_and_a_garbled_event_is_left_out() {
    assert_eq!(chat(&[TEXT, STOP]).text, [TEXT, STOP, DONE].concat());
    assert_eq!(chat(&[TEXT, STOP, "data: [DONE]\n"]).text, [TEXT, STOP, DONE].concat());
    assert_eq!(chat(&[TEXT, "data: {\"choices\":[{\"del\n\n", STOP, DONE]).text, [TEXT, STOP, DONE].concat());
}

#[test]
fn id_and_retry_lines_do_not_reach_chat_callers() {
    let seen = chat(&[
        "retry: 1000\n\nid: 7\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
        STOP,
        DONE,
    ]);
    assert_eq!(seen.text, ["data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", STOP, DONE].concat());
}

#[test]
fn anthropic_streams_report_usage_in_two_parts_and_end_with_message_stop() {
    let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":3,\"output_tokens\":1}}}\n\n\
        event: content_block_start\ndata: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
        event: ping\ndata: {\"type\":\"ping\"}\n\n\
        event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n\
        event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":12}}\n\n\
        event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let seen = run(Operation::Messages, true, &[stream.as_bytes()]);
    assert_eq!(seen.text, stream);
    assert_eq!(seen.usage, Some(Usage { prompt: 8, cached: 3, completion: 12, reasoning: 0 }));
    assert_eq!((seen.finish, seen.failed), (Some(Finish::Whole), None));
    let cut = &stream[..stream.find("event: message_delta").unwrap()];
    assert_eq!(run(Operation::Messages, true, &[cut.as_bytes()]).failed, Some(Class::Truncated));
    let broke = stream.replace("end_turn", "insufficient_system_resource");
    assert_eq!(run(Operation::Messages, true, &[broke.as_bytes()]).failed, Some(Class::Truncated));
    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n";
    assert_eq!(run(Operation::Messages, true, &[error.as_bytes()]).failed, Some(Class::Overload));
}

#[test]
fn tokens_beyond_counting_are_as_many_as_can_be_counted() {
    let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":18446744073709551615,\"cache_read_input_tokens\":3,\"cache_creation_input_tokens\":18446744073709551615}}}\n\n";
    let seen = run(Operation::Messages, true, &[stream.as_bytes()]);
    assert_eq!(seen.usage, Some(Usage { prompt: u64::MAX, cached: 3, completion: 0, reasoning: 0 }));
}

#[test]
fn responses_end_with_a_typed_event() {
    let created = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"status\":\"in_progress\"}}\n\n";
    let delta = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"hi\"}\n\n";
    let done = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}\n\n";
    let whole = [created, delta, done].concat();
    let seen = run(Operation::Responses, true, &[whole.as_bytes()]);
    assert_eq!((seen.text, seen.failed, seen.finish), (whole, None, Some(Finish::Whole)));
    assert_eq!(seen.usage.unwrap().total(), 7);
    assert_eq!(run(Operation::Responses, true, &[delta.as_bytes()]).failed, Some(Class::Truncated));
    let failed = "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"x\"}}}\n\n";
    assert_eq!(run(Operation::Responses, true, &[failed.as_bytes()]).failed, Some(Class::Hard));
}

#[test]
fn whole_bodies_are_answers_or_faults() {
    let check = |operation, body: &str, expected: Result<u64, Class>| {
        let read = format(operation).unwrap().read_whole(body.as_bytes());
        let got =
            read.map(|whole| whole.usage.map_or(0, |usage| usage.total())).map_err(|failure| failure.class);
        assert_eq!(got, expected, "{body}");
    };
    let chat = "{\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}";
    check(Operation::Chat, chat, Ok(3));
    check(Operation::Chat, &chat.replace("stop", "insufficient_system_resource"), Err(Class::Truncated));
    check(Operation::Chat, &chat[..40], Err(Class::Hard));
    check(Operation::Chat, "<html>busy</html>", Err(Class::Hard));
    check(Operation::Chat, "", Err(Class::Hard));
    check(Operation::Chat, "{}", Err(Class::Hard));
    check(
        Operation::Chat,
        "{\"error\":{\"message\":\"busy\",\"type\":\"overloaded_error\"}}",
        Err(Class::Overload),
    );
    // Relays write both spellings at once, nulls and fractions: nothing observed may spoil an answer.
    let both = "{\"prompt_tokens\":5,\"input_tokens\":5,\"completion_tokens\":2.0,\"output_tokens\":0,\"prompt_tokens_details\":null}";
    let relay = format!("{{\"choices\":[{{\"finish_reason\":\"stop\"}}],\"usage\":{both}}}");
    check(Operation::Chat, &relay, Ok(7));
    // Neither does what is no number at all.
    for odd in ["\"5\"", "-5", "true", "[5]", "{\"a\":5}", "1e400"] {
        let usage =
            format!("{{\"prompt_tokens\":{odd},\"completion_tokens\":2,\"prompt_tokens_details\":{odd}}}");
        let answer = format!("{{\"choices\":[{{\"finish_reason\":\"stop\"}}],\"usage\":{usage}}}");
        let read = format(Operation::Chat).unwrap().read_whole(answer.as_bytes());
        assert_eq!(read.unwrap().usage.map(|usage| usage.completion), Some(2), "{odd}");
    }
    check(Operation::Embeddings, "{\"data\":[],\"usage\":{\"prompt_tokens\":4,\"total_tokens\":4}}", Ok(4));
    check(
        Operation::Messages,
        "{\"type\":\"message\",\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}",
        Ok(2),
    );
    check(Operation::CountTokens, "{\"input_tokens\":4}", Ok(0));
    check(Operation::CountTokens, "{}", Err(Class::Hard));
}

proptest! {
    #[test]
    fn any_cut_of_a_stream_reads_the_same(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10)) {
        let stream = [": keep-alive\r\n\r\n", ROLE, TEXT, ": keep-alive\n\n", STOP, USAGE, DONE].concat().into_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut reads = Vec::new();
        let mut from = 0;
        for &to in cuts.iter().chain([&stream.len()]) {
            reads.push(&stream[from..to]);
            from = to;
        }
        prop_assert_eq!(run(Operation::Chat, false, &reads), run(Operation::Chat, false, &[&stream]));
    }

    #[test]
    fn no_bytes_make_it_panic(reads: Vec<Vec<u8>>) {
        let reads: Vec<&[u8]> = reads.iter().map(Vec::as_slice).collect();
        for operation in [Operation::Chat, Operation::Responses, Operation::Messages] {
            let mut reader = StreamReader::new(format(operation).unwrap(), false);
            for read in &reads {
                let _either = reader.push(Bytes::copy_from_slice(read));
            }
            let _either = reader.finish();
        }
    }
}

#[test]
fn a_reader_knows_what_the_service_is_doing() {
    use crate::dialect::Phase;
    let check = |operation, events: &[(&str, Phase)]| {
        let mut reader = StreamReader::new(format(operation).unwrap(), false);
        for (event, expected) in events {
            reader.push(Bytes::from((*event).to_owned())).unwrap();
            assert_eq!(reader.phase(), *expected, "{event}");
        }
    };
    let delta = |delta: &str| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{{delta}}}}}]}}\n\n");
    check(
        Operation::Chat,
        &[
            (ROLE, Phase::Content),
            (&delta("\"content\":null,\"reasoning_content\":\"so\""), Phase::Reasoning),
            (&delta("\"reasoning\": \"so\""), Phase::Reasoning),
            (&delta("\"content\":\"\""), Phase::Reasoning),
            (&delta("\"content\":\"\\\"reasoning_content\\\":\\\"so\\\"\""), Phase::Content),
            (&delta("\"tool_calls\":[{\"index\":0}]"), Phase::Tool),
            (&delta("\"content\":\"a\",\"tool_calls\":null"), Phase::Content),
        ],
    );
    let start = |kind: &str| {
        format!(
            "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"content_block\":{{\"type\":\"{kind}\"}}}}\n\n"
        )
    };
    let text = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{}}\n\n";
    check(
        Operation::Messages,
        &[
            (&start("thinking"), Phase::Reasoning),
            (text, Phase::Reasoning),
            (&start("text"), Phase::Content),
            (&start("tool_use"), Phase::Tool),
        ],
    );
    let named = |name: &str| format!("event: response.{name}\ndata: {{\"type\":\"response.{name}\"}}\n\n");
    check(
        Operation::Responses,
        &[
            (&named("reasoning_summary_text.delta"), Phase::Reasoning),
            (&named("in_progress"), Phase::Reasoning),
            (&named("function_call_arguments.delta"), Phase::Tool),
            (&named("output_text.delta"), Phase::Content),
        ],
    );
}

/// An event that says this text, or how it ended, of a choice; most services name the choice first.
fn of_choice(index: usize, text: Option<&str>, finish: Option<&str>) -> String {
    let delta = text.map_or("{}".to_owned(), |text| format!("{{\"content\":\"{text}\"}}"));
    let finish = finish.map_or("null".to_owned(), |finish| format!("\"{finish}\""));
    format!("data: {{\"choices\":[{{\"index\":{index},\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n")
}

#[test]
fn an_answer_of_several_choices_is_whole_when_each_of_them_is() {
    let check = |wanted: Option<usize>, events: &[String], expected: Result<Finish, Class>| {
        let mut reader = StreamReader::new(format(Operation::Chat).unwrap(), false).expecting(wanted);
        let (mut finish, mut failed) = (None, None);
        for event in events.iter().map(|event| Some(Bytes::from(event.clone()))).chain([None]) {
            let chunk = match event {
                Some(event) => reader.push(event),
                None => reader.finish(),
            };
            match chunk {
                Ok(chunk) => finish = chunk.and_then(|chunk| chunk.finish).or(finish),
                Err(failure) => {
                    failed = Some(failure.class);
                    break;
                }
            }
        }
        assert_eq!(
            failed.map_or(Ok(finish.unwrap_or(Finish::Whole)), Err),
            expected,
            "{wanted:?} {events:?}"
        );
        assert!(failed.is_none() || finish.is_none(), "a finish nobody reached: {events:?}");
    };
    let say = |index, text| of_choice(index, Some(text), None);
    let end = |index, finish| of_choice(index, None, Some(finish));
    let done = || DONE.to_owned();
    for wanted in [None, Some(2)] {
        let both = [say(0, "a"), say(1, "b")];
        let check = |rest: &[String], expected| check(wanted, &[&both, rest].concat(), expected);
        check(&[end(0, "stop"), end(1, "stop"), done()], Ok(Finish::Whole));
        check(&[end(1, "stop"), end(0, "stop")], Ok(Finish::Whole));
        check(&[end(0, "stop"), done()], Err(Class::Truncated));
        check(&[end(1, "stop")], Err(Class::Truncated));
        check(&[end(0, "stop"), end(0, "stop"), done()], Err(Class::Truncated));
        check(&[end(0, "stop"), end(1, "length"), done()], Ok(Finish::Length));
        check(&[end(0, "content_filter"), end(1, "stop")], Ok(Finish::Filtered));
        check(&[end(0, "stop"), end(1, "insufficient_system_resource")], Err(Class::Truncated));
    }
    // Said of a later choice first, of two in one event, and of one whose index comes after its text.
    let two = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}},{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n\n";
    let late = "data: {\"choices\":[{\"delta\":{\"content\":\"b\"},\"index\":1}]}\n\n";
    check(None, &[say(1, "b"), say(0, "a"), end(1, "stop"), done()], Err(Class::Truncated));
    check(None, &[say(0, "a"), two.to_owned(), end(0, "stop"), done()], Err(Class::Truncated));
    check(None, &[say(0, "a"), late.to_owned(), end(0, "stop"), done()], Err(Class::Truncated));
    let both_at_once = "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"},{\"index\":1,\"finish_reason\":\"aborted\"}]}\n\n";
    check(None, &[two.to_owned(), both_at_once.to_owned()], Err(Class::Truncated));
    // A second choice of which nothing came: its service may have made only one, if it says that it is done.
    check(Some(2), &[say(0, "a"), end(0, "stop")], Err(Class::Truncated));
    check(Some(2), &[say(0, "a"), end(0, "stop"), done()], Ok(Finish::Whole));
    check(Some(1), &[say(0, "a"), end(0, "stop")], Ok(Finish::Whole));
    // Absurd indices cost no memory.
    check(None, &[say(usize::MAX, "a"), end(usize::MAX, "stop")], Ok(Finish::Whole));
}

#[test]
fn a_choice_that_broke_off_breaks_the_whole_body() {
    let body =
        "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"},{\"index\":1,\"finish_reason\":\"REASON\"}]}";
    let read = |reason: &str| {
        let read = format(Operation::Chat).unwrap().read_whole(body.replace("REASON", reason).as_bytes());
        read.map(|whole| whole.finish).map_err(|failure| failure.class)
    };
    assert_eq!(read("stop"), Ok(Some(Finish::Whole)));
    assert_eq!(read("length"), Ok(Some(Finish::Length)));
    assert_eq!(read("insufficient_system_resource"), Err(Class::Truncated));
}

#[test]
fn an_event_that_lost_its_text_breaks_the_stream_there() {
    let check = |operation, before: &str, garbled: &str, rest: &str, expected: Option<Class>| {
        let seen = run(operation, true, &[before.as_bytes(), garbled.as_bytes(), rest.as_bytes()]);
        assert_eq!(seen.failed, expected, "{garbled}");
        let text = if expected.is_some() { before.to_owned() } else { [before, rest].concat() };
        assert_eq!(seen.text, text, "{garbled}");
    };
    let lost = Some(Class::Truncated);
    let ends = [STOP, DONE].concat();
    let chat = |data: &str, expected| {
        check(Operation::Chat, TEXT, &format!("data: {data}\n\n"), &ends, expected);
    };
    chat("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\" two\"", lost);
    chat("{\"choices\":[{\"index\":0,\"delta\": {\"content\":\" tw", lost);
    chat("{\"choices\":[{\"index\":0,\"delta\":", lost);
    chat("\"delta\":{\"content\":\" two\"}}]}", lost);
    chat("{\"choices\":[{\"finish_reason\":\"stop\",\"delta\":{\"content\":\" two\"}}],}", lost);
    chat("{\"choices\":[{\"index\":0,\"del", None);
    chat("{not json}", None);
    chat("rubbish", None);
    chat("{\"choices\":[],\"usage\":{\"prompt_tok", None);
    chat("{\"error\":{\"message\":\"\\\"delta\\\":{", None);

    let legacy = "data: {\"choices\":[{\"text\":\"a\",\"index\":0}]}\n\n";
    let end =
        "data: {\"choices\":[{\"text\":\"\",\"index\":0,\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    check(Operation::Completions, legacy, "data: {\"choices\":[{\"text\":\" two\"\n\n", end, lost);
    check(Operation::Completions, legacy, "data: {\"object\":\"text_completion\",\n\n", end, None);
    check(Operation::Completions, legacy, "data: {not json}\n\n", end, None);

    let messages = |garbled: &str, expected| {
        let delta = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n";
        let end = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        check(Operation::Messages, delta, garbled, end, expected);
    };
    messages("event: content_block_delta\ndata: {\"type\":\"content_blo\n\n", lost);
    messages("event: content_block_start\ndata: {\"type\"\n\n", lost);
    messages("data: {\"type\":\"content_block_delta\",\"delta\":{\"te\n\n", lost);
    messages("data: {\"content_block\":{\"type\":\"text\"\n\n", lost);
    messages("event: ping\ndata: {\"type\"\n\n", None);
    messages("data: {\"id\":\"chatcmpl-broken\",\"choices\":[{\"index\":0,\"del\n\n", None);
    messages("event: content_block_delta\n\n", None);

    let responses = |garbled: &str, expected| {
        let delta = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"hi\"}\n\n";
        let end = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\n";
        check(Operation::Responses, delta, garbled, end, expected);
    };
    responses("event: response.output_text.delta\ndata: {\"type\":\"respon\n\n", lost);
    responses("data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\n\n", lost);
    responses("event: response.output_text.done\ndata: {\"type\":\n\n", None);
}

#[test]
fn data_of_several_lines_is_read_as_one() {
    let lines = "data: {\"choices\":[{\"index\":0,\r\ndata:\"delta\":{\"content\":\" two\"},\r\n: a comment\r\ndata: \"finish_reason\":\"stop\"}]}\r\n\r\n";
    let seen = chat(&[TEXT, lines, DONE]);
    assert_eq!((seen.text, seen.failed), ([TEXT, lines, DONE].concat(), None));
    let broken = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" \ndata: two\"}}]}\n\n";
    assert_eq!(chat(&[TEXT, broken, STOP, DONE]).failed, Some(Class::Truncated));
}

#[test]
fn a_whole_body_says_how_it_ended_or_is_no_answer() {
    let check = |operation, body: &str, expected: Result<Option<Finish>, Class>| {
        let read = format(operation).unwrap().read_whole(body.as_bytes());
        let got = read.map(|whole| whole.finish).map_err(|failure| failure.class);
        assert_eq!(got, expected, "{body}");
    };
    let cut = Err(Class::Truncated);
    for operation in [Operation::Chat, Operation::Completions] {
        check(operation, "{\"choices\":[]}", cut);
        check(operation, "{\"choices\":[{\"finish_reason\":null}]}", cut);
        check(operation, "{\"choices\":[{\"message\":{\"content\":\"a\"}}]}", cut);
        check(operation, "{\"choices\":[{\"finish_reason\":\"stop\"},{\"index\":1}]}", cut);
        check(operation, "{\"choices\":[{\"finish_reason\":\"length\"}]}", Ok(Some(Finish::Length)));
    }
    check(Operation::Messages, "{\"type\":\"message\",\"stop_reason\":null}", cut);
    check(Operation::Messages, "{\"type\":\"message\"}", cut);
    check(
        Operation::Messages,
        "{\"type\":\"message\",\"stop_reason\":\"pause_turn\"}",
        Ok(Some(Finish::Whole)),
    );
    let responses = |body: &str, expected| check(Operation::Responses, body, expected);
    responses("{}", Err(Class::Hard));
    responses("{\"status\":null}", Err(Class::Hard));
    responses("{\"status\":\"failed\",\"error\":null}", Err(Class::Hard));
    responses("{\"status\":\"failed\",\"error\":{\"code\":\"rate_limit_exceeded\"}}", Err(Class::Overload));
    responses("{\"status\":\"cancelled\",\"error\":null}", cut);
    responses("{\"status\":\"completed\",\"error\":null}", Ok(Some(Finish::Whole)));
    responses(
        "{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output_tokens\"}}",
        Ok(Some(Finish::Length)),
    );
    responses(
        "{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"content_filter\"}}",
        Ok(Some(Finish::Filtered)),
    );
    // In the background, the answer is still to come, and is asked for by its id.
    responses("{\"status\":\"queued\"}", Ok(None));
    responses("{\"status\":\"in_progress\"}", Ok(None));
    let stopped = "event: response.incomplete\ndata: {\"type\":\"response.incomplete\",\"response\":{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"content_filter\"}}}\n\n";
    assert_eq!(run(Operation::Responses, true, &[stopped.as_bytes()]).finish, Some(Finish::Filtered));
}

#[test]
fn an_error_before_the_first_token_is_the_callers_to_read_when_it_is_the_callers() {
    let check = |operation, event: &str, expected: &str| {
        let mut reader = StreamReader::new(format(operation).unwrap(), true);
        let failure = reader.push(Bytes::from(format!("{event}\n\n"))).unwrap_err();
        assert_eq!(
            (failure.class, failure.reply.unwrap().body),
            (Class::ContentFilter, expected.to_owned().into())
        );
    };
    let error = r#"{"code":"content_filter","message":"no"}"#;
    let (openai, anthropic) =
        (format!("{{\"error\":{error}}}"), format!("{{\"type\":\"error\",\"error\":{error}}}"));
    check(Operation::Chat, &format!("data: {openai}"), &openai);
    check(Operation::Messages, &format!("event: error\ndata: {anthropic}"), &anthropic);
    check(Operation::Responses, &format!("event: error\ndata: {anthropic}"), &openai);
    let flat = r#"{"type":"error","code":"content_filter","message":"no"}"#;
    check(Operation::Responses, &format!("data: {flat}"), &format!("{{\"error\":{flat}}}"));
    let failed =
        format!("{{\"type\":\"response.failed\",\"response\":{{\"status\":\"failed\",\"error\":{error}}}}}");
    check(Operation::Responses, &format!("event: response.failed\ndata: {failed}"), &openai);
}
