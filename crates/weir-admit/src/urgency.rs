//! How urgent a request is and until when it matters, from what clients send anyway.

use std::time::{Duration, Instant};

use http::HeaderName;
use weir_core::{Kind, Operation, Priority, Rejection, Request, names};

/// Priority and time limits of one request.
pub(crate) struct Urgency {
    pub(crate) priority: Priority,
    pub(crate) begin_by: Instant,
    pub(crate) deadline: Instant,
    /// Whether a lesser answer is better than none to the caller.
    pub(crate) may_degrade: bool,
}

/// Reads a request's urgency. `cap` is the most urgent level its key may ask for, `longest` the pool's own limit.
pub(crate) fn of(request: &Request, cap: Priority, longest: Duration) -> Result<Urgency, Rejection> {
    let priority = priority(request)?.max(cap);
    let asked = match request.header(&names::DEADLINE_MS) {
        None => longest,
        Some(text) => match text.parse() {
            Ok(ms) if ms > 0 => Duration::from_millis(ms).min(longest),
            _ => {
                return Err(bad_header(&names::DEADLINE_MS, text, "a whole number of milliseconds above 0"));
            }
        },
    };
    let patience = sdk_timeout(request).map_or(asked, |timeout| leave_room(timeout).min(asked));
    // An SDK's timeout on a stream runs from byte to byte, not to the end: it only bounds the beginning.
    let deadline = if request.envelope.stream { asked } else { patience };
    let may_degrade = may_degrade(request)?;
    let (begin_by, deadline) = (request.received + patience, request.received + deadline);
    Ok(Urgency { priority, begin_by, deadline, may_degrade })
}

fn may_degrade(request: &Request) -> Result<bool, Rejection> {
    // What only one service can do, no other one can do worse.
    let can = request.operation != Operation::Other && !request.envelope.stateful;
    match request.header(&names::DEGRADE).map(str::trim) {
        None | Some("allow") => Ok(can),
        Some("never") => Ok(false),
        Some(other) => Err(bad_header(&names::DEGRADE, other, "`allow` or `never`")),
    }
}

fn priority(request: &Request) -> Result<Priority, Rejection> {
    if let Some(text) = request.header(&names::PRIORITY) {
        let level = text.trim().parse().ok().and_then(Priority::new);
        return level.ok_or_else(|| bad_header(&names::PRIORITY, text, "a level from 0 (first) to 9 (last)"));
    }
    const SOON: u8 = 2;
    const WHENEVER: u8 = 8;
    let level = match request.envelope.service_tier.as_deref() {
        Some("priority" | "fast") => SOON,
        Some("flex" | "batch") => WHENEVER,
        _ => return Ok(Priority::DEFAULT),
    };
    Ok(Priority::new(level).unwrap_or_default())
}

/// The caller's own timeout, which the official SDKs send by default, in seconds.
fn sdk_timeout(request: &Request) -> Option<Duration> {
    let seconds = request.header(&names::SDK_READ_TIMEOUT).or_else(|| request.header(&names::SDK_TIMEOUT))?;
    let seconds: f64 = seconds.trim().parse().ok()?;
    (seconds > 0.0).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

/// A caller must get its answer before it hangs up: two seconds earlier, or a tenth when it has little time.
fn leave_room(timeout: Duration) -> Duration {
    timeout.mul_f64(0.9).max(timeout.saturating_sub(Duration::from_secs(2)))
}

fn bad_header(name: &HeaderName, value: &str, expected: &str) -> Rejection {
    Rejection::new(Kind::BadRequest, format!("the header `{name}` is `{value}`, which is not {expected}"))
        .at(name.as_str())
}
