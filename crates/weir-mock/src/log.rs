//! The log of attempts: what each caller asked, what it got, and how it ended.
//!
//! Tests and drills read it to count attempts and to see that callers who leave are noticed. Bounded: the
//! oldest entries go first. Values of headers that carry credentials are never kept.

use std::collections::{BTreeMap, VecDeque};

use http::HeaderMap;
use serde::Serialize;

/// Most attempts kept.
pub const ENTRIES_MAX: usize = 100_000;
/// Longest header value kept, in bytes.
const VALUE_BYTES_MAX: usize = 256;
/// Most headers kept of a request.
const HEADERS_MAX: usize = 48;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Answered to the end.
    Complete,
    /// Ended early by the mock.
    Cut,
    /// The caller left before the end.
    ClientGone,
    /// The mock went silent and the caller left.
    Stalled,
    /// Answered with an error status.
    Rejected,
}

/// One attempt of one caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// Counts up from 1 since the mock started.
    pub id: u64,
    /// The path as it was asked for, prefixes included.
    pub path: String,
    /// The model asked for, if the body was read.
    pub model: Option<String>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// When the request had arrived, in milliseconds since the mock started.
    pub started_ms: u64,
    /// When the first byte of the body left, keep-alives included, on the same clock.
    pub first_byte_ms: Option<u64>,
    /// When it ended, on the same clock; none while it goes on.
    pub ended_ms: Option<u64>,
    /// The status sent; none if no status line was.
    pub status: Option<u16>,
    /// The fault that was played, or the trouble of the profile: `busy`, `account_limit`, `outage`, …
    pub fault: Option<String>,
    /// Tokens that left.
    pub tokens_sent: u32,
    /// How it ended; none while it goes on.
    pub ended: Option<Ended>,
    /// The headers of the request, names in lower case, credentials left out.
    pub request_headers: BTreeMap<String, String>,
    /// Tokens of the prompt, by the mock's own rough count.
    pub prompt_tokens: u32,
    /// Whether the conversation ends with the assistant: an answer that has begun and is to be gone on with.
    pub prefill: bool,
    /// Tokens of the whole answer, thoughts and calls included, had no fault struck and had no caller left.
    pub answer_tokens: u32,
}

/// Entries in the order the attempts came.
#[derive(Default)]
pub(crate) struct Log {
    entries: VecDeque<Kept>,
    last_id: u64,
}

/// An entry with its headers still in one string, a quarter of the memory of a map.
struct Kept {
    entry: LogEntry,
    headers: Box<str>,
}

impl Log {
    /// Adds an attempt that has just begun; gives its id.
    pub fn open(&mut self, path: &str, started_ms: u64, headers: &HeaderMap) -> u64 {
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.last_id += 1;
        let entry = LogEntry {
            id: self.last_id,
            path: path.to_owned(),
            model: None,
            stream: false,
            started_ms,
            first_byte_ms: None,
            ended_ms: None,
            status: None,
            fault: None,
            tokens_sent: 0,
            ended: None,
            request_headers: BTreeMap::new(),
            prompt_tokens: 0,
            prefill: false,
            answer_tokens: 0,
        };
        self.entries.push_back(Kept { entry, headers: join(headers) });
        self.last_id
    }

    /// The entry of an attempt, unless it has been dropped or cleared.
    pub fn entry(&mut self, id: u64) -> Option<&mut LogEntry> {
        let first = self.entries.front()?.entry.id;
        let index = usize::try_from(id.checked_sub(first)?).ok()?;
        self.entries.get_mut(index).map(|kept| &mut kept.entry)
    }

    /// Every entry, oldest first.
    pub fn entries(&self) -> Vec<LogEntry> {
        let whole = |kept: &Kept| LogEntry { request_headers: part(&kept.headers), ..kept.entry.clone() };
        self.entries.iter().map(whole).collect()
    }

    /// Forgets every entry; attempts under way are not logged when they end.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

fn join(headers: &HeaderMap) -> Box<str> {
    let mut joined = String::with_capacity(256);
    for (name, value) in headers.iter().take(HEADERS_MAX) {
        let secret = matches!(
            name.as_str(),
            "authorization" | "x-api-key" | "api-key" | "cookie" | "proxy-authorization"
        );
        let value = if secret { "[redacted]" } else { value.to_str().unwrap_or("[not text]") };
        let bytes = value.len().min(VALUE_BYTES_MAX);
        joined.push_str(name.as_str());
        joined.push('\0');
        joined.push_str(value.get(..bytes).unwrap_or_default());
        joined.push('\n');
    }
    joined.into_boxed_str()
}

/// Header values hold no line ends and names no zero bytes, so the joined form parts again exactly.
fn part(joined: &str) -> BTreeMap<String, String> {
    let pairs = joined.lines().filter_map(|line| line.split_once('\0'));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
