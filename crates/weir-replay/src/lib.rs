//! Recorded traffic, sent open loop over real HTTP and measured: the engine behind `weir replay` and `weir demo`.
//!
//! A [`Plan`] (a trace of arrivals, real questions, options) is run against a [`Target`] (a base URL, a key, a
//! client's retry policy) and gives a [`Report`]. What always holds:
//!
//! * **Open loop.** A request leaves at its recorded time whatever became of the earlier ones, so a slow server meets
//!   the load it would meet in life instead of one that politely waits for it.
//! * **No coordinated omission.** Every latency counts from the *scheduled* arrival, not from when the bytes left.
//! * **Seeded.** Bodies, priorities and back-off jitter depend on the seed and the row alone, so two arms of a
//!   comparison see the same requests.
//! * **Cancel-safe.** Dropping the future of [`run`] stops every request; nothing outlives it.

#![allow(
    clippy::disallowed_methods,
    reason = "a load generator is an edge of the process: it measures with the real clock"
)]

mod chance;
mod client;
mod exchange;
mod input;
mod judge;
mod options;
mod plan;
mod policy;
mod priorities;
mod progress;
mod prompts;
mod record;
mod report;
mod run;
mod sse;
mod target;
mod trace;

#[cfg(test)]
mod tests;

pub use input::InputError;
pub use options::{Options, Repeats, Speed};
pub use plan::Plan;
pub use policy::ClientPolicy;
pub use priorities::{Priority, PriorityMix};
pub use progress::{Progress, Snapshot};
pub use prompts::Prompts;
pub use report::{Known, Latencies, PriorityReport, Report};
pub use run::{run, run_with_bar};
pub use target::{Target, TargetError};
pub use trace::{Arrival, Trace};
