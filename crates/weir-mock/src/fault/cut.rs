//! Answers that end before their end: by a closed or reset connection, or, worst, in good order.

use http::header::CONTENT_LENGTH;

use super::{Fault, Rule, always, streams};
use crate::dialect::Part;
use crate::log::Ended;
use crate::reply::{Reply, Sever, Step};
use crate::scene::Scene;

const TOKENS: u32 = 20;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "cut_fin_after",
        about: "the connection closes in the middle of the body, after `after_tokens` (20) or `after_bytes` and `delay_ms` of silence",
        applies: always,
        play: |rule, scene| severed(rule, scene, Sever::Fin),
    },
    Fault {
        name: "cut_rst_after",
        about: "the connection is reset in the middle of the body, after `after_tokens` (20) or `after_bytes` and `delay_ms` of silence",
        applies: always,
        play: |rule, scene| severed(rule, scene, Sever::Rst),
    },
    Fault {
        name: "cut_inside_character",
        about: "the connection closes after `after_tokens` (20) and the first byte of the next character that has several",
        applies: always,
        play: |rule, scene| {
            let mut reply = scene.reply();
            reply.keep_into_character(rule.after_tokens.unwrap_or(TOKENS));
            reply.sever(Sever::Fin);
            reply
        },
    },
    Fault {
        name: "h2_rst_stream_after",
        about: "HTTP/2: the stream is reset after `after_tokens` (20) or `after_bytes`; on HTTP/1.1 the connection closes",
        applies: always,
        play: |rule, scene| {
            let mut reply = beginning(rule, scene);
            reply.steps.extend([Step::Flush, Step::Abort]);
            reply
        },
    },
    Fault {
        name: "clean_eof",
        about: "the body ends in good order after `after_tokens` (20): no finish_reason and no [DONE], or half a JSON text",
        applies: always,
        play: |rule, scene| {
            let mut reply = beginning(rule, scene);
            // What is sent of it is all there is.
            reply.headers.remove(CONTENT_LENGTH);
            reply
        },
    },
    Fault {
        name: "no_done",
        about: "streamed: the answer is whole, with its finish_reason, but no [DONE] follows, and the end only after `delay_ms`",
        applies: streams,
        play: |rule, scene| {
            let mut reply = scene.reply();
            reply.steps.retain(|step| !matches!(step, Step::Send(frame) if frame.part == Part::Done));
            reply.steps.extend(rule.delay.map(Step::Wait));
            reply
        },
    },
];

fn severed(rule: &Rule, scene: &Scene, how: Sever) -> Reply {
    let mut reply = beginning(rule, scene);
    reply.steps.extend(rule.delay.map(Step::Wait));
    reply.sever(how);
    reply
}

fn beginning(rule: &Rule, scene: &Scene) -> Reply {
    let mut reply = scene.reply();
    match rule.after_bytes {
        Some(bytes) => reply.keep_bytes(bytes),
        None => reply.keep_tokens(rule.after_tokens.unwrap_or(TOKENS)),
    }
    reply.ended = Ended::Cut;
    reply
}
