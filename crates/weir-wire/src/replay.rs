//! One kept answer, given as a stream or as a plain body, whichever is asked for: what a cache of answers needs.
//!
//! [`assemble`] makes of a stream the plain body that the service would have given, and remembers where its texts were
//! cut; [`play`] makes a stream of it again. What always holds: whoever reads the played stream ends up with what the
//! kept stream said, byte for byte in texts and as written in numbers, and sees the same kinds of events in the same
//! order, pings aside; what cannot be kept so is not kept. Better an answer asked for twice than a wrong one given twice.

mod choices;
mod cuts;
mod events;
mod messages;
mod read;
mod responses;

use bytes::Bytes;
use weir_core::{Operation, Usage};

use self::cuts::Cuts;
use self::events::Events;
use self::read::{List, Said};
use crate::dialect::{Format, format};
use crate::stream::StreamReader;

/// The longest stream or body looked at. Longer answers than any model writes, and as much as one event may have.
pub const BYTES_MAX: usize = 16 << 20;

/// Every player. Operations that have none have no stream, or none that is understood.
const ALL: &[&dyn Player] = &[&choices::CHAT, &choices::LEGACY, &messages::Messages, &responses::Responses];

/// An answer as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The plain body.
    pub body: Bytes,
    /// Where its texts were cut into events, in a form of this module's own; a tenth of the body as a rule. Empty for an
    /// answer that came plain: its texts are then cut between words.
    pub cuts: Bytes,
}

impl Kept {
    /// An answer that came as a plain body.
    pub const fn plain(body: Bytes) -> Self {
        Self { body, cuts: Bytes::new() }
    }

    /// The same for a chat or legacy completion whose stream went to its caller without the report of tokens that weir had
    /// asked for: a plain answer has one. The other dialects always report.
    #[must_use]
    pub fn with_usage(mut self, operation: Operation, usage: Usage) -> Self {
        let told = serde_json::json!({
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "total_tokens": usage.total(),
            "prompt_tokens_details": { "cached_tokens": usage.cached },
            "completion_tokens_details": { "reasoning_tokens": usage.reasoning },
        })
        .to_string();
        let body = std::str::from_utf8(&self.body).ok().and_then(read::members);
        if let (Operation::Chat | Operation::Completions, Some(mut members)) = (operation, body) {
            // In the place of a `null`, if there is one.
            read::set(&mut members, "usage", &told);
            let mut list = List::object();
            members.iter().for_each(|(name, value)| list.member(name, &[value]));
            self.body = list.close().into();
        }
        self
    }
}

/// How the answers of one operation are made plain, and streams again.
trait Player: Sync {
    fn operation(&self) -> Operation;

    /// Makes a whole stream plain.
    fn assemble(&self, said: &[Said<'_>]) -> Option<Kept>;

    /// Makes a stream of a plain body that its format can read.
    fn play(&self, body: &str, cuts: Cuts<'_>, include_usage: bool) -> Option<Events>;
}

/// Makes of a whole stream, its closing mark included, the plain answer. It should be the stream as the service gave
/// it, with the usage that weir asked for: a plain answer has usage, whether or not the caller of the stream wanted it.
///
/// `None` when it is not whole or not readable, or says something that has no place in a plain answer or would not come
/// out of [`play`] the same.
pub fn assemble(operation: Operation, stream: &[u8]) -> Option<Kept> {
    let (player, format) = (player(operation)?, format(operation)?);
    if stream.len() > BYTES_MAX || !is_whole(format, stream) {
        return None;
    }
    let kept = player.assemble(&read::said(stream)?)?;
    format.read_whole(&kept.body).ok()?.finish.map(|_| kept)
}

/// The stream of a kept answer, one `Bytes` an event. `include_usage` as the caller of a chat or legacy completion asked
/// for it; the other dialects always report usage.
///
/// `None` when it cannot be played faithfully: the body is no finished answer, or holds what no stream can say; the cuts
/// are of another body; usage is wanted, and there is none.
pub fn play(operation: Operation, kept: &Kept, include_usage: bool) -> Option<Vec<Bytes>> {
    played(operation, kept, include_usage).map(Events::finish)
}

/// The same in one piece, for who does not pace them: the events are not copied together again.
pub fn play_at_once(operation: Operation, kept: &Kept, include_usage: bool) -> Option<Bytes> {
    played(operation, kept, include_usage).map(Events::into_bytes)
}

fn played(operation: Operation, kept: &Kept, include_usage: bool) -> Option<Events> {
    let player = player(operation)?;
    if kept.body.len() > BYTES_MAX {
        return None;
    }
    format(operation)?.read_whole(&kept.body).ok()?.finish?;
    let body = std::str::from_utf8(&kept.body).ok()?;
    player.play(body, Cuts::read(&kept.cuts), include_usage)
}

fn player(operation: Operation) -> Option<&'static dyn Player> {
    ALL.iter().copied().find(|player| player.operation() == operation)
}

/// Whether whoever relays the stream takes it for whole, with nothing added.
fn is_whole(format: &'static dyn Format, stream: &[u8]) -> bool {
    let mut reader = StreamReader::new(format, true);
    let read = reader.push(Bytes::copy_from_slice(stream)).is_ok() && reader.take_failure().is_none();
    read && reader.finish().is_ok()
}
