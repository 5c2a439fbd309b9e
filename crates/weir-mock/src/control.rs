//! `/__mock/*`: the controls of the mock itself, for tests and for people with `curl`.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::fault::{self, FaultPlan};
use crate::refusal::Refusal;
use crate::state::State;

/// Does what `path`, the part after `/__mock`, says.
pub(crate) fn answer(
    state: &State,
    method: &Method,
    path: &str,
    body: &Result<Bytes, Refusal>,
) -> Response<Bytes> {
    let done = || respond(StatusCode::OK, &json!({"ok": true}));
    match (method.as_str(), path) {
        ("GET", "/healthz") => respond(StatusCode::OK, &json!({"ok": true, "name": state.options.name})),
        ("GET", "/faults") => respond(StatusCode::OK, &state.plan().to_json()),
        ("POST" | "PUT", "/faults") => match plan(body) {
            Ok(plan) => {
                state.set_plan(plan);
                respond(StatusCode::OK, &state.plan().to_json())
            }
            Err(message) => respond(StatusCode::BAD_REQUEST, &json!({"error": {"message": message}})),
        },
        ("DELETE", "/faults") => {
            state.set_plan(FaultPlan::default());
            done()
        }
        ("GET", "/catalogue") => respond(StatusCode::OK, &catalogue()),
        ("GET", "/log") => {
            let entries = state.log().entries();
            let body = serde_json::to_vec(&entries).expect("log entries are plain data");
            json_response(StatusCode::OK, body)
        }
        ("DELETE", "/log") => {
            state.log().clear();
            done()
        }
        ("POST", "/reset") => {
            state.reset();
            done()
        }
        _ => respond(
            StatusCode::NOT_FOUND,
            &json!({"error": {"message": format!(
                "the mock has no control {method} /__mock{path}: use GET, POST or DELETE /__mock/faults, GET or \
                 DELETE /__mock/log, POST /__mock/reset, GET /__mock/catalogue or GET /__mock/healthz"
            )}}),
        ),
    }
}

fn plan(body: &Result<Bytes, Refusal>) -> Result<FaultPlan, String> {
    let body = body.as_ref().map_err(|refusal| refusal.message.clone())?;
    let text = std::str::from_utf8(body).map_err(|error| format!("plan: is not UTF-8: {error}"))?;
    FaultPlan::parse(text).map_err(|error| error.to_string())
}

/// Every fault and what the caller sees of it.
fn catalogue() -> Value {
    fault::fault_catalogue().map(|(name, about)| json!({"fault": name, "about": about})).collect()
}

fn respond(status: StatusCode, body: &Value) -> Response<Bytes> {
    json_response(status, body.to_string().into_bytes())
}

fn json_response(status: StatusCode, body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
