//! Who is calling: keys stored as hashes, or open mode.
//!
//! A token has at least 128 random bits, so one fast hash is enough (slow password hashes guard guessable words) and a
//! stolen config gives nobody a key. The comparison takes the same time wherever two hashes differ.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue};
use subtle::ConstantTimeEq;
use weir_core::{Dialect, Kind, Operation, Priority, Rejection, Request, Scope, Tenant, names};

use crate::admission::Charge;
use crate::bucket::Bucket;
use crate::config;

const HASH_PREFIX: &str = "blake3:";
const TOKEN_PREFIX: &str = "weir_";

/// The hash of a token as it is written in config.
pub fn hash_text(token: &str) -> String {
    format!("{HASH_PREFIX}{}", blake3::hash(token.as_bytes()).to_hex())
}

/// A freshly made key.
#[derive(Debug)]
pub struct NewKey {
    /// What the caller keeps.
    pub token: String,
    /// What the config keeps.
    pub hash: String,
}

impl NewKey {
    /// Makes a key of 192 random bits, which must come from the operating system.
    pub fn from_random(bytes: [u8; 24]) -> Self {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let token = format!("{TOKEN_PREFIX}{digits}");
        let hash = hash_text(&token);
        Self { token, hash }
    }
}

/// A hash in config that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the hash of key `{name}` is not `blake3:` and 64 hex digits; make one with `weir key new`")]
pub struct BadHash {
    /// Which entry of the list.
    pub index: usize,
    /// Its name.
    pub name: String,
}

/// The keys of the config.
pub(crate) struct Keys {
    /// By the first eight bytes of the hash: finding the candidate needs no secrecy, confirming it does.
    by_prefix: HashMap<[u8; 8], Vec<Arc<Known>>>,
    open: Arc<str>,
}

struct Known {
    hash: [u8; 32],
    name: Arc<str>,
    priority_cap: Priority,
    weight: u32,
    team: Option<Arc<str>>,
    limits: Option<Arc<Limits>>,
}

/// The two rates of a key.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Guards both buckets for a few arithmetic lines.
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

/// A caller weir knows, on the way in.
pub(crate) struct Caller {
    pub(crate) tenant: Tenant,
    known: Option<Arc<Known>>,
}

impl Keys {
    pub(crate) fn new(keys: &[config::Key], now: Instant) -> Result<Self, BadHash> {
        let mut by_prefix: HashMap<[u8; 8], Vec<Arc<Known>>> = HashMap::new();
        for (index, key) in keys.iter().enumerate() {
            let digits = key.hash.strip_prefix(HASH_PREFIX);
            let hash = digits.and_then(|digits| blake3::Hash::from_hex(digits).ok());
            let Some(hash) = hash else {
                return Err(BadHash { index, name: key.name.clone() });
            };
            let known = Arc::new(Known {
                hash: *hash.as_bytes(),
                name: key.name.as_str().into(),
                priority_cap: Priority::new(key.priority_cap).unwrap_or(Priority::LAST),
                weight: key.weight,
                team: key.team.as_deref().map(Arc::from),
                limits: Limits::new(key, now),
            });
            by_prefix.entry(prefix(hash.as_bytes())).or_default().push(known);
        }
        Ok(Self { by_prefix, open: "open".into() })
    }

