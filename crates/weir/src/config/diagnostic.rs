//! One mistake, and many, as people and programs read them.
//!
//! What always holds: the text shown has its secrets masked, and a mistake never comes without a remedy.

use std::fmt;
use std::io::IsTerminal;
use std::ops::Range;
use std::sync::Arc;

use anstyle::{AnsiColor, Style as Ansi};
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
pub enum Style {
    /// For logs, pipes and tests.
    Plain,
    /// The same with the colours compilers use.
    Colour,
}

impl Style {
    /// What suits standard error: colour only on a terminal, and never where `NO_COLOR` asks for none.
    pub fn of_stderr(env: Env<'_>) -> Self {
        let refused = env("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env("TERM").is_some_and(|term| term == "dumb");
        if std::io::stderr().is_terminal() && !refused && !dumb { Self::Colour } else { Self::Plain }
    }

    /// A text in a colour, or as it is.
    fn paint(self, ansi: Ansi, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("{ansi}{text}{ansi:#}"),
        }
    }
}

const ERROR: Ansi = AnsiColor::BrightRed.on_default().bold();
const WARNING: Ansi = AnsiColor::BrightYellow.on_default().bold();
const MARGIN: Ansi = AnsiColor::BrightBlue.on_default();
const STRONG: Ansi = Ansi::new().bold();
const HELP: Ansi = AnsiColor::BrightCyan.on_default();

impl Diagnostic {
    /// As compilers say it: the headline complete in itself for logs and searches, the line it is about with a caret
    /// below it, and the remedy.
    pub fn render(&self, style: Style) -> String {
        let (severity, ansi) = if self.code.is_warning() { ("warning", WARNING) } else { ("error", ERROR) };
        let label = style.paint(ansi, &format!("{severity}[{}]", self.code.name()));
        let mut out = format!("{label}: {}\n", style.paint(STRONG, &self.message));
        if let Some(span) = &self.span {
            let whole = self.source.line(span.clone());
            let line = &self.source.masked[whole.clone()];
            let width = line
                .get(span.start - whole.start..)
                .map_or(1, |rest| rest.char_indices().take_while(|(at, _)| *at < span.len()).count().max(1));
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            let indent = " ".repeat(self.column - 1);
            let [arrow, bar, numbered] =
                [format!("{margin}-->"), format!("{margin} |"), format!("{number} |")]
                    .map(|part| style.paint(MARGIN, &part));
            out.push_str(&format!("{arrow} {}:{number}:{}\n", self.source.name, self.column));
            out.push_str(&format!("{numbered} {}\n", line.trim_end().replace('\t', " ")));
            out.push_str(&format!("{bar} {indent}{}\n", style.paint(ansi, &"^".repeat(width))));
        }
        out + &format!("  {} {}\n", style.paint(HELP, "help:"), self.help.replace('\n', "\n        "))
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
        out.push_str(&format!("{count} {} in the config\n", if count == 1 { "mistake" } else { "mistakes" }));
        out
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.render(Style::Plain))
    }
}

impl std::error::Error for Problems {}
