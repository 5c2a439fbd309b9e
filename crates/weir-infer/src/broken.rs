//! What the HTTP libraries' errors say about a call: whether it left, whether the service began it, or that it broke.
//!
//! hyper and hyper-util keep their kinds to themselves; what can be asked is asked of the errors inside theirs.

use std::error::Error;

use weir_core::{Class, Failure};

use crate::BoxError;

/// A call that got no answer at all.
pub(crate) fn before_answer(error: &hyper_util::client::legacy::Error) -> Failure {
    // "Canceled" is hyper's word for a request that it hands back unwritten. The pool sends such a request again over another
    // connection; one that comes here was handed back by a connection made for it, so the service is at fault.
    let unwritten = find::<hyper::Error>(error).is_some_and(hyper::Error::is_canceled);
    let not_begun = find::<h2::Error>(error).is_some_and(is_refusal);
    let class = if not_begun { Class::Unprocessed } else { Class::Hard };
    let sent = !(error.is_connect() || unwritten || not_begun);
    Failure { sent, ..Failure::new(class, chain(error)) }
}

/// An answer that had a head, and broke.
pub(crate) fn in_answer(what: &str, error: impl Into<BoxError>) -> Failure {
    let error: BoxError = error.into();
    Failure::new(Class::Truncated, format!("{what}: {}", chain(&*error)))
}

/// Whether the service says that it has not begun, and will not begin, to work on the call. A GOAWAY ends at once, with this
/// error, exactly the streams above its last stream id; those below go on, or break with the connection. Both promises are
/// made in RFC 9113, section 8.7.
fn is_refusal(error: &h2::Error) -> bool {
    error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
}

/// The first error of a kind in a chain.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// An error and what caused it, in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// An error, and each one's cause after it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}
