//! Answers that end in good order but say they are not whole.

use super::Fault;
use crate::answer::Finish;
use crate::reply::Reply;
use crate::scene::{Matter, Scene};

const TOKENS: u32 = 20;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: INSUFFICIENT,
        about: "finish_reason insufficient_system_resource after `after_tokens` (20): generation was interrupted",
        applies: talks,
        play: |rule, scene| insufficient(scene, rule.after_tokens.unwrap_or(TOKENS)),
    },
    Fault {
        name: "content_filter",
        about: "finish_reason content_filter after `after_tokens` (20): an answer, not to be routed around",
        applies: talks,
        play: |rule, scene| ending(scene, rule.after_tokens.unwrap_or(TOKENS), Finish::ContentFilter),
    },
];

/// The fault that the peak profile plays on its own now and then.
pub(crate) const INSUFFICIENT: &str = "insufficient_system_resource";

fn talks(scene: &Scene) -> bool {
    matches!(scene.matter, Matter::Talk(_))
}

/// An answer that the service gives up after `tokens` tokens.
pub(crate) fn insufficient(scene: &Scene, tokens: u32) -> Reply {
    ending(scene, tokens, Finish::InsufficientSystemResource)
}

fn ending(scene: &Scene, tokens: u32, finish: Finish) -> Reply {
    let mut scene = scene.clone();
    if let Matter::Talk(talk) = &mut scene.matter {
        talk.answer.keep(tokens);
        talk.answer.finish = finish;
    }
    scene.reply()
}
