//! Which events come out of which bytes, and that cutting the bytes anywhere changes nothing.

use proptest::prelude::*;

use super::{EVENT_BYTES_MAX, Splitter, TooLarge};

type Events = Vec<(String, String)>;

fn events_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Events {
    let mut splitter = Splitter::default();
    let mut events = Events::new();
    for piece in pieces {
        splitter
            .push(piece, |event| {
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                events.push((text(event.name), text(event.data)));
            })
            .unwrap();
    }
    events
}

#[track_caller]
fn check(stream: &str, expected: &[(&str, &str)]) {
    let expected: Events = expected.iter().map(|&(name, data)| (name.to_owned(), data.to_owned())).collect();
    assert_eq!(events_of([stream.as_bytes()]), expected, "whole: {stream:?}");
    assert_eq!(events_of(stream.as_bytes().chunks(1)), expected, "byte by byte: {stream:?}");
}

#[test]
fn data_lines_are_joined_and_one_space_is_dropped() {
    check("data: a\n\ndata:b\n\ndata:  c\n\n", &[("", "a"), ("", "b"), ("", " c")]);
    check("data: a\ndata: b\n\n", &[("", "a\nb")]);
    check("data\n\n", &[("", "")]);
}

#[test]
fn lines_end_in_lf_cr_or_crlf() {
    check("data: a\r\n\r\ndata: b\r\rdata: c\n\n", &[("", "a"), ("", "b"), ("", "c")]);
    check("data: a\r\n\rdata: b\n\r\n", &[("", "a"), ("", "b")]);
}

#[test]
fn comments_blank_lines_and_unknown_fields_are_no_events() {
    check(": keep-alive\n\n\n\n:\n\nid: 7\nretry: 5\n\nevent: ping\n\n", &[]);
    check(": keep-alive\ndata: a\n: more\n\n", &[("", "a")]);
}

#[test]
fn a_name_belongs_to_one_event() {
    check("event: error\ndata: a\n\ndata: b\n\n", &[("error", "a"), ("", "b")]);
}

#[test]
fn what_has_no_blank_line_behind_it_is_no_event() {
    check("data: a\n\ndata: [DONE]\n", &[("", "a")]);
    check("data: a\n\ndata: [DO", &[("", "a")]);
}

#[test]
fn an_event_beyond_the_limit_is_refused_whether_it_comes_as_one_line_or_many() {
    let push_all = |piece: &[u8]| {
        let mut splitter = Splitter::default();
        (0..=EVENT_BYTES_MAX / piece.len()).try_for_each(|_| splitter.push(piece, |_| {}))
    };
    assert_eq!(push_all(&[b'a'; 4096]), Err(TooLarge));
    let lines = [b"data: ".as_slice(), &[b'a'; 4096], b"\n"].concat();
    assert_eq!(push_all(&lines), Err(TooLarge));
    assert_eq!(push_all(b"data: short\n\n"), Ok(()));
}

proptest! {
    #[test]
    fn any_cutting_gives_the_same_events(
        stream in "(data: ?[ab]{0,3}|event: x|: c|[ab:]{0,2}|data|(\r\n|\n|\r)){0,24}",
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let bytes = stream.as_bytes();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
        prop_assert_eq!(events_of(pieces), events_of([bytes]));
    }
}
