//! The services: their names, their URLs, their keys.

use weir_route::KeySource;
use weir_route::config::Endpoint;

use super::{unique, url};
use crate::config::code::Code;
use crate::config::place::Place;
use crate::config::report::Report;
use crate::config::{Config, Env, secret};

pub fn check(config: &Config, env: Env<'_>, report: &mut Report<'_>) -> Vec<KeySource> {
    if config.endpoint.is_empty() {
        let help =
            "add an [[endpoint]] with `name` and `base_url`; examples/minimal.toml is the smallest file";
        report.at(
            Code::NoEndpoint,
            &Place::top("endpoint"),
            "there is no [[endpoint]]: no service to send requests to",
            help,
        );
    }
    unique(config.endpoint.iter().map(|endpoint| endpoint.name.as_str()), "endpoint", "name", report);
    warn_of_only_one(config, report);
    if config.attempts.ca_file.as_deref().is_some_and(|path| std::fs::File::open(path).is_err()) {
        let help = "give the path of a PEM file; a relative path starts where weir is started";
        report.at(Code::CaFile, &Place::top("attempts").key("ca_file"), "`ca_file` cannot be read", help);
    }
    let mut keys = Vec::with_capacity(config.endpoint.len());
    for (index, endpoint) in config.endpoint.iter().enumerate() {
        let here = Place::top("endpoint").item(index);
        for (field, text) in [
            ("base_url", Some(&endpoint.base_url)),
            ("anthropic_base_url", endpoint.anthropic_base_url.as_ref()),
        ] {
            if let Some(breach) = text.and_then(|text| url::breach(text)) {
                report.at(breach.code, &here.key(field), breach.message, breach.help);
            }
        }
        keys.push(key(endpoint, &here.key("api_key"), config, env, report));
    }
    keys
}

fn key(
    endpoint: &Endpoint,
    here: &Place,
    config: &Config,
    env: Env<'_>,
    report: &mut Report<'_>,
) -> KeySource {
    let Some(reference) = &endpoint.api_key else { return KeySource::None };
    match secret::resolve(reference, env) {
        Ok(source) => {
            if matches!(source, KeySource::Caller) && !config.key.is_empty() {
                let message =
                    "with [[key]], callers send this gateway's keys, and `caller` would pass those on";
                let help = "give the endpoint its own key (\"env:NAME\"), or remove the [[key]] tables";
                report.at(Code::CallerKey, here, message, help);
            }
            source
        }
        Err(breach) => {
            report.at(breach.code, here, breach.message, breach.help);
            KeySource::None
        }
    }
}

fn warn_of_only_one(config: &Config, report: &mut Report<'_>) {
    if let [only] = config.endpoint.as_slice() {
        let message = format!("`{}` is the only endpoint: when it fails, there is nowhere to go", only.name);
        let help = "add a second [[endpoint]] to the pools, as in examples/two-providers.toml";
        report.at(Code::NowhereToFailOver, &Place::top("endpoint").item(0).key("name"), message, help);
    }
}
