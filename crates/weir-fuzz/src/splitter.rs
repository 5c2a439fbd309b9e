//! Events, cut in any way.

use bytes::Bytes;
use weir_wire::sse::{Event, Splitter, events};

use crate::input::Input;

/// What an event says: all its bytes, its name, its data, and the two counts.
type Read = (Vec<u8>, Vec<u8>, Vec<u8>, bool, usize);

/// Any cut of the bytes gives the same events; nothing is lost; blocks end at event borders.
///
/// # Panics
/// One of these does not hold.
pub fn splitter(bytes: &[u8]) {
    let input = Input::read(bytes);
    let stream = input.records().join(&b'\n');
    let whole = split(&[Bytes::copy_from_slice(&stream)]);
    let cut = split(&input.reads(&stream));
    let single: Vec<Bytes> = stream.iter().map(|&byte| Bytes::copy_from_slice(&[byte])).collect();
    assert_eq!(cut, whole, "the cut decides what is read");
    assert_eq!(split(&single), whole, "single bytes are read otherwise");
    // Whatever is not a block must be read without a panic, too.
    read(&stream);
}

/// The events, and what is left over.
fn split(reads: &[Bytes]) -> (Vec<Read>, Bytes) {
    let mut splitter = Splitter::default();
    let (mut found, mut given) = (Vec::new(), Vec::new());
    for bytes in reads {
        let block = splitter.push(bytes.clone()).expect("no input is as long as the longest event");
        let closed = block.is_empty()
            || matches!(block[..], [b'\n'] | [b'\r', b'\n'] | [.., b'\n', b'\n'])
            || block.ends_with(b"\n\r\n");
        assert!(closed, "the block ends inside an event: {block:?}");
        given.extend_from_slice(&block);
        found.extend(read(&block));
    }
    let rest = splitter.finish();
    given.extend_from_slice(&rest);
    assert_eq!(given, reads.concat(), "bytes were lost or made up");
    (found, rest)
}

fn read(block: &[u8]) -> Vec<Read> {
    let mut end = 0;
    let mut one = |event: Event| {
        let Event { whole, name, data, has_id_or_retry, data_lines } = event;
        assert!(end <= whole.start && whole.start < whole.end, "events overlap");
        assert!(block[end..whole.start].iter().all(u8::is_ascii_whitespace), "something was skipped");
        for part in [&name, &data] {
            let within = whole.start <= part.start && part.end <= whole.end;
            assert!(part.is_empty() || within, "a part lies outside of its event");
        }
        end = whole.end;
        let bytes = |part: std::ops::Range<usize>| block[part].to_vec();
        (bytes(whole), bytes(name), bytes(data), has_id_or_retry, data_lines)
    };
    events(block).map(&mut one).collect()
}
