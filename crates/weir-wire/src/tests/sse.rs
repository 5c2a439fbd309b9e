//! Events: any cut of the same bytes gives the same events.

use bytes::Bytes;
use proptest::prelude::*;

use crate::sse::{Splitter, events};

fn datas(blocks: &[Bytes]) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let read = |block: &Bytes| {
        events(block)
            .map(|event| (text(&block[event.name.clone()]), text(&block[event.data.clone()])))
            .collect::<Vec<_>>()
    };
    blocks.iter().flat_map(read).collect()
}

fn split(bytes: &[u8], cuts: &[usize]) -> Vec<Bytes> {
    let mut splitter = Splitter::default();
    let mut from = 0;
    let mut blocks = Vec::new();
    for &to in cuts.iter().chain([&bytes.len()]) {
        blocks.push(splitter.push(Bytes::copy_from_slice(&bytes[from..to])).unwrap());
        from = to;
    }
    blocks
}

#[test]
fn reads_comments_names_and_data() {
    let check = |bytes: &str, expected: &[(&str, &str)]| {
        let expected: Vec<_> =
            expected.iter().map(|&(name, data)| (name.to_owned(), data.to_owned())).collect();
        assert_eq!(datas(&split(bytes.as_bytes(), &[])), expected, "{bytes:?}");
    };
    check("data: a\n\n", &[("", "a")]);
    check("data:a\n\ndata: b\n\n", &[("", "a"), ("", "b")]);
    check("event: ping\r\ndata: {}\r\n\r\n", &[("ping", "{}")]);
    check("\n\n: keep-alive\n\ndata: a\n\n", &[("", ""), ("", "a")]);
    check("data: a\ndata: b\n\n", &[("", "a\ndata: b")]);
    check("data: unfinished\n", &[]);
}

#[test]
fn a_read_that_ends_at_a_border_is_not_copied() {
    let read = Bytes::from_static(b"data: a\n\ndata: b\n\n");
    let block = Splitter::default().push(read.clone()).unwrap();
    assert_eq!(block.as_ptr(), read.as_ptr());
    assert_eq!(block.len(), read.len());
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_events(
        lines in prop::collection::vec(prop::sample::select(vec![
            "data: {\"a\":1}", "data: 好", "event: x", ": c", "", "", "id: 1", "data:",
        ]), 0..30),
        crlf: bool,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let bytes = lines.iter().map(|line| format!("{line}{end}")).collect::<String>().into_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(datas(&split(&bytes, &cuts)), datas(&split(&bytes, &[])));
    }
}
