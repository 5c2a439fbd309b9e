//! How urgent a request is, and in which shares urgencies are drawn.
//!
//! Traces rarely say what was urgent, so a mix stands in: by default 20 % interactive (1), 60 % ordinary (5), 20 %
//! bulk (8). What always holds: a [`Priority`] is 0 to 9, a [`PriorityMix`] has at least one positive weight.

#[cfg(test)]
mod tests;

use std::str::FromStr;

use crate::chance::Chance;

/// 0 (most urgent) to 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

impl Priority {
    /// The least urgent.
    pub const LOWEST: Self = Self(9);

    /// A priority, if `value` is 0 to 9.
    pub fn new(value: u8) -> Option<Self> {
        (value <= Self::LOWEST.0).then_some(Self(value))
    }

    /// The number, 0 to 9.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl FromStr for Priority {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.trim().parse().ok();
        number
            .and_then(Self::new)
            .ok_or_else(|| format!("priority {text:?} is not a number from 0 (most urgent) to 9"))
    }
}

/// Priorities and how often each is drawn. Parses from `1:20,5:60,8:20`; the weights need not add up to 100.
#[derive(Debug, Clone, PartialEq)]
pub struct PriorityMix(Vec<(Priority, u32)>);

impl PriorityMix {
    pub(crate) fn draw(&self, chance: &mut Chance) -> Priority {
        let total: u64 = self.0.iter().map(|&(_, weight)| u64::from(weight)).sum();
        let mut at = (chance.unit() * total as f64) as u64;
        for &(priority, weight) in &self.0 {
            if at < u64::from(weight) {
                return priority;
            }
            at -= u64::from(weight);
        }
        debug_assert!(false, "a draw is below the sum of the weights");
        Priority::LOWEST
    }
}

impl Default for PriorityMix {
    /// 1 at 20 %, 5 at 60 %, 8 at 20 %.
    fn default() -> Self {
        Self(vec![(Priority(1), 20), (Priority(5), 60), (Priority(8), 20)])
    }
}

impl FromStr for PriorityMix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut shares = Vec::new();
        for share in text.split(',') {
            let Some((priority, weight)) = share.split_once(':') else {
                return Err(format!(
                    "share {share:?} has no colon; write priority:weight like 1:20,5:60,8:20"
                ));
            };
            let Ok(weight) = weight.trim().parse() else {
                return Err(format!(
                    "weight {weight:?} is not a whole number; write shares like 1:20,5:60,8:20"
                ));
            };
            shares.push((priority.parse()?, weight));
        }
        if shares.iter().all(|&(_, weight)| weight == 0) {
            return Err(format!("mix {text:?} draws nothing; give at least one priority a positive weight"));
        }
        Ok(Self(shares))
    }
}
