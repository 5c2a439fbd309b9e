//! What is said of a drill: for people, for programs, for build servers; and the catalogue of all drills.
//!
//! The JSON is a promise (docs/drill.md): fields are added, never renamed or given another meaning.

mod junit;
mod table;

use serde::{Serialize, Serializer};

use crate::case::Case;
use crate::judge::Verdict;
use crate::upstream::Trouble;

pub use table::{catalogue_markdown, catalogue_text};

/// What one case came to.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The case: `S08`, `X01-chat-stream`.
    pub id: String,
    /// What it is about.
    pub title: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// How long it took in all, in milliseconds: the call before the fault and the one after it included.
    pub ms: u64,
    /// How long the slowest call took, in milliseconds; null if none was made.
    pub call_ms: Option<u64>,
    /// When the slowest answer began, in milliseconds since it was asked for; null if none did.
    pub first_ms: Option<u64>,
    /// Attempts the primary saw after the fault was set.
    pub primary: usize,
    /// Attempts the fallback saw after the fault was set.
    pub fallback: usize,
}

impl Report {
    /// A case that could not be begun, because the gateway does not answer though all is well.
    pub fn untried(case: &Case, trouble: &Trouble) -> Self {
        Self {
            id: case.id(),
            title: case.scenario.title,
            verdict: Verdict::Fail,
            reason: trouble.to_string(),
            ms: 0,
            call_ms: None,
            first_ms: None,
            primary: 0,
            fallback: 0,
        }
    }
}

/// A whole drill, in the order of the catalogue.
#[derive(Clone, Debug, Default)]
pub struct Drill {
    /// One for each case.
    pub reports: Vec<Report>,
}

impl Drill {
    /// How many cases passed.
    pub fn passed(&self) -> usize {
        self.count(Verdict::Pass)
    }

    /// Whether all did.
    pub fn all_passed(&self) -> bool {
        self.passed() == self.reports.len()
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.reports.iter().filter(|report| report.verdict == verdict).count()
    }

    /// As a table for people.
    pub fn text(&self) -> String {
        table::text(self)
    }

    /// As JUnit's XML, for build servers.
    pub fn junit(&self) -> String {
        junit::xml(self)
    }
}

impl Serialize for Drill {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            passed: usize,
            total: usize,
            scenarios: &'a [Report],
        }
        Written { passed: self.passed(), total: self.reports.len(), scenarios: &self.reports }
            .serialize(serializer)
    }
}
