//! A refusal of the line in words for the caller: what was hit, and what to do about it.

use std::time::Duration;

use weir_core::{Kind, Rejection};

use crate::line::{Bound, Refusal, Why};

const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// The rejection of someone who waited so long.
pub(crate) fn rejection(refusal: Refusal, waited: Duration) -> Rejection {
    let waited = waited.as_secs_f64();
    let retry_after = refusal.wait.unwrap_or_default().clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX);
    let (kind, message) = match refusal.why {
        Why::Full(bound) => (Kind::Overloaded, format!("the queue is full: {}; try again later", hit(bound))),
        Why::PushedOut(bound) => (
            Kind::Overloaded,
            format!(
                "the queue is full: {}, and this request, after {waited:.1} s, was the last of a caller with many \
                 or less urgent requests; send fewer at one time or try again later",
                hit(bound)
            ),
        ),
        Why::TooLate => (
            Kind::Overloaded,
            format!(
                "the wait would be about {:.1} s, longer than this request may wait; try again later or allow it \
                 more time",
                refusal.wait.unwrap_or_default().as_secs_f64()
            ),
        ),
        Why::Timeout => (
            Kind::QueueTimeout,
            format!("no endpoint became free within {waited:.1} s; send fewer requests or wait longer"),
        ),
        Why::Standing => (
            Kind::Overloaded,
            format!(
                "more work has been coming than there is room for, and waits are kept short meanwhile \
                 (queue.standing_wait_ms): no turn within {waited:.1} s; try again later"
            ),
        ),
    };
    Rejection::new(kind, message).after(retry_after)
}

fn hit(bound: Bound) -> String {
    match bound {
        Bound::Waiters(max) => format!("{max} requests are waiting (queue.waiters_max)"),
        Bound::Bytes(max) => format!("{} MiB of requests are waiting (queue.waiting_mib_max)", max >> 20),
        Bound::TenantWaiters(max) => {
            format!("{max} requests of this caller are waiting (queue.tenant_waiters_max)")
        }
        Bound::TenantBytes(max) => {
            format!("{} MiB of this caller's requests are waiting (queue.tenant_waiting_mib_max)", max >> 20)
        }
    }
}
