//! When two requests are the same: a keyed hash over whom the answer belongs to, the operation and every field of the body.
//!
//! Invariant: whom it belongs to is the first thing hashed and comes from the caller's credential, so no field that a caller
//! writes can reach another's answers. Fields are sorted by name and kept as written: absent, null and 0 are three different
//! things. Fields that weir does not know are part of it.

use std::ops::Range;

use weir_core::{Operation, Rejection, Request, Tenant, names};

use crate::ask;
use crate::config::Scope;

/// Fields that do not change the answer.
const NOT_PART: [&[u8]; 5] = [b"user", b"metadata", b"store", b"priority", b"service_tier"];
/// Fields that change only the form of an answer that is kept in one form for all.
const FORM: [&[u8]; 2] = [b"stream", b"stream_options"];

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

    /// `scope`: who may be given the answer.
    pub(crate) fn key(&self, scope: Scope, tenant: &Tenant, request: &Request) -> Key {
        self.hash(scope, tenant, request, None)
    }

    /// The same for everything but the bytes of the body in `cut`: requests that have this in common, and are compared with
    /// the embedder `by`, may be alike.
    pub(crate) fn partition(
        &self,
        scope: Scope,
        tenant: &Tenant,
        request: &Request,
        (cut, by): (&Range<usize>, &[u8; 32]),
    ) -> Key {
        self.hash(scope, tenant, request, Some((cut, by)))
    }

    fn hash(
        &self,
        scope: Scope,
        tenant: &Tenant,
        request: &Request,
        cut: Option<(&Range<usize>, &[u8; 32])>,
    ) -> Key {
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        let mut part = |bytes: &[u8]| {
            // Lengths keep parts apart: ("ab", "c") is not ("a", "bc").
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        if let Some((_, by)) = cut {
            part(b"alike");
            part(by);
        }
        owner(scope, tenant, request, &mut part);
        part(request.operation.name().as_bytes());
        part(request.query.as_deref().unwrap_or_default().as_bytes());
        for header in [&names::ANTHROPIC_VERSION, &names::ANTHROPIC_BETA, &names::OPENAI_BETA] {
            part(request.header(header).unwrap_or_default().as_bytes());
        }
        let envelope = &request.envelope;
        let form = if has_forms(request.operation) { &FORM[..] } else { &[] };
        let mut members: Vec<_> = envelope
            .members
            .iter()
            .map(|member| (envelope.key(member), member.value.clone()))
            .filter(|(key, _)| !NOT_PART.contains(key) && !form.contains(key))
            .collect();
        // Stable: of a member that is there twice, most services take the last.
        members.sort_by_key(|(key, _)| *key);
        for (key, value) in members {
            part(key);
            match cut {
                Some((cut, _)) if value.start <= cut.start && cut.end <= value.end => {
                    part(&envelope.body[value.start..cut.start]);
                    part(&envelope.body[cut.end..value.end]);
                }
                _ => part(&envelope.body[value]),
            }
        }
        *hasher.finalize().as_bytes()
    }
}

/// Whom the answer belongs to. The first part tells the kinds apart, so that no team can be called like a key.
fn owner(scope: Scope, tenant: &Tenant, request: &Request, part: &mut impl FnMut(&[u8])) {
    match (scope, &tenant.team) {
        (Scope::Global, _) => part(b"global"),
        (Scope::Team, Some(team)) => {
            part(b"team");
            part(team.as_bytes());
        }
        (Scope::Team, None) | (Scope::Key, _) => {
            part(b"key");
            part(tenant.scope.bytes());
        }
        (Scope::User, _) => {
            part(b"user");
            part(tenant.scope.bytes());
            let envelope = &request.envelope;
            // OpenAI's place for it, and Anthropic's.
            for name in ["user", "metadata"] {
                // Each copy counts: an application may add its user to a body that somebody else wrote one into.
                let copies = envelope.members.iter().filter(|member| envelope.key(member) == name.as_bytes());
                copies.for_each(|member| part(&envelope.body[member.value.clone()]));
                // No value is empty, so this ends the list.
                part(b"");
            }
        }
    }
}

/// What the answer to a request is kept under where the operator lets this many share, and the questions that it is compared
/// with if its last words are `words`.
///
/// # Errors
/// The request asks for a scope that it may not have.
pub fn keys(
    widest: Scope,
    tenant: &Tenant,
    request: &Request,
    words: &Range<usize>,
) -> Result<[Key; 2], Rejection> {
    let keyed = Keyed::new([9; 32]);
    let scope = ask::scope(request, widest)?;
    Ok([keyed.key(scope, tenant, request), keyed.partition(scope, tenant, request, (words, &[1; 32]))])
}

/// A hash of what answers depend on besides the request. It is not part of the key: answers that one weir keeps for another,
/// whose services have other addresses, can be taken over.
pub(crate) fn revision(parts: &[String]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let hash = hasher.finalize();
    u64::from_le_bytes(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
}

/// Whether an answer is kept in one form, from which a stream is made for whoever asks for one.
pub(crate) const fn has_forms(operation: Operation) -> bool {
    matches!(operation, Operation::Chat | Operation::Completions | Operation::Messages | Operation::Responses)
}
