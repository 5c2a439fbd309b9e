//! The client tests: official SDKs through a real `weir serve`, in front of services that answer, fail and are silent.
//!
//! What always holds: every program started here is stopped when its value goes, whatever happened in between, and
//! what they said is left in `target/clients/logs/`.

mod gateway;
mod http;
mod junit;
mod sdk;
mod suites;
mod world;

use anyhow::Context;

use crate::repository::Repository;
use crate::tally::{Count, Tally};
use suites::Suite;
use world::World;

/// Runs every suite, then the SDK's own tests.
pub fn run(repository: &Repository, tally: &mut Tally) {
    run_in(World::of_every_situation, suites::SITUATIONS, repository, tally);
    run_in(World::at_its_peak, suites::PEAK, repository, tally);
    tally.part("the OpenAI SDK's own tests, direct and through weir", || sdk::run(repository));
}

/// Starts a world, runs suites in it and stops it. A world that does not start is one failure.
fn run_in(
    start: fn(&Repository) -> anyhow::Result<World>,
    suites: &[Suite],
    repository: &Repository,
    tally: &mut Tally,
) {
    let mut world = match start(repository) {
        Ok(world) => world,
        Err(error) => {
            tally.part("services and gateway", || Err::<Count, _>(error).context("they did not start"));
            return;
        }
    };
    for suite in suites {
        tally.part(suite.name, || suite.run(repository, &mut world));
    }
}
