//! One exchange: from a request to the reply that is played to it.
//!
//! Read top to bottom: route, read, parse, then the first of these that has something to say: the fault plan,
//! the service, the ordinary answer.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, SERVER};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::Incoming;

use crate::answer::{Answer, Given};
use crate::ask::{Ask, Role};
use crate::attempt::Attempt;
use crate::chance::Chance;
use crate::control;
use crate::dialect::{Door, Stamp, count_tokens};
use crate::fault::{self, Facts};
use crate::models;
use crate::overrides::Overrides;
use crate::play::{Aborted, Play};
use crate::refusal::{Refusal, Shape};
use crate::reply::{Reply, Sever, Step};
use crate::route::{self, Bare, Endpoint};
use crate::scene::{Matter, Pace, Scene, Talk};
use crate::service::Decision;
use crate::state::State;
use crate::vectors;
use crate::wire::Wire;

/// Largest request body read.
pub(crate) const BODY_BYTES_MAX: usize = 32 << 20;

pub(crate) type Body = Either<Full<Bytes>, Play>;

/// Answers one request, or ends its connection or stream.
pub(crate) async fn serve(
    request: Request<Incoming>,
    state: Arc<State>,
    wire: Arc<Wire>,
) -> Result<Response<Body>, Aborted> {
    let (head, body) = request.into_parts();
    if let Some(path) = head.uri.path().strip_prefix("/__mock") {
        let body = read(body).await;
        return Ok(
            control::answer(&state, &head.method, path, &body).map(|body| Either::Left(Full::new(body)))
        );
    }
    let now_ms = state.now_ms();
    let id = state.log().open(head.uri.path(), now_ms, &head.headers);
    let attempt = Attempt::new(Arc::clone(&state), id);
    let exchange = Exchange::new(&state, &head, id, attempt);
    let body = read(body).await;
    let (reply, attempt, stamp) = exchange.reply(body);
    respond(reply, attempt, wire, &stamp).await
}

async fn respond(
    reply: Reply,
    attempt: Attempt,
    wire: Arc<Wire>,
    stamp: &Stamp,
) -> Result<Response<Body>, Aborted> {
    let mut response = Response::builder().status(reply.status);
    if let Some(headers) = response.headers_mut() {
        *headers = reply.headers.clone();
        sign(headers, stamp);
    }
    let at_once = reply.head == crate::reply::Head::AtOnce;
    let status = reply.status.as_u16();
    let mut play = Play::new(reply, attempt, wire);
    if !at_once {
        play.first_byte().await?;
    }
    play.attempt().note_status(status);
    Ok(response.body(Either::Right(play)).expect("status and headers were valid when the reply was made"))
}

/// The headers every reply carries.
fn sign(headers: &mut HeaderMap, stamp: &Stamp) {
    headers.insert(SERVER, HeaderValue::from_static("weir-mock"));
    if let Ok(id) = HeaderValue::from_str(&stamp.id) {
        // OpenAI's, Anthropic's and DeepSeek's names for the same thing.
        for name in ["x-request-id", "request-id", "x-ds-trace-id"] {
            headers.insert(HeaderName::from_static(name), id.clone());
        }
    }
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::too_large(BODY_BYTES_MAX)),
        Err(error) => Err(Refusal::invalid(format!("Failed to read the request body: {error}"))),
    }
}

/// A request being answered.
struct Exchange<'a> {
    state: &'a State,
    head: &'a http::request::Parts,
    bare: Bare<'a>,
    shape: Shape,
    stamp: Stamp,
    attempt: Attempt,
    chance: Chance,
    pace: Pace,
}

/// What was asked for, read and found valid.
enum Wanted {
    Talk(&'static dyn crate::dialect::Dialect, Ask),
    Document { model: String, prompt_tokens: u32, body: Bytes },
}

impl<'a> Exchange<'a> {
    fn new(state: &'a State, head: &'a http::request::Parts, id: u64, attempt: Attempt) -> Self {
        let bare = route::bare_path(head.uri.path());
        let anthropic = bare.anthropic
            || bare.path.starts_with("/messages")
            || head.headers.contains_key("anthropic-version");
        let (chance, pace) = state.next_request();
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let fingerprint = format!("fp_{}", state.options.name);
        let stamp =
            Stamp { id: format!("{:016x}{id:08x}", chance.fork(ID_DRAW).bits()), created, fingerprint };
        let shape = if anthropic { Shape::Anthropic } else { Shape::OpenAi };
        Exchange { state, head, bare, shape, stamp, attempt, chance, pace }
    }

    fn reply(mut self, body: Result<Bytes, Refusal>) -> (Reply, Attempt, Stamp) {
        let overrides = Overrides::read(&self.head.headers, body.as_deref().unwrap_or_default());
        let plan = self.state.plan();
        let reply = match body.and_then(|body| self.wanted(&body, &plan, overrides)) {
            Ok(wanted) => self.answer(&wanted, &plan, overrides),
            Err(refusal) => Reply::refusal(&refusal, self.shape, &self.stamp.id, None),
        };
        (reply, self.attempt, self.stamp)
    }

