//! What drills promise: verdicts on every way to be wrong, answers read as they come, a catalogue that can be
//! run.

#![allow(clippy::disallowed_methods, reason = "the edge of a test: real sockets and their time")]

mod catalogue;
mod direct;
mod hearing;
mod lies;
mod reports;
mod verdicts;

use std::time::{Instant, SystemTime};

use weir_core::Clock;

use crate::case::{Case, cases};

fn clock() -> Clock {
    Clock::new(Instant::now, SystemTime::now)
}

/// The case so named.
#[track_caller]
fn case(id: &str) -> Case {
    cases().into_iter().find(|case| case.id() == id).unwrap_or_else(|| panic!("there is no case {id}"))
}
