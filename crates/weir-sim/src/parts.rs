//! Weir's measures, so that each can be left out and its share in a result be read.

use serde::{Serialize, Serializer};

/// One of weir's measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Answers are kept and given again, and calls that ask for the same are shared.
    Cache,
    /// Attempts are repeated, and answers that broke off are taken up.
    Retry,
    /// The second service is there.
    Failover,
    /// A slow first token is raced.
    Hedge,
    /// How many calls a service takes is found; otherwise it is given whatever comes.
    Limits,
    /// Urgent first, fair among callers, waits bounded; otherwise whoever came first goes first.
    Queue,
    /// The levels of pressure rise and fall; otherwise there is none but 0.
    Levels,
}

impl Part {
    /// Every measure, in the order in which a ladder adds them.
    pub const ALL: [Self; 7] =
        [Self::Cache, Self::Retry, Self::Failover, Self::Hedge, Self::Limits, Self::Queue, Self::Levels];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Retry => "retry",
            Self::Failover => "failover",
            Self::Hedge => "hedge",
            Self::Limits => "limits",
            Self::Queue => "queue",
            Self::Levels => "levels",
        }
    }

    /// What it does, in a few words.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Cache => "answers are kept and given again, calls for the same are shared",
            Self::Retry => "attempts are repeated, answers that broke off are taken up",
            Self::Failover => "the second service is there",
            Self::Hedge => "a slow first token is raced",
            Self::Limits => "how many calls a service takes is found",
            Self::Queue => "urgent first, fair among callers, waits bounded",
            Self::Levels => "the levels of pressure rise and fall",
        }
    }
}

/// Some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts([bool; Part::ALL.len()]);

impl Parts {
    /// Weir as it is.
    pub const ALL: Self = Self([true; Part::ALL.len()]);
    /// Weir as nothing but a relay.
    pub const NONE: Self = Self([false; Part::ALL.len()]);

    /// These.
    pub fn of(parts: &[Part]) -> Self {
        Self(Part::ALL.map(|part| parts.contains(&part)))
    }

    /// From the first alone to all, one more at each step. Where nobody repeats a question the first changes nothing, so
    /// that what it does is seen where some do, and not here.
    pub fn ladder() -> impl Iterator<Item = Self> {
        (1..=Part::ALL.len()).map(|count| Self::of(&Part::ALL[..count]))
    }

    /// All of these but one.
    #[must_use]
    pub const fn without(mut self, part: Part) -> Self {
        self.0[part as usize] = false;
        self
    }

    /// Whether a measure is among them.
    pub const fn has(self, part: Part) -> bool {
        self.0[part as usize]
    }

    /// What to call them: `all`, `none`, all but one, the last one added to a ladder (`+ queue`), or a list.
    pub fn name(self) -> String {
        let names: Vec<_> = self.each().map(Part::name).collect();
        match names.split_last() {
            None => "none".to_owned(),
            Some(_) if self == Self::ALL => "all".to_owned(),
            Some((last, [_, ..])) if Self::ladder().any(|step| step == self) => format!("+ {last}"),
            Some(_) => match self.the_only_one_left_out() {
                Some(part) => format!("without {}", part.name()),
                None => names.join(","),
            },
        }
    }

    fn the_only_one_left_out(self) -> Option<Part> {
        let mut left_out = Part::ALL.into_iter().filter(|part| !self.has(*part));
        left_out.next().filter(|_| left_out.next().is_none())
    }

    fn each(self) -> impl Iterator<Item = Part> {
        Part::ALL.into_iter().filter(move |part| self.has(*part))
    }
}

impl Serialize for Parts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.each().map(Part::name))
    }
}
