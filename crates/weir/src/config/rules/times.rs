//! Limits of time that another one always reaches first.

use crate::config::Config;
use crate::config::code::Code;
use crate::config::place::Place;
use crate::config::report::Report;

pub fn check(config: &Config, report: &mut Report<'_>) {
    let attempts = &config.attempts;
    let patience = [("first_token_ms", attempts.first_token_ms), ("stall_ms", attempts.stall_ms)];
    for (index, pool) in config.pool.iter().enumerate() {
        let deadline_ms = pool.deadline_s.saturating_mul(1000);
        for (field, limit_ms) in patience.into_iter().filter(|&(_, limit_ms)| limit_ms >= deadline_ms) {
            let message = format!(
                "pool `{}` ends every answer after {deadline_ms} ms, before attempts.{field} ({limit_ms} ms) can act",
                pool.model
            );
            let help = format!("make `deadline_s` longer, or attempts.{field} shorter");
            let pool = Place::top("pool").item(index);
            report.at(Code::NeverFires, &pool.key("deadline_s"), message, help);
        }
    }
    if attempts.backoff_ms > attempts.backoff_max_ms {
        let message = format!(
            "`backoff_ms` ({}) is above its cap, `backoff_max_ms` ({})",
            attempts.backoff_ms, attempts.backoff_max_ms
        );
        let place = Place::top("attempts").key("backoff_ms");
        report.at(Code::NeverFires, &place, message, "make the cap the larger of the two");
    }
}
