//! The cache: an address that is one, and secrets that are there.

use weir_cache::SECRET_CHARS_MIN;
use weir_cache::config::Embedder;
use weir_core::Secret;
use weir_store::Address;

use super::Breach;
use crate::config::code::Code;
use crate::config::place::Place;
use crate::config::report::Report;
use crate::config::{CacheSecrets, Config, Env, secret};

pub fn check(config: &Config, env: Env<'_>, report: &mut Report<'_>) -> CacheSecrets {
    let here = Place::top("cache");
    let keys = own(config.cache.secret.as_deref(), "secret", &here, env, report);
    if keys.as_ref().is_some_and(|secret| secret.expose().len() < SECRET_CHARS_MIN) {
        let message = format!("the secret of the cache has fewer than {SECRET_CHARS_MIN} characters");
        let help = "make one with: head -c 32 /dev/urandom | base64".to_owned();
        report.at(Code::SecretAbsent, &here.key("secret"), message, help);
    }
    semantic(config, &here, report);
    let Some(redis) = &config.cache.redis else { return CacheSecrets { keys, redis: None } };
    let here_redis = here.key("redis");
    if let Err(wrong) = redis.url.parse::<Address>() {
        let help = "write \"redis://host:6379\", and the password as password = \"env:NAME\" beside it";
        report.at(
            Code::RedisUrl,
            &here_redis.key("url"),
            format!("`url` is no address of a Redis: {wrong}"),
            help,
        );
    }
    if config.cache.secret.is_none() {
        let message = "nodes find each other's answers in Redis only if they make keys with the same secret";
        let help = "add secret = \"env:WEIR_CACHE_SECRET\" to [cache], with the same value on every node";
        report.at(Code::SecretAbsent, &here_redis, message, help);
    }
    CacheSecrets { keys, redis: own(redis.password.as_deref(), "password", &here_redis, env, report) }
}

/// An embedder has its weights, or a model; a model is a pool's.
fn semantic(config: &Config, here: &Place, report: &mut Report<'_>) {
    let Some(semantic) = &config.cache.semantic else { return };
    let here = here.key("semantic");
    let local = semantic.embedder != Embedder::Model;
    if local && semantic.path.is_none() {
        let help =
            "add path = \"/the/folder\" with the embedder's weights; docs/cache.md says where to get some";
        report.at(Code::Missing, &here, "the embedder's weights are not named", help);
    }
    if !local && semantic.model.is_none() {
        let help = "add model = \"…\", the model of the [[pool]] that embeds";
        report.at(Code::Missing, &here, "the model that embeds is not named", help);
    }
    for (field, model) in [("model", &semantic.model), ("judge_model", &semantic.judge_model)] {
        let Some(model) = model else { continue };
        let is_known = |name: &str| config.pool.iter().any(|pool| pool.model == name);
        if !is_known(model) && !is_known("*") {
            let message = format!("`{field}` is `{model}`, which is the model of no [[pool]]");
            report.at(Code::UnknownPool, &here.key(field), message, "name the `model` of a [[pool]]");
        }
    }
}

fn own(
    reference: Option<&str>,
    field: &str,
    table: &Place,
    env: Env<'_>,
    report: &mut Report<'_>,
) -> Option<Secret> {
    match secret::own(reference?, field, env) {
        Ok(secret) => Some(secret),
        Err(Breach { code, message, help }) => {
            report.at(code, &table.key(field), message, help);
            None
        }
    }
}
