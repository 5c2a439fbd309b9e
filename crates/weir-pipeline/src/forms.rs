//! The forms of kept answers, as the dialects have them.

use std::io::Write;

use bytes::Bytes;
use weir_cache::{Entry, Forms};
use weir_core::{Operation, Usage};
use weir_wire::replay::{self, Kept};

/// How kept answers are brought from one form into the other.
pub const fn forms() -> Forms {
    Forms { assemble, play }
}

fn assemble(operation: Operation, stream: &Bytes, usage: Option<Usage>) -> Option<weir_cache::Kept> {
    let Kept { body, cuts } = replay::assemble(operation, stream)?;
    match (operation, usage) {
        (Operation::Chat | Operation::Completions, Some(usage)) => Some((with_usage(&body, usage)?, cuts)),
        _ => Some((body, cuts)),
    }
}

fn play(operation: Operation, entry: &Entry, include_usage: bool) -> Option<Bytes> {
    let kept = Kept { body: entry.body.clone(), cuts: entry.cuts.clone() };
    Some(replay::play(operation, &kept, include_usage)?.concat().into())
}

/// A plain answer with a report of tokens, which its stream had for weir alone: whoever asks for no stream gets one.
fn with_usage(body: &[u8], usage: Usage) -> Option<Bytes> {
    let mut told = body.strip_suffix(b"}")?.to_vec();
    let Usage { prompt, cached, completion, reasoning } = usage;
    write!(
        told,
        ",\"usage\":{{\"prompt_tokens\":{prompt},\"completion_tokens\":{completion},\"total_tokens\":{},\
         \"prompt_tokens_details\":{{\"cached_tokens\":{cached}}},\
         \"completion_tokens_details\":{{\"reasoning_tokens\":{reasoning}}}}}}}",
        usage.total()
    )
    .ok()?;
    Some(told.into())
}
