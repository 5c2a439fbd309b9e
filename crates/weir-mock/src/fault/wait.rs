//! Answers that come late: waits before the first token, with and without keep-alives.

use std::time::Duration;

use super::{Fault, Rule, always, streams};
use crate::refusal::Refusal;
use crate::reply::{BLANK_LINE, KEEP_ALIVE, Reply, Sever};
use crate::scene::Scene;

const SLOW: Duration = Duration::from_secs(20);
const KEPT_WAITING: Duration = Duration::from_secs(5);
const KEEP_ALIVE_EVERY: Duration = Duration::from_millis(500);

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "slow_first_token",
        about: "the first token comes after `delay_ms` (20000) of silence, then all is well",
        applies: always,
        play: |rule, scene| late(scene, rule.delay.unwrap_or(SLOW), Duration::MAX),
    },
    Fault {
        name: "keepalive_then_tokens",
        about: "keep-alive comments (blank lines if not streamed) each `keep_alive_ms` (500) for `delay_ms` (5000), then the answer",
        applies: always,
        play: |rule, scene| late(scene, rule.delay.unwrap_or(KEPT_WAITING), every(rule)),
    },
    Fault {
        name: "keepalive_then_close",
        about: "keep-alives each `keep_alive_ms` (500) for `delay_ms` (5000), then the connection closes",
        applies: always,
        play: |rule, scene| {
            let mut reply = committed(rule, scene);
            reply.sever(Sever::Fin);
            reply
        },
    },
    Fault {
        name: "blank_lines_then_json",
        about: "not streamed: blank lines each `keep_alive_ms` (500) for `delay_ms` (5000), then the JSON",
        applies: |scene| !streams(scene),
        play: |rule, scene| late(scene, rule.delay.unwrap_or(KEPT_WAITING), every(rule)),
    },
    Fault {
        name: "error_after_committed_200",
        about: "status 200 and keep-alives for `delay_ms` (5000), then an error body (event, if streamed)",
        applies: always,
        play: |rule, scene| {
            let mut reply = committed(rule, scene);
            let refusal = Refusal::of_status(rule.status.unwrap_or(http::StatusCode::SERVICE_UNAVAILABLE));
            reply.send_noise(scene.error_in_band(&refusal, 0));
            reply.ended = crate::log::Ended::Rejected;
            reply
        },
    },
];

fn every(rule: &Rule) -> Duration {
    rule.keep_alive.unwrap_or(KEEP_ALIVE_EVERY)
}

fn late(scene: &Scene, first: Duration, keep_alive: Duration) -> Reply {
    let mut scene = scene.clone();
    scene.pace.first = first;
    scene.pace.keep_alive = keep_alive;
    scene.reply()
}

/// A status line and keep-alives, with no answer after them.
fn committed(rule: &Rule, scene: &Scene) -> Reply {
    let (mut reply, filler) = match scene.streams() {
        true => (Reply::events(), KEEP_ALIVE),
        false => (Reply::json(), BLANK_LINE),
    };
    reply.wait(rule.delay.unwrap_or(KEPT_WAITING), every(rule), filler);
    if reply.sends_nothing() {
        reply.send_noise(filler);
    }
    reply
}
