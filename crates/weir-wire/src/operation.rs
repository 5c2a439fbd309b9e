//! Which path means which operation.
//!
//! What always holds: a path is understood as the service behind will understand it, percent-encoding and slashes
//! included; one that could climb out of the API root is no path at all. Otherwise a caller could be checked for one thing and
//! served another, with the operator's key.

use http::Method;
use weir_core::Operation;

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Something an endpoint answers, at this path below the API root.
    Call(Operation, String),
    /// The list of models, which weir answers.
    Models,
    /// One model, which weir answers.
    Model(String),
    /// A known path with the wrong method.
    WrongMethod,
    /// Not an API path.
    Unknown,
}

/// Operations by their path below the API root.
const CALLS: [(&str, Operation); 6] = [
    ("/chat/completions", Operation::Chat),
    ("/completions", Operation::Completions),
    ("/embeddings", Operation::Embeddings),
    ("/responses", Operation::Responses),
    ("/messages", Operation::Messages),
    ("/messages/count_tokens", Operation::CountTokens),
];

/// Roots of the OpenAI API that pass through without `/v1` too.
const UNVERSIONED_ROOTS: [&str; 9] = [
    "/chat",
    "/models",
    "/responses",
    "/moderations",
    "/batches",
    "/files",
    "/images",
    "/audio",
    "/conversations",
];

/// Reads a path. `/v1` may be left out for the paths OpenAI's SDKs call, as DeepSeek allows; other paths need it.
pub fn target(method: &Method, path: &str) -> Target {
    let (versioned, raw) = match path.strip_prefix("/v1") {
        Some(below) if below.starts_with('/') => (true, below),
        _ => (false, path),
    };
    // Preflights are for browsers, and no browser may spend the operator's key.
    let Some(below) = decoded(raw).filter(|_| *method != Method::OPTIONS) else {
        return Target::Unknown;
    };
    let reads = *method == Method::GET || *method == Method::HEAD;
    if let Some(&(path, operation)) = CALLS.iter().find(|(known, _)| *known == below) {
        return match () {
            () if *method == Method::POST => Target::Call(operation, path.to_owned()),
            // Stored objects live below the same names.
            () if versioned && !matches!(path, "/embeddings" | "/messages") => {
                Target::Call(Operation::Other, path.to_owned())
            }
            () => Target::WrongMethod,
        };
    }
    match below.strip_prefix("/models") {
        Some("") if reads => Target::Models,
        Some(rest) if reads && rest.len() > 1 && rest.starts_with('/') => Target::Model(rest[1..].to_owned()),
        _ if climbs(raw) => Target::Unknown,
        _ if versioned || UNVERSIONED_ROOTS.iter().any(|root| is_below(&below, root)) => {
            Target::Call(Operation::Other, raw.to_owned())
        }
        _ => Target::Unknown,
    }
}

fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path without percent-encoding and without a slash at its end. `None`: broken encoding, or a segment that climbs.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    let mut text = String::from_utf8(bytes).ok()?;
    if text.len() > 1 && text.ends_with('/') {
        text.pop();
    }
    let plain = !text.split('/').any(|segment| matches!(segment, "." | "..")) && !text.contains('\\');
    plain.then_some(text)
}

/// Whether a path passed on as it is could be read as another one: empty segments, or slashes in disguise.
fn climbs(raw: &str) -> bool {
    raw.contains("//") || raw.to_ascii_lowercase().contains("%2f")
}
