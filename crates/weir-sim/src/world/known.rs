//! The worlds in which some questions are asked again, so that what is known already can stand in for a call.
//!
//! Otherwise they are worlds in which a service fails: what is made of the repeats there is seen beside weir without its
//! cache, which meets the same.

use super::{Setting, outage_at};
use crate::arrivals::Spell;
use crate::repeats::Repeats;

/// The closed set of questions, and how much more often some are asked than others: the exponent of search queries and of
/// pages in proxies' logs lies about 1 (Breslau and others, 1999, found 0.64 to 0.83 for the latter).
const QUESTIONS: u32 = 200;
const EXPONENT: f64 = 1.0;

/// Three hours, and half an hour of them during which everything is down: late enough that answers have aged.
const HOURS_S: f64 = 3.0 * 3600.0;
const DOWN: Spell = Spell { from_s: 2.0 * 3600.0, until_s: 2.5 * 3600.0 };

/// The same world, where so many ask again.
pub(super) fn repeating(world: Setting, share: f64) -> Setting {
    let life_s = weir_cache::config::Cache::default().ttl_s as f64;
    Setting { repeats: Some(Repeats { share, questions: QUESTIONS, exponent: EXPONENT, life_s }), ..world }
}

/// Hours, and an outage.
pub(super) fn hours(usual: Setting, requests: u32) -> Setting {
    outage_at(usual, DOWN, HOURS_S, requests)
}
