//! Which pool answers which model.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use weir_core::{Kind, Operation, PoolId, Rejection, Request};

/// The model name that stands for every name no other pool has.
pub const ANY: &str = "*";

/// The models of the config, in its order.
#[derive(Debug, Default)]
pub struct Models {
    names: Vec<String>,
    by_name: HashMap<String, Found>,
    any: Option<Found>,
    first: Option<Found>,
    cheaper: HashMap<PoolId, Cheaper>,
}

/// A pool and the longest its answers may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) pool: PoolId,
    pub(crate) deadline: Duration,
}

/// The pool that answers in another one's place under pressure: a smaller model, or a local one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cheaper {
    /// The pool.
    pub pool: PoolId,
    /// Its model, by the name callers use.
    pub model: Arc<str>,
}

impl Models {
    /// Adds the pool that answers `model`. `*` answers whatever no other pool does.
    pub fn insert(&mut self, model: &str, pool: PoolId, deadline: Duration) {
        let found = Found { pool, deadline };
        self.first.get_or_insert(found);
        if model == ANY {
            self.any = Some(found);
        } else {
            self.names.push(model.to_owned());
            self.by_name.insert(model.to_owned(), found);
        }
    }

    /// Under pressure `pool` may be answered for by the pool of the model `cheaper`. Both are known already.
    pub fn degrade(&mut self, pool: PoolId, cheaper: &str) {
        if let Some(found) = self.by_name.get(cheaper) {
            self.cheaper.insert(pool, Cheaper { pool: found.pool, model: cheaper.into() });
        }
    }

    /// Who answers in a pool's place under pressure.
    pub fn cheaper(&self, pool: PoolId) -> Option<&Cheaper> {
        self.cheaper.get(&pool)
    }

    /// The names callers may use; the wildcard is not one.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether a pool takes any name: then the service behind it knows the list of models, and weir does not.
    pub fn takes_any(&self) -> bool {
        self.any.is_some()
    }

    pub(crate) fn find(&self, request: &Request) -> Result<Found, Rejection> {
        if let Some(found) = self.by_name.get(&*request.model).or(self.any.as_ref()) {
            return Ok(*found);
        }
        match self.first {
            // A passed-through path may belong to no model at all: it goes where the first pool goes.
            Some(first) if request.operation == Operation::Other && request.model.is_empty() => Ok(first),
            _ if request.model.is_empty() => {
                let message = "the body names no `model`; add one of those `GET /v1/models` lists";
                Err(Rejection::new(Kind::BadRequest, message).at("model"))
            }
            _ => Err(self.unknown(&request.model)),
        }
    }

    /// The rejection of a name no pool has.
    pub fn unknown(&self, model: &str) -> Rejection {
        const SHOWN_MAX: usize = 20;
        let mut known: Vec<_> = self.names.iter().take(SHOWN_MAX).map(|name| format!("`{name}`")).collect();
        if self.names.len() > SHOWN_MAX {
            known.push(format!("and {} more", self.names.len() - SHOWN_MAX));
        }
        let message = format!("the model `{model}` does not exist here; known models: {}", known.join(", "));
        Rejection::new(Kind::UnknownModel, message).at("model")
    }
}
