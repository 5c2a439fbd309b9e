//! Counts the `data:` lines of an event stream, however the bytes are cut on their way.
//!
//! Only the first bytes of a line decide, so only those are kept between two reads.

/// Longest line start that is compared, bytes.
const START_BYTES: usize = DONE.len();
const DONE: &[u8] = b"data: [DONE]";

/// Running count over one event stream.
#[derive(Default)]
pub struct EventCounter {
    start: [u8; START_BYTES],
    filled: usize,
    events: usize,
    done: bool,
}

impl EventCounter {
    /// Takes the next bytes of the stream's body.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.keep_start(&bytes[..end]);
            self.close_line();
            bytes = &bytes[end + 1..];
        }
        self.keep_start(bytes);
    }

    /// `data:` lines so far, `[DONE]` not among them.
    pub fn events(&self) -> usize {
        self.events
    }

    /// Whether `data: [DONE]` has been seen.
    pub fn done(&self) -> bool {
        self.done
    }

    fn keep_start(&mut self, piece: &[u8]) {
        let kept = piece.len().min(START_BYTES - self.filled);
        self.start[self.filled..self.filled + kept].copy_from_slice(&piece[..kept]);
        self.filled += kept;
    }

    fn close_line(&mut self) {
        let start = &self.start[..self.filled];
        if start == DONE {
            self.done = true;
        } else if start.starts_with(b"data:") {
            self.events += 1;
        }
        self.filled = 0;
    }
}
