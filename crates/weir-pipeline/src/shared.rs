//! One call for all who ask for the same at the same time.
//!
//! What always holds: the call is made by a task of its own, so that whoever asked first may leave; each of those who listen
//! is let in, recorded and settled for itself; a call that came to nothing is made once more, by the next of them, and then
//! that is the answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use weir_admit::Admission;
use weir_cache::{Begun, Fill, FlightKey, Lead, Listener, Refresh, Unanswered};
use weir_core::{Answer, Body, CacheState, Kind, Rejection, Request};

use crate::Pipeline;

/// How a task is begun that belongs to no request.
pub type Spawn = Box<dyn Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync>;

/// A call that came to nothing, and what is left with whoever only listened.
struct Nothing {
    why: Unanswered,
    own: Option<(Admission, Fill)>,
}

impl Pipeline {
    /// The answer to a request for which a call may be under way already.
    pub(crate) async fn share(
        self: &Arc<Self>,
        key: FlightKey,
        request: &Arc<Request>,
        own: (Admission, Fill),
    ) -> Result<Answer, Rejection> {
        let Nothing { why, own } = match self.board(key, request, own).await {
            Ok(answer) => return Ok(answer),
            Err(nothing) => nothing,
        };
        let answer = match own.filter(|_| is_worth_another(&why)) {
            Some(own) => self.board(key.again(), request, own).await.map_err(|nothing| nothing.why),
            None => Err(why),
        };
        answer.map_err(|why| match why {
            Unanswered::Rejected(rejection) => rejection,
            Unanswered::GivenUp => given_up(),
        })
    }

    /// An answer that is fresh no more; a new one is fetched by a task of its own, unless one is already, or it can wait.
    /// It is paid for by whoever is given the old one.
    pub(crate) fn refreshed(
        self: &Arc<Self>,
        request: &Request,
        answer: Answer,
        admission: Admission,
        refresh: Refresh,
    ) -> Answer {
        let can_wait = self.spares(&admission) && refresh.can_wait();
        if can_wait || self.cache.flights().is_under_way(&refresh.shared) {
            return answer.observed_by(admission.into_free_observer());
        }
        let again = Arc::new(request.again(self.clock.now()));
        again.trail.cache_said(CacheState::Refresh);
        (self.spawn)(Box::pin(self.clone().refresh(again, admission, refresh)));
        answer
    }

    async fn refresh(self: Arc<Self>, request: Arc<Request>, admission: Admission, refresh: Refresh) {
        let record = self.settle.open(&request);
        let answered = self.share(refresh.shared, &request, (admission, refresh.fill)).await;
        let mut answer = self.recorded(&request, record, answered);
        // Whatever comes of it is in the record, and the answer in the cache.
        while std::future::poll_fn(|cx| answer.poll_chunk(cx)).await.is_some() {}
    }

    /// Joins a call, or has it made.
    async fn board(
        self: &Arc<Self>,
        key: FlightKey,
        request: &Arc<Request>,
        (admission, fill): (Admission, Fill),
    ) -> Result<Answer, Nothing> {
        let begin_by = admission.begin_by;
        let (lead, mut listener) = self.cache.flights().board(key);
        let own = match lead {
            Some(lead) => {
                if request.trail.cache() == CacheState::Coalesced {
                    // The call that it shared came to nothing: this one is its own.
                    request.trail.cache_said(CacheState::Miss);
                }
                (self.spawn)(Box::pin(self.clone().fly(lead, request.clone(), (admission, fill))));
                None
            }
            None => {
                request.trail.cache_said(CacheState::Coalesced);
                listener = listener.free();
                Some((admission, fill))
            }
        };
        let begun = tokio::time::timeout_at(begin_by.into(), listener.begun()).await;
        match begun.unwrap_or_else(|_elapsed| Err(Unanswered::Rejected(too_late()))) {
            Ok(begun) => Ok(self.heard(begun, listener, request, own.map(|(admission, _fill)| admission))),
            Err(why) => Err(Nothing { why, own }),
        }
    }

    /// The answer that is listened to, for one of those who do. `own`: of one who does not pay for it.
    fn heard(&self, begun: Begun, listener: Listener, request: &Request, own: Option<Admission>) -> Answer {
        let body = match begun.whole {
            Some(whole) => Body::Whole(Some(whole)),
            None => Body::Stream(Box::pin(listener)),
        };
        let answer = Answer::new(self.clock, begun.head, body);
        let Some(admission) = own else { return answer };
        if let Some(degraded) = begun.degraded {
            request.trail.degraded(degraded);
        }
        answer.observed_by(admission.into_free_observer())
    }

    /// Makes a call for all who listen, until it is over or nobody does.
    async fn fly(self: Arc<Self>, lead: Lead, request: Arc<Request>, (admission, fill): (Admission, Fill)) {
        let made = tokio::select! {
            biased;
            () = std::future::poll_fn(|cx| lead.poll_deserted(cx)) => return,
            made = self.make(&request, admission, fill) => made,
        };
        let mut answer = match made {
            Ok(answer) => answer,
            Err(rejection) => return lead.rejected(rejection),
        };
        let is_whole = answer.exact_len().is_some();
        let degraded = request.trail.degraded_how().map(str::to_owned);
        let begun = Begun { head: answer.head.clone(), whole: None, degraded };
        if !is_whole {
            lead.begun(begun.clone());
        }
        loop {
            let next = std::future::poll_fn(|cx| match lead.poll_deserted(cx) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => answer.poll_chunk(cx).map(Some),
            });
            match next.await {
                // Nobody listens: dropping the answer closes the call.
                None => return,
                Some(None) => return lead.ended(Ok(())),
                Some(Some(Err(failure))) => return lead.ended(Err(failure)),
                Some(Some(Ok(chunk))) if is_whole => {
                    lead.begun(Begun { whole: Some(chunk), ..begun.clone() });
                }
                Some(Some(Ok(chunk))) => lead.chunk(chunk),
            }
        }
    }
}

/// What the caller did wrong, and what its service said of it, stays so. Anything else may have been the matter of the one
/// that led: its deadline, its rate, its place in line, its having left.
pub(crate) const fn is_worth_another(why: &Unanswered) -> bool {
    match why {
        Unanswered::GivenUp => true,
        Unanswered::Rejected(rejection) => !matches!(
            rejection.kind,
            Kind::BadRequest | Kind::UnknownModel | Kind::Upstream | Kind::UpstreamsDown
        ),
    }
}

fn too_late() -> Rejection {
    let message =
        "the call that was shared had not begun to answer when the request's time to begin was over";
    Rejection::new(Kind::DeadlineExceeded, message)
}

fn given_up() -> Rejection {
    Rejection::new(Kind::UpstreamsDown, "the call that was shared was given up before its answer began")
}
