//! The same pipeline under virtual time: the real stages between modelled applications and modelled
//! services, on tokio's paused clock, with seeded chance. A simulated hour takes seconds, so a rare fault
//! is met a thousand times, and a seed that shows a fault shows it again.
//!
//! What always holds: nothing reads the real clock or real chance, so that the same [`Plan`] gives the same
//! [`Score`] to the byte; every arm of a world meets the same requests at the same moments; an answer is
//! judged by what a service would have said, not by how it looks; at the end of every run everything lent
//! out is back.

mod arrivals;
mod client;
mod clock;
mod crowd;
mod draw;
mod house;
mod parts;
mod patience;
mod render;
mod repeats;
mod run;
mod score;
mod service;
mod speech;
mod tally;
pub mod targets;
mod text;
mod trace;
mod trouble;
mod upstreams;
mod world;

pub use client::PATIENCE;
pub use parts::{Part, Parts};
pub use render::{markdown, table};
pub use run::{Plan, run};
pub use score::{Crowded, Known, Score, Walked};
pub use trace::Recorded;
pub use world::{AVAILABILITY, Arm, World};

#[cfg(test)]
mod tests;
