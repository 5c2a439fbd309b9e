//! That the counters add up, and what the bar says.

use std::time::Duration;

use super::{Progress, message};
use crate::priorities::Priority;
use crate::record::{How, Outcome, Record};

fn ended(outcome: Outcome, known: Option<How>) -> Record {
    Record { outcome, known, ..Record::not_sent(Duration::ZERO, Priority::LOWEST) }
}

#[test]
fn a_dropped_request_is_no_longer_in_flight() {
    let progress = Progress::new();
    let (first, second) = (progress.send(), progress.send());
    drop(first);
    progress.end(&ended(Outcome::Good, Some(How::Memory)));
    assert_eq!(message(progress.snapshot()), "100.0 % good, 1 in flight");
    drop(second);
    progress.end(&ended(Outcome::Status(503), Some(How::Memory)));
    let now = progress.snapshot();
    assert_eq!((now.sent, now.done, now.good, now.known, now.in_flight), (2, 2, 1, 1, 0));
    assert_eq!(message(now), "50.0 % good, 0 in flight");
}

#[test]
fn the_bar_claims_no_share_before_anything_ended() {
    let progress = Progress::new();
    let _flight = progress.send();
    assert_eq!(message(progress.snapshot()), "1 in flight");
}
