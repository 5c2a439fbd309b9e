//! How urgent a request is: ten priorities, in four classes.

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

/// Priorities that are treated alike under load: they share their part of the room, their bound on a wait, and their
/// turn to be shed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// 0: shed only while there is no place at all.
    Critical,
    /// 1 to 3: a person waits.
    Interactive,
    /// 4 to 6: what says nothing is 5.
    Normal,
    /// 7 to 9: nobody waits; shed first.
    Bulk,
}

impl Urgency {
    /// Every class, the most urgent first: also an index into arrays of as many.
    pub const ALL: [Self; 4] = [Self::Critical, Self::Interactive, Self::Normal, Self::Bulk];

    /// The class of a priority.
    pub const fn of(priority: Priority) -> Self {
        match priority.level() {
            0 => Self::Critical,
            1..=3 => Self::Interactive,
            4..=6 => Self::Normal,
            _ => Self::Bulk,
        }
    }

    /// Its name as the label `class` of metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Interactive => "interactive",
            Self::Normal => "normal",
            Self::Bulk => "bulk",
        }
    }
}
