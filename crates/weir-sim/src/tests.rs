//! The worlds are what they say, a run can be repeated, and weir keeps its promises in them.

mod client;
mod crowd;
mod known;
mod models;
mod promises;
mod render;
mod streams;
mod worlds;

use crate::{Arm, Parts, Plan, Recorded, World};

/// A short recording with long pauses and uneven lengths.
static TRACE: [Recorded; 4] = [
    Recorded { at_s: 0.0, prompt_tokens: 374, answer_tokens: 44 },
    Recorded { at_s: 4.3, prompt_tokens: 396, answer_tokens: 109 },
    Recorded { at_s: 5.1, prompt_tokens: 3_100, answer_tokens: 420 },
    Recorded { at_s: 5.2, prompt_tokens: 90, answer_tokens: 16 },
];

/// Weir with all its measures.
const fn weir(world: World, upstreams: usize, seed: u64, requests: u32) -> Plan<'static> {
    Plan { world, upstreams, arm: Arm::Weir, seed, requests, parts: Parts::ALL, repeats: 0.3, trace: &TRACE }
}
