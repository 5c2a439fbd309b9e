//! Request bodies: any bytes, and edits of those that can be read.

use bytes::Bytes;
use weir_core::{Envelope, Operation};
use weir_wire::envelope::{read, read_passing};

use crate::input::Input;

/// What weir sets, or members like it. Each keeps a request readable.
const SETS: [(&str, &str); 8] = [
    ("stream", "true"),
    ("stream_options", r#"{"include_usage":true}"#),
    ("messages", r#"[{"role":"user","content":"\ud83d\ude00\n"}]"#),
    ("prompt", r#""\"}{""#),
    ("max_tokens", "7"),
    ("model", r#""other""#),
    ("add_generation_prompt", "false"),
    ("x", "null"),
];

/// What may be left out of any request.
const LEAVES_OUT: [&str; 4] = ["stream", "stream_options", "max_tokens", "x"];

/// A body is read or refused; what is read lies inside it; edited, it has the members it had, but for the edited ones.
///
/// # Panics
/// One of these does not hold.
pub fn envelope(bytes: &[u8]) {
    let mut input = Input::read(bytes);
    let set = (0..input.number(4)).map(|_| input.pick(&SETS)).collect::<Vec<_>>();
    let left = (0..input.number(3)).map(|_| input.pick(&LEAVES_OUT)).collect::<Vec<_>>();
    let mut edits: Vec<(&str, Option<&[u8]>)> = Vec::new();
    let set = set.iter().map(|&(name, value)| (name, Some(value.as_bytes())));
    for edit in set.chain(left.iter().map(|&name| (name, None))) {
        // Nobody edits a member twice at once.
        if edits.iter().all(|(name, _)| *name != edit.0) {
            edits.push(edit);
        }
    }
    let body = Bytes::from(input.records().join(&b'\n'));
    for operation in Operation::ALL {
        if let Ok((_, envelope)) = read(operation, body.clone()) {
            check(operation, &envelope, &body, &edits);
        }
    }
    if let Ok((_, envelope)) = read_passing(body.clone()) {
        assert_eq!(envelope.edited(&[]), body);
    }
}

fn check(operation: Operation, envelope: &Envelope, body: &Bytes, edits: &[(&str, Option<&[u8]>)]) {
    assert_eq!(envelope.body, body);
    assert_eq!(envelope.edited(&[]).as_ptr(), envelope.body.as_ptr(), "copied without a change");
    let edited = envelope.edited(edits);
    if envelope.members.len() > 1000 {
        return;
    }
    let (_, again) = read(operation, edited.clone()).unwrap_or_else(|rejection| {
        panic!("{edits:?} made {:?} of it: {}", String::from_utf8_lossy(&edited), rejection.message)
    });
    let mut expected = members(envelope);
    for (name, value) in edits {
        let key = format!("\"{name}\"").into_bytes();
        match value {
            None => expected.retain(|(known, _)| *known != key),
            Some(value) => {
                let mut known = expected.iter_mut().filter(|(known, _)| *known == key).peekable();
                if known.peek().is_some() {
                    known.for_each(|member| member.1 = value.to_vec());
                } else {
                    expected.push((key, value.to_vec()));
                }
            }
        }
    }
    assert_eq!(members(&again), expected, "after {edits:?}");
}

/// Keys and values, as written.
fn members(envelope: &Envelope) -> Vec<(Vec<u8>, Vec<u8>)> {
    let part = |range: &std::ops::Range<usize>| envelope.body[range.clone()].to_vec();
    envelope.members.iter().map(|member| (part(&member.key), part(&member.value))).collect()
}
