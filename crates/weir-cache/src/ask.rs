//! What a request allows of the cache: by the operator's mode, by what it asks for, and by its headers.
//!
//! What always holds: a caller can ask for less of the cache than the operator gives, never for more; a header that cannot
//! be understood is an error that names it, since a caller who writes one means something by it. (`Cache-Control` comes
//! from browsers and proxies as well: of it, what is not understood is passed over, as HTTP has it.)

use std::time::Duration;

use http::header::CACHE_CONTROL;
use weir_core::{Kind, Operation, Rejection, Request, names};

use crate::config::{Lives, Mode, Scope};
use crate::live;

/// What is allowed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    /// Whether a kept answer may be given.
    pub(crate) may_read: bool,
    /// The oldest that may be given, in milliseconds.
    pub(crate) age_max_ms: Option<u64>,
    /// Whether the answer to a question that is alike will do, and how alike it must be.
    pub(crate) alike: Option<f32>,
    /// Who may have asked for it.
    pub(crate) scope: Scope,
    /// For how long after it was fresh one is given while a new one is fetched, in milliseconds.
    pub(crate) revalidate_ms: u64,
    /// For how long after it was fresh one may be given without need, in milliseconds.
    pub(crate) stale_max_ms: u64,
    /// For how long after it was fresh one may be given instead of an error, in milliseconds.
    pub(crate) on_error_ms: u64,
    /// Nothing but a kept answer will do.
    pub(crate) only: bool,
    /// How long the answer that comes will be fresh, in milliseconds, before chance shortens or lengthens it.
    pub(crate) fresh_ms: u64,
    /// What it will be called.
    pub(crate) tag: String,
}

/// The longest tag.
const TAG_BYTES_MAX: usize = 64;

/// What a request allows; `None`: the answer may neither come from the cache nor go into it.
///
/// # Errors
/// A header of weir's own cannot be understood.
pub(crate) fn of(request: &Request, lives: &Lives, widest: Scope) -> Result<Option<Ask>, Rejection> {
    let wish = wish(request)?;
    let off = wish == Wish::Off;
    let threshold = threshold(request)?;
    let (ttl, tag, scope) = (ttl(request, lives)?, tag(request)?, scope(request, widest)?);
    let control = Control::of(request);
    if off || control.no_store || !may_be_kept(request, lives.mode) {
        // A caller who will have nothing else has asked for something that cannot be.
        return if control.only_if_cached { Err(not_kept()) } else { Ok(None) };
    }
    Ok(Some(Ask {
        may_read: !control.no_cache,
        age_max_ms: control.max_age_s.map(in_ms),
        alike: (wish != Wish::Exact && !control.no_cache).then_some(threshold),
        scope,
        revalidate_ms: in_ms(lives.revalidate_s),
        stale_max_ms: in_ms(control.max_stale_s.unwrap_or(0).min(lives.on_error_s)),
        on_error_ms: in_ms(control.stale_if_error_s.unwrap_or(u64::MAX).min(lives.on_error_s)),
        only: control.only_if_cached,
        fresh_ms: in_ms(ttl),
        tag,
    }))
}

/// Nothing but a kept answer would have done, and there is none.
pub(crate) fn not_kept() -> Rejection {
    let message = "no answer to this request is kept, and `cache-control: only-if-cached` asks for no other";
    Rejection::new(Kind::NotCached, message).at("cache-control")
}

const fn in_ms(s: u64) -> u64 {
    s.saturating_mul(1000)
}

fn may_be_kept(request: &Request, mode: Mode) -> bool {
    let envelope = &request.envelope;
    let deterministic = match request.operation {
        Operation::Embeddings | Operation::CountTokens => true,
        Operation::Other => return false,
        _ => envelope.temperature_zero || envelope.seeded,
    };
    let by_mode = match mode {
        Mode::Off => false,
        // A tool call is an action: repeating it from memory must be the operator's decision.
        Mode::Deterministic => deterministic && !envelope.tools,
        Mode::All => true,
    };
    by_mode && !envelope.stateful && !live::depends_on_more(envelope)
}

/// What a caller wants of the cache, within what the operator gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Off,
    Exact,
    AsConfigured,
}

