//! Endpoints that rest: whoever waits for them waits in line, and goes by priority when they are back.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use weir_core::{Body, Class, Failure, Head, PoolId, Request, names};
use weir_infer::{Begun, Target, Timers};

use super::pipeline::{at_rest, live, plain};
use super::world::{Chunks, clock, pipeline_over};
use crate::{Pipeline, Upstream};

const POOL: PoolId = PoolId(0);

/// Two services that are down until some time, each in the same way, and then take a second for an answer. They note whom they
/// were called for, by the caller's priority, and when.
#[derive(Clone)]
struct Down {
    until_ms: u64,
    how: Class,
    retry_after: Option<Duration>,
    calls: Arc<Mutex<Vec<(u64, u8)>>>,
    began: std::time::Instant,
}

impl Down {
    fn until_ms(until_ms: u64, how: Class, retry_after_s: Option<u64>) -> Self {
        let (retry_after, began) = (retry_after_s.map(Duration::from_secs), clock().now());
        Self { until_ms, how, retry_after, calls: Arc::default(), began }
    }

    fn now_ms(&self) -> u64 {
        clock().now().saturating_duration_since(self.began).as_millis() as u64
    }

    /// The priorities of those for whom it was called in a stretch of time.
    fn called(&self, ms: std::ops::Range<u64>) -> Vec<u8> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(at, _)| ms.contains(at)).map(|(_, priority)| *priority).collect()
    }
}

impl Upstream for Down {
    fn call<'a>(
        &'a self,
        request: &'a Request,
        _target: Target<'a>,
        _timers: Timers,
    ) -> Pin<Box<dyn Future<Output = Result<Begun, Failure>> + Send + 'a>> {
        Box::pin(async move {
            let now_ms = self.now_ms();
            let priority = request.header(&names::PRIORITY).unwrap().parse().unwrap();
            self.calls.lock().unwrap().push((now_ms, priority));
            if now_ms < self.until_ms {
                let failure = Failure::new(self.how, "down");
                return Err(Failure { retry_after: self.retry_after, ..failure });
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            let chunks = Chunks { left: 1, whole: true };
            Ok(Begun { head: Head::default(), body: Body::Stream(Box::pin(chunks)) })
        })
    }
}

fn request(priority: u8, patience_ms: u64) -> Arc<Request> {
    let mut request = plain("m");
    request.headers.insert(&names::PRIORITY, u16::from(priority).into());
    request.headers.insert(&names::DEADLINE_MS, patience_ms.into());
    Arc::new(request)
}

/// A request on its way: the status of its answer, and when that was over.
fn ask(
    tasks: &mut JoinSet<(u8, u16, u64)>,
    house: &Arc<Pipeline>,
    down: &Down,
    priority: u8,
    patience_ms: u64,
) {
    let (house, down, request) = (house.clone(), down.clone(), request(priority, patience_ms));
    tasks.spawn(async move {
        let answer = live(&house, &request, usize::MAX).await.unwrap();
        (priority, answer.head.status.as_u16(), down.now_ms())
    });
}

async fn pass(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[tokio::test(start_paused = true)]
async fn while_a_service_pauses_everybody_stays_in_line_and_then_goes_by_priority() {
    let down = Down::until_ms(100, Class::Overload, Some(2));
    let house = Arc::new(pipeline_over(Box::new(down.clone()), 100).0);
    let mut tasks = JoinSet::new();
    ask(&mut tasks, &house, &down, 0, 60_000);
    pass(200).await;
    assert_eq!(down.called(0..200), [0, 0], "each service has asked for a pause");
    // All of one class: what is kept free for the others is not looked at here.
    let priorities = [3, 1, 2, 3, 2, 1, 3, 1, 2, 2];
    for priority in priorities {
        ask(&mut tasks, &house, &down, priority, 60_000);
        pass(10).await;
    }
    pass(1_000).await;
    assert_eq!(house.queue.depth(POOL), (10, 0), "all of them are in line");
    assert_eq!(house.queue.look(POOL).waiting, 10);
    while let Some(answered) = tasks.join_next().await {
        assert_eq!(answered.unwrap().1, 200);
    }
    let order = down.called(1_900..60_000);
    let newcomers: Vec<_> = order.iter().copied().filter(|priority| *priority > 0).collect();
    let mut sorted = priorities;
    sorted.sort_unstable();
    assert_eq!(newcomers, sorted, "{order:?}");
    at_rest(&house);
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_may_be_probed_lets_the_most_urgent_through_and_keeps_the_others_in_line() {
    let down = Down::until_ms(8_000, Class::Hard, None);
    let house = Arc::new(pipeline_over(Box::new(down.clone()), 100).0);
    let mut tasks = JoinSet::new();
    // Ten faults open a circuit.
    for _ in 0..30 {
        ask(&mut tasks, &house, &down, 9, 60_000);
    }
    pass(3_000).await;
    assert!(house.attempts.route().pulse(POOL).all_open);
    let calls = down.calls.lock().unwrap().len();
    for priority in [3, 3, 2, 2, 1, 1] {
        ask(&mut tasks, &house, &down, priority, 60_000);
    }
    pass(1_000).await;
    assert_eq!(house.queue.depth(POOL).1, 0, "nobody has a turn");
    assert_eq!(down.calls.lock().unwrap().len(), calls, "and nobody is called");
    while let Some(answered) = tasks.join_next().await {
        let (priority, status, _) = answered.unwrap();
        assert!(status == 200 || priority == 9, "{priority}: {status}");
    }
    let probes = down.called(4_000..8_000);
    assert!(probes[0] == 1 && probes.len() <= 6 && !probes.contains(&3), "{probes:?}");
    let answered = down.called(8_000..60_000);
    assert!(answered.iter().filter(|priority| **priority < 9).is_sorted(), "{answered:?}");
    at_rest(&house);
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_wait_for_the_end_of_a_rest_is_told_at_once() {
    let down = Down::until_ms(1_000, Class::Overload, Some(5));
    let house = Arc::new(pipeline_over(Box::new(down.clone()), 100).0);
    let mut tasks = JoinSet::new();
    // The first of these has its turn, the second is in line when it becomes known how long it will be.
    ask(&mut tasks, &house, &down, 0, 60_000);
    pass(200).await;
    ask(&mut tasks, &house, &down, 3, 2_000);
    pass(10).await;
    assert_eq!(down.called(200..1_000), [3], "one call to a service that rests is better than none");
    let told = tasks.join_next().await.unwrap().unwrap();
    assert_eq!((told.0, told.1), (3, 503));
    assert!(told.2 < 1_000, "{told:?}");
    while let Some(answered) = tasks.join_next().await {
        assert_eq!(answered.unwrap().1, 200);
    }
    at_rest(&house);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_dead_service_for_longer_than_an_outage_is_waited_for() {
    let down = Down::until_ms(u64::MAX, Class::Hard, None);
    let house = Arc::new(pipeline_over(Box::new(down.clone()), 100).0);
    let mut tasks = JoinSet::new();
    for _ in 0..30 {
        ask(&mut tasks, &house, &down, 9, 300_000);
    }
    pass(3_000).await;
    while tasks.try_join_next().is_some() {}
    ask(&mut tasks, &house, &down, 8, 300_000);
    while let Some(answered) = tasks.join_next().await {
        let (priority, status, at_ms) = answered.unwrap();
        assert_eq!(status, 503);
        assert!(priority != 8 || (3_000..=34_000).contains(&at_ms), "after {at_ms} ms");
    }
    assert!(!down.called(3_000..34_000).is_empty(), "it was called once after all");
    at_rest(&house);
}
