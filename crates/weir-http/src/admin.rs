//! The operator's port: metrics, health, readiness, status, and what is thrown out of the cache.
//!
//! `/healthz` says that the process runs. `/readyz` asks "can I serve?": an endpoint could take a call and the door is
//! open. Neither asks whether some store is up, since requests do not need one.

use std::pin::Pin;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

/// What the port shows, as the binary gathers it.
pub struct Admin {
    /// The metrics in the text format of OpenMetrics.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// The state of the process as JSON.
    pub status: Box<dyn Fn() -> serde_json::Value + Send + Sync>,
    /// Whether requests can be served; the reason when not.
    pub ready: Box<dyn Fn() -> Result<(), &'static str> + Send + Sync>,
    /// What the cache holds.
    pub cache: Box<dyn Fn() -> Holding + Send + Sync>,
    /// Throws answers out of the cache: those that a query names. How many; or what is wrong with the query, or with a tier.
    pub purge: Box<dyn Fn(&str) -> Purging + Send + Sync>,
}

/// What the cache holds, as JSON, as soon as its tiers have told.
pub type Holding = Pin<Box<dyn Future<Output = serde_json::Value> + Send>>;

/// Answers on their way out of the cache.
pub type Purging = Pin<Box<dyn Future<Output = Result<u64, Unpurged>> + Send>>;

/// Why answers were not thrown out.
#[derive(Debug)]
pub enum Unpurged {
    /// The query cannot be understood.
    Query(String),
    /// A tier failed.
    Tier(String),
}

impl Admin {
    /// Answers one request.
    pub async fn handle(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        const TEXT: &str = "text/plain; charset=utf-8";
        let path = request.uri().path();
        if request.method() == Method::POST && path == "/cache/purge" {
            return self.purge(request).await;
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let words = "only GET is known here, and POST /cache/purge\n";
            return reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, words.into());
        }
        match path {
            "/metrics" => reply(StatusCode::OK, OPENMETRICS, (self.metrics)()),
            "/healthz" => reply(StatusCode::OK, TEXT, "ok\n".into()),
            "/readyz" => match (self.ready)() {
                Ok(()) => reply(StatusCode::OK, TEXT, "ready\n".into()),
                Err(reason) => reply(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{reason}\n")),
            },
            "/status" => reply(StatusCode::OK, "application/json", format!("{:#}\n", (self.status)())),
            "/cache" => reply(StatusCode::OK, "application/json", format!("{:#}\n", (self.cache)().await)),
            "/" => reply(
                StatusCode::OK,
                TEXT,
                "weir: /metrics /healthz /readyz /status /cache, POST /cache/purge\n".into(),
            ),
            path => reply(StatusCode::NOT_FOUND, TEXT, format!("{path} is not here; try /\n")),
        }
    }

    async fn purge(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        const JSON: &str = "application/json";
        // A page open in the operator's browser may send this as well, but not without saying where it is from.
        if request.headers().contains_key(header::ORIGIN) {
            let words = serde_json::json!({ "error": "web pages may not throw answers out" });
            return reply(StatusCode::FORBIDDEN, JSON, format!("{words}\n"));
        }
        let (status, words) = match (self.purge)(request.uri().query().unwrap_or_default()).await {
            Ok(count) => (StatusCode::OK, serde_json::json!({ "purged": count })),
            Err(Unpurged::Query(error)) => (StatusCode::BAD_REQUEST, serde_json::json!({ "error": error })),
            Err(Unpurged::Tier(error)) => {
                (StatusCode::INTERNAL_SERVER_ERROR, serde_json::json!({ "error": error }))
            }
        };
        reply(status, JSON, format!("{words}\n"))
    }
}

fn reply(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
