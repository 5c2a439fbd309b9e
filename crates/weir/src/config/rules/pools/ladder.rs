//! The ladder of cheaper models: every rung is another pool, and the way down ends.
//!
//! The pipeline follows `degrade_to` from pool to pool; a circle would hold it for ever, so none gets past here.

use super::ANY_MODEL;
use crate::config::Config;
use crate::config::code::Code;
use crate::config::place::Place;
use crate::config::read::{closest, listed};
use crate::config::report::Report;

pub fn check(config: &Config, report: &mut Report<'_>) {
    for (index, pool) in config.pool.iter().enumerate() {
        let Some(to) = &pool.degrade_to else { continue };
        let place = Place::top("pool").item(index).key("degrade_to");
        if to == ANY_MODEL {
            let message = "`degrade_to` must name one model, and `*` stands for any";
            report.at(Code::DegradesNowhere, &place, message, others(index, config));
        } else if *to == pool.model {
            let message = format!("pool `{to}` cannot stand in for itself");
            report.at(Code::DegradesNowhere, &place, message, others(index, config));
        } else if down(index, config).is_none() {
            let models = config.pool.iter().map(|pool| pool.model.as_str());
            let help = match closest(to, models.filter(|model| *model != ANY_MODEL)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => others(index, config),
            };
            report.at(Code::DegradesNowhere, &place, format!("no pool has the model `{to}`"), help);
        } else if let Some(circle) = closed_by(index, config) {
            let message = format!("pools stand in for each other in a circle: {circle}");
            let help = "end the chain at the cheapest model: remove `degrade_to` from its pool";
            report.at(Code::DegradesInCircle, &place, message, help);
        }
    }
}

/// The pool that stands in for this one.
fn down(index: usize, config: &Config) -> Option<usize> {
    let to = config.pool[index].degrade_to.as_ref()?;
    config.pool.iter().position(|pool| pool.model == *to).filter(|&next| next != index)
}

/// The circle that this pool closes: the one of its pools that stands last in the file, so that each is told once.
fn closed_by(last: usize, config: &Config) -> Option<String> {
    let name = |pool: usize| format!("`{}`", config.pool[pool].model);
    let (mut circle, mut here) = (name(last), last);
    // Ends: a way longer than there are pools has been somewhere twice.
    for _ in 0..config.pool.len() {
        here = down(here, config).filter(|&next| next <= last)?;
        circle = format!("{circle} → {}", name(here));
        if here == last {
            return Some(circle);
        }
    }
    None
}

fn others(index: usize, config: &Config) -> String {
    let pools =
        config.pool.iter().enumerate().filter(|(other, pool)| *other != index && pool.model != ANY_MODEL);
    let models: Vec<_> = pools.map(|(_, pool)| pool.model.as_str()).collect();
    if models.is_empty() {
        return "add a [[pool]] for the cheaper model, or remove `degrade_to`".to_owned();
    }
    format!("the other pools' models are {}", listed(&models))
}
