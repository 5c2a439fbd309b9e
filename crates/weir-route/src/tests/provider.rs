//! What is known of providers: where their paths lie, and how they take up a begun answer.

use weir_core::{Dialect, Prefill};
use weir_testkit::at;

use super::{config, route};
use crate::config::{Continuation, Endpoint};
use crate::provider;

use Dialect::{Anthropic, OpenAi};

#[test]
fn base_urls_follow_the_sdks_conventions() {
    let check = |url: &str, openai: Option<&str>, anthropic: Option<&str>| {
        let route = route(&[Endpoint { base_url: url.into(), ..config("a", 1) }], &[]);
        let found = &route.endpoints[0];
        assert_eq!((found.base(OpenAi), found.base(Anthropic)), (openai, anthropic), "{url}");
    };
    let deepseek = (Some("https://api.deepseek.com/v1"), Some("https://api.deepseek.com/anthropic/v1"));
    check("http://h:1", Some("http://h:1/v1"), Some("http://h:1/v1"));
    check("http://h:1/v1/", Some("http://h:1/v1"), Some("http://h:1/v1"));
    check("https://h/api/paas/v4", Some("https://h/api/paas/v4"), Some("https://h/api/paas/v4/v1"));
    check("https://api.deepseek.com", deepseek.0, deepseek.1);
    check("https://api.deepseek.com/v1", deepseek.0, deepseek.1);
    check("https://api.deepseek.com/beta", Some("https://api.deepseek.com/beta"), deepseek.1);
    check("https://api.openai.com/v1", Some("https://api.openai.com/v1"), None);
    check("https://api.anthropic.com", None, Some("https://api.anthropic.com/v1"));
}

#[test]
fn begun_answers_are_taken_up_where_the_provider_does_it() {
    let check = |url: &str, dialect, expected: &str| {
        let route = route(&[Endpoint { base_url: url.into(), ..config("a", 1) }], &[]);
        assert_eq!(route.endpoints[0].prefill_base(dialect), Some(expected), "{url}");
    };
    for url in ["https://api.deepseek.com", "https://api.deepseek.com/v1", "https://api.deepseek.com/beta/"] {
        check(url, OpenAi, "https://api.deepseek.com/beta");
        check(url, Anthropic, "https://api.deepseek.com/anthropic/v1");
    }
    check("https://api.mistral.ai/v1", OpenAi, "https://api.mistral.ai/v1");
}

#[test]
fn known_providers_are_given_the_beginning_in_their_own_way() {
    let check = |url: &str, dialect, model: &str, expected| {
        let route = route(&[Endpoint { base_url: url.into(), ..config("a", 1) }], &[]);
        assert_eq!(route.endpoints[0].prefill(at(0), dialect, model), expected, "{url} {model}");
    };
    let claude = |model: &str, expected| check("https://api.anthropic.com", Anthropic, model, expected);
    check("https://api.deepseek.com", OpenAi, "deepseek-flash", Some(Prefill::Prefix));
    check("https://api.deepseek.com", Anthropic, "deepseek-flash", None);
    check("https://api.mistral.ai/v1", OpenAi, "mistral-large", Some(Prefill::Prefix));
    check("https://dashscope.aliyuncs.com/compatible-mode/v1", OpenAi, "qwen-max", Some(Prefill::Partial));
    check("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", OpenAi, "q", Some(Prefill::Partial));
    check("https://dashscope.aliyuncs.com.example.org/v1", OpenAi, "q", None);
    check("https://api.moonshot.cn/v1", OpenAi, "kimi", Some(Prefill::Partial));
    check("https://api.moonshot.ai/v1", OpenAi, "kimi", Some(Prefill::Partial));
    check("https://api.openai.com/v1", OpenAi, "gpt", None);
    check("https://api.openai.com/v1", Anthropic, "gpt", None);
    check("http://localhost:8000", OpenAi, "llama", None);
    for old in [
        "claude-3-7-sonnet-20250219",
        "claude-opus-4-0",
        "claude-opus-4-20250514",
        "claude-opus-4-1-20250805",
        "claude-opus-4-5",
        "claude-sonnet-4-0",
        "claude-sonnet-4-20250514",
        "claude-sonnet-4-5-20250929",
        "claude-haiku-4-5-20251001",
    ] {
        claude(old, Some(Prefill::Trailing));
    }
    for new in ["claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-7", "claude-opus-5", "some-model"] {
        claude(new, None);
    }
}

#[test]
fn the_config_goes_before_what_is_known() {
    let check = |continuation, openai, anthropic, continues| {
        let base_url = "https://api.deepseek.com".into();
        let route = route(&[Endpoint { base_url, continuation, ..config("a", 1) }], &[]);
        let endpoint = &route.endpoints[0];
        let found = [OpenAi, Anthropic].map(|dialect| endpoint.prefill(at(0), dialect, "m"));
        assert_eq!((found, endpoint.continues()), ([openai, anthropic], continues), "{continuation:?}");
    };
    check(Continuation::Auto, Some(Prefill::Prefix), None, true);
    check(Continuation::Prefix, Some(Prefill::Prefix), None, true);
    check(Continuation::Partial, Some(Prefill::Partial), None, true);
    check(Continuation::ContinueFinalMessage, Some(Prefill::ContinueFinalMessage), None, true);
    check(Continuation::Trailing, Some(Prefill::Trailing), Some(Prefill::Trailing), true);
    check(Continuation::Replay, None, None, true);
    check(Continuation::Off, None, None, false);
}

#[test]
fn a_service_that_refused_a_beginning_is_asked_anew() {
    let route = route(&[Endpoint { continuation: Continuation::Prefix, ..config("a", 1) }], &[]);
    let endpoint = &route.endpoints[0];
    endpoint.prefill_refused(at(0));
    assert_eq!(endpoint.prefill(at(1), OpenAi, "m"), None);
    assert_eq!(endpoint.prefill(at(3_600_000), OpenAi, "m"), Some(Prefill::Prefix));
    assert!(endpoint.continues());
}

#[test]
fn of_an_account_s_known_limit_a_tenth_is_left() {
    let check = |base_url, model, expected| {
        assert_eq!(provider::concurrency(base_url, model), expected, "{base_url} {model:?}");
    };
    check("https://api.deepseek.com", Some("deepseek-v4-pro"), 450);
    check("https://api.deepseek.com/v1", Some("deepseek-flash"), 2_250);
    check("https://api.deepseek.com", None, 2_250);
    check("http://127.0.0.1:8000", Some("some-pro-model"), 512);
}
