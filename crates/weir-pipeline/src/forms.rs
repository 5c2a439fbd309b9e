//! The forms of kept answers, as the dialects have them.

use bytes::Bytes;
use weir_cache::{Entry, Forms};
use weir_core::{Operation, Usage};
use weir_wire::replay::{self, Kept};

/// How kept answers are brought from one form into the other.
pub const fn forms() -> Forms {
    Forms { assemble, question: weir_wire::question::last_words, said, play }
}

fn assemble(operation: Operation, stream: &Bytes, untold: Option<Usage>) -> Option<weir_cache::Kept> {
    let kept = replay::assemble(operation, stream)?;
    let Kept { body, cuts } = match untold {
        Some(usage) => kept.with_usage(operation, usage),
        None => kept,
    };
    Some((body, cuts))
}

fn said(operation: Operation, entry: &Entry) -> Option<String> {
    weir_wire::question::said(operation, &entry.body)
}

fn play(operation: Operation, entry: &Entry, include_usage: bool) -> Option<Bytes> {
    let kept = Kept { body: entry.body.clone(), cuts: entry.cuts.clone() };
    replay::play_at_once(operation, &kept, include_usage)
}
