//! CSV files as people hand them over: opened, bounded, and refused with the file, the line and a remedy.
//!
//! Trace and prompts share this door so that both complain in the same words. What always holds: an error names the
//! file, and one about a row names its line and the value that was found there.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use csv::{Reader, ReaderBuilder, StringRecord};

/// The largest file that is read, in bytes. The public traces are below 2 MiB; this keeps a mistyped path to a disk
/// image from filling the memory.
pub(crate) const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How much of a bad value an error quotes, in characters.
const QUOTED_CHARS_MAX: usize = 80;

/// Why a trace or a prompts file was refused.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file could not be opened or read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// The path as given.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is larger than weir reads.
    #[error("{file} has more than the {FILE_BYTES_MAX} bytes that are read; cut it into parts")]
    TooLarge {
        /// The path as given.
        file: String,
    },
    /// The header lacks a column.
    #[error("{file}:1: the header is {found:?}; expected {expected}")]
    Columns {
        /// The path as given.
        file: String,
        /// The header line as found.
        found: String,
        /// The headers that are understood.
        expected: &'static str,
    },
    /// The file is not text.
    #[error("{file}:{line}: byte {byte:#04x} is not UTF-8; save the file as UTF-8")]
    Encoding {
        /// The path as given.
        file: String,
        /// The line it is on, from 1.
        line: u64,
        /// The first byte that is no text.
        byte: u8,
    },
    /// The file is not CSV.
    #[error("{file}: {source}; save it as CSV with one row a line")]
    Csv {
        /// The path as given.
        file: String,
        /// What the CSV reader said, with the line.
        source: csv::Error,
    },
    /// A row holds a value that cannot be meant.
    #[error("{file}:{line}: {column} is {value:?}; {remedy}")]
    Value {
        /// The path as given.
        file: String,
        /// The row's first line, counting the header as line 1.
        line: u64,
        /// The column's name as in the header.
        column: String,
        /// What stood there, shortened to 80 characters.
        value: String,
        /// What to write instead.
        remedy: &'static str,
    },
    /// There is a header and nothing else.
    #[error("{file} has no rows; give a file with at least one")]
    Empty {
        /// The path as given.
        file: String,
    },
}

/// Reads a whole file of at most [`FILE_BYTES_MAX`] bytes.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, InputError> {
    let file = path.display().to_string();
    let mut content = Vec::new();
    // Bounded while reading, for a pipe has no size to ask for.
    let read = File::open(path).and_then(|open| open.take(FILE_BYTES_MAX + 1).read_to_end(&mut content));
    match read {
        Err(source) => Err(InputError::Read { file, source }),
        Ok(bytes) if bytes as u64 > FILE_BYTES_MAX => Err(InputError::TooLarge { file }),
        Ok(_) => Ok(content),
    }
}

/// A CSV file whose header has been read.
pub(crate) struct Table<'a> {
    file: &'a str,
    content: &'a [u8],
    header: StringRecord,
    reader: Reader<&'a [u8]>,
}

/// Where a column stands in its table.
#[derive(Clone, Copy)]
pub(crate) struct Column(usize);

impl<'a> Table<'a> {
    /// Reads the header. `file` is only a name for errors.
    pub(crate) fn open(file: &'a str, content: &'a [u8]) -> Result<Self, InputError> {
        if let Err(error) = std::str::from_utf8(content) {
            let (text, rest) = content.split_at(error.valid_up_to());
            let byte = rest.first().copied().unwrap_or_default();
            return Err(InputError::Encoding { file: file.to_owned(), line: line_after(text), byte });
        }
        let mut reader = ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(content);
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(source) => return Err(InputError::Csv { file: file.to_owned(), source }),
        };
        Ok(Self { file, content, header, reader })
    }

    /// The column of this name, if the header has it.
    pub(crate) fn column(&self, name: &str) -> Option<Column> {
        self.header.iter().position(|found| found == name).map(Column)
    }

    /// The error for a header that lacks something.
    pub(crate) fn unknown_columns(&self, expected: &'static str) -> InputError {
        let found = self.header.iter().collect::<Vec<_>>().join(",");
        InputError::Columns { file: self.file.to_owned(), found: quoted(&found), expected }
    }

    /// Every row through `parse`; at least one, or an error.
    pub(crate) fn rows<T>(
        mut self,
        parse: impl Fn(&Row<'_>) -> Result<T, InputError>,
    ) -> Result<Vec<T>, InputError> {
        let mut record = StringRecord::new();
        let mut parsed = Vec::new();
        loop {
            match self.reader.read_record(&mut record) {
                Ok(true) => {
                    let row =
                        Row { file: self.file, content: self.content, header: &self.header, record: &record };
                    parsed.push(parse(&row)?);
                }
                Ok(false) if parsed.is_empty() => {
                    return Err(InputError::Empty { file: self.file.to_owned() });
                }
                Ok(false) => return Ok(parsed),
                Err(source) => return Err(InputError::Csv { file: self.file.to_owned(), source }),
            }
        }
    }
}

/// One row with what an error about it must name.
pub(crate) struct Row<'a> {
    file: &'a str,
    content: &'a [u8],
    header: &'a StringRecord,
    record: &'a StringRecord,
}

impl Row<'_> {
    /// The value in `column`, trimmed; empty where the row is too short.
    pub(crate) fn value(&self, column: Column) -> &str {
        self.record.get(column.0).unwrap_or_default()
    }

    /// The value in `column` through `parse`, or an error that says `remedy`.
    pub(crate) fn parsed<T>(
        &self,
        column: Column,
        remedy: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, InputError> {
        parse(self.value(column)).ok_or_else(|| InputError::Value {
            file: self.file.to_owned(),
            line: self.line(),
            column: self.header.get(column.0).unwrap_or_default().to_owned(),
            value: quoted(self.value(column)),
            remedy,
        })
    }

    /// The line on which the row begins. Counted here because the CSV reader's own count still points at the line
    /// before where lines end in CRLF or are blank.
    fn line(&self) -> u64 {
        let position = self.record.position().map_or(0, csv::Position::byte);
        let position = usize::try_from(position).unwrap_or(usize::MAX).min(self.content.len());
        let line_ends = self.content[position..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        line_after(&self.content[..position + line_ends.count()])
    }
}

/// The line that begins or goes on behind `text`, from 1.
fn line_after(text: &[u8]) -> u64 {
    1 + memchr::memchr_iter(b'\n', text).count() as u64
}

fn quoted(value: &str) -> String {
    match value.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}