    pub(crate) fn identify(&self, request: &Request) -> Result<Caller, Rejection> {
        let token = token(&request.headers);
        let hash = token.map(|token| *blake3::hash(token.as_bytes()).as_bytes());
        if self.by_prefix.is_empty() {
            from_this_machine(&request.headers)?;
            // Open mode: callers with different credentials must still not see each other's answers.
            let scope = hash.map_or(Scope::OPEN, Scope::of_hash);
            return Ok(Caller { tenant: Tenant { name: self.open.clone(), scope, team: None }, known: None });
        }
        let Some(hash) = hash else {
            let message = "no key was given; send `Authorization: Bearer <key>` or `x-api-key: <key>`";
            return Err(Rejection::new(Kind::Unauthenticated, message));
        };
        let candidates = self.by_prefix.get(&prefix(&hash)).map_or(&[][..], Vec::as_slice);
        let Some(known) = candidates.iter().find(|known| bool::from(known.hash.ct_eq(&hash))) else {
            let message = "the key given is not one of this gateway's; ask its operator for one";
            return Err(Rejection::new(Kind::Unauthenticated, message));
        };
        let (name, team) = (known.name.clone(), known.team.clone());
        let tenant = Tenant { name, scope: Scope::of_hash(hash), team };
        Ok(Caller { tenant, known: Some(known.clone()) })
    }
}

impl Caller {
    pub(crate) fn priority_cap(&self) -> Priority {
        self.known.as_ref().map_or(Priority::FIRST, |known| known.priority_cap)
    }

    pub(crate) fn weight(&self) -> u32 {
        const USUAL: u32 = 1;
        self.known.as_ref().map_or(USUAL, |known| known.weight)
    }

    /// Takes one request and the estimated tokens from the key's rates.
    pub(crate) fn charge(&self, request: &Request, now: Instant) -> Result<Option<Charge>, Rejection> {
        let Some(limits) = self.known.as_ref().and_then(|known| known.limits.clone()) else {
            return Ok(None);
        };
        let reserved = estimate(request);
        match limits.take(reserved, now) {
            Ok(()) => Ok(Some(Charge { limits, reserved, dialect: request.dialect })),
            Err((what, wait)) => {
                let message = format!(
                    "the key's {what} a minute are used up; come back in {:.1} s",
                    wait.as_secs_f64()
                );
                let mut rejection = Rejection::new(Kind::RateLimited, message).after(wait);
                rejection.headers = Some(Box::new(limits.headers(request.dialect)));
                Err(rejection)
            }
        }
    }
}

/// Tokens an answer will probably use: four bytes of prompt a token, and a usual answer when no maximum is given.
fn estimate(request: &Request) -> f64 {
    /// A body that large holds an image or a file, which is no text of that length.
    const PROMPT_TOKENS_MAX: f64 = 32_768.0;
    if request.operation == Operation::CountTokens {
        return 0.0;
    }
    const ANSWER_TOKENS: u64 = 256;
    const ANSWER_TOKENS_MAX: u64 = 4096;
    let answer = request.envelope.max_tokens.unwrap_or(ANSWER_TOKENS).min(ANSWER_TOKENS_MAX);
    (request.envelope.body.len() as f64 / 4.0).min(PROMPT_TOKENS_MAX) + answer as f64
}

impl Limits {
    fn new(key: &config::Key, now: Instant) -> Option<Arc<Self>> {
        let bucket = |rate: Option<u64>| rate.map(|rate| Bucket::per_minute(rate, now));
        let buckets = Buckets { requests: bucket(key.rpm), tokens: bucket(key.tpm) };
        let limited = buckets.requests.is_some() || buckets.tokens.is_some();
        limited.then(|| Arc::new(Self { buckets: Mutex::new(buckets) }))
    }

