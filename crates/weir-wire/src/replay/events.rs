//! A stream being played: its events in one buffer, so that each is a slice of it.

use bytes::Bytes;

/// The longest stream played: 16 MiB of answer in events ten times as long as what they say would be ten times this much,
/// and nobody writes so.
const BYTES_MAX: usize = 128 << 20;

/// Events written so far.
#[derive(Default)]
pub(super) struct Events {
    text: String,
    ends: Vec<usize>,
}

impl Events {
    /// Makes room for so many more events of this length at once.
    pub(super) fn make_room(&mut self, events: usize, bytes_each: usize) {
        /// What is to come is an estimate, and this much is better moved than asked for in vain.
        const ROOM_MAX: usize = 1 << 20;
        self.ends.reserve(events.min(ROOM_MAX));
        self.text.reserve(events.saturating_mul(bytes_each).min(ROOM_MAX));
    }

    /// Writes an event; without a name when it is empty. `data` in parts, without line ends. `None`: the stream gets too
    /// long.
    pub(super) fn push(&mut self, name: &str, data: &[&str]) -> Option<()> {
        if !name.is_empty() {
            self.text.push_str("event: ");
            self.text.push_str(name);
            self.text.push('\n');
        }
        self.text.push_str("data: ");
        data.iter().for_each(|part| self.text.push_str(part));
        self.text.push_str("\n\n");
        self.ends.push(self.text.len());
        (self.text.len() <= BYTES_MAX).then_some(())
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// All that is written.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// All of them, uncopied.
    pub(super) fn into_bytes(self) -> Bytes {
        self.text.into()
    }

    /// The events one by one.
    pub(super) fn finish(self) -> Vec<Bytes> {
        let all = Bytes::from(self.text);
        let mut from = 0;
        let slice = |end| all.slice(std::mem::replace(&mut from, end)..end);
        self.ends.into_iter().map(slice).collect()
    }
}
