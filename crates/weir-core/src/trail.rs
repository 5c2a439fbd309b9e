//! What has happened to a request so far: write-once notes that the stages leave and the record reads.
//!
//! It exists because a caller may leave at any await: what is known by then must be readable from outside the future
//! that was dropped. Nothing decides anything by it; it is for the record, the log line and the response headers.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::{Class, Price, Priority, Usage};

/// What the cache said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CacheState {
    /// This request may not be cached, or the cache is off.
    Bypass = 0,
    /// Not known yet.
    Miss = 1,
    /// Answered from memory.
    HitMemory = 2,
    /// Answered from disk.
    HitDisk = 3,
    /// Answered with what was fresh no more: the service could not be asked, or was pressed.
    HitStale = 4,
    /// Answered by a call that was made for another request.
    Coalesced = 5,
    /// Answered from what several nodes share.
    HitRedis = 6,
    /// Nobody's: a new answer is fetched for one that was given although it was fresh no more.
    Refresh = 7,
    /// Answered with the answer to a question that is alike.
    HitSemantic = 8,
}

impl CacheState {
    /// The value of the `x-cache` header.
    pub const fn header(self) -> &'static str {
        match self {
            Self::Bypass => "BYPASS",
            Self::Miss => "MISS",
            Self::HitMemory => "HIT-memory",
            Self::HitRedis => "HIT-redis",
            Self::Refresh => "REFRESH",
            Self::HitSemantic => "HIT-semantic",
            Self::HitDisk => "HIT-disk",
            Self::HitStale => "HIT-stale",
            Self::Coalesced => "COALESCED",
        }
    }

    /// Whether the answer came from the cache, or with a call that another request paid for.
    pub const fn is_hit(self) -> bool {
        matches!(
            self,
            Self::HitMemory
                | Self::HitRedis
                | Self::HitDisk
                | Self::HitStale
                | Self::HitSemantic
                | Self::Coalesced
        )
    }
}

/// Where an answer came from.
#[derive(Clone, Debug)]
pub struct Via {
    /// The endpoint's name in config.
    pub endpoint: Arc<str>,
    /// The model name it was asked for.
    pub model: Arc<str>,
    /// What it charges.
    pub price: Price,
}

/// Notes about one request. Durations are since its arrival; 0 means "not reached".
#[derive(Debug)]
pub struct Trail {
    started: Instant,
    queued_us: AtomicU64,
    permitted_us: AtomicU64,
    sent_us: AtomicU64,
    head_us: AtomicU64,
    attempts: AtomicU32,
    cache: AtomicU8,
    via: Mutex<Option<Via>>,
    caller: OnceLock<(Arc<str>, Priority)>,
    failed: Mutex<Option<String>>,
    rescued: AtomicBool,
    level: AtomicU8,
    degraded: OnceLock<String>,
    priority_capped: AtomicBool,
    deadline_capped_ms: AtomicU64,
    parts: Mutex<Vec<Part>>,
}

/// One service's share in an answer that several had a part in.
#[derive(Clone, Debug)]
pub struct Part {
    /// Who.
    pub via: Via,
    /// What it used.
    pub usage: Usage,
    /// It broke off before it said what it used: this is an estimate.
    pub estimated: bool,
}

impl Trail {
    /// The trail of a request that arrived at `started`.
    pub const fn new(started: Instant) -> Self {
        Self {
            started,
            queued_us: AtomicU64::new(0),
            permitted_us: AtomicU64::new(0),
            sent_us: AtomicU64::new(0),
            head_us: AtomicU64::new(0),
            attempts: AtomicU32::new(0),
            cache: AtomicU8::new(CacheState::Bypass as u8),
            via: Mutex::new(None),
            caller: OnceLock::new(),
            failed: Mutex::new(None),
            rescued: AtomicBool::new(false),
            level: AtomicU8::new(0),
            degraded: OnceLock::new(),
            priority_capped: AtomicBool::new(false),
            deadline_capped_ms: AtomicU64::new(0),
            parts: Mutex::new(Vec::new()),
        }
    }

    /// When the request arrived.
    pub const fn started(&self) -> Instant {
        self.started
    }

    /// It was let in: whose it is, and how urgent.
    pub fn admitted(&self, key: Arc<str>, priority: Priority) {
        let _already_known = self.caller.set((key, priority));
    }

    /// Whose it is, and how urgent; `None` for one that was not let in.
    pub fn caller(&self) -> Option<&(Arc<str>, Priority)> {
        self.caller.get()
    }

    /// It is less urgent than its caller asked for: its key may not ask for more.
    pub fn priority_capped(&self) {
        self.priority_capped.store(true, Ordering::Relaxed);
    }

    /// How urgent it is instead of as urgent as its caller asked for; `None` when that was granted.
    pub fn capped_priority(&self) -> Option<Priority> {
        self.caller().filter(|_| self.priority_capped.load(Ordering::Relaxed)).map(|(_, priority)| *priority)
    }

    /// It may take this long, and not as long as its caller asked for.
    pub fn deadline_capped(&self, longest: Duration) {
        let ms = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        self.deadline_capped_ms.store(ms, Ordering::Relaxed);
    }

