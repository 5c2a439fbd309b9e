//! Whom kept answers belong to: any bodies of any callers, and no key that crosses what the operator lets them share.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use weir_cache::config::Scope;
use weir_core::{Chance, Operation, Request, RequestId, Tenant, Trail, names};
use weir_wire::{envelope, question};

use crate::input::Input;

const SCOPES: [(Scope, &str); 4] =
    [(Scope::User, "user"), (Scope::Key, "key"), (Scope::Team, "team"), (Scope::Global, "global")];
const OPERATIONS: [Operation; 3] = [Operation::Chat, Operation::Messages, Operation::Responses];
/// Two of one team, two of none, and one whose team is called as the first one's key is written.
const TEAMS: [&str; 5] = ["red", "red", "", "", "11111111111111111111111111111111"];

/// Two callers who find each other's answers, or whose questions are compared, may do so by the operator's scope and their
/// own; a body that is sent twice by one caller is one.
///
/// # Panics
/// One of these does not hold.
pub fn scopes(bytes: &[u8]) {
    let mut input = Input::read(bytes);
    let (widest, _) = input.pick(&SCOPES);
    let operation = input.pick(&OPERATIONS);
    let mut sent = |record: usize| Sent::read(operation, &mut input, record);
    let Some([one, mut other]) = sent(0).zip(sent(1)).map(<[Sent; 2]>::from) else { return };
    one.and(&other, widest);
    // The same words from the other caller: that is where answers would leak.
    other.request.envelope = one.request.envelope.clone();
    one.and(&other, widest);
}

/// What one caller sends.
struct Sent {
    who: usize,
    narrowed: Option<Scope>,
    tenant: Tenant,
    request: Request,
}

impl Sent {
    fn read(operation: Operation, input: &mut Input<'_>, record: usize) -> Option<Self> {
        let who = input.number(TEAMS.len());
        let narrowed = Some(input.number(5)).filter(|at| *at > 0).map(|at| SCOPES[at - 1]);
        let team = Some(TEAMS[who]).filter(|team| !team.is_empty());
        let hash = [b'1' + u8::try_from(who).ok()?; 32];
        let tenant =
            Tenant { name: "all".into(), scope: weir_core::Scope::of_hash(hash), team: team.map(Into::into) };
        let mut request = request(operation, Bytes::copy_from_slice(input.record(record)))?;
        if let Some((_, name)) = narrowed {
            request.headers.insert(&names::CACHE_SCOPE, HeaderValue::from_static(name));
        }
        Some(Self { who, narrowed: narrowed.map(|(scope, _)| scope), tenant, request })
    }

    /// What must hold of this one and another.
    fn and(&self, other: &Self, widest: Scope) {
        let (Some(mine), Some(others)) = (self.keys(widest), other.keys(widest)) else { return };
        let may_share = self.lets(widest, other) && other.lets(widest, self);
        let [answer, question] =
            mine.iter().zip(&others).map(|(one, other)| one == other).collect::<Vec<_>>()[..]
        else {
            return;
        };
        assert!(may_share || !answer, "an answer reaches another");
        assert!(may_share || !question, "questions of two are compared");
        assert!(mine[0] != others[1] && mine[1] != others[0], "an answer is no question");
        let same =
            self.request.envelope.body == other.request.envelope.body && self.narrowed == other.narrowed;
        assert!(!same || !may_share || answer, "what may be shared is");
    }

    fn keys(&self, widest: Scope) -> Option<[[u8; 32]; 2]> {
        // Where no words are the question, all of the body must be the same.
        let words = question::last_words(self.request.operation, &self.request.envelope).unwrap_or(0..0);
        let keys = weir_cache::keys(widest, &self.tenant, &self.request, &words);
        let is_refused = self.narrowed.is_some_and(|scope| scope > widest);
        assert_eq!(keys.is_err(), is_refused, "nobody asks for more than the operator lets them");
        keys.ok()
    }

    /// Whether what is made for it may be given to the other.
    fn lets(&self, widest: Scope, other: &Self) -> bool {
        let same_key = self.who == other.who;
        match self.narrowed.unwrap_or(widest) {
            Scope::Global => true,
            Scope::Team => same_key || (self.tenant.team.is_some() && self.tenant.team == other.tenant.team),
            Scope::Key => same_key,
            Scope::User => same_key && users(&self.request) == users(&other.request),
        }
    }
}

/// Every copy of the members that name a user, whatever escapes their names are written with.
fn users(request: &Request) -> [Vec<&[u8]>; 2] {
    let envelope = &request.envelope;
    ["user", "metadata"].map(|wanted| {
        let is_wanted = |key: &[u8]| serde_json::from_slice::<String>(key).is_ok_and(|name| name == wanted);
        let copies = envelope.members.iter().filter(|member| is_wanted(&envelope.body[member.key.clone()]));
        copies.map(|member| &envelope.body[member.value.clone()]).collect()
    })
}

fn request(operation: Operation, body: Bytes) -> Option<Request> {
    let (model, envelope) = envelope::read(operation, body).ok()?;
    #[expect(
        clippy::disallowed_methods,
        reason = "a request came at some moment; nothing here depends on which"
    )]
    let received = std::time::Instant::now();
    Some(Request {
        id: RequestId::draw(&Chance::seeded(1)),
        received,
        operation,
        dialect: operation.dialect(),
        method: Method::POST,
        path: "/".into(),
        query: None,
        model: model.as_str().into(),
        headers: HeaderMap::new(),
        envelope,
        trail: Arc::new(Trail::new(received)),
    })
}
