//! Where a value stands: a path through the file, and from it the bytes to point at.
//!
//! Rules speak of places, not of bytes, so that they can be written over the plain config.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// A path through the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    Key(String),
    Item(usize),
}

impl Place {
    /// The file as a whole.
    pub const ROOT: Self = Self(Vec::new());

    /// A table, or a list of tables, at the top of the file.
    pub fn top(name: &str) -> Self {
        Self::ROOT.key(name)
    }

    /// A key of the table at this place.
    pub fn key(&self, name: &str) -> Self {
        self.then(Step::Key(name.to_owned()))
    }

    /// An item of the list at this place, counted from 0.
    pub fn item(&self, index: usize) -> Self {
        self.then(Step::Item(index))
    }

    fn then(&self, step: Step) -> Self {
        let mut path = self.0.clone();
        path.push(step);
        Self(path)
    }

    /// This place and every one that it lies in, inmost first.
    pub fn and_outer(&self) -> impl Iterator<Item = Self> {
        (1..=self.0.len()).rev().map(|length| Self(self.0[..length].to_vec()))
    }

    /// The bytes of the value here, or of the inmost table or list around it that the file has.
    pub fn span(&self, root: &DeTable<'_>) -> Option<Range<usize>> {
        let mut steps = self.0.iter();
        let Some(Step::Key(first)) = steps.next() else { return None };
        let mut value = root.get(first.as_str())?;
        for step in steps {
            let inner = match (value.get_ref(), step) {
                (DeValue::Table(table), Step::Key(name)) => table.get(name.as_str()),
                (DeValue::Array(array), Step::Item(index)) => array.get(*index),
                _ => None,
            };
            let Some(inner) = inner else { break };
            value = inner;
        }
        Some(value.span())
    }
}
