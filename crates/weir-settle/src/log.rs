//! One log line per request, written at its end. Nothing of the prompt or the answer is ever in it.

use std::time::Duration;

use tracing::info;

use crate::Sink;
use crate::settled::Settled;

pub(crate) struct AccessLog;

impl Sink for AccessLog {
    fn settled(&self, settled: &Settled) {
        let (key, priority) = match &settled.caller {
            Some((key, priority)) => (&**key, Some(priority.level())),
            None => ("-", None),
        };
        info!(
            target: "weir::access",
            id = settled.id.as_str(),
            key,
            priority,
            operation = settled.operation.name(),
            model = &*settled.model,
            stream = settled.stream,
            outcome = settled.outcome.label(),
            status = settled.status,
            endpoint = settled.via.as_ref().map(|via| &*via.endpoint),
            attempts = settled.attempts,
            cache = settled.cache.header(),
            queue_ms = ms(settled.queue),
            first_token_ms = settled.first_token.map(ms),
            total_ms = ms(settled.total),
            prompt_tokens = settled.usage.prompt,
            completion_tokens = settled.usage.completion,
            cost_usd = settled.cost_usd,
            "request"
        );
    }
}

/// Milliseconds to a tenth: what a person compares.
fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e4).round() / 10.0
}
