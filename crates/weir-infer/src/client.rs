//! Connections: pooled, with TCP_NODELAY (without it Nagle and delayed acknowledgements add 42 ms to a first token).
//!
//! The pool's connection tasks are spawned by hyper-util on the runtime that polls it; they end with their connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tower_service::Service;
use weir_core::Failure;

use crate::lanes::{LANES_MAX, Lanes, Seat};
use crate::{BoxError, broken, config};

type Pooled = Client<Timed<HttpsConnector<HttpConnector>>, Full<Bytes>>;

/// Trust roots that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file in config cannot be read.
    #[error("attempts.ca_file `{path}`: {source}; give a PEM file with certificates")]
    CaFile {
        /// Its path.
        path: String,
        /// What was wrong.
        source: rustls::pki_types::pem::Error,
    },
    /// The TLS library refused its own defaults.
    #[error("tls cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// One pool for HTTP/1.1, and for HTTP/2 one for each lane, since a pool keeps one HTTP/2 connection to a service. HTTP/2 is
/// spoken only where the config says so: over it a connection carries many calls, with all of them in its fate.
pub(crate) struct Clients {
    http1: Pooled,
    http2: Vec<Pooled>,
    lanes: Lanes,
}

/// A body, and the place that its call takes up in its lane while the body lives.
pub(crate) struct Seated {
    body: Incoming,
    _seat: Option<Seat>,
}

impl Clients {
    pub(crate) fn new(config: &config::Attempts, tls: bool) -> Result<Self, TlsError> {
        let tls = tls_config(config, tls)?;
        let client = |http2: bool| {
            let mut http = HttpConnector::new();
            http.set_nodelay(true);
            http.enforce_http(false);
            http.set_keepalive(Some(Duration::from_secs(30)));
            let builder = HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
            let https = if http2 {
                builder.enable_http2().wrap_connector(http)
            } else {
                builder.enable_http1().wrap_connector(http)
            };
            let connector = Timed { inner: https, limit: Duration::from_millis(config.connect_ms) };
            Client::builder(TokioExecutor::new())
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(Duration::from_secs(60))
                .pool_max_idle_per_host(config.idle_connections_max)
                .http2_only(http2)
                .http2_keep_alive_interval(Duration::from_secs(20))
                .http2_adaptive_window(true)
                .build(connector)
        };
        // A lane that is never used costs a kilobyte and no connection.
        let http2 = std::iter::repeat_with(|| client(true)).take(LANES_MAX).collect();
        Ok(Self { http1: client(false), http2, lanes: Lanes::new(config.http2_connections) })
    }

    #[cfg(test)]
    pub(crate) const fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        http2: bool,
    ) -> Result<Response<Seated>, Failure> {
        // A URL without a host is refused by the client below.
        let service = if http2 { request.uri().authority() } else { None };
        let seat = service.map(|service| self.lanes.seat(service));
        let client = seat.as_ref().map_or(&self.http1, |seat| &self.http2[seat.lane()]);
        let response = client.request(request).await.map_err(|error| broken::before_answer(&error))?;
        Ok(response.map(|body| Seated { body, _seat: seat }))
    }
}

/// Trust in the system's authorities, in Mozilla's list (a container may have no system list), and in the operator's.
fn tls_config(config: &config::Attempts, wanted: bool) -> Result<rustls::ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    if wanted {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        // A broken certificate in the system's list is the system's affair: the others still count.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(path) = &config.ca_file {
        let failed = |source| TlsError::CaFile { path: path.clone(), source };
        for certificate in CertificateDer::pem_file_iter(path).map_err(failed)? {
            roots.add(certificate.map_err(failed)?)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

impl Body for Seated {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connector with one limit for all it does: name look-up, TCP, TLS.
#[derive(Clone)]
struct Timed<C> {
    inner: C,
    limit: Duration,
}

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, limit) = (self.inner.call(uri), self.limit);
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_elapsed) => {
                    Err(format!("no connection within {} ms (attempts.connect_ms)", limit.as_millis()).into())
                }
            }
        })
    }
}
