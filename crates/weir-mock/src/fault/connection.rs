//! Connections that end, or go silent, before any byte of an answer.

use super::{Fault, Rule, always};
use crate::reply::{Reply, Sever, Step};
use crate::scene::Scene;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "reset",
        about: "the connection is reset (TCP RST) before any byte, after `delay_ms`",
        applies: always,
        play: |rule, _| nothing_but(rule, Step::Sever(Sever::Rst)),
    },
    Fault {
        name: "close",
        about: "the connection is closed (TCP FIN) before any byte, after `delay_ms`",
        applies: always,
        play: |rule, _| nothing_but(rule, Step::Sever(Sever::Fin)),
    },
    Fault {
        name: "silence",
        about: "the request is read and nothing ever comes back",
        applies: always,
        play: |rule, _| nothing_but(rule, Step::Stall(None)),
    },
    Fault {
        name: "h2_rst_stream",
        about: "HTTP/2: this stream is reset, the connection lives; on HTTP/1.1 the connection closes",
        applies: always,
        play: |rule, _| nothing_but(rule, Step::Abort),
    },
    Fault {
        name: "h2_goaway",
        about: "HTTP/2: GOAWAY, then the connection closes under all its streams; on HTTP/1.1 it closes",
        applies: always,
        play: |rule, scene| match rule.after_tokens {
            None => nothing_but(rule, Step::Sever(Sever::Goaway)),
            Some(tokens) => {
                let mut reply = scene.reply();
                reply.keep_tokens(tokens);
                reply.sever(Sever::Goaway);
                reply
            }
        },
    },
    Fault {
        name: "h2_goaway_graceful",
        about: "HTTP/2: GOAWAY, before the answer or after `after_tokens`; what is under way is answered to its end, and no \
                new stream is; on HTTP/1.1 the connection closes after the answer",
        applies: always,
        play: retiring,
    },
];

/// The ordinary reply, with the connection retired before what follows `after_tokens`.
fn retiring(rule: &Rule, scene: &Scene) -> Reply {
    let mut reply = scene.reply();
    let mut beginning = reply.clone();
    beginning.keep_tokens(rule.after_tokens.unwrap_or(0));
    let streamed = scene.streams() && rule.after_tokens.is_some();
    let at = if streamed { beginning.steps.len() } else { 0 };
    reply.steps.insert(at, Step::Retire);
    reply
}

fn nothing_but(rule: &Rule, step: Step) -> Reply {
    let mut reply = Reply::nothing_but(step);
    if let Some(delay) = rule.delay {
        reply.steps.insert(0, Step::Wait(delay));
    }
    reply
}
