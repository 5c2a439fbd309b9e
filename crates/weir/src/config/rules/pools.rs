//! The models: who answers them, and whether those exist and can.

mod ladder;

use std::collections::HashSet;

use weir_route::config::{Endpoint, Pool};

use super::unique;
use crate::config::Config;
use crate::config::code::Code;
use crate::config::place::Place;
use crate::config::read::{closest, listed};
use crate::config::report::Report;

/// The pool for every name that no other pool has.
const ANY_MODEL: &str = "*";

pub fn check(config: &Config, report: &mut Report<'_>) {
    if config.pool.is_empty() {
        let help = "add a [[pool]] with `model` (the name callers use, or \"*\") and `endpoints`";
        report.at(
            Code::NoPool,
            &Place::top("pool"),
            "there is no [[pool]]: no model that callers could ask for",
            help,
        );
    }
    unique(config.pool.iter().map(|pool| pool.model.as_str()), "pool", "model", report);
    for (index, pool) in config.pool.iter().enumerate() {
        let here = Place::top("pool").item(index);
        let mut seen = Vec::new();
        for (field, names) in [("endpoints", &pool.endpoints), ("fallback", &pool.fallback)] {
            for (item, name) in names.iter().enumerate() {
                let place = here.key(field).item(item);
                if seen.contains(&name) {
                    let message = format!("pool `{}` names endpoint `{name}` twice", pool.model);
                    report.at(
                        Code::Duplicate,
                        &place,
                        message,
                        "remove one: calls are balanced by load, not by mention",
                    );
                }
                seen.push(name);
                member(pool, name, &place, config, report);
            }
        }
    }
    ladder::check(config, report);
    warn_of_unused(config, report);
}

fn member(pool: &Pool, name: &str, place: &Place, config: &Config, report: &mut Report<'_>) {
    let Some(index) = config.endpoint.iter().position(|endpoint| endpoint.name == name) else {
        unknown(name, place, config, report);
        return;
    };
    let endpoint = &config.endpoint[index];
    let models = Place::top("endpoint").item(index).key("models");
    if report.is_sound(&models) && !can_be_asked(endpoint, &pool.model) {
        let message = format!("endpoint `{name}` lists its models, and `{}` is not one of them", pool.model);
        let help = match closest(&pool.model, endpoint.models.iter().map(String::as_str)) {
            Some(meant) => format!(
                "did you mean `{meant}`? If the service calls it that, add model_map = {{ \"{}\" = \"{meant}\" }}",
                pool.model
            ),
            None => format!(
                "it has {}; add the model there, or map it with `model_map`",
                listed(&endpoint.models)
            ),
        };
        report.at(Code::UnknownModel, place, message, help);
    }
}

fn can_be_asked(endpoint: &Endpoint, model: &str) -> bool {
    endpoint.models.is_empty()
        || model == ANY_MODEL
        || model.is_empty()
        || endpoint.models.iter().any(|own| own == model)
        || endpoint.model_map.contains_key(model)
}

fn unknown(name: &str, place: &Place, config: &Config, report: &mut Report<'_>) {
    let names: Vec<_> = config.endpoint.iter().map(|endpoint| endpoint.name.as_str()).collect();
    let help = match closest(name, names.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        // An endpoint without a readable name may be the one meant, and that has been told.
        None if names.is_empty() || names.contains(&"") => return,
        None => format!("the endpoints are {}", listed(&names)),
    };
    report.at(Code::UnknownEndpoint, place, format!("there is no endpoint `{name}`"), help);
}

fn warn_of_unused(config: &Config, report: &mut Report<'_>) {
    let mentioned: HashSet<_> =
        config.pool.iter().flat_map(|pool| pool.endpoints.iter().chain(&pool.fallback)).collect();
    let all_exist =
        mentioned.iter().all(|name| config.endpoint.iter().any(|endpoint| endpoint.name == **name));
    if mentioned.is_empty() || !all_exist {
        // A name that is no endpoint's was probably meant for the one that seems unused.
        return;
    }
    for (index, endpoint) in config.endpoint.iter().enumerate() {
        if !mentioned.contains(&endpoint.name) {
            let place = Place::top("endpoint").item(index).key("name");
            let message = format!("no pool uses endpoint `{}`: nothing will be sent to it", endpoint.name);
            let help = "name it in the `endpoints` or `fallback` of a [[pool]], or remove it";
            report.at(Code::UnusedEndpoint, &place, message, help);
        }
    }
}
