//! An answer that comes in one piece: read whole, checked, then given on.

use bytes::Bytes;
use http::{HeaderMap, header, response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use weir_core::{Body, Chunk, Class, Failure, Head};
use weir_wire::dialect::Format;

use crate::{Begun, outgoing};

/// Reads a whole answer. Blank lines before the JSON (DeepSeek's keep-alive) are left out.
pub(crate) async fn read(
    parts: response::Parts,
    body: Incoming,
    format: &'static dyn Format,
    bytes_max: usize,
) -> Result<Begun, Failure> {
    readable(&parts.headers)?;
    let body = collect(body, bytes_max).await?;
    let blank = body.len() - body.trim_ascii_start().len();
    let bytes = body.slice(blank..);
    let whole = format.read_whole(&bytes)?;
    let chunk = Chunk { bytes, progress: true, usage: whole.usage, finish: whole.finish };
    let head = Head { status: parts.status, headers: outgoing::for_caller(parts.headers) };
    Ok(Begun { head, body: Body::Whole(Some(chunk)) })
}

/// Reads a body up to a limit.
pub(crate) async fn collect(body: Incoming, bytes_max: usize) -> Result<Bytes, Failure> {
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            let message = format!("the answer is larger than {bytes_max} bytes (attempts.answer_mib_max)");
            Err(Failure::new(Class::Hard, message))
        }
        Err(error) => Err(Failure::new(Class::Truncated, format!("the answer broke off: {error}"))),
    }
}

/// A compressed answer was not asked for and cannot be searched.
pub(crate) fn readable(headers: &HeaderMap) -> Result<(), Failure> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => {
            let message =
                format!("the service answered with content-encoding {encoding:?}, which was not asked for");
            Err(Failure::new(Class::Hard, message))
        }
        _ => Ok(()),
    }
}
