//! Where a replay is sent, as whom, and with which client behaviour.
//!
//! What always holds: the address is a complete `http` or `https` URL of a chat completions endpoint, and the key
//! does not print.

#[cfg(test)]
mod tests;

use http::header::InvalidHeaderValue;
use http::uri::InvalidUri;
use http::{HeaderValue, Uri};

use crate::client::{self, Client, RootsError};
use crate::policy::ClientPolicy;

/// Why an address or a key was refused.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Not a URL.
    #[error("url {url:?}: {source}; write it like http://127.0.0.1:8080")]
    Url {
        /// As given.
        url: String,
        /// What the parser said.
        source: InvalidUri,
    },
    /// A URL, but not of a service that can be called.
    #[error("url {url:?} {problem}; write it like http://127.0.0.1:8080")]
    Unusable {
        /// As given.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The key has characters that no header may carry.
    #[error("the key cannot be sent in a header; it has a line break or a control character")]
    Key(#[source] InvalidHeaderValue),
    /// No certificate authorities to check an `https` service with.
    #[error(transparent)]
    Roots(#[from] RootsError),
}

/// One service under replay. Runs against the same target share its idle connections.
#[derive(Debug, Clone)]
pub struct Target {
    pub(crate) endpoint: Uri,
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) policy: ClientPolicy,
    pub(crate) client: Client,
}

impl Target {
    /// A service by its base URL, with or without `/v1` behind it. No key, no retries.
    pub fn new(url: &str) -> Result<Self, TargetError> {
        let endpoint = endpoint(url)?;
        let client = client::connect_to(&endpoint)?;
        Ok(Self { endpoint, authorization: None, policy: ClientPolicy::None, client })
    }

    /// The same with `authorization: Bearer {key}`.
    pub fn with_key(mut self, key: &str) -> Result<Self, TargetError> {
        let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(TargetError::Key)?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }

    /// The same with a client that behaves like this.
    pub fn with_policy(mut self, policy: ClientPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The complete address that requests go to.
    pub fn endpoint(&self) -> &Uri {
        &self.endpoint
    }
}

fn endpoint(url: &str) -> Result<Uri, TargetError> {
    let unusable = |problem| TargetError::Unusable { url: url.to_owned(), problem };
    let parse =
        |text: &str| text.parse::<Uri>().map_err(|source| TargetError::Url { url: url.to_owned(), source });
    let base = parse(url)?;
    match base.scheme_str() {
        Some("http" | "https") => {}
        Some(_) => return Err(unusable("is neither http nor https")),
        None => return Err(unusable("has no scheme")),
    }
    if base.query().is_some() {
        return Err(unusable("has a query, which a base URL cannot have"));
    }
    let base = url.trim_end_matches('/');
    if base.ends_with("/chat/completions") {
        parse(base)
    } else if base.ends_with("/v1") {
        parse(&format!("{base}/chat/completions"))
    } else {
        parse(&format!("{base}/v1/chat/completions"))
    }
}
