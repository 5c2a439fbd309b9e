//! Anthropic messages: blocks made whole, and played.
//!
//! What always holds: one block after the other, each opened, said and closed; usage as it stood at the end, but that the
//! opening says nothing has been written yet.

mod assemble;
mod play;

use weir_core::Operation;

use super::cuts::Cuts;
use super::events::Events;
use super::read::{Member, Said, get, text_of};
use super::{Kept, Player};

pub(super) struct Messages;

/// The track of a block's text, thoughts or input.
const TEXT: usize = 0;
/// The track of what is said about a text: its citations or its signature.
const ABOUT: usize = 1;

/// What only the end says: members of `message_delta`'s delta.
const AT_END: [&str; 4] = ["stop_reason", "stop_sequence", "stop_details", "container"];
/// What only the end says, beside that delta.
const BESIDE_END: &str = "context_management";
/// What of the usage is known before anything is written, and not said again at the end.
const USAGE_AT_START: [&str; 4] = ["cache_creation", "service_tier", "inference_geo", "speed"];

/// What of a block is said in pieces: how it is called, what its deltas are called, and what their text is.
struct Spoken {
    member: &'static str,
    delta: &'static str,
    piece: &'static str,
}

static TEXTS: Spoken = Spoken { member: "text", delta: "text_delta", piece: "text" };
static THOUGHTS: Spoken = Spoken { member: "thinking", delta: "thinking_delta", piece: "thinking" };
static INPUT: Spoken = Spoken { member: "input", delta: "input_json_delta", piece: "partial_json" };

impl Spoken {
    /// Of a block with these members; none of a block of a kind that is said at once. `None` when its kind cannot be read.
    fn of(block: &[Member<'_>]) -> Option<Option<&'static Self>> {
        Some(match text_of(block, "type").filter(|kind| !kind.contains('\\'))? {
            "text" => Some(&TEXTS),
            "thinking" => Some(&THOUGHTS),
            _ if get(block, "input").is_some() => Some(&INPUT),
            _ => None,
        })
    }

    /// Whether it is JSON that is said as text.
    fn is_input(&self) -> bool {
        self.member == INPUT.member
    }
}

impl Player for Messages {
    fn operation(&self) -> Operation {
        Operation::Messages
    }

    fn assemble(&self, said: &[Said<'_>]) -> Option<Kept> {
        assemble::assemble(said)
    }

    fn play(&self, body: &str, cuts: Cuts<'_>, _include_usage: bool) -> Option<Events> {
        play::play(body, cuts)
    }
}
