//! Which conversation a request belongs to, so that its turns go to the endpoint that still has the earlier ones in its
//! prompt cache.
//!
//! What the caller says comes first; else the head of the conversation (model, system words, tools, the first user message),
//! which stays the same from turn to turn.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::{Operation, Request, names};
use weir_route::session_hash as hash;

/// The conversation's hash; `None` for requests that are no conversation.
pub(crate) fn of(request: &Request) -> Option<u64> {
    let envelope = &request.envelope;
    let named = [&names::SESSION, &names::CLAUDE_CODE_SESSION];
    if let Some(name) = named.into_iter().find_map(|header| request.headers.get(header)) {
        return Some(hash(&[name.as_bytes()]));
    }
    if let Some(key) = envelope.get("prompt_cache_key").filter(|key| *key != b"null") {
        return Some(hash(&[key]));
    }
    let conversation = match request.operation {
        Operation::Chat | Operation::Messages => first_messages(envelope.get("messages")?)?,
        _ => return None,
    };
    let of = |key| envelope.get(key).unwrap_or_default();
    Some(hash(&[request.model.as_bytes(), of("system"), of("tools"), conversation]))
}

/// From the first message to the first of a user, as written.
fn first_messages(messages: &[u8]) -> Option<&[u8]> {
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        role: Option<&'a RawValue>,
    }
    let all: Vec<&RawValue> = serde_json::from_slice(messages).ok()?;
    let is_users = |message: &&&RawValue| {
        serde_json::from_str::<Message<'_>>(message.get())
            .is_ok_and(|message| message.role.is_some_and(|role| role.get() == "\"user\""))
    };
    let first = all.iter().find(is_users).or(all.last())?;
    let end = first.get().as_ptr() as usize + first.get().len() - messages.as_ptr() as usize;
    messages.get(..end)
}
