//! From an HTTP request to a request the stages trust.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header, request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use weir_core::{
    Chance, Clock, Dialect, Envelope, Kind, Operation, Rejection, Request, RequestId, Trail, names,
};
use weir_wire::envelope;
use weir_wire::operation::Target;

use crate::config;

/// Reads requests.
pub(crate) struct Intake {
    clock: Clock,
    chance: Arc<Chance>,
    body_bytes_max: usize,
    body_timeout: Duration,
}

impl Intake {
    pub(crate) fn new(clock: Clock, chance: Arc<Chance>, config: &config::Server) -> Self {
        let body_bytes_max = config.body_mib_max.saturating_mul(1 << 20);
        Self { clock, chance, body_bytes_max, body_timeout: Duration::from_secs(config.body_timeout_s) }
    }

    /// A request as far as its head tells.
    pub(crate) fn head(&self, mut parts: request::Parts, target: &Target) -> Request {
        let received = self.clock.now();
        let (operation, path) = match target {
            Target::Call(operation, path) => (*operation, path.clone()),
            _ => (Operation::Other, below_root(parts.uri.path())),
        };
        // HTTP/2 names the host in the URL only.
        let named = parts.uri.authority().filter(|_| !parts.headers.contains_key(header::HOST));
        if let Some(Ok(host)) = named.map(|authority| HeaderValue::from_str(authority.as_str())) {
            parts.headers.insert(header::HOST, host);
        }
        Request {
            id: RequestId::draw(&self.chance),
            received,
            operation,
            dialect: dialect(operation, &parts.headers),
            method: parts.method,
            path,
            query: parts.uri.query().map(str::to_owned),
            model: "".into(),
            headers: parts.headers,
            envelope: Envelope::default(),
            trail: Arc::new(Trail::new(received)),
        }
    }

    /// Reads the body of a request.
    pub(crate) async fn read_body(&self, request: &mut Request, body: Incoming) -> Result<(), Rejection> {
        let body = self.body(body).await?;
        let (model, envelope) = match request.operation {
            Operation::Other => envelope::read_passing(body)?,
            operation => envelope::read(operation, body)?,
        };
        request.model = model.into();
        request.envelope = envelope;
        Ok(())
    }

    async fn body(&self, body: Incoming) -> Result<Bytes, Rejection> {
        let too_large = || {
            let mib = self.body_bytes_max >> 20;
            Rejection::new(Kind::TooLarge, format!("the body is larger than {mib} MiB (server.body_mib_max)"))
        };
        if body.size_hint().lower() > self.body_bytes_max as u64 {
            return Err(too_large());
        }
        let collect = Limited::new(body, self.body_bytes_max).collect();
        match tokio::time::timeout(self.body_timeout, collect).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(error)) => {
                Err(Rejection::new(Kind::BadRequest, format!("the body did not arrive whole: {error}")))
            }
            Err(_elapsed) => {
                let message = format!("the body did not arrive within {} s", self.body_timeout.as_secs());
                Err(Rejection::new(Kind::RequestTimeout, message))
            }
        }
    }
}

/// A path without the version it may begin with.
fn below_root(path: &str) -> String {
    path.strip_prefix("/v1").filter(|below| below.starts_with('/')).unwrap_or(path).to_owned()
}

/// The dialect a caller is answered in. Paths that both families have are told apart by Anthropic's version header.
fn dialect(operation: Operation, headers: &HeaderMap) -> Dialect {
    match operation {
        Operation::Other if headers.contains_key(&names::ANTHROPIC_VERSION) => Dialect::Anthropic,
        operation => operation.dialect(),
    }
}

/// No such path.
pub(crate) fn unknown_path(request: &Request) -> Rejection {
    let message = format!("Unknown request URL: {} {}; the API is under /v1/", request.method, request.path);
    Rejection::new(Kind::UnknownPath, message)
}

/// Such a path, but not with this method.
pub(crate) fn wrong_method(request: &Request) -> Rejection {
    let message = format!("Not allowed to {} on {}; use POST", request.method, request.path);
    Rejection::new(Kind::MethodNotAllowed, message)
}
