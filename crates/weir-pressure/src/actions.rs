//! What a level means, as data: stages ask for what they may do, not for the level's number.
//!
//! Each level does what the ones below it do, and more. That requests are paced from L1 on needs no action: whoever waits in
//! line gets the place of an answer that ended, so that calls go out as fast as the service ends them.

use crate::level::Level;

/// What may, and what must be done at a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actions {
    /// A slow first token may be raced by a second endpoint.
    pub hedges: bool,
    /// Callers who allow it get a cheaper answer: known, a little old, shared, or a smaller model's.
    pub degrade: bool,
    /// Repeated attempts have the budget they have while most attempts fail.
    pub retry_ratio_failing: bool,
    /// Those beyond the cursor are turned away when no permit is free.
    pub sheds: bool,
}

impl Level {
    /// What it means.
    pub const fn actions(self) -> Actions {
        const YES: bool = true;
        const NO: bool = false;
        let (hedges, degrade, retry_ratio_failing, sheds) = match self {
            //            hedges degrade retries sheds
            Self::L0 => (YES, NO, NO, NO),
            Self::L1 => (NO, NO, NO, NO),
            Self::L2 => (NO, YES, YES, NO),
            Self::L3 => (NO, YES, YES, YES),
        };
        Actions { hedges, degrade, retry_ratio_failing, sheds }
    }
}
