//! Routes: which endpoint a path means, under every prefix that real services serve it.

use http::Method;

use crate::dialect::{ALL, Dialect};

/// An endpoint of the mock.
pub(crate) enum Endpoint {
    /// Words, in a dialect.
    Talk(&'static dyn Dialect),
    /// `POST /messages/count_tokens`
    CountTokens,
    /// `POST /embeddings`
    Embeddings,
    /// `GET /models`
    Models,
    /// `GET /models/{id}`
    Model(String),
}

impl Endpoint {
    /// The one method it is served under.
    pub fn method(&self) -> Method {
        match self {
            Endpoint::Models | Endpoint::Model(_) => Method::GET,
            _ => Method::POST,
        }
    }
}

/// A path without its prefixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bare<'a> {
    /// What is left, such as `/chat/completions`.
    pub path: &'a str,
    /// Whether `/beta` was among the prefixes.
    pub beta: bool,
    /// Whether `/anthropic` was.
    pub anthropic: bool,
}

/// Takes off `/beta` or `/anthropic`, then `/v1`.
pub(crate) fn bare_path(path: &str) -> Bare<'_> {
    let (beta, anthropic) = (strip(path, "/beta"), strip(path, "/anthropic"));
    let rest = beta.or(anthropic).unwrap_or(path);
    let path = strip(rest, "/v1").unwrap_or(rest);
    Bare { path, beta: beta.is_some(), anthropic: anthropic.is_some() }
}

/// The endpoint of a bare path.
pub(crate) fn endpoint(path: &str) -> Option<Endpoint> {
    let path = path.strip_suffix('/').unwrap_or(path);
    if let Some(&dialect) = ALL.iter().find(|dialect| dialect.path() == path) {
        return Some(Endpoint::Talk(dialect));
    }
    match path {
        "/messages/count_tokens" => Some(Endpoint::CountTokens),
        "/embeddings" => Some(Endpoint::Embeddings),
        "/models" => Some(Endpoint::Models),
        _ => path.strip_prefix("/models/").map(|id| Endpoint::Model(id.to_owned())),
    }
}

/// `path` without `prefix`, if the prefix is whole segments of it.
fn strip<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    path.strip_prefix(prefix).filter(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
