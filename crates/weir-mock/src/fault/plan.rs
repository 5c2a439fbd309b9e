//! Fault plans: what is to go wrong, as a JSON document that can be changed at run time.
//!
//! As written it is JSON; as meant it is a [`FaultPlan`], whose every rule names a fault that exists and whose
//! numbers are in range. Reading refuses unknown fields and says which field, what it holds and what it should.

use std::fmt;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::{Fault, fault_catalogue, find};
use crate::profile::Profile;
use crate::route::bare_path;

/// Most rules of a plan: every request looks at each.
const RULES_MAX: usize = 1_000;

/// What is to go wrong. The default plan leaves everything to the profile.
#[derive(Clone, Debug)]
pub struct FaultPlan {
    /// Tried in order; the first that fires decides.
    pub rules: Vec<Rule>,
    /// Behave like this profile instead of the one the mock was started with.
    pub profile: Option<Profile>,
    /// Whether the profile may play faults of its own (peak: `insufficient_system_resource`).
    pub profile_faults: bool,
    /// The only API key that is accepted; any is without it.
    pub require_key: Option<String>,
    /// Every answer's text, whatever was asked.
    pub text: Option<String>,
    /// Every answer's thoughts, where thinking is asked for.
    pub thoughts: Option<String>,
    /// Whether a conversation that ends with the assistant is continued even where no flag says so.
    pub continue_trailing_assistant: bool,
}

impl Default for FaultPlan {
    fn default() -> Self {
        FaultPlan {
            rules: Vec::new(),
            profile: None,
            profile_faults: true,
            require_key: None,
            text: None,
            thoughts: None,
            continue_trailing_assistant: false,
        }
    }
}

/// One fault, when it strikes and its particulars.
#[derive(Clone)]
pub struct Rule {
    pub(crate) fault: &'static Fault,
    /// Which of the matching requests it strikes.
    pub when: When,
    /// Only requests whose path without prefixes begins with this.
    pub path: Option<String>,
    /// Only requests for this model.
    pub model: Option<String>,
    /// Only streamed answers, or only those that are not.
    pub stream: Option<bool>,
    /// Only conversations that end with the assistant, or only those that do not.
    pub prefill: Option<bool>,
    /// Tokens that are said before it strikes.
    pub after_tokens: Option<u32>,
    /// Bytes of the body that are sent before it strikes.
    pub after_bytes: Option<usize>,
    /// How long it waits.
    pub delay: Option<Duration>,
    /// Time between keep-alives while it waits.
    pub keep_alive: Option<Duration>,
    /// A `Retry-After` header.
    pub retry_after: Option<String>,
    /// A `retry-after-ms` header, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// The status of the refusal or error event.
    pub status: Option<StatusCode>,
    /// The body instead of the usual one.
    pub body: Option<String>,
}

impl Rule {
    /// The name of the fault it plays.
    pub fn fault(&self) -> &'static str {
        self.fault.name
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", rule_to_json(self))
    }
}

/// Which of the requests that match a rule it strikes.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// All.
    Always,
    /// The first so many.
    Times(u32),
    /// Those with these numbers, counted from 0.
    Script(Vec<u32>),
    /// Each with this chance, drawn from the mock's seed.
    Probability(f64),
}

/// A plan that makes no sense, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// Path of the field, such as `rules[0].after_tokens`.
    pub field: String,
    /// What it holds and what it should hold.
    pub problem: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.problem)
    }
}

impl std::error::Error for PlanError {}

