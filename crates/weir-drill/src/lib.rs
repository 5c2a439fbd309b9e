//! Drills: a gateway is put in front of two services that misbehave on command, and judged by what its caller
//! sees.
//!
//! Only the gateway's public API is used, so any gateway can be drilled; the services are two `weir mock`s,
//! driven over their control API. Both sides are checked: what the caller was told, and what the services
//! were asked.
//!
//! How it goes: a `Scenario` says what goes wrong and what is right; a `Case` is one way of asking in it;
//! `run` acts it out; `told` reads what the caller heard; `judge`, a pure function, gives the verdict;
//! `report` says it. A new drill is one file in `scenarios/` and one line in its `ALL`. Nothing of weir's own
//! parsing is shared on purpose: a judge that used the code it judges would share its mistakes.

mod case;
mod events;
mod exchange;
mod judge;
mod question;
mod report;
mod run;
mod scenario;
mod scenarios;
mod told;
mod upstream;

pub use case::{Case, UnknownCase, cases, select};
pub use judge::{Verdict, judge};
pub use report::{Drill, Report, catalogue_markdown, catalogue_text};
pub use run::{Stage, run};
pub use scenario::Scenario;
pub use upstream::{Trouble, Upstream};

#[cfg(test)]
mod tests;
