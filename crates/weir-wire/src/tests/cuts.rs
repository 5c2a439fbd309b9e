//! Streams of every operation, cut in every way: what is read never depends on where the network cut it.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;
use weir_core::{Class, Finish, Operation, Usage};

use crate::dialect::{Phase, format};
use crate::sse::{Event, events};
use crate::stream::StreamReader;

/// Lines of every kind a service was seen to send, and some that none should. An empty one ends an event.
const LINES: &[&[u8]] = &[
    b"",
    b": keep-alive",
    b"id: 7",
    b"retry: 1000",
    b"event: ping",
    b"data: {\"type\":\"ping\"}",
    b"data: rubbish",
    b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}",
    b"data:",
    b"data {}",
    b"\0",
    b"data: [DONE]",
    // Chat and completions.
    b"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}",
    "data: {\"choices\":[{\"delta\":{\"content\":\"好\"}}]}".as_bytes(),
    b"data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"so\"}}]}",
    b"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}",
    b"data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":null}]}",
    b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}",
    b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"insufficient_system_resource\"}]}",
    b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}",
    b"data: {\"error\":{\"message\":\"full\",\"code\":503}}",
    // Messages.
    b"event: content_block_delta",
    b"data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}",
    b"data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"thinking\"}}",
    b"data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\"}}",
    b"data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}",
    b"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3}}",
    b"data: {\"type\":\"message_stop\"}",
    b"data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}",
    // Responses.
    b"event: response.output_text.delta",
    b"data: {\"type\":\"response.created\",\"response\":{\"status\":\"in_progress\"}}",
    b"data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}",
    b"data: {\"type\":\"response.reasoning_text.delta\",\"delta\":\"a\"}",
    b"data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"usage\":{\"input_tokens\":3}}}",
    b"data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"x\"}}}",
];

/// All that a stream told.
#[derive(Debug, Default, PartialEq)]
struct Told {
    /// The events given out; blank lines between them say nothing and may come or go.
    events: Vec<String>,
    progress: bool,
    parts: u64,
    phase: Phase,
    usage: Option<Usage>,
    finish: Option<Finish>,
    over: bool,
    failed: Option<Class>,
}

fn tell(operation: Operation, keeps_usage: bool, reads: &[&[u8]]) -> Told {
    let mut reader = StreamReader::new(format(operation).unwrap(), keeps_usage);
    let (mut told, mut bytes) = (Told::default(), Vec::new());
    for read in reads.iter().copied().map(Some).chain([None]) {
        let result = match read {
            Some(read) => reader.push(Bytes::copy_from_slice(read)),
            None => reader.finish(),
        };
        let failure = match result {
            Err(failure) => Some(failure),
            Ok(chunk) => {
                let chunk = chunk.unwrap_or_default();
                bytes.extend_from_slice(&chunk.bytes);
                told.progress |= chunk.progress;
                told.usage = match (told.usage, chunk.usage) {
                    (Some(known), Some(usage)) => Some(known.merged(usage)),
                    (known, usage) => known.or(usage),
                };
                told.finish = told.finish.or(chunk.finish);
                reader.take_failure()
            }
        };
        if let Some(failure) = failure {
            told.failed = Some(failure.class);
            break;
        }
    }
    let event = |event: Event| String::from_utf8_lossy(&bytes[event.whole]).into_owned();
    told.events = events(&bytes).map(event).collect();
    (told.parts, told.phase, told.over) = (reader.parts(), reader.phase(), reader.is_over());
    told
}

fn cut<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let ends = cuts.iter().copied().chain([bytes.len()]);
    ends.scan(0, |from, to| Some(&bytes[std::mem::replace(from, to)..to])).collect()
}

/// Lines into bytes; most are followed by the blank line that makes an event of them.
fn stream(lines: &[(Index, bool)], crlf: bool) -> Vec<u8> {
    let end: &[u8] = if crlf { b"\r\n" } else { b"\n" };
    let mut bytes = Vec::new();
    for (line, closed) in lines {
        bytes.extend_from_slice(LINES[line.index(LINES.len())]);
        bytes.extend_from_slice(end);
        if *closed {
            bytes.extend_from_slice(end);
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_cut_of_any_stream_is_read_the_same(
        lines in prop::collection::vec((any::<Index>(), prop::bool::weighted(0.8)), 0..14),
        crlf: bool,
        keeps_usage: bool,
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        let bytes = stream(&lines, crlf);
        for operation in Operation::ALL.into_iter().filter(|operation| format(*operation).is_some()) {
            let expected = tell(operation, keeps_usage, &[&bytes]);
            prop_assert_eq!(&tell(operation, keeps_usage, &cut(&bytes, &cuts)), &expected, "{:?}", operation);
            let byte_by_byte: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&tell(operation, keeps_usage, &byte_by_byte), &expected, "{:?}", operation);
        }
    }
}

#[test]
fn what_was_said_before_a_failure_is_given_out_however_it_was_cut() {
    let word = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    let error = "data: {\"error\":{\"message\":\"full\",\"code\":503}}\n\n";
    let both = [word, error].concat();
    for reads in [vec![both.as_bytes()], vec![word.as_bytes(), error.as_bytes()]] {
        let told = tell(Operation::Chat, false, &reads);
        assert_eq!((told.events, told.failed), (vec![word.to_owned()], Some(Class::Overload)));
    }
}
