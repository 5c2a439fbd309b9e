//! When two requests are the same: a keyed hash over the tenant, the operation and every field of the body.
//!
//! Invariant: the scope is the first thing hashed, so no field a caller writes can reach another tenant's answers.
//! Fields are sorted by name and kept as written: absent, null and 0 are three different things.

use weir_core::{Request, Scope, names};

/// Fields that do not change the answer.
const NOT_PART: [&[u8]; 5] = [b"user", b"metadata", b"store", b"priority", b"service_tier"];

/// The hash of a request.
pub(crate) type Key = [u8; 32];

/// Makes keys.
pub(crate) struct Keyed {
    secret: [u8; 32],
}

impl Keyed {
    pub(crate) const fn new(secret: [u8; 32]) -> Self {
        Self { secret }
    }

    pub(crate) fn key(&self, scope: &Scope, request: &Request) -> Key {
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        hasher.update(scope.bytes());
        let mut part = |bytes: &[u8]| {
            // Lengths keep parts apart: ("ab", "c") is not ("a", "bc").
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(request.operation.name().as_bytes());
        part(request.query.as_deref().unwrap_or_default().as_bytes());
        for header in [&names::ANTHROPIC_VERSION, &names::ANTHROPIC_BETA, &names::OPENAI_BETA] {
            part(request.header(header).unwrap_or_default().as_bytes());
        }
        let envelope = &request.envelope;
        let mut members: Vec<_> = envelope
            .members
            .iter()
            .map(|member| (envelope.key(member), &envelope.body[member.value.clone()]))
            .filter(|(key, _)| !NOT_PART.contains(key))
            .collect();
        members.sort_unstable();
        for (key, value) in members {
            part(key);
            part(value);
        }
        *hasher.finalize().as_bytes()
    }
}