impl FaultPlan {
    /// Reads a plan from JSON text.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        let value: Value = serde_json::from_str(text).map_err(|error| PlanError {
            field: "plan".to_owned(),
            problem: format!("is not JSON ({error}): send an object such as {EXAMPLE}"),
        })?;
        let mut fields = Fields::of(value, String::new())?;
        let rules = fields.list("rules")?;
        let plan = FaultPlan {
            rules: rules
                .into_iter()
                .enumerate()
                .map(|(index, rule)| read_rule(rule, index))
                .collect::<Result<_, _>>()?,
            profile: fields
                .parsed("profile", |name| name.parse::<Profile>().map_err(|error| error.to_string()))?,
            profile_faults: fields.flag("profile_faults")?.unwrap_or(true),
            require_key: fields.text("require_key")?,
            text: fields.text("text")?,
            thoughts: fields.text("thoughts")?,
            continue_trailing_assistant: fields.flag("continue_trailing_assistant")?.unwrap_or(false),
        };
        fields.nothing_left(
            "rules, profile, profile_faults, require_key, text, thoughts, continue_trailing_assistant",
        )?;
        Ok(plan)
    }

    /// The plan as JSON, as [`FaultPlan::parse`] reads it.
    pub fn to_json(&self) -> Value {
        let mut plan = json!({
            "rules": self.rules.iter().map(rule_to_json).collect::<Vec<_>>(),
            "profile": self.profile.map(Profile::name),
            "profile_faults": self.profile_faults,
            "require_key": self.require_key.as_ref().map(|_| "[redacted]"),
            "text": self.text,
            "thoughts": self.thoughts,
            "continue_trailing_assistant": self.continue_trailing_assistant,
        });
        drop_nulls(&mut plan);
        plan
    }
}

const EXAMPLE: &str = r#"{"rules":[{"fault":"status","status":503,"times":2}]}"#;

fn read_rule(value: Value, index: usize) -> Result<Rule, PlanError> {
    let mut fields = Fields::of(value, format!("rules[{index}]"))?;
    let fault = match fields.text("fault")? {
        Some(name) => find(&name).ok_or_else(|| fields.error("fault", unknown_fault(&name)))?,
        None => return Err(fields.error("fault", format!("is missing: name one of {}", names()))),
    };
    let rule = Rule {
        fault,
        when: read_when(&mut fields)?,
        path: fields.text("path")?.map(|path| bare_path(&path).path.to_owned()),
        model: fields.text("model")?,
        stream: fields.flag("stream")?,
        prefill: fields.flag("prefill")?,
        after_tokens: fields.number("after_tokens")?,
        after_bytes: fields.number("after_bytes")?,
        delay: fields.number("delay_ms")?.map(Duration::from_millis),
        keep_alive: fields.number("keep_alive_ms")?.map(|period: u64| Duration::from_millis(period.max(1))),
        retry_after: fields.parsed("retry_after", header_value)?,
        retry_after_ms: fields.number("retry_after_ms")?,
        status: fields.number("status")?.map(|status| fields.status(status)).transpose()?,
        body: fields.text("body")?,
    };
    fields.nothing_left(
        "fault, probability, script, times, path, model, stream, prefill, after_tokens, after_bytes, \
         delay_ms, keep_alive_ms, retry_after, retry_after_ms, status, body",
    )?;
    Ok(rule)
}

fn read_when(fields: &mut Fields) -> Result<When, PlanError> {
    let probability = fields.take("probability");
    let script = fields.take("script");
    let times: Option<u32> = fields.number("times")?;
    match (probability, script, times) {
        (None, None, None) => Ok(When::Always),
        (None, None, Some(times)) => Ok(When::Times(times)),
        (Some(value), None, None) => {
            match value.as_f64() {
                Some(share) if (0.0..=1.0).contains(&share) => Ok(When::Probability(share)),
                _ => Err(fields
                    .error("probability", format!("is {value}: give a number from 0 to 1, such as 0.1"))),
            }
        }
        (None, Some(value), None) => match serde_json::from_value(value.clone()) {
            Ok(numbers) => Ok(When::Script(numbers)),
            Err(_not_numbers) => Err(fields.error(
                "script",
                format!("is {value}: list the matching requests to strike, such as [0, 2]"),
            )),
        },
        _ => Err(fields.error("", "has more than one of probability, script and times: keep one".to_owned())),
    }
}