fn wish(request: &Request) -> Result<Wish, Rejection> {
    let Some(asked) = request.headers.get(&names::CACHE) else { return Ok(Wish::AsConfigured) };
    match asked.as_bytes() {
        b"off" => Ok(Wish::Off),
        b"exact" => Ok(Wish::Exact),
        b"semantic" => Ok(Wish::AsConfigured),
        _ => Err(Rejection::bad_header(&names::CACHE, asked, "`off`, `exact` or `semantic`")),
    }
}

/// How alike questions must be for this caller; 0: as the operator says.
fn threshold(request: &Request) -> Result<f32, Rejection> {
    let Some(asked) = request.headers.get(&names::CACHE_THRESHOLD) else { return Ok(0.0) };
    let threshold = asked.to_str().ok().and_then(|text| text.trim().parse().ok());
    threshold
        .filter(|threshold| (0.0..=1.0).contains(threshold))
        .ok_or_else(|| Rejection::bad_header(&names::CACHE_THRESHOLD, asked, "a number from 0 to 1"))
}

/// How long the answer is to be fresh, in seconds; never longer than it is kept at all.
fn ttl(request: &Request, lives: &Lives) -> Result<u64, Rejection> {
    let Some(asked) = request.headers.get(&names::CACHE_TTL) else { return Ok(lives.ttl_s) };
    let longest = lives.offline_s.max(lives.ttl_s);
    let ttl = asked.to_str().ok().and_then(|text| text.trim().parse().ok());
    ttl.filter(|ttl| (1..=longest).contains(ttl)).ok_or_else(|| {
        Rejection::bad_header(&names::CACHE_TTL, asked, &format!("a number of seconds from 1 to {longest}"))
    })
}

/// Who may be given the answer: as many as the operator lets, or fewer.
pub(crate) fn scope(request: &Request, widest: Scope) -> Result<Scope, Rejection> {
    let Some(asked) = request.headers.get(&names::CACHE_SCOPE) else { return Ok(widest) };
    let scope = match asked.as_bytes() {
        b"user" => Some(Scope::User),
        b"key" => Some(Scope::Key),
        b"team" => Some(Scope::Team),
        b"global" => Some(Scope::Global),
        _ => None,
    };
    scope.filter(|scope| *scope <= widest).ok_or_else(|| {
        let expected =
            format!("one of `user`, `key`, `team` and `global`, no wider than `{}`", widest.name());
        Rejection::bad_header(&names::CACHE_SCOPE, asked, &expected)
    })
}

fn tag(request: &Request) -> Result<String, Rejection> {
    let Some(asked) = request.headers.get(&names::CACHE_TAG) else { return Ok(String::new()) };
    let tag = asked.to_str().ok().filter(|tag| tag.len() <= TAG_BYTES_MAX);
    tag.map(str::to_owned).ok_or_else(|| {
        Rejection::bad_header(
            &names::CACHE_TAG,
            asked,
            &format!("text of at most {TAG_BYTES_MAX} characters"),
        )
    })
}

/// `Cache-Control` as far as it is acted on (RFC 9111, RFC 5861).
#[derive(Debug, Default)]
struct Control {
    no_store: bool,
    no_cache: bool,
    only_if_cached: bool,
    max_age_s: Option<u64>,
    max_stale_s: Option<u64>,
    stale_if_error_s: Option<u64>,
}

impl Control {
    fn of(request: &Request) -> Self {
        let mut control = Self::default();
        for value in request.headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()) {
            for directive in value.split(',') {
                control.note(directive.trim());
            }
        }
        control
    }

    fn note(&mut self, directive: &str) {
        let (name, value) =
            directive.split_once('=').map_or((directive, None), |(name, value)| (name, Some(value)));
        let seconds = || value.and_then(|value| value.trim_matches('"').parse().ok());
        match name.to_ascii_lowercase().as_str() {
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache = true,
            "only-if-cached" => self.only_if_cached = true,
            "max-age" => self.max_age_s = seconds(),
            // Without a number: however stale it is.
            "max-stale" => {
                self.max_stale_s = if value.is_none() { Some(Duration::MAX.as_secs()) } else { seconds() }
            }
            "stale-if-error" => self.stale_if_error_s = seconds(),
            _ => {}
        }
    }
}
