//! The request as it leaves, and the headers as they come back.
//!
//! What always holds: the body is the caller's but for the model, the usage option and the tier; headers that concern
//! this connection, this gateway or the caller's credentials stay here.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request as HttpRequest, Uri};
use http_body_util::Full;
use weir_core::{Class, Dialect, Failure, Operation, Request};

use crate::{Key, Target};

/// Headers that never leave with a call. Prefixes end with `-`.
const STAYS: [&str; 18] = [
    "host",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "content-length",
    "expect",
    "accept-encoding",
    "cookie",
    "forwarded",
    "via",
    "x-real-ip",
    "x-request-id",
    "x-weir-",
    "x-forwarded-",
    "proxy-",
];
const CREDENTIALS: [&str; 3] = ["authorization", "x-api-key", "api-key"];

/// Headers of an answer that concern the upstream connection only, or would send callers past the gateway.
const DROPPED: [HeaderName; 10] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::CONTENT_LENGTH,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::SET_COOKIE,
    header::DATE,
    header::ALT_SVC,
    header::STRICT_TRANSPORT_SECURITY,
];

/// The request for an endpoint.
pub(crate) fn build(request: &Request, target: &Target<'_>) -> Result<HttpRequest<Full<Bytes>>, Failure> {
    let mut url = String::with_capacity(target.base.len() + request.path.len() + 16);
    url.push_str(target.base);
    url.push_str(&request.path);
    if let Some(query) = &request.query {
        url.push('?');
        url.push_str(query);
    }
    let uri = Uri::try_from(url)
        .map_err(|error| Failure::new(Class::Client, format!("the path makes no URL: {error}")))?;
    let mut outgoing = HttpRequest::new(Full::new(body(request, target)));
    *outgoing.method_mut() = request.method.clone();
    *outgoing.uri_mut() = uri;
    *outgoing.headers_mut() = headers(request, target)?;
    Ok(outgoing)
}

fn body(request: &Request, target: &Target<'_>) -> Bytes {
    let envelope = target.envelope;
    if envelope.members.is_empty() {
        return envelope.body.clone();
    }
    let model = target.model.map(|model| serde_json::Value::from(model).to_string());
    let mut edits: Vec<(&str, Option<&[u8]>)> = Vec::with_capacity(3);
    if let Some(model) = model.as_ref().filter(|_| envelope.get("model").is_some()) {
        edits.push(("model", Some(model.as_bytes())));
    }
    let counts = matches!(request.operation, Operation::Chat | Operation::Completions);
    let options;
    if counts && envelope.stream && !envelope.wants_usage && target.include_usage {
        options = stream_options(envelope.get("stream_options"));
        edits.push(("stream_options", Some(options.as_bytes())));
    }
    if !target.forward_service_tier {
        edits.push(("service_tier", None));
    }
    envelope.edited(&edits)
}

/// The caller's stream options with usage asked for; whatever else they say stays.
fn stream_options(written: Option<&[u8]>) -> Cow<'static, str> {
    let written = written.and_then(|json| serde_json::from_slice::<serde_json::Map<_, _>>(json).ok());
    let Some(mut options) = written else {
        return Cow::Borrowed(r#"{"include_usage":true}"#);
    };
    options.insert("include_usage".to_owned(), serde_json::Value::Bool(true));
    Cow::Owned(serde_json::Value::Object(options).to_string())
}

fn headers(request: &Request, target: &Target<'_>) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 3);
    let named_in_connection = request.header(&header::CONNECTION).unwrap_or_default();
    let keeps_credentials = matches!(target.key, Key::Caller);
    for (name, value) in &request.headers {
        let text = name.as_str();
        let stays = STAYS
            .iter()
            .any(|&known| if known.ends_with('-') { text.starts_with(known) } else { text == known });
        let credential = CREDENTIALS.contains(&text) && !keeps_credentials;
        let hop = named_in_connection.split(',').any(|hop| hop.trim().eq_ignore_ascii_case(text));
        if !stays && !credential && !hop {
            headers.append(name, value.clone());
        }
    }
    // Compressed answers could not be searched.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Key::Own(secret) = target.key {
        let (name, text) = match request.dialect {
            Dialect::OpenAi => (header::AUTHORIZATION, format!("Bearer {}", secret.expose())),
            Dialect::Anthropic => (HeaderName::from_static("x-api-key"), secret.expose().to_owned()),
        };
        let mut value = HeaderValue::try_from(text)
            .map_err(|_unprintable| Failure::new(Class::Auth, "the endpoint's key is not a header value"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// An answer's headers for the caller. The service's own request id keeps a name of its own beside weir's.
pub(crate) fn for_caller(mut headers: HeaderMap) -> HeaderMap {
    for name in &DROPPED {
        headers.remove(name);
    }
    for name in ["keep-alive", "proxy-authenticate", "proxy-connection"] {
        headers.remove(name);
    }
    // Who may read answers in a browser is not the service's to say.
    if headers.contains_key(&header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        let shared: Vec<_> =
            headers.keys().filter(|name| name.as_str().starts_with("access-control-")).cloned().collect();
        for name in shared {
            headers.remove(name);
        }
    }
    if let Some(id) = headers.remove("x-request-id").or_else(|| headers.remove("request-id")) {
        headers.insert(HeaderName::from_static("x-upstream-request-id"), id);
    }
    headers
}