    fn take(&self, tokens: f64, now: Instant) -> Result<(), (&'static str, Duration)> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(requests) = &mut buckets.requests {
            requests.take(1.0, now).map_err(|wait| ("requests", wait))?;
        }
        let Some(bucket) = &mut buckets.tokens else { return Ok(()) };
        bucket.take(tokens, now).map_err(|wait| {
            if let Some(requests) = &mut buckets.requests {
                requests.settle(1.0, 0.0, now);
            }
            ("tokens", wait)
        })
    }

    pub(crate) fn settle(&self, reserved: f64, used: f64, now: Instant) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tokens) = &mut buckets.tokens {
            tokens.settle(reserved, used, now);
        }
    }

    /// Puts a reservation back whole: no answer came of it.
    pub(crate) fn refund(&self, reserved: f64) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tokens) = &mut buckets.tokens {
            tokens.refund(reserved);
        }
    }

    /// The key's own budget, in the words each dialect's clients read.
    pub(crate) fn headers(&self, dialect: Dialect) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(6);
        self.write_headers(dialect, &mut headers);
        headers
    }

    /// The same, into the head of an answer.
    pub(crate) fn write_headers(&self, dialect: Dialect, headers: &mut HeaderMap) {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let names = match dialect {
            Dialect::OpenAi => &OPENAI_HEADERS,
            Dialect::Anthropic => &ANTHROPIC_HEADERS,
        };
        for ([limit, remaining, reset], bucket) in names.iter().zip([&buckets.requests, &buckets.tokens]) {
            let Some(bucket) = bucket else { continue };
            headers.insert(limit, HeaderValue::from(bucket.limit()));
            headers.insert(remaining, HeaderValue::from(bucket.remaining()));
            if dialect == Dialect::OpenAi {
                let full_in = format!("{}ms", bucket.full_in().as_millis());
                let value = HeaderValue::try_from(full_in).expect("digits and letters are a header value");
                headers.insert(reset, value);
            }
        }
    }
}

/// Of requests, then of tokens: the limit, what is left of it, and when it is whole again. Made once: a name that comes as
/// text is checked, copied and hashed anew for each answer.
static OPENAI_HEADERS: [[HeaderName; 3]; 2] = [
    [
        HeaderName::from_static("x-ratelimit-limit-requests"),
        HeaderName::from_static("x-ratelimit-remaining-requests"),
        HeaderName::from_static("x-ratelimit-reset-requests"),
    ],
    [
        HeaderName::from_static("x-ratelimit-limit-tokens"),
        HeaderName::from_static("x-ratelimit-remaining-tokens"),
        HeaderName::from_static("x-ratelimit-reset-tokens"),
    ],
];
/// Anthropic's reset is a wall-clock date; clients pace themselves on what remains, so it is left out.
static ANTHROPIC_HEADERS: [[HeaderName; 3]; 2] = [
    [
        HeaderName::from_static("anthropic-ratelimit-requests-limit"),
        HeaderName::from_static("anthropic-ratelimit-requests-remaining"),
        HeaderName::from_static("anthropic-ratelimit-requests-reset"),
    ],
    [
        HeaderName::from_static("anthropic-ratelimit-tokens-limit"),
        HeaderName::from_static("anthropic-ratelimit-tokens-remaining"),
        HeaderName::from_static("anthropic-ratelimit-tokens-reset"),
    ],
];

/// Without keys, whoever reaches the port may spend the operator's key. A web page open on the same machine does reach it,
/// so requests that a browser makes for another site, or for a name that merely points here, are refused.
fn from_this_machine(headers: &HeaderMap) -> Result<(), Rejection> {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let origin = text(&ORIGIN).map(|origin| origin.split_once("://").map_or(origin, |(_, host)| host));
    for (name, value) in [(&HOST, text(&HOST)), (&ORIGIN, origin)] {
        if let Some(value) = value.filter(|value| !is_loopback(value)) {
            let message = format!(
                "without keys only this machine's own programs are served, and `{name}` says `{value}`; \
                 call 127.0.0.1, or add a [[key]] (`weir key new`)"
            );
            return Err(Rejection::new(Kind::Forbidden, message).at(name.as_str()));
        }
    }
    Ok(())
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => authority.split(':').next().unwrap_or(authority),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The credential a caller sent, in any of the usual headers.
fn token(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok();
    let bearer = text(&AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    });
    bearer
        .or_else(|| text(&names::X_API_KEY))
        .or_else(|| text(&names::API_KEY))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

fn prefix(hash: &[u8; 32]) -> [u8; 8] {
    *hash.first_chunk().expect("32 bytes begin with 8")
}
