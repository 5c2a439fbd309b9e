//! Which path means which operation.

use http::Method;
use weir_core::Operation;

/// What a path asks for, and the path below the API root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// Something an endpoint answers.
    Call(Operation),
    /// The list of models, which weir answers.
    Models,
    /// One model, which weir answers.
    Model(&'a str),
    /// A known path with the wrong method.
    WrongMethod,
    /// Not an API path.
    Unknown,
}

/// Reads a path. `/v1` may be left out for the paths OpenAI's SDKs call, as DeepSeek allows; other paths need it.
/// The second value is the path below the API root.
pub fn target<'a>(method: &Method, path: &'a str) -> (Target<'a>, &'a str) {
    let (versioned, below) = match path.strip_prefix("/v1") {
        Some(below) if below.starts_with('/') => (true, below),
        _ => (false, path),
    };
    let call =
        |operation| if *method == Method::POST { Target::Call(operation) } else { other(method, versioned) };
    let found = match below {
        "/chat/completions" if *method == Method::GET && versioned => Target::Call(Operation::Other),
        "/chat/completions" => call(Operation::Chat),
        "/completions" => call(Operation::Completions),
        "/embeddings" => call(Operation::Embeddings),
        "/responses" => call(Operation::Responses),
        "/messages" => call(Operation::Messages),
        "/messages/count_tokens" => call(Operation::CountTokens),
        "/models" if *method == Method::GET || *method == Method::HEAD => Target::Models,
        _ => match below.strip_prefix("/models/") {
            Some(model) if *method == Method::GET && !model.is_empty() => Target::Model(model),
            _ if versioned || below.starts_with("/chat/") => Target::Call(Operation::Other),
            _ if UNVERSIONED_ROOTS.iter().any(|root| is_below(below, root)) => Target::Call(Operation::Other),
            _ => Target::Unknown,
        },
    };
    (found, below)
}

/// Roots of the OpenAI API that pass through without `/v1` too.
const UNVERSIONED_ROOTS: [&str; 8] =
    ["/models", "/responses", "/moderations", "/batches", "/files", "/images", "/audio", "/conversations"];

fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A known path with another method than POST: OpenAI's own stored objects live there, so it passes through.
fn other(method: &Method, versioned: bool) -> Target<'static> {
    if versioned && *method != Method::GET { Target::Call(Operation::Other) } else { Target::WrongMethod }
}
