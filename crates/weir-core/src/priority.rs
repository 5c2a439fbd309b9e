//! How urgent a request is.

/// Urgency from 0 (first) to 9 (last).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

impl Priority {
    /// The most urgent.
    pub const FIRST: Self = Self(0);
    /// What a request has that says nothing.
    pub const DEFAULT: Self = Self(5);
    /// The least urgent.
    pub const LAST: Self = Self(9);
    /// How many levels there are.
    pub const LEVELS: usize = 10;

    /// The level as a priority; `None` above 9.
    pub const fn new(level: u8) -> Option<Self> {
        if level <= Self::LAST.0 { Some(Self(level)) } else { None }
    }

    /// The level, 0–9: also an index into arrays of [`Self::LEVELS`].
    pub const fn level(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::DEFAULT
    }
}
