//! How urgent a request is and until when it matters, from what clients send anyway.

use std::time::{Duration, Instant};

use http::HeaderValue;
use weir_core::{Operation, Priority, Rejection, Request, names};

/// Priority and time limits of one request.
pub(crate) struct Terms {
    pub(crate) priority: Priority,
    pub(crate) begin_by: Instant,
    pub(crate) deadline: Instant,
    /// Whether a lesser answer is better than none to the caller.
    pub(crate) may_degrade: bool,
}

/// Reads a request's terms. `cap` is the most urgent level its key may ask for, `longest` the pool's own limit. What is
/// less than was asked for is noted in the trail, from where the caller is told.
pub(crate) fn of(request: &Request, cap: Priority, longest: Duration) -> Result<Terms, Rejection> {
    let asked = priority(request)?;
    let priority = asked.unwrap_or_default().max(cap);
    if asked.is_some_and(|asked| asked < priority) {
        request.trail.priority_capped();
    }
    let asked = deadline(request)?;
    if asked.is_some_and(|asked| asked > longest) {
        request.trail.deadline_capped(longest);
    }
    let asked = asked.unwrap_or(longest).min(longest);
    let patience = sdk_timeout(request).map_or(asked, |timeout| leave_room(timeout).min(asked));
    // An SDK's timeout on a stream runs from byte to byte, not to the end: it only bounds the beginning.
    let deadline = if request.envelope.stream { asked } else { patience };
    let may_degrade = may_degrade(request)?;
    let (begin_by, deadline) = (request.received + patience, request.received + deadline);
    Ok(Terms { priority, begin_by, deadline, may_degrade })
}

fn may_degrade(request: &Request) -> Result<bool, Rejection> {
    // What only one service can do, no other one can do worse.
    let can = request.operation != Operation::Other && !request.envelope.stateful;
    let Some(asked) = request.headers.get(&names::DEGRADE) else { return Ok(can) };
    match text(asked) {
        Some("allow") => Ok(can),
        Some("never") => Ok(false),
        _ => Err(Rejection::bad_header(&names::DEGRADE, asked, "`allow` or `never`")),
    }
}

/// The priority that is asked for, if one is.
fn priority(request: &Request) -> Result<Option<Priority>, Rejection> {
    if let Some(asked) = request.headers.get(&names::PRIORITY) {
        let level = text(asked).and_then(|text| text.parse().ok()).and_then(Priority::new);
        let expected = "a level from 0 (first) to 9 (last)";
        return level.map(Some).ok_or_else(|| Rejection::bad_header(&names::PRIORITY, asked, expected));
    }
    const SOON: u8 = 2;
    const WHENEVER: u8 = 8;
    let level = match request.envelope.service_tier.as_deref() {
        Some("priority" | "fast") => SOON,
        Some("flex" | "batch") => WHENEVER,
        _ => return Ok(None),
    };
    Ok(Priority::new(level))
}

/// The deadline that is asked for, if one is.
fn deadline(request: &Request) -> Result<Option<Duration>, Rejection> {
    /// One day: who writes more has mistaken the unit.
    const MS_MAX: u64 = 86_400_000;
    let Some(asked) = request.headers.get(&names::DEADLINE_MS) else { return Ok(None) };
    match text(asked).and_then(|text| text.parse().ok()) {
        Some(ms @ 1..=MS_MAX) => Ok(Some(Duration::from_millis(ms))),
        _ => {
            let expected = format!("a whole number of milliseconds from 1 to {MS_MAX} (one day)");
            Err(Rejection::bad_header(&names::DEADLINE_MS, asked, &expected))
        }
    }
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

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(str::trim)
}
