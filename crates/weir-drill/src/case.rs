//! Cases: a scenario asked in one way. A scenario that is asked in one way only is its own case.

use std::time::Duration;

use crate::scenario::{Scenario, Way};
use crate::scenarios::ALL;

/// One verdict's worth of drill.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What goes wrong.
    pub scenario: &'static Scenario,
    /// How it is asked.
    pub way: Way,
}

impl Case {
    /// Such as `S08`, or `X01-chat-stream` where there are several ways.
    pub fn id(&self) -> String {
        match self.scenario.ways.len() {
            1 => self.scenario.id.to_owned(),
            _ => format!("{}-{}", self.scenario.id, self.way.name()),
        }
    }

    /// The longest that its calls may take.
    pub fn longest(&self) -> Duration {
        self.scenario.every * self.scenario.calls + self.scenario.limit
    }
}

/// Every case, in the order of the catalogue.
pub fn cases() -> Vec<Case> {
    let ways = |scenario: &'static Scenario| scenario.ways.iter().map(move |&way| Case { scenario, way });
    ALL.iter().flat_map(ways).collect()
}

/// A name that is no case's and no scenario's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no drill is named {0:?}: `weir drill faults --list` names them all")]
pub struct UnknownCase(String);

/// The cases so named, each by its own id or by its scenario's; all of them when no name is given.
///
/// # Errors
/// A name is nobody's.
pub fn select(names: &[String]) -> Result<Vec<Case>, UnknownCase> {
    let is = |case: &Case, name: &String| {
        name.eq_ignore_ascii_case(case.scenario.id) || name.eq_ignore_ascii_case(&case.id())
    };
    let mut cases = cases();
    if let Some(unknown) = names.iter().find(|name| !cases.iter().any(|case| is(case, name))) {
        return Err(UnknownCase(unknown.clone()));
    }
    cases.retain(|case| names.is_empty() || names.iter().any(|name| is(case, name)));
    Ok(cases)
}
