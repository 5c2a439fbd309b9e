//! The timestamps of the Azure traces: `2023-11-16 18:15:46.6805900`, in 2024 with `+00:00` behind.
//!
//! Only differences between rows matter, so this reads UTC and nothing else; a date library would bring time zones
//! and formats that no trace uses. What always holds: a time that does not exist (the 30th of February) is refused.

use std::time::Duration;

const SECONDS_PER_DAY: u64 = 86_400;

/// Time since 1970, or nothing if `text` is not such a timestamp.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let text = text.strip_suffix("+00:00").or_else(|| text.strip_suffix('Z')).unwrap_or(text);
    let (date, time) = text.split_once([' ', 'T'])?;
    let [year, month, day] = numbers(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':')?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_since_1970(year, month, day)?;
    let seconds = days * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second;
    Some(Duration::from_secs(seconds) + fraction_of_second(fraction)?)
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let mut parts = text.split(separator).map(digits);
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

/// At most four digits: enough for a year, and nothing computed from them can overflow.
fn digits(text: &str) -> Option<u64> {
    let plain = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Up to nine digits after the point; the Azure traces write seven.
fn fraction_of_second(text: &str) -> Option<Duration> {
    let plain = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain {
        return None;
    }
    format!("{text:0<9}").parse().ok().map(Duration::from_nanos)
}

fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    if !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let leap_days_before = |year: u64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let whole_years = (year - 1970) * 365 + leap_days_before(year) - leap_days_before(1970);
    let whole_months: u64 = (1..month).map(|month| days_in_month(year, month)).sum();
    Some(whole_years + whole_months + day - 1)
}

fn days_in_month(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