fn header_value(text: &str) -> Result<String, String> {
    match HeaderValue::from_str(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!("is {text:?}: give what a header can hold, such as \"2\"")),
    }
}

fn names() -> String {
    fault_catalogue().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}

fn unknown_fault(name: &str) -> String {
    format!("is {name:?}, which is no fault: name one of {}", names())
}

fn rule_to_json(rule: &Rule) -> Value {
    let (mut probability, mut script, mut times) = (None, None, None);
    match &rule.when {
        When::Always => {}
        When::Probability(share) => probability = Some(*share),
        When::Script(numbers) => script = Some(numbers.clone()),
        When::Times(count) => times = Some(*count),
    }
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut value = json!({
        "fault": rule.fault.name, "probability": probability, "script": script, "times": times,
        "path": rule.path, "model": rule.model, "stream": rule.stream,
        "prefill": rule.prefill,
        "after_tokens": rule.after_tokens, "after_bytes": rule.after_bytes,
        "delay_ms": rule.delay.map(milliseconds), "keep_alive_ms": rule.keep_alive.map(milliseconds),
        "retry_after": rule.retry_after, "retry_after_ms": rule.retry_after_ms,
        "status": rule.status.map(|status| status.as_u16()), "body": rule.body,
    });
    drop_nulls(&mut value);
    value
}

fn drop_nulls(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|_, value| !value.is_null());
    }
}

/// The fields of one object that have not been read yet.
struct Fields {
    map: Map<String, Value>,
    place: String,
}

impl Fields {
    fn of(value: Value, place: String) -> Result<Self, PlanError> {
        match value {
            Value::Object(map) => Ok(Fields { map, place }),
            other => Err(PlanError {
                field: if place.is_empty() { "plan".to_owned() } else { place },
                problem: format!("is {other}: send an object such as {EXAMPLE}"),
            }),
        }
    }

    fn error(&self, field: &str, problem: String) -> PlanError {
        let dot = if self.place.is_empty() || field.is_empty() { "" } else { "." };
        PlanError { field: format!("{}{dot}{field}", self.place), problem }
    }

    fn take(&mut self, field: &str) -> Option<Value> {
        self.map.remove(field).filter(|value| !value.is_null())
    }

    fn text(&mut self, field: &str) -> Result<Option<String>, PlanError> {
        self.parsed(field, |text| Ok(text.to_owned()))
    }

    fn parsed<T>(
        &mut self,
        field: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, PlanError> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => read(&text).map(Some).map_err(|problem| self.error(field, problem)),
            Some(other) => Err(self.error(field, format!("is {other}: give a text in quotes"))),
        }
    }

    fn flag(&mut self, field: &str) -> Result<Option<bool>, PlanError> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.error(field, format!("is {other}: give true or false"))),
        }
    }

    fn number<T: TryFrom<u64>>(&mut self, field: &str) -> Result<Option<T>, PlanError> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        match value.as_u64().and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.error(field, format!("is {value}: give a whole number, such as 40"))),
        }
    }

    fn status(&self, status: u16) -> Result<StatusCode, PlanError> {
        let valid = StatusCode::from_u16(status).ok().filter(|status| status.as_u16() >= 200);
        valid.ok_or_else(|| self.error("status", format!("is {status}: give an HTTP status, such as 503")))
    }

    fn list(&mut self, field: &str) -> Result<Vec<Value>, PlanError> {
        match self.take(field) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) if items.len() <= RULES_MAX => Ok(items),
            Some(Value::Array(items)) => {
                Err(self.error(field, format!("has {} entries: send at most {RULES_MAX}", items.len())))
            }
            Some(other) => Err(self.error(field, format!("is {other}: give a list of objects"))),
        }
    }

    fn nothing_left(&self, known: &str) -> Result<(), PlanError> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(field) => Err(self.error(field, format!("is no field of this object: use {known}"))),
        }
    }
}
