//! Faults: the ways an answer goes wrong that real services have shown.
//!
//! One file a family, one line each in [`FAMILIES`]. A fault is a plain function from a rule and the scene to a
//! reply, so it can be read on its own, and adding one touches nothing else.

use crate::reply::Reply;
use crate::scene::Scene;

mod blank;
mod connection;
mod cut;
mod echo;
pub(crate) mod finish;
mod in_band;
mod injector;
mod plan;
mod refuse;
mod stall;
mod wait;

pub(crate) use injector::{Facts, Injector};
pub use plan::{FaultPlan, PlanError, Rule, When};

/// Every family of faults.
pub(crate) const FAMILIES: &[&[Fault]] = &[
    refuse::FAULTS,
    connection::FAULTS,
    wait::FAULTS,
    blank::FAULTS,
    stall::FAULTS,
    cut::FAULTS,
    in_band::FAULTS,
    finish::FAULTS,
    echo::FAULTS,
];

/// One way to go wrong.
pub(crate) struct Fault {
    /// Its name in plans and in the log.
    pub name: &'static str,
    /// What the caller sees, in one line.
    pub about: &'static str,
    /// Whether it makes sense for this request; a rule skips requests for which it does not.
    pub applies: fn(&Scene) -> bool,
    /// What is sent instead of the ordinary reply.
    pub play: fn(&Rule, &Scene) -> Reply,
}

/// Every fault's name and what the caller sees, in the order of the families.
pub fn fault_catalogue() -> impl Iterator<Item = (&'static str, &'static str)> {
    FAMILIES.iter().flat_map(|family| family.iter()).map(|fault| (fault.name, fault.about))
}

pub(crate) fn find(name: &str) -> Option<&'static Fault> {
    FAMILIES.iter().flat_map(|family| family.iter()).find(|fault| fault.name == name)
}

fn always(_scene: &Scene) -> bool {
    true
}

fn streams(scene: &Scene) -> bool {
    scene.streams()
}

#[cfg(test)]
mod tests;
