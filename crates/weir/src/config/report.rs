//! What has been found wrong so far.
//!
//! What always holds: a value that was already found wrong is not accused a second time by a later rule, and what is
//! told is in the order of the file.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use toml::de::DeTable;

use super::code::Code;
use super::diagnostic::{Diagnostic, Problems, Text};
use super::mask::mask;
use super::place::Place;

/// Collects diagnostics about one text.
pub struct Report<'t> {
    text: &'t str,
    source: Arc<Text>,
    root: DeTable<'t>,
    unsound: HashSet<Place>,
    broken_lines: HashSet<usize>,
    found: Vec<Diagnostic>,
}

impl<'t> Report<'t> {
    /// An empty report.
    pub fn new(name: &str, text: &'t str) -> Self {
        Self {
            text,
            source: Arc::new(Text { name: name.to_owned(), masked: mask(text) }),
            root: DeTable::default(),
            unsound: HashSet::new(),
            broken_lines: HashSet::new(),
            found: Vec::new(),
        }
    }

    /// The file as it was parsed: from it places become bytes.
    pub fn set_root(&mut self, root: DeTable<'t>) {
        self.root = root;
    }

    /// Something is wrong with the syntax at these bytes. Told once a line: the rest of it was read askew.
    pub fn broken(&mut self, span: Option<Range<usize>>, message: String, help: &str) {
        let line = span.as_ref().map_or(0, |span| self.position(span.start).0);
        if self.broken_lines.insert(line) {
            self.push(Code::Syntax, span, message, help.to_owned());
        }
    }

    /// Whether parts of the file could not be read at all.
    pub fn has_broken_syntax(&self) -> bool {
        self.found.iter().any(|diagnostic| diagnostic.code == Code::Syntax)
    }

    /// Something is wrong with the value at `place`; silent if that is known already.
    pub fn at(&mut self, code: Code, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        let known = place.and_outer().any(|place| self.unsound.contains(&place));
        if !known {
            self.push(code, place.span(&self.root), message.into(), help.into());
        }
    }

    /// As [`Self::at`], and what later rules find at `place` is a consequence.
    pub fn unsound(&mut self, code: Code, place: &Place, span: Range<usize>, message: String, help: String) {
        if !self.broken_lines.contains(&self.position(span.start).0) {
            self.push(code, Some(span), message, help);
        }
        self.unsound.insert(place.clone());
    }

    /// What later rules find at `place` is a consequence of what has been told.
    pub fn mark_unsound(&mut self, place: &Place) {
        self.unsound.insert(place.clone());
    }

    /// Whether nothing was found wrong with the value at `place` while reading it.
    pub fn is_sound(&self, place: &Place) -> bool {
        !place.and_outer().any(|place| self.unsound.contains(&place))
    }

    /// The warnings, if there is nothing worse.
    ///
    /// # Errors
    /// Everything that was found, in the order of the file.
    pub fn finish(mut self) -> Result<Vec<Diagnostic>, Problems> {
        self.found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column, diagnostic.code));
        if self.found.iter().all(|diagnostic| diagnostic.code.is_warning()) {
            return Ok(self.found);
        }
        Err(Problems::new(self.found))
    }

    fn push(&mut self, code: Code, span: Option<Range<usize>>, message: String, help: String) {
        let (line, column) = span.as_ref().map_or((0, 0), |span| self.position(span.start));
        let source = self.source.clone();
        self.found.push(Diagnostic { code, message: mask(&message), help, span, line, column, source });
    }

    /// Line and column, both from 1; the column in characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
    }
}
