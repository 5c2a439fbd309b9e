//! A conversation's home: the endpoint that has its prompt in memory, which is worth thirty to fifty times
//! the price of a prompt token (DeepSeek's prices for a cache hit and a miss), and the time to read it.
//!
//! Rendezvous hashing (Thaler, Ravishankar 1998): each conversation ranks the endpoints in an order of its
//! own, made of its hash and their names. So it stays where it is when another endpoint comes or goes, in any
//! order of the config and after a restart, and it returns to its home after a failover, one conversation
//! after the other. Load is bounded (Mirrokni, Thorup, Zadimoghaddam: "Consistent hashing with bounded
//! loads", 2018): a home with a quarter more calls than the mean is passed over.

use std::sync::Arc;
use std::time::Instant;

use weir_core::Chance;

use crate::pick::{Field, step};
use crate::{Ask, Endpoint, Route};

/// The most calls in flight at a home, as a multiple of the mean.
const LOAD_FACTOR: f64 = 1.25;
/// What it is worth to find the prompt in memory, as a wait in seconds.
const MISS_S: f64 = 3.0;

/// The first in the conversation's order that is not overloaded and not much slower than the fastest; `None`
/// if all are.
///
/// The wait is compared, not the cost: that counts the calls in flight, which the bound on the load has
/// judged already.
pub(crate) fn home<'r>(
    route: &'r Route,
    ask: &Ask<'_>,
    field: &Field<'_>,
    session: u64,
    now: Instant,
) -> Option<&'r Arc<Endpoint>> {
    let load_max = load_max(field.in_flight, field.size);
    let wait_max_s = field.wait_min_s + MISS_S;
    let mut best: Option<(u64, &Arc<Endpoint>)> = None;
    let mut first = 0;
    for (tier, endpoint) in route.speakers(ask.pool, ask.dialect) {
        if tier != field.tier {
            continue;
        }
        let score = score(session, endpoint.name_hash());
        first = first.max(score);
        if best.is_some_and(|(better, _)| better >= score) {
            continue;
        }
        let look = endpoint.look(now);
        let fits = look.has_room && step(ask, endpoint, look.standing) == Some(field.step);
        let returns = returns_at(session) < look.share;
        if fits && returns && look.in_flight <= load_max && look.wait_s <= wait_max_s {
            best = Some((score, endpoint));
        }
    }
    route.metrics.session(best.is_some_and(|(score, _)| score == first));
    best.map(|(_, endpoint)| endpoint)
}

/// The most calls in flight that an endpoint may have to be a home, given those of `endpoints` together.
fn load_max(in_flight: usize, endpoints: usize) -> usize {
    let mean = in_flight as f64 / endpoints as f64;
    (LOAD_FACTOR * (mean + 1.0)).ceil() as usize
}

/// The hash of what names a conversation or an endpoint, the same on every machine and in every version: FNV-1a, with a byte
/// between the parts that is in no text.
pub fn hash(parts: &[&[u8]]) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            hash = step(hash, 0xff);
        }
        hash = part.iter().copied().fold(hash, step);
    }
    hash
}

/// An endpoint's place in a conversation's order; the highest is first.
fn score(session: u64, name: u64) -> u64 {
    Chance::mixed(session ^ name.rotate_left(32))
}

/// The share of its traffic with which an endpoint that starts slowly gets this conversation back, from 0 to
/// 1.
fn returns_at(session: u64) -> f64 {
    Chance::mixed(session) as f64 / u64::MAX as f64
}
