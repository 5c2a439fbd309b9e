//! Chooses which fault, if any, a request meets: the first rule of the plan that matches and fires.

use std::sync::Arc;

use super::{FaultPlan, Rule, When};
use crate::chance::Chance;
use crate::scene::Scene;

/// What rules look at besides the scene.
pub(crate) struct Facts<'a> {
    /// The path without prefixes, such as `/chat/completions`.
    pub path: &'a str,
    /// The model asked for.
    pub model: &'a str,
}

/// A plan and how often each of its rules has matched.
pub(crate) struct Injector {
    plan: Arc<FaultPlan>,
    counters: Vec<Counter>,
}

struct Counter {
    matched: u32,
    chance: Chance,
}

impl Injector {
    /// Starts counting for a new plan.
    pub fn new(plan: FaultPlan, seed: u64) -> Self {
        let chance = Chance::new(seed);
        let counter = |rule| Counter { matched: 0, chance: chance.fork(rule) };
        let counters = (0..plan.rules.len() as u64).map(counter).collect();
        Injector { plan: Arc::new(plan), counters }
    }

    /// The plan in force.
    pub fn plan(&self) -> &Arc<FaultPlan> {
        &self.plan
    }

    /// The rule this request meets. A rule that matches counts the request even if it does not fire; rules
    /// after one that fires do not see it.
    pub fn pick(&mut self, facts: &Facts, scene: &Scene) -> Option<Rule> {
        for (rule, counter) in self.plan.rules.iter().zip(&mut self.counters) {
            if !matches(rule, facts, scene) {
                continue;
            }
            let nth = counter.matched;
            counter.matched += 1;
            let fires = match &rule.when {
                When::Always => true,
                When::Times(times) => nth < *times,
                When::Script(script) => script.contains(&nth),
                When::Probability(probability) => counter.chance.happens(*probability),
            };
            if fires {
                return Some(rule.clone());
            }
        }
        None
    }
}

fn matches(rule: &Rule, facts: &Facts, scene: &Scene) -> bool {
    let path = rule.path.as_deref().is_none_or(|path| facts.path.starts_with(path));
    let model = rule.model.as_deref().is_none_or(|model| facts.model == model);
    let stream = rule.stream.is_none_or(|stream| scene.streams() == stream);
    let prefill = rule.prefill.is_none_or(|prefill| scene.ends_with_assistant() == prefill);
    path && model && stream && prefill && (rule.fault.applies)(scene)
}
