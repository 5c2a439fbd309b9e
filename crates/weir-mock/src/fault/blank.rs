//! Status 200 with no answer in it: empty bodies and pages meant for people.

use std::time::Duration;

use super::{Fault, Rule, always};
use crate::log::Ended;
use crate::reply::{Reply, Step};
use crate::scene::Scene;

const BLANK_AFTER: Duration = Duration::from_secs(60);
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head>\n\
    <body><h1>Checking your browser before accessing this service</h1></body></html>\n";

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "blank_200",
        about: "status 200, then after `delay_ms` (60000) a body of one blank line and the end",
        applies: always,
        play: |rule, scene| {
            let mut reply = of_kind(scene);
            reply.steps.push(Step::Wait(rule.delay.unwrap_or(BLANK_AFTER)));
            reply.send_noise(&b"\n"[..]);
            reply
        },
    },
    Fault {
        name: "empty_200",
        about: "status 200 with an empty body, after `delay_ms`",
        applies: always,
        play: |rule, scene| {
            let mut reply = of_kind(scene);
            reply.steps.push(Step::Wait(rule.delay.unwrap_or_default()));
            reply
        },
    },
    Fault {
        name: "html_200",
        about: "status 200 with a page of HTML, or with `body`, as a login or challenge page would be",
        applies: always,
        play: html,
    },
];

fn of_kind(scene: &Scene) -> Reply {
    let reply = if scene.streams() { Reply::events() } else { Reply::json() };
    Reply { ended: Ended::Cut, ..reply }
}

fn html(rule: &Rule, _scene: &Scene) -> Reply {
    let body = rule.body.clone().unwrap_or_else(|| PAGE.to_owned());
    let mut reply = Reply::whole("text/html; charset=utf-8", body);
    if let Some(delay) = rule.delay {
        reply.steps.insert(0, Step::Wait(delay));
    }
    Reply { ended: Ended::Cut, ..reply }
}
