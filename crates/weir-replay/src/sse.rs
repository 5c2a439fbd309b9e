//! Server-sent events out of bytes as they come: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.
//!
//! What always holds: the events do not depend on where the bytes were cut; lines end in LF, CR or CRLF; comments are
//! skipped; an event counts once its blank line has come, so what a cut connection leaves half-written never does; no
//! more than [`EVENT_BYTES_MAX`] are kept.

#[cfg(test)]
mod tests;

/// The largest event, in bytes. A chunk of a chat answer has some hundred.
pub(crate) const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    /// The `event` field; empty where there was none.
    pub(crate) name: &'a [u8],
    /// The `data` lines, joined by LF.
    pub(crate) data: &'a [u8],
}

/// An event exceeded [`EVENT_BYTES_MAX`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// What of the stream is not an event yet.
#[derive(Default)]
pub(crate) struct Splitter {
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    /// The previous byte was a CR, so a LF now belongs to it.
    after_cr: bool,
    name: Vec<u8>,
    /// Each `data` line so far, with a LF behind it.
    data: Vec<u8>,
}

impl Splitter {
    /// Takes the next bytes and hands over the events they complete.
    pub(crate) fn push(
        &mut self,
        mut bytes: &[u8],
        mut on_event: impl FnMut(Event<'_>),
    ) -> Result<(), TooLarge> {
        if self.after_cr && !bytes.is_empty() {
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            self.after_cr = false;
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) {
            self.end_line(&bytes[..end], &mut on_event)?;
            let was_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if was_cr {
                self.after_cr = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
        }
        self.check_room(bytes.len())?;
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, tail: &[u8], on_event: &mut impl FnMut(Event<'_>)) -> Result<(), TooLarge> {
        self.check_room(tail.len())?;
        if self.line.is_empty() {
            self.take_line(tail, on_event);
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(tail);
            self.take_line(&line, on_event);
        }
        Ok(())
    }

    fn take_line(&mut self, line: &[u8], on_event: &mut impl FnMut(Event<'_>)) {
        if line.is_empty() {
            return self.dispatch(on_event);
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            // A comment (an empty field name), `id`, `retry`, or something newer.
            _ => {}
        }
    }

    fn dispatch(&mut self, on_event: &mut impl FnMut(Event<'_>)) {
        if let Some(data) = self.data.strip_suffix(b"\n") {
            on_event(Event { name: &self.name, data });
        }
        self.name.clear();
        self.data.clear();
    }

    fn check_room(&self, more: usize) -> Result<(), TooLarge> {
        let kept = self.line.len() + self.data.len() + self.name.len();
        if kept + more > EVENT_BYTES_MAX { Err(TooLarge) } else { Ok(()) }
    }
}
