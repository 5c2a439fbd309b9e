//! Answers that stop coming while the connection stays open.

use super::{Fault, Rule, always};
use crate::reply::{BLANK_LINE, KEEP_ALIVE, Reply, Step};
use crate::scene::{Matter, Scene};

const TOKENS: u32 = 20;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "stall_after_tokens",
        about: "after `after_tokens` (20) nothing comes, but for keep-alives each `keep_alive_ms` if given; for `delay_ms` if given, then the rest",
        applies: always,
        play: |rule, scene| stall(rule, scene, rule.after_tokens.unwrap_or(TOKENS)),
    },
    Fault {
        name: "reasoning_stall",
        about: "the model thinks aloud for `after_tokens` (10), then is silent for ever, with keep-alives if `keep_alive_ms`",
        applies: always,
        play: |rule, scene| {
            let mut scene = scene.clone();
            think(&mut scene);
            let thoughts = match &scene.matter {
                Matter::Talk(talk) => talk.answer.reasoning.len(),
                Matter::Document(_) => 0,
            };
            stall(rule, &scene, rule.after_tokens.unwrap_or(10).min(thoughts))
        },
    },
];

fn stall(rule: &Rule, scene: &Scene, tokens: u32) -> Reply {
    let whole = scene.reply();
    let mut reply = whole.clone();
    reply.keep_tokens(tokens);
    let filler = if scene.streams() { KEEP_ALIVE } else { BLANK_LINE };
    match rule.delay {
        None => {
            let keep_alive = rule.keep_alive.map(|period| (period, filler.into()));
            reply.steps.push(Step::Stall(keep_alive));
            reply
        }
        Some(_) if !scene.streams() => whole,
        Some(delay) => {
            let resumed = whole.steps.into_iter().skip(reply.steps.len());
            let period = rule.keep_alive.unwrap_or(std::time::Duration::MAX);
            reply.wait(delay, period, filler);
            reply.steps.extend(resumed);
            reply
        }
    }
}

/// Gives the answer thoughts, whether or not they were asked for.
fn think(scene: &mut Scene) {
    if let Matter::Talk(talk) = &mut scene.matter
        && talk.answer.reasoning.is_empty()
    {
        talk.answer.reasoning = crate::text::thoughts(&talk.ask.model, talk.ask.topic());
    }
}
