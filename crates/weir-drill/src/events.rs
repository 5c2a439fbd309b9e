//! Server-sent events out of bytes as they come:
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>.
//!
//! What always holds: the events do not depend on where the bytes were cut; an event counts once its blank
//! line has come. An event without data is none, as for every client.

/// What of a stream is not an event yet.
#[derive(Default)]
pub struct Splitter {
    line: Vec<u8>,
    after_cr: bool,
    name: String,
    data: Option<String>,
}

impl Splitter {
    /// Takes the next bytes and hands over the name and the data of the events they complete. The caller
    /// bounds the bytes of a stream, and with them what is kept here.
    pub fn push(&mut self, bytes: &[u8], mut on_event: impl FnMut(String, String)) {
        for &byte in bytes {
            let joined = std::mem::replace(&mut self.after_cr, byte == b'\r') && byte == b'\n';
            match byte {
                b'\n' if joined => {}
                b'\n' | b'\r' => self.end_line(&mut on_event),
                byte => self.line.push(byte),
            }
        }
    }

    fn end_line(&mut self, on_event: &mut impl FnMut(String, String)) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            if let Some(data) = self.data.take() {
                on_event(name, data);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match (field, &mut self.data) {
            ("event", _) => value.clone_into(&mut self.name),
            ("data", Some(data)) => {
                data.push('\n');
                data.push_str(value);
            }
            ("data", data) => *data = Some(value.to_owned()),
            // A comment, `id`, `retry`, or something newer.
            _ => {}
        }
    }
}
