//! Names of headers that stages read: made once, since looking one up by text costs a parse each time.

use http::HeaderName;

macro_rules! names {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        $($(#[$doc])* pub static $constant: HeaderName = HeaderName::from_static($name);)*
    };
}

names! {
    /// Urgency, 0 to 9.
    PRIORITY = "x-weir-priority";
    /// The caller's own deadline.
    DEADLINE_MS = "x-weir-deadline-ms";
    /// `never`: no lesser answer than the one asked for; `allow`: as the config has it.
    DEGRADE = "x-weir-degrade";
    /// What an answer is less than was asked for, and why.
    DEGRADED = "x-weir-degraded";
    /// The level of pressure that a request met, 0 to 3.
    LEVEL = "x-weir-level";
    /// Milliseconds a request waited for its turn.
    QUEUE_MS = "x-weir-queue-ms";
    /// `off`: not from the cache, not into it; `exact`: only answers to this very request; `semantic`: as the config has it.
    CACHE = "x-weir-cache";
    /// Who may be given the answer that comes: fewer than the config lets.
    CACHE_SCOPE = "x-weir-cache-scope";
    /// How alike a question must be for its answer to do, from 0 to 1: more than the config asks for.
    CACHE_THRESHOLD = "x-weir-cache-threshold";
    /// How alike the question was of which this is the answer.
    CACHE_SIMILARITY = "x-weir-cache-similarity";
    /// How many seconds the answer that comes stays fresh in the cache.
    CACHE_TTL = "x-weir-cache-ttl";
    /// What the answer that comes is called, for whoever wants to throw it out of the cache.
    CACHE_TAG = "x-weir-cache-tag";
    /// The official Python SDKs' timeout between bytes, in seconds.
    SDK_READ_TIMEOUT = "x-stainless-read-timeout";
    /// How often the official SDKs have sent this request before.
    SDK_RETRY_COUNT = "x-stainless-retry-count";
    /// The conversation a request belongs to.
    SESSION = "x-weir-session";
    /// Claude Code's name for the conversation a request belongs to.
    CLAUDE_CODE_SESSION = "x-claude-code-session-id";
    /// The official SDKs' timeout, in seconds.
    SDK_TIMEOUT = "x-stainless-timeout";
    /// Anthropic's and others' place for a key.
    X_API_KEY = "x-api-key";
    /// Azure's place for a key.
    API_KEY = "api-key";
    /// Anthropic's API version.
    ANTHROPIC_VERSION = "anthropic-version";
    /// Anthropic's switched-on betas.
    ANTHROPIC_BETA = "anthropic-beta";
    /// OpenAI's switched-on betas.
    OPENAI_BETA = "openai-beta";
}
