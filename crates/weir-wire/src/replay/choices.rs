//! Chat completions and legacy completions: chunks of choices made plain, and played.
//!
//! What always holds: of a choice come first its role, then its pieces, then how it ended; the choices of one answer come
//! one after the other, then usage, then `[DONE]`.

mod assemble;
mod message;
mod play;

use weir_core::Operation;

use super::cuts::Cuts;
use super::events::Events;
use super::read::Said;
use super::{Kept, Player};

/// `POST /v1/chat/completions`.
pub(super) static CHAT: Choices = Choices {
    operation: Operation::Chat,
    shape: Shape { plain: "\"chat.completion\"", chunk: "\"chat.completion.chunk\"", says: Says::Delta },
};
/// `POST /v1/completions`.
pub(super) static LEGACY: Choices = Choices {
    operation: Operation::Completions,
    shape: Shape { plain: "\"text_completion\"", chunk: "\"text_completion\"", says: Says::Text },
};

/// Answers that are choices.
pub(super) struct Choices {
    operation: Operation,
    shape: Shape,
}

/// How the two kinds differ.
#[derive(Clone, Copy)]
struct Shape {
    /// The `object` of a plain answer.
    plain: &'static str,
    /// The `object` of a chunk.
    chunk: &'static str,
    says: Says,
}

/// Where a choice has what it says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    /// In a `delta` or `message`.
    Delta,
    /// In its `text`.
    Text,
}

impl Says {
    const fn in_chunk(self) -> &'static str {
        match self {
            Self::Delta => "delta",
            Self::Text => "text",
        }
    }

    const fn in_plain(self) -> &'static str {
        match self {
            Self::Delta => "message",
            Self::Text => "text",
        }
    }
}

/// The members of a message that are said in pieces.
const TEXTS: [&str; 4] = ["reasoning_content", "reasoning", "content", "refusal"];

impl Player for Choices {
    fn operation(&self) -> Operation {
        self.operation
    }

    fn assemble(&self, said: &[Said<'_>]) -> Option<Kept> {
        assemble::assemble(self.shape, said)
    }

    fn play(&self, body: &str, cuts: Cuts<'_>, include_usage: bool) -> Option<Events> {
        play::play(self.shape, body, cuts, include_usage)
    }
}
