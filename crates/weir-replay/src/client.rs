//! The HTTP client: a connection pool over plain TCP or TLS.
//!
//! Plain HTTP is HTTP/1.1; over TLS the server chooses between 1.1 and 2. What always holds: small writes are not
//! delayed (`TCP_NODELAY`), and a certificate is checked against the system's authorities, or Mozilla's where the
//! system has none. The pool resends a request by itself only when a kept connection turned out closed before a byte
//! of it was written; the server never saw that one, so it is not a try.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};

/// openai-python waits this long for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) type Client = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The TLS library refused its own settings.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up TLS: {0}")]
pub struct RootsError(#[from] rustls::Error);

/// A client for `endpoint`; nothing is connected before the first request.
pub(crate) fn connect_to(endpoint: &Uri) -> Result<Client, RootsError> {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.enforce_http(false);
    // Reading the system's certificates takes milliseconds that a plain target need not spend.
    let roots = if endpoint.scheme_str() == Some("https") { roots() } else { RootCertStore::empty() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(tcp);
    Ok(legacy::Client::builder(TokioExecutor::new()).build(connector))
}

fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Unreadable certificates are left out: an authority that is missing shows as a failed handshake, not as trust.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}
