//! Begun answers that are gone on with in the wrong way.

use super::{Fault, Rule};
use crate::reply::Reply;
use crate::scene::{Matter, Scene};
use crate::text::Pieces;

pub(super) const FAULTS: &[Fault] = &[Fault {
    name: "echo_prefix",
    about: "a begun answer is said again from its first word, as some servers do, and then gone on with",
    applies: |scene| begun(scene).is_some(),
    play: echo,
}];

/// The beginning that the caller gave.
fn begun<'a>(scene: &Scene<'a>) -> Option<&'a str> {
    match &scene.matter {
        Matter::Talk(talk) => talk.ask.continues.as_deref(),
        Matter::Document(_) => None,
    }
}

fn echo(_rule: &Rule, scene: &Scene) -> Reply {
    let (said, mut scene) = (begun(scene).unwrap_or_default(), scene.clone());
    if let Matter::Talk(talk) = &mut scene.matter {
        talk.answer.content = Pieces::split(&format!("{said}{}", talk.answer.content.text()));
    }
    scene.reply()
}