    /// How long it may take instead of as long as its caller asked for; `None` when that was granted.
    pub fn capped_deadline(&self) -> Option<Duration> {
        let ms = self.deadline_capped_ms.load(Ordering::Relaxed);
        (ms > 0).then(|| Duration::from_millis(ms))
    }

    /// It joined the queue.
    pub fn queued(&self, now: Instant) {
        self.queued_us.store(self.since(now), Ordering::Relaxed);
    }

    /// Whether it is in the queue for its first turn.
    pub fn is_in_line(&self) -> bool {
        self.queued_us.load(Ordering::Relaxed) > 0 && self.permitted_us.load(Ordering::Relaxed) == 0
    }

    /// It left the queue with a permit.
    pub fn permitted(&self, now: Instant) {
        self.permitted_us.store(self.since(now), Ordering::Relaxed);
    }

    /// An attempt went out.
    pub fn sent(&self, now: Instant) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        // The first attempt marks the end of weir's own work before the call.
        let _already_marked =
            self.sent_us.compare_exchange(0, self.since(now), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The answer was committed to: its first meaningful part is here.
    pub fn committed(&self, now: Instant, via: Via) {
        self.head_us.store(self.since(now), Ordering::Relaxed);
        *self.via.lock().unwrap_or_else(PoisonError::into_inner) = Some(via);
    }

    /// An attempt failed: where and how, for the operator's eyes only.
    pub fn failed(&self, endpoint: &str, class: Class, message: &str) {
        const SHOWN_MAX: usize = 300;
        let message: String = message.chars().take(SHOWN_MAX).collect();
        let text = format!("{endpoint}: {}: {message}", class.name());
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    /// The last failure, if there was one.
    pub fn failure(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A service's share in an answer that broke off: noted for each, so that all that was used is paid for.
    pub fn spent(&self, via: Via, usage: Usage, estimated: bool) {
        let part = Part { via, usage, estimated };
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push(part);
    }

    /// The shares in an answer that broke off; empty for one that came in one piece.
    pub fn parts(&self) -> Vec<Part> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It met this level of pressure, 0 to 3.
    pub fn pressed(&self, level: u8) {
        self.level.store(level, Ordering::Relaxed);
    }

    /// The level of pressure that it met.
    pub fn level(&self) -> u8 {
        self.level.load(Ordering::Relaxed)
    }

    /// It is answered by less than was asked for: what, in the words of the `x-weir-degraded` header.
    pub fn degraded(&self, how: String) {
        let _already_known = self.degraded.set(how);
    }

    /// How its answer is less than was asked for; `None` for one in full.
    pub fn degraded_how(&self) -> Option<&str> {
        self.degraded.get().map(String::as_str)
    }

    /// The answer broke off and was brought to its end all the same.
    pub fn rescued(&self) {
        self.rescued.store(true, Ordering::Relaxed);
    }

    /// Whether the answer broke off and was brought to its end all the same.
    pub fn was_rescued(&self) -> bool {
        self.rescued.load(Ordering::Relaxed)
    }

    /// What the cache said.
    pub fn cache_said(&self, state: CacheState) {
        self.cache.store(state as u8, Ordering::Relaxed);
    }

    /// What the cache said, last.
    pub fn cache(&self) -> CacheState {
        match self.cache.load(Ordering::Relaxed) {
            1 => CacheState::Miss,
            2 => CacheState::HitMemory,
            3 => CacheState::HitDisk,
            4 => CacheState::HitStale,
            5 => CacheState::Coalesced,
            6 => CacheState::HitRedis,
            7 => CacheState::Refresh,
            8 => CacheState::HitSemantic,
            _ => CacheState::Bypass,
        }
    }

    /// How many attempts went out.
    pub fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// Who answered.
    pub fn via(&self) -> Option<Via> {
        self.via.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Time in the queue; a request that is still waiting has waited until `now`.
    pub fn queue_wait(&self, now: Instant) -> Duration {
        let queued = self.queued_us.load(Ordering::Relaxed);
        if queued == 0 {
            return Duration::ZERO;
        }
        let left = match self.permitted_us.load(Ordering::Relaxed) {
            0 => self.since(now),
            permitted => permitted,
        };
        Duration::from_micros(left.saturating_sub(queued))
    }

    /// Time from the first attempt to the first meaningful part of the answer; `None` before there is one.
    pub fn upstream(&self) -> Option<Duration> {
        let head = self.head_us.load(Ordering::Relaxed);
        (head > 0).then(|| Duration::from_micros(head.saturating_sub(self.sent_us.load(Ordering::Relaxed))))
    }

    /// Time from arrival to the first meaningful part of the answer; `None` before there is one.
    pub fn first_token(&self) -> Option<Duration> {
        let head = self.head_us.load(Ordering::Relaxed);
        (head > 0).then(|| Duration::from_micros(head))
    }

    /// Microseconds since arrival, at least 1 so that 0 keeps meaning "not reached".
    fn since(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.started).as_micros()).unwrap_or(u64::MAX).max(1)
    }
}
