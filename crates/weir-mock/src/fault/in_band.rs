//! Trouble inside a stream that has begun with status 200: error events and events that do not parse.

use super::{Fault, Rule, always, streams};
use crate::log::Ended;
use crate::refusal::Refusal;
use crate::reply::{Reply, Step};
use crate::scene::Scene;

const TOKENS: u32 = 20;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "error_event_first",
        about: "status 200 and as first event, or as the whole body, an error of `status` (503), as SGLang does when full",
        applies: always,
        play: |rule, scene| {
            let mut reply = if scene.streams() { Reply::events() } else { Reply::json() };
            if let Some(delay) = rule.delay {
                reply.steps.push(Step::Wait(delay));
            }
            end_with_error(rule, scene, reply)
        },
    },
    Fault {
        name: "error_event_after",
        about: "streamed: after `after_tokens` (20) an error event of `status` (503), and the end",
        applies: streams,
        play: |rule, scene| {
            let mut reply = scene.reply();
            reply.keep_tokens(rule.after_tokens.unwrap_or(TOKENS));
            end_with_error(rule, scene, reply)
        },
    },
    Fault {
        name: "bad_json_event",
        about: "streamed: after `after_tokens` (20) one event that is no JSON (`body`), then the rest of the answer",
        applies: streams,
        play: bad_json,
    },
    Fault {
        name: "garbled_token",
        about: "streamed: the event of the token after `after_tokens` (20) breaks off before its words, or is `body`; then comes the rest of the answer",
        applies: streams,
        play: garbled,
    },
];

fn end_with_error(rule: &Rule, scene: &Scene, mut reply: Reply) -> Reply {
    let refusal = match rule.status {
        Some(status) => Refusal::of_status(status),
        None => Refusal::busy(scene.shape),
    };
    let event = match &rule.body {
        Some(body) => format!("data: {body}\n\n").into(),
        None => scene.error_in_band(&refusal, reply.sends()),
    };
    reply.send_noise(event);
    Reply { ended: Ended::Rejected, ..reply }
}

fn bad_json(rule: &Rule, scene: &Scene) -> Reply {
    let (mut reply, rest) = parted(rule, scene);
    let body = rule.body.as_deref().unwrap_or(r#"{"id":"chatcmpl-broken","choices":[{"index":0,"del"#);
    reply.send_noise(format!("data: {body}\n\n"));
    reply.steps.extend(rest);
    reply
}

/// The first of the rest is a token.
fn garbled(rule: &Rule, scene: &Scene) -> Reply {
    let (mut reply, mut rest) = parted(rule, scene);
    let token = rest.iter_mut().find_map(|step| match step {
        Step::Send(frame) => Some(frame),
        _ => None,
    });
    if let Some(frame) = token {
        frame.bytes = match &rule.body {
            Some(body) => format!("data: {body}\n\n").into(),
            None => [&frame.bytes[..before_words(&frame.bytes)], b"\n\n"].concat().into(),
        };
    }
    reply.steps.extend(rest);
    reply
}

/// The end of what every dialect puts before the words of a token.
fn before_words(event: &[u8]) -> usize {
    let end_of =
        |name: &[u8]| event.windows(name.len()).position(|part| part == name).map(|at| at + name.len());
    end_of(b"\"delta\":").or_else(|| end_of(b"\"text\":")).unwrap_or(event.len() / 2)
}

/// The ordinary reply up to the rule's token, and what follows.
fn parted(rule: &Rule, scene: &Scene) -> (Reply, Vec<Step>) {
    let mut reply = scene.reply();
    let mut beginning = reply.clone();
    beginning.keep_tokens(rule.after_tokens.unwrap_or(TOKENS));
    let rest = reply.steps.split_off(beginning.steps.len());
    (reply, rest)
}
