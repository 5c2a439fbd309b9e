//! Answers of every operation, streamed in any cut and whole.

use bytes::Bytes;
use weir_core::{Class, Finish, Operation, Usage};
use weir_wire::dialect::{self, Format, Phase};
use weir_wire::sse::{Event, events};
use weir_wire::stream::StreamReader;

use crate::input::Input;

/// All that a stream told.
#[derive(Debug, Default, PartialEq)]
struct Told {
    /// The events given out; blank lines between them say nothing and may come or go.
    events: Vec<Vec<u8>>,
    progress: bool,
    parts: u64,
    phase: Phase,
    usage: Option<Usage>,
    finish: Option<Finish>,
    over: bool,
    failed: Option<Class>,
}

/// In every operation, any cut of a stream tells the same; nothing is given out that did not come in, but for the mark
/// that closes; every piece of the answer that came in is given out, or the stream fails at the first that is not; a
/// whole body is read without a panic.
///
/// # Panics
/// One of these does not hold.
pub fn reader(bytes: &[u8]) {
    let input = Input::read(bytes);
    let stream = input.records().join(&b'\n');
    for format in dialect::ALL {
        for keeps_usage in [false, true] {
            let whole = tell(*format, keeps_usage, &[Bytes::copy_from_slice(&stream)]);
            let cut = tell(*format, keeps_usage, &input.reads(&stream));
            assert_eq!(cut, whole, "{:?}: the cut decides what is told", format.operation());
            if keeps_usage {
                continue;
            }
            let single: Vec<Bytes> = stream.iter().map(|&byte| Bytes::copy_from_slice(&[byte])).collect();
            let single = tell(*format, keeps_usage, &single);
            assert_eq!(single, whole, "{:?}: single bytes tell otherwise", format.operation());
        }
        let read = || format.read_whole(&stream).map(|whole| (whole.usage, whole.finish));
        let read = || read().map_err(|failure| (failure.class, failure.message));
        assert_eq!(read(), read());
    }
}

fn tell(format: &'static dyn Format, keeps_usage: bool, reads: &[Bytes]) -> Told {
    let mut reader = StreamReader::new(format, keeps_usage);
    let (mut told, mut given) = (Told::default(), Vec::new());
    for read in reads.iter().map(Some).chain([None]) {
        let was_over = reader.is_over();
        let result = match read {
            Some(read) => reader.push(read.clone()),
            None => reader.finish(),
        };
        let ends_well = read.is_none() && result.is_ok();
        match result {
            Err(failure) => told.failed = Some(failure.class),
            Ok(chunk) => {
                let chunk = chunk.unwrap_or_default();
                assert!(!was_over || chunk.bytes.is_empty(), "something follows the last event");
                given.extend_from_slice(&chunk.bytes);
                told.progress |= chunk.progress;
                told.usage = match (told.usage, chunk.usage) {
                    (Some(known), Some(usage)) => Some(known.merged(usage)),
                    (known, usage) => known.or(usage),
                };
                told.finish = told.finish.or(chunk.finish);
                told.failed = reader.take_failure().map(|failure| failure.class);
            }
        }
        if told.failed.is_some() {
            break;
        }
        assert!(!ends_well || (told.finish.is_some() && reader.is_over()), "a clean end on a dead stream");
    }
    told.events = events(&given).map(|event| given[event.whole].to_vec()).collect();
    (told.parts, told.phase, told.over) = (reader.parts(), reader.phase(), reader.is_over());
    comes_from(&given, &reads.concat(), format.closing());
    if keeps_usage {
        loses_nothing(format.operation(), &given, &reads.concat());
    }
    told
}

/// What an event says: its name and its data.
type Said = (Vec<u8>, Vec<u8>);

fn said(bytes: &[u8]) -> impl Iterator<Item = Said> + '_ {
    let spoken = |event: &Event| event.data_lines > 0 || !event.name.is_empty();
    events(bytes)
        .filter(spoken)
        .map(|event| (bytes[event.name.clone()].to_vec(), event.data_in(bytes).into_owned()))
}

/// No piece of the answer is left out before something that is given: after the one that cannot be read, the stream has
/// failed. Of a stream that ended, the last that is given is its closing mark.
fn loses_nothing(operation: Operation, given: &[u8], came: &[u8]) {
    let pieces: &[&[u8]] = match operation {
        Operation::Chat | Operation::Responses => &[b"\"delta\""],
        Operation::Completions => &[b"\"text\""],
        Operation::Messages => &[b"\"delta\"", b"\"content_block\""],
        Operation::Embeddings | Operation::CountTokens | Operation::Other => return,
    };
    let is_piece =
        |data: &[u8]| pieces.iter().any(|piece| data.windows(piece.len()).any(|window| window == *piece));
    let came = [came, b"\n\n"].concat();
    let mut given = said(given).peekable();
    for event in said(&came) {
        if given.next_if_eq(&event).is_none() && given.peek().is_some() {
            assert!(!is_piece(&event.1), "lost: {:?}", String::from_utf8_lossy(&event.1));
        }
    }
}

/// Every line given out came in, in that order, but for the blank line and the mark at the end.
fn comes_from(given: &[u8], came: &[u8], closing: &[u8]) {
    let lines =
        |bytes: &[u8]| -> Vec<Vec<u8>> { bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect() };
    let came = [came, b"\n\n\n", closing].concat();
    let mut came = lines(&came).into_iter();
    for line in lines(given) {
        assert!(came.any(|one| one == line), "made up: {:?}", String::from_utf8_lossy(&line));
    }
}
