//! The operator's port: metrics, health, readiness, status.
//!
//! `/healthz` says that the process runs. `/readyz` asks "can I serve?": an endpoint could take a call and the door is
//! open. Neither asks whether some store is up, since requests do not need one.

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
}

impl Admin {
    /// Answers one request.
    pub fn handle(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        const TEXT: &str = "text/plain; charset=utf-8";
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET is known here\n".into());
        }
        match request.uri().path() {
            "/metrics" => reply(StatusCode::OK, OPENMETRICS, (self.metrics)()),
            "/healthz" => reply(StatusCode::OK, TEXT, "ok\n".into()),
            "/readyz" => match (self.ready)() {
                Ok(()) => reply(StatusCode::OK, TEXT, "ready\n".into()),
                Err(reason) => reply(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{reason}\n")),
            },
            "/status" => reply(StatusCode::OK, "application/json", format!("{:#}\n", (self.status)())),
            "/" => reply(StatusCode::OK, TEXT, "weir: /metrics /healthz /readyz /status\n".into()),
            path => reply(StatusCode::NOT_FOUND, TEXT, format!("{path} is not here; try /\n")),
        }
    }
}

fn reply(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
