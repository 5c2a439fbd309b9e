//! Load against the machine alone: a service that takes `ROOM` requests of about a second each, and traffic in excess.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use weir_core::Chance;
use weir_testkit::at;

use super::world::{World, ask};
use crate::config;

const ROOM: usize = 20;
const SECONDS: u64 = 600;

/// Requests of one kind.
struct Flow {
    tenant: u8,
    level: u8,
    per_second: f64,
}

/// What became of a flow.
#[derive(Debug, Default, Clone)]
struct Fate {
    served: usize,
    lost: usize,
    answered_ms: Vec<u64>,
}

impl Fate {
    fn p99_ms(&mut self) -> u64 {
        self.answered_ms.sort_unstable();
        self.answered_ms[self.answered_ms.len() * 99 / 100]
    }
}

/// Lets the flows come for ten minutes. Nobody waits longer than a minute.
fn run(flows: &[Flow], config: &config::Queue) -> Vec<Fate> {
    run_using(flows, config, None)
}

/// The same, each answer taking so many tokens, of a hundred that were foreseen.
fn run_using(flows: &[Flow], config: &config::Queue, used: Option<f64>) -> Vec<Fate> {
    let chance = Chance::seeded(7);
    let mut world = World::new(ROOM, config);
    let mut fates = vec![Fate::default(); flows.len()];
    let mut owners = std::collections::HashMap::new();
    let mut ends = BinaryHeap::new();
    let mut next: Vec<f64> = flows.iter().map(|flow| -(1.0 - chance.unit()).ln() / flow.per_second).collect();
    let end_ms = SECONDS * 1000;
    while world.now_ms < end_ms {
        let (first, coming) = next.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        let coming_ms = (coming * 1000.0) as u64;
        let ending = ends.peek().map(|Reverse((end, _))| *end);
        world.served.clear();
        world.left.clear();
        if let Some(end) = ending.filter(|end| *end <= coming_ms) {
            let Some(Reverse((_, id))) = ends.pop() else { break };
            world.now_ms = end;
            world.give_back(id, used);
        } else {
            world.now_ms = coming_ms;
            next[first] += -(1.0 - chance.unit()).ln() / flows[first].per_second;
            let mut ask = ask(flows[first].tenant, flows[first].level, coming_ms);
            ask.begin_by = at(coming_ms + 60_000);
            match world.come(ask) {
                Ok(id) => {
                    owners.insert(id, (first, coming_ms));
                }
                Err(_) => fates[first].lost += 1,
            }
        }
        for (id, _) in &world.left {
            fates[owners[id].0].lost += 1;
        }
        for id in &world.served {
            let (flow, came_ms) = owners[id];
            fates[flow].served += 1;
            let takes_ms = 500 + (chance.unit() * 1000.0) as u64;
            fates[flow].answered_ms.push(world.now_ms - came_ms + takes_ms);
            ends.push(Reverse((world.now_ms + takes_ms, *id)));
        }
    }
    fates
}

#[test]
fn urgent_requests_hardly_notice_a_flood_of_bulk_work() {
    let urgent = || Flow { tenant: 1, level: 1, per_second: 6.0 };
    let bulk = Flow { tenant: 2, level: 8, per_second: 60.0 };
    let config = config::Queue::default();
    let alone = run(&[urgent()], &config)[0].p99_ms();
    let [urgent, bulk] = &mut run(&[urgent(), bulk], &config)[..] else { panic!("two flows") };
    assert!(urgent.p99_ms() * 10 <= alone * 12 && urgent.lost == 0, "{} after {alone}", urgent.p99_ms());
    // What the urgent do not need, less what is kept free for their peaks.
    assert!(bulk.served > 8 * SECONDS as usize, "{} of the bulk work was served", bulk.served);
}

#[test]
fn quiet_tenants_hardly_notice_a_noisy_one() {
    let quiet = || (0..9).map(|tenant| Flow { tenant, level: 5, per_second: 1.0 });
    let noisy = Flow { tenant: 100, level: 5, per_second: 40.0 };
    let config = config::Queue::default();
    let alone = run(&quiet().collect::<Vec<_>>(), &config);
    let both = run(&quiet().chain([noisy]).collect::<Vec<_>>(), &config);
    for (mut alone, mut both) in alone.into_iter().zip(both) {
        assert!(both.p99_ms() * 10 <= alone.p99_ms() * 13, "{} after {}", both.p99_ms(), alone.p99_ms());
        assert_eq!(both.lost, 0);
    }
}

/// Answers take a tenth of what was foreseen, and that is known only at their end.
#[test]
fn quiet_tenants_pay_for_what_they_use_and_not_for_what_was_foreseen() {
    let quiet = || (0..9).map(|tenant| Flow { tenant, level: 5, per_second: 1.0 });
    let noisy = Flow { tenant: 100, level: 5, per_second: 40.0 };
    let config = config::Queue::default();
    let alone = run_using(&quiet().collect::<Vec<_>>(), &config, Some(10.0));
    let both = run_using(&quiet().chain([noisy]).collect::<Vec<_>>(), &config, Some(10.0));
    for (mut alone, mut both) in alone.into_iter().zip(both) {
        assert!(both.p99_ms() * 10 <= alone.p99_ms() * 13, "{} after {}", both.p99_ms(), alone.p99_ms());
        assert_eq!(both.lost, 0);
    }
}
