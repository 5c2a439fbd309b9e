//! Whether an answer depends on more than its request says: on a picture that lies elsewhere, on a search, on files or code
//! that the service has. The same request may then have another answer tomorrow, so none is kept.
//!
//! What always holds: in doubt it does. A tool that is not known to run at the caller's runs at the service.

use memchr::memmem;
use serde::Deserialize;
use weir_core::Envelope;

/// Members that switch on something at the service, at one or another.
const SWITCHES: [&str; 6] =
    ["web_search_options", "search_parameters", "enable_search", "plugins", "mcp_servers", "container"];
/// Types of tools that run at the caller's. Anthropic's have none, or `custom`.
const AT_THE_CALLERS: [&str; 2] = ["function", "custom"];

/// Whether it does.
pub(crate) fn depends_on_more(envelope: &Envelope) -> bool {
    // Of a member that is there twice, most services take the last: each copy counts.
    envelope.members.iter().any(|member| {
        let value = &envelope.body[member.value.clone()];
        match envelope.key(member) {
            b"messages" | b"input" | b"system" | b"prompt" => has_link(value),
            b"tools" => has_tool_at_the_service(value),
            name => SWITCHES.iter().any(|switch| switch.as_bytes() == name) && is_on(value),
        }
    })
}

fn is_on(value: &[u8]) -> bool {
    !matches!(value, b"null" | b"false" | b"[]")
}

/// Whether content is named by where it lies: a member whose name ends in `url` with an address on the net. (Quotes within
/// texts are escaped, so that what people write about JSON is not taken for it.)
fn has_link(value: &[u8]) -> bool {
    const NAME_END: &[u8] = b"url\"";
    memmem::find_iter(value, NAME_END).any(|at| {
        let mut rest = value[at + NAME_END.len()..].trim_ascii_start();
        rest = rest.strip_prefix(b":").map_or(b"", <[u8]>::trim_ascii_start);
        // Chat has `{"image_url": {"url": "http…"}}`, responses have `"image_url": "http…"`; `data:` is content itself.
        rest.starts_with(b"\"") && !rest.starts_with(b"\"data:")
    })
}

/// A tool, as far as it tells where it runs.
#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<std::borrow::Cow<'a, str>>,
}

fn has_tool_at_the_service(value: &[u8]) -> bool {
    // What cannot be read may be anything.
    let Ok(tools) = serde_json::from_slice::<Option<Vec<Tool<'_>>>>(value) else { return true };
    tools.into_iter().flatten().any(|tool| tool.kind.is_some_and(|kind| !AT_THE_CALLERS.contains(&&*kind)))
}
