//! What is known of providers everybody knows: the dialects they speak, where, and how they take up a begun
//! answer.
//!
//! Defaults, found by the host's name; what the config says goes before them. Whatever is not known here is
//! taken to speak both dialects and to begin every answer anew.

use weir_core::{Dialect, Prefill};

const DEEPSEEK: &str = "api.deepseek.com";

/// Claude's models that can still take up a begun answer: later ones refuse a last message of the assistant.
/// A name that is not here is taken for a later one.
const CLAUDE_UP_TO_4_5: [&str; 10] = [
    "claude-2",
    "claude-3",
    "claude-opus-4-0",
    "claude-opus-4-1",
    "claude-opus-4-2025",
    "claude-opus-4-5",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2025",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
];

/// The dialects a service speaks.
pub(crate) fn dialects(base_url: &str) -> Vec<Dialect> {
    match host(base_url) {
        "api.openai.com" => vec![Dialect::OpenAi],
        "api.anthropic.com" => vec![Dialect::Anthropic],
        _ => vec![Dialect::OpenAi, Dialect::Anthropic],
    }
}

/// The most calls in flight at one time that should be tried: of an account's limit a tenth is left to others that use it.
pub(crate) fn concurrency(base_url: &str, model: Option<&str>) -> usize {
    const UNKNOWN: usize = 512;
    let account = match (host(base_url), model) {
        (DEEPSEEK, Some(model)) if model.contains("pro") => 500,
        (DEEPSEEK, _) => 2_500,
        _ => return UNKNOWN,
    };
    account / 10 * 9
}

/// Below what OpenAI's paths lie: the SDK's convention, with `/v1` for a URL that has no path.
pub(crate) fn openai_base(base_url: &str) -> String {
    let base = base_url.trim_end_matches('/');
    if has_path(base) { base.to_owned() } else { format!("{base}/v1") }
}

/// Below what Anthropic's paths lie: its SDK's base URL ends before `/v1`.
pub(crate) fn anthropic_base(own: Option<&str>, base_url: &str) -> String {
    let base = own.unwrap_or(base_url).trim_end_matches('/');
    let base = base.strip_suffix("/v1").unwrap_or(base);
    if own.is_none() && host(base) == DEEPSEEK {
        return format!("{}/anthropic/v1", base.trim_end_matches("/beta"));
    }
    format!("{base}/v1")
}

/// Below what a provider takes up begun answers in OpenAI's dialect, given where its ordinary paths lie;
/// `None` if it is the same place.
pub(crate) fn openai_prefill_base(openai_base: &str) -> Option<String> {
    let root = openai_base.trim_end_matches("/v1").trim_end_matches("/beta");
    (host(openai_base) == DEEPSEEK).then(|| format!("{root}/beta"))
}

/// How a provider is given the beginning of an answer.
pub(crate) fn prefill(base: &str, dialect: Dialect, model: &str) -> Option<Prefill> {
    match (host(base), dialect) {
        (DEEPSEEK | "api.mistral.ai", Dialect::OpenAi) => Some(Prefill::Prefix),
        ("api.moonshot.cn" | "api.moonshot.ai", Dialect::OpenAi) => Some(Prefill::Partial),
        ("api.anthropic.com", Dialect::Anthropic) => {
            CLAUDE_UP_TO_4_5.iter().any(|name| model.contains(name)).then_some(Prefill::Trailing)
        }
        (host, Dialect::OpenAi) if host.starts_with("dashscope") && host.ends_with(".aliyuncs.com") => {
            Some(Prefill::Partial)
        }
        _ => None,
    }
}

fn has_path(url: &str) -> bool {
    url.split_once("://").map_or(url, |(_, rest)| rest).contains('/')
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest)
}
