//! From an HTTP request to a request the stages trust.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use weir_core::{
    Chance, Clock, Dialect, Envelope, Kind, Operation, Rejection, Request, RequestId, Trail, names,
};
use weir_wire::envelope;

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

    /// A new request id.
    pub(crate) fn id(&self) -> RequestId {
        RequestId::draw(&self.chance)
    }

    /// Reads the body of a request.
    pub(crate) async fn read(
        &self,
        mut request: Request,
        operation: Operation,
        body: Incoming,
    ) -> Result<Request, Rejection> {
        let body = self.body(body).await?;
        let (model, envelope) =
            if operation == Operation::Other { read_if_json(body) } else { envelope::read(operation, body)? };
        request.operation = operation;
        request.model = model.into();
        request.envelope = envelope;
        Ok(request)
    }

    /// A request as far as its head tells.
    pub(crate) fn head(&self, parts: request::Parts, below: String, dialect: Dialect) -> Request {
        let received = self.clock.now();
        Request {
            id: self.id(),
            received,
            operation: Operation::Other,
            dialect,
            method: parts.method,
            path: below,
            query: parts.uri.query().map(str::to_owned),
            model: "".into(),
            headers: parts.headers,
            envelope: Envelope::default(),
            trail: Arc::new(Trail::new(received)),
        }
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

/// A passed-through body: its model is read when it is JSON, and nothing is asked of it.
fn read_if_json(body: Bytes) -> (String, Envelope) {
    match envelope::read(Operation::Other, body.clone()) {
        Ok(read) => read,
        Err(_not_for_us) => (String::new(), envelope::opaque(body)),
    }
}

/// The dialect a caller is answered in. Paths that both families have are told apart by Anthropic's version header.
pub(crate) fn dialect(operation: Operation, headers: &HeaderMap) -> Dialect {
    match operation {
        Operation::Other if headers.contains_key(&names::ANTHROPIC_VERSION) => Dialect::Anthropic,
        operation => operation.dialect(),
    }
}
