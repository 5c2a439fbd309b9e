//! One mistake, and many, as people and programs read them.
//!
//! What always holds: the text shown has its secrets masked, and a mistake never comes without a remedy.

use std::fmt;
use std::io::IsTerminal;
use std::ops::Range;
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, Severity};
use miette::{MietteSpanContents, SourceSpan, SpanContents};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::Env;
use super::code::Code;

/// One mistake, or one warning.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Its kind.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// The bytes to point at.
    pub span: Option<Range<usize>>,
    /// Line, from 1; 0 when it is about something that is not in the file.
    pub line: usize,
    /// Column in characters, from 1; 0 likewise.
    pub column: usize,
    /// The text it is about.
    pub source: Arc<Text>,
}

/// A text as it may be shown.
#[derive(Debug)]
pub struct Text {
    /// Its name: a path, say.
    pub name: String,
    /// Its lines, secrets masked.
    pub masked: String,
}

impl Text {
    /// The bytes of the whole line in which `span` begins, without its end.
    fn line(&self, span: Range<usize>) -> Range<usize> {
        let before = span.start.min(self.masked.len());
        let start =
            self.masked.as_bytes()[..before].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let rest = &self.masked.as_bytes()[start..];
        start..start + rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
    }
}

/// How diagnostics are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// With colour and box drawing; else as compilers write to a log.
    pub colour: bool,
    /// Columns.
    pub width: usize,
}

impl Style {
    /// For logs, pipes and tests.
    pub const PLAIN: Self = Self { colour: false, width: 100 };

    /// What suits standard error: colour only on a terminal, and never where `NO_COLOR` asks for none.
    pub fn of_stderr(env: Env<'_>) -> Self {
        let refused = env("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env("TERM").is_some_and(|term| term == "dumb");
        Self { colour: std::io::stderr().is_terminal() && !refused && !dumb, ..Self::PLAIN }
    }
}

impl Diagnostic {
    /// Shown with the line it is about, a caret below it, and the remedy.
    pub fn render(&self, style: Style) -> String {
        if !style.colour {
            return self.plain();
        }
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode())
            .with_width(style.width)
            .with_links(false)
            .with_primary_span_start();
        let mut out = String::new();
        match handler.render_report(&mut out, &Drawn(self)) {
            Ok(()) => out,
            // A span that miette cannot draw is still worth its message.
            Err(_) => self.plain(),
        }
    }

    /// As compilers say it: the first line is complete in itself, for logs and searches.
    fn plain(&self) -> String {
        let severity = if self.code.is_warning() { "warning" } else { "error" };
        let mut out = format!("{severity}[{}]: {}\n", self.code.name(), self.message);
        if let Some(span) = &self.span {
            let whole = self.source.line(span.clone());
            let line = &self.source.masked[whole.clone()];
            let width = line
                .get(span.start - whole.start..)
                .map_or(1, |rest| rest.char_indices().take_while(|(at, _)| *at < span.len()).count().max(1));
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            let indent = " ".repeat(self.column - 1);
            out.push_str(&format!("{margin}--> {}:{number}:{}\n", self.source.name, self.column));
            out.push_str(&format!("{number} | {}\n", line.trim_end().replace('\t', " ")));
            out.push_str(&format!("{margin} | {indent}{}\n", "^".repeat(width)));
        }
        out + &format!("  help: {}\n", self.help.replace('\n', "\n        "))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, help, line, column, .. } = self;
        match line {
            0 => write!(out, "{}: {message}; {help}", self.code.name()),
            _ => write!(out, "{}:{line}:{column}: {}: {message}; {help}", self.source.name, self.code.name()),
        }
    }
}

impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Diagnostic", 7)?;
        let severity = if self.code.is_warning() { "warning" } else { "error" };
        let place = |number: usize| (number > 0).then_some(number);
        out.serialize_field("code", self.code.name())?;
        out.serialize_field("severity", severity)?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("help", &self.help)?;
        out.serialize_field("file", &self.source.name)?;
        out.serialize_field("line", &place(self.line))?;
        out.serialize_field("column", &place(self.column))?;
        out.end()
    }
}

/// A diagnostic the way miette wants it: its `Display` is the headline only.
#[derive(Debug)]
struct Drawn<'a>(&'a Diagnostic);

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl miette::Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.0.code.name()))
    }

    fn severity(&self) -> Option<Severity> {
        Some(if self.0.code.is_warning() { Severity::Warning } else { Severity::Error })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.0.help))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.0.span.is_some().then_some(self as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.0.span.clone()?;
        // A value over several lines is pointed at where it begins, and the end of a line at its last letter: beyond
        // it miette draws nothing.
        let line = self.0.source.line(span.clone());
        let letters = self.0.source.masked[line.clone()].char_indices();
        let last = letters.last().map_or(line.start, |(at, _)| line.start + at);
        let start = span.start.min(last);
        let end = span.end.min(line.end).max(start);
        Some(Box::new(std::iter::once(LabeledSpan::new(None, start, end - start))))
    }
}

/// One whole line is shown, whatever part of it is pointed at.
impl miette::SourceCode for Drawn<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        _lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = &*self.0.source;
        let line = text.line(span.offset()..span.offset() + span.len());
        let shown = SourceSpan::from(line.clone());
        // Asked without context, miette wants the place for its heading; else the text, which begins with the line.
        let column = if lines_before == 0 { self.0.column - 1 } else { 0 };
        Ok(Box::new(MietteSpanContents::new_named(
            text.name.clone(),
            &text.masked.as_bytes()[line],
            shown,
            self.0.line - 1,
            column,
            1,
        )))
    }
}

/// Everything that is wrong with a config, and what is only doubtful.
#[derive(Debug)]
pub struct Problems(Vec<Diagnostic>);

impl Problems {
    /// In the order they shall be told. At least one is an error.
    pub(super) const fn new(found: Vec<Diagnostic>) -> Self {
        Self(found)
    }

    /// One problem about what could not even be read.
    pub(super) fn without_source(code: Code, message: String, help: &str) -> Self {
        let source = Arc::new(Text { name: String::new(), masked: String::new() });
        Self(vec![Diagnostic { code, message, help: help.into(), span: None, line: 0, column: 0, source }])
    }

    /// How many mistakes, warnings not counted.
    pub fn count(&self) -> usize {
        self.0.iter().filter(|diagnostic| !diagnostic.code.is_warning()).count()
    }

    /// Each of them, warnings included, in the order of the file.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0
    }

    /// All of them drawn, with the count at the end.
    pub fn render(&self, style: Style) -> String {
        let mut out: String = self.0.iter().map(|diagnostic| diagnostic.render(style) + "\n").collect();
        let count = self.count();
        out.push_str(&format!("{count} {} in the config", if count == 1 { "mistake" } else { "mistakes" }));
        out
    }
}

/// Plain; with `{:#}` in colour.
impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.render(Style { colour: out.alternate(), ..Style::PLAIN }))
    }
}

impl std::error::Error for Problems {}
