//! A request body as far as it is acted on: where its top-level members lie, and the few values weir reads.
//!
//! What always holds: the bytes are the caller's. Members weir does not know survive byte for byte; a change is made
//! by writing the members out again with one of them replaced, left out or added.

use std::ops::Range;

use bytes::Bytes;

/// One top-level member of a JSON object: where its key (with quotes) and its value lie in the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The key with its quotes.
    pub key: Range<usize>,
    /// The value as written.
    pub value: Range<usize>,
}

/// A parsed request body.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    /// The body as it came.
    pub body: Bytes,
    /// Its top-level members in order; empty when the body is not a JSON object (uploads).
    pub members: Vec<Member>,
    /// `stream: true`.
    pub stream: bool,
    /// `stream_options.include_usage: true`: the caller asked for the usage chunk.
    pub wants_usage: bool,
    /// `temperature` is written and is zero.
    pub temperature_zero: bool,
    /// `seed` is written and is not null.
    pub seeded: bool,
    /// `max_tokens`, `max_completion_tokens` or `max_output_tokens`.
    pub max_tokens: Option<u64>,
    /// `service_tier` as written.
    pub service_tier: Option<String>,
    /// The request uses something that only this one conversation may see again (stored or background responses).
    pub stateful: bool,
    /// The request carries tools.
    pub tools: bool,
}

impl Envelope {
    /// The key of a member, without quotes.
    pub fn key(&self, member: &Member) -> &[u8] {
        &self.body[member.key.start + 1..member.key.end - 1]
    }

    /// The raw value of a top-level member.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        let member = self.members.iter().find(|member| self.key(member) == key.as_bytes())?;
        Some(&self.body[member.value.clone()])
    }

    /// The body with one edit per named member: `Some(json)` sets or adds it, `None` leaves it out.
    /// Without a change the caller's own bytes come back, uncopied.
    pub fn edited(&self, edits: &[(&str, Option<&[u8]>)]) -> Bytes {
        // Of a member that is there twice, most services take the last: each copy counts.
        let changes = |&(key, new): &(&str, Option<&[u8]>)| {
            let mut known =
                self.members.iter().filter(|member| self.key(member) == key.as_bytes()).peekable();
            match (new, known.peek()) {
                (None, known) => known.is_some(),
                (Some(_), None) => true,
                (Some(new), Some(_)) => known.any(|member| &self.body[member.value.clone()] != new),
            }
        };
        if !edits.iter().any(changes) {
            return self.body.clone();
        }
        let added: usize = edits.iter().map(|(key, new)| key.len() + 4 + new.map_or(0, <[u8]>::len)).sum();
        let mut out = Vec::with_capacity(self.body.len() + added);
        out.push(b'{');
        let mut member_out = |key: &[u8], value: &[u8]| {
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            out.push(b':');
            out.extend_from_slice(value);
        };
        for member in &self.members {
            let old = &self.body[member.value.clone()];
            let edit = edits.iter().find(|(key, _)| key.as_bytes() == self.key(member));
            match edit {
                Some((_, None)) => {}
                Some((_, Some(new))) => member_out(&self.body[member.key.clone()], new),
                None => member_out(&self.body[member.key.clone()], old),
            }
        }
        for (key, new) in edits {
            if let (Some(new), None) = (new, self.get(key)) {
                member_out(format!("\"{key}\"").as_bytes(), new);
            }
        }
        out.push(b'}');
        out.into()
    }
}
