//! Refusals: an error status at once, in the words of the service that was asked.

use http::StatusCode;

use super::{Fault, Rule, always};
use crate::refusal::{Refusal, Shape};
use crate::reply::Reply;
use crate::scene::Scene;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "status",
        about: "any `status` (503), with `body`, `retry_after` or `retry_after_ms`, after `delay_ms`",
        applies: always,
        play: status,
    },
    Fault {
        name: "quota",
        about: "402 Insufficient Balance, or with `status` 429 OpenAI's insufficient_quota: no retry helps",
        applies: always,
        play: |rule, scene| match rule.status {
            Some(StatusCode::TOO_MANY_REQUESTS) => refuse(rule, scene, Refusal::insufficient_quota()),
            _ => refuse(rule, scene, Refusal::insufficient_balance()),
        },
    },
    Fault {
        name: "auth",
        about: "401: the key is not valid",
        applies: always,
        play: |rule, scene| refuse(rule, scene, Refusal::unauthenticated()),
    },
    Fault {
        name: "content_filter_400",
        about: "400 content_filter: the prompt was refused; not to be routed around",
        applies: always,
        play: |rule, scene| {
            let message = "The response was filtered due to the prompt triggering content management policy.";
            refuse(rule, scene, Refusal::invalid_with_code("content_filter", message))
        },
    },
    Fault {
        name: "context_length",
        about: "400 context_length_exceeded: another model may have room",
        applies: always,
        play: |rule, scene| {
            let message = "This model's maximum context length is 4096 tokens. Please reduce the length of the messages.";
            refuse(rule, scene, Refusal::invalid_with_code("context_length_exceeded", message))
        },
    },
    Fault {
        name: "invalid_prefill",
        about: "400 for conversations that end with the assistant; all others are answered",
        applies: |scene| scene.ends_with_assistant(),
        play: |rule, scene| {
            let message = "This model does not support assistant message prefill. The conversation must end with a user message.";
            let code =
                if scene.shape == Shape::Anthropic { "invalid_request_error" } else { "invalid_prefill" };
            refuse(rule, scene, Refusal::invalid_with_code(code, message))
        },
    },
];

fn status(rule: &Rule, scene: &Scene) -> Reply {
    let refusal = match rule.status {
        Some(status) => Refusal::of_status(status),
        None => Refusal::busy(scene.shape),
    };
    refuse(rule, scene, refusal)
}

fn refuse(rule: &Rule, scene: &Scene, refusal: Refusal) -> Reply {
    let refusal =
        Refusal { retry_after: rule.retry_after.clone(), retry_after_ms: rule.retry_after_ms, ..refusal };
    let mut reply = Reply::refusal(&refusal, scene.shape, &scene.stamp.id, rule.body.as_deref());
    if let Some(delay) = rule.delay {
        reply.steps.insert(0, crate::reply::Step::Wait(delay));
    }
    reply
}