    /// Finds the endpoint and reads the body.
    fn wanted(&self, body: &[u8], plan: &fault::FaultPlan, overrides: Overrides) -> Result<Wanted, Refusal> {
        let method = &self.head.method;
        let not_found = || {
            Refusal::not_found(
                "unknown_url",
                format!("Unknown request URL: {method} {}", self.head.uri.path()),
            )
        };
        let endpoint = route::endpoint(self.bare.path).ok_or_else(not_found)?;
        if *method != endpoint.method() {
            return Err(Refusal::wrong_method(endpoint.method().as_str()));
        }
        self.check_key(plan.require_key.as_deref())?;
        let document = |model: String, prompt_tokens, body: Vec<u8>| {
            Ok(Wanted::Document { model, prompt_tokens, body: body.into() })
        };
        match endpoint {
            Endpoint::Talk(dialect) => {
                let door =
                    Door { beta: self.bare.beta, continues_trailing: plan.continue_trailing_assistant };
                let mut ask = dialect.parse(body, door)?;
                self.check_model(&ask.model)?;
                ask.tokens_exact = overrides.tokens;
                Ok(Wanted::Talk(dialect, ask))
            }
            Endpoint::CountTokens => {
                let tokens = count_tokens(body)?;
                document(String::new(), tokens, models::token_count(tokens))
            }
            Endpoint::Embeddings => {
                let wanted = vectors::parse(body)?;
                self.check_model(&wanted.model)?;
                document(wanted.model.clone(), wanted.prompt_tokens, vectors::answer(&wanted))
            }
            Endpoint::Models => {
                document(String::new(), 0, models::list(&self.state.options.models, self.shape))
            }
            Endpoint::Model(id) => {
                let model = models::one(&self.state.options.models, &id, self.shape)?;
                document(id, 0, model)
            }
        }
    }

    /// Any key will do, unless the plan names one.
    fn check_key(&self, required: Option<&str>) -> Result<(), Refusal> {
        let Some(required) = required else {
            return Ok(());
        };
        let header = |name| self.head.headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        match bearer.or_else(|| header("x-api-key")) {
            Some(key) if key == required => Ok(()),
            _ => Err(Refusal::unauthenticated()),
        }
    }

    /// A model that is not served is refused; callers of Anthropic's dialect get any name served, as DeepSeek
    /// does for them.
    fn check_model(&self, model: &str) -> Result<(), Refusal> {
        let models = &self.state.options.models;
        let served = models.is_empty() || models.iter().any(|served| served == model);
        match served || self.shape == Shape::Anthropic {
            true => Ok(()),
            false => Err(Refusal::invalid("Model Not Exist")),
        }
    }

    fn answer(&mut self, wanted: &Wanted, plan: &fault::FaultPlan, overrides: Overrides) -> Reply {
        let (model, matter) = match wanted {
            Wanted::Talk(dialect, ask) => {
                let (cache_hit, prompt) = self.state.read_prompt(ask);
                self.attempt.note_ask(&ask.model, ask.stream, prompt);
                let given = Given { text: plan.text.as_deref(), thoughts: plan.thoughts.as_deref() };
                let answer = Answer::compose(ask, given);
                self.attempt.note_answer(ask.last_role() == Some(Role::Assistant), answer.tokens());
                (ask.model.as_str(), Matter::Talk(Talk { dialect: *dialect, ask, answer, cache_hit, prompt }))
            }
            Wanted::Document { model, prompt_tokens, body } => {
                self.attempt.note_ask(model, false, *prompt_tokens);
                (model.as_str(), Matter::Document(body.clone()))
            }
        };
        let mut scene = Scene {
            shape: self.shape,
            stamp: self.stamp.clone(),
            pace: overrides.apply(self.pace),
            chance: self.chance.clone(),
            matter,
        };
        let facts = Facts { path: self.bare.path, model };
        if self.head.method == http::Method::GET {
            return match self.state.pick_fault(&facts, &scene) {
                Some(rule) => self.spoiled(&rule, &scene),
                None => scene.reply(),
            };
        }
        let Some(mut slot) = self.state.enter() else {
            return self.refused("account_limit", &Refusal::over_account_limit());
        };
        if let Some(rule) = self.state.pick_fault(&facts, &scene) {
            self.attempt.hold(slot);
            return self.spoiled(&rule, &scene);
        }
        let decision = self.state.arrive(self.shape, self.pace, &mut slot);
        self.attempt.hold(slot);
        match decision {
            Decision::Run { pace, .. } => {
                scene.pace = overrides.apply(pace);
                self.ordinary(&scene, plan)
            }
            Decision::Refuse { trouble, refusal } => self.refused(trouble, &refusal),
            Decision::Reset => {
                self.attempt.note_fault("outage");
                Reply::nothing_but(Step::Sever(Sever::Rst))
            }
        }
    }

    fn spoiled(&self, rule: &fault::Rule, scene: &Scene) -> Reply {
        self.attempt.note_fault(rule.fault());
        (rule.fault.play)(rule, scene)
    }

    fn refused(&self, trouble: &str, refusal: &Refusal) -> Reply {
        self.attempt.note_fault(trouble);
        Reply::refusal(refusal, self.shape, &self.stamp.id, None)
    }

    /// The ordinary reply, or the fault that the profile plays on its own now and then.
    fn ordinary(&mut self, scene: &Scene, plan: &fault::FaultPlan) -> Reply {
        let share = if plan.profile_faults { self.state.insufficient() } else { 0.0 };
        if let Matter::Talk(talk) = &scene.matter
            && self.chance.happens(share)
        {
            self.attempt.note_fault(fault::finish::INSUFFICIENT);
            let said = self.chance.between(0.0, f64::from(talk.answer.tokens().max(1)));
            return fault::finish::insufficient(scene, said as u32);
        }
        scene.reply()
    }
}

/// The stream of draws that makes ids.
const ID_DRAW: u64 = 3;
