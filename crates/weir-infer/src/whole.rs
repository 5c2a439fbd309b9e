//! An answer that comes in one piece: read whole, checked, then given on.

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, header, response};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use weir_core::{Body, Chunk, Class, Failure, Head};
use weir_wire::dialect::{Format, Phase};

use crate::watch::Watch;
use crate::{Begun, BoxError, broken, outgoing};

/// Reads a whole answer. Blank lines before the JSON (DeepSeek's keep-alive) show that the service is alive, and are left
/// out.
pub(crate) async fn read<B>(
    parts: response::Parts,
    body: B,
    format: &'static dyn Format,
    mut watch: Watch,
    bytes_max: usize,
) -> Result<Begun, Failure>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    readable(&parts.headers)?;
    let bytes = collect(body, &mut watch, bytes_max).await?;
    let whole = format.read_whole(&bytes)?;
    let chunk = Chunk { bytes, progress: true, usage: whole.usage, finish: whole.finish, ..Chunk::default() };
    let head = Head { status: parts.status, headers: outgoing::for_caller(parts.headers) };
    Ok(Begun { head, body: Body::Whole(Some(chunk)) })
}

/// Reads a body without the white space before it, up to a limit.
pub(crate) async fn collect<B>(mut body: B, watch: &mut Watch, bytes_max: usize) -> Result<Bytes, Failure>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = watch.wait(body.frame()).await? {
        let frame = frame.map_err(|error| broken::in_answer("the answer broke off", error))?;
        let Ok(mut data) = frame.into_data() else { continue };
        watch.heard(Phase::Content);
        watch.check()?;
        tokio::task::coop::consume_budget().await;
        if first.is_empty() {
            data.advance(data.len() - data.trim_ascii_start().len());
        }
        if first.len().max(joined.len()) + data.len() > bytes_max {
            let message = format!("the answer is larger than {bytes_max} bytes (attempts.answer_mib_max)");
            return Err(Failure::new(Class::Hard, message));
        }
        if first.is_empty() {
            first = data;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&data);
        }
    }
    // Most answers come in one read, which is passed on as it is.
    Ok(if joined.is_empty() { first } else { joined.freeze() })
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
