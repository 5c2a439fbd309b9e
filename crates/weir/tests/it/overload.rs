//! More work than room: a pool is driven through every level of pressure and back by load alone.
//!
//! The pool has four places; requests that take a minute hold them, so that what happens to
//! the others does not depend on how fast this machine is. Rates lie well between the thresholds for the same reason.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::house::{Caller, PLAIN, Reply, STREAM, Service, Weir};

/// Places in the pool.
const PLACES: usize = 4;
/// Places at the service. A caller who leaves frees the place in the pool at once, the one at the service when that has
/// noticed: four may leave together, and nobody is to be refused for that.
const SERVICE_PLACES: u32 = 8;
/// Thresholds in requests a second, and rates well above each and well below the next.
const QPS: &str = "qps = [4, 16, 64]";
const ABOVE_L2: u32 = 32;
const ABOVE_L3: u32 = 160;
/// The longest way: from L3 to rest, at one step in five seconds after ten.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway over a pool and a smaller one that stands in for it.
struct House {
    large: Service,
    small: Service,
    weir: Weir,
    /// Levels in the order in which they were seen.
    walk: Vec<u64>,
}

impl House {
    fn new() -> Self {
        let (large, small) = (Service::limited(SERVICE_PLACES), Service::limited(2));
        let places = |count: usize| format!("concurrency = \"fixed\"\nmax_concurrent = {count}\nmodels");
        let config = [
            large.endpoint("large").replace("models", &places(PLACES)),
            small.endpoint("small").replace("models", &places(2)).replace("flash\"", "flash-lite\"")
                + "model_map = { \"deepseek-flash-lite\" = \"deepseek-flash\" }\n",
            "[[pool]]\nmodel = \"deepseek-flash\"\nendpoints = [\"large\"]\ndegrade_to = \"deepseek-flash-lite\"\n".into(),
            "[[pool]]\nmodel = \"deepseek-flash-lite\"\nendpoints = [\"small\"]\n".into(),
            format!("[pressure]\n{QPS}\n"),
        ];
        Self { large, small, weir: Weir::start(&config.concat()), walk: Vec::new() }
    }

    /// The pool as the operator sees it.
    fn look(&mut self) -> Value {
        let pool = self.weir.admin("/status").json()["pools"][0].clone();
        assert!(
            pool["permits_out"].as_u64() <= Some(PLACES as u64),
            "more are out than there is room: {pool}"
        );
        let level = pool["level"].as_u64().unwrap();
        if self.walk.last() != Some(&level) {
            self.walk.push(level);
        }
        pool
    }

    #[track_caller]
    fn until(&mut self, what: &str, holds: impl Fn(&Value) -> bool) {
        let began = Instant::now();
        loop {
            let pool = self.look();
            if holds(&pool) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "never {what}: {pool}");
        }
    }

    fn ask(&self, headers: &[(&str, &str)], body: &str) -> Caller {
        Caller::to(&self.weir.data).send("POST", "/v1/chat/completions", headers, body)
    }

    /// A request that holds its place until its caller leaves.
    fn hold(&self) -> Caller {
        let headers = [("x-mock-ttft-ms", "60000"), ("x-weir-degrade", "never"), ("x-weir-priority", "0")];
        self.ask(&headers, STREAM)
    }

    /// Sends one request after the other at a rate, whatever becomes of them, until the pool is at `level`; their answers.
    #[track_caller]
    fn pump(&mut self, per_s: u32, level: u64, send: impl Fn(u32) -> Caller) -> mpsc::Receiver<Reply> {
        let (told, replies) = mpsc::channel();
        let (began, gap) = (Instant::now(), Duration::from_secs(1) / per_s);
        let mut due = began;
        for number in 0.. {
            let (caller, told) = (send(number), told.clone());
            std::thread::spawn(move || told.send(caller.read()));
            // A machine that is behind its schedule does not catch up: the rate stays below the next threshold.
            due = (due + gap).max(Instant::now());
            while Instant::now() < due {
                if self.look()["level"] == level {
                    return replies;
                }
            }
            assert!(began.elapsed() < PATIENCE, "never at level {level}: {}", self.look());
        }
        unreachable!("numbers do not end")
    }
}

/// Bulk work in either dialect, which takes nothing but the answer that was asked for.
fn bulk(weir: &str, number: u32) -> Caller {
    let headers = [("x-weir-priority", "9"), ("x-weir-degrade", "never")];
    let (path, body) = match number % 2 {
        0 => ("/v1/chat/completions", PLAIN.to_owned()),
        _ => ("/v1/messages", PLAIN.replace("}]}", "}],\"max_tokens\":9}")),
    };
    Caller::to(weir).send("POST", path, &headers, &body)
}

impl House {
    /// Takes every place that is free.
    #[track_caller]
    fn fill(&mut self, held: &mut Vec<Caller>) {
        held.extend((held.len()..PLACES).map(|_| self.hold()));
        self.until("full", |pool| pool["permits_out"] == PLACES && pool["waiting"] == 0);
    }

    /// L1: every place is taken; whoever comes waits, and the urgent go first.
    fn queues(&mut self, held: &mut Vec<Caller>) {
        self.fill(held);
        self.until("pressed", |pool| pool["level"] == 1);
        let mut waiting = Vec::new();
        for priority in ["8", "8", "5", "5", "0", "0"] {
            let headers = [("x-weir-priority", priority), ("x-name", priority), ("x-weir-degrade", "never")];
            waiting.push(self.ask(&headers, PLAIN));
            let before = waiting.len();
            self.until("in line", |pool| pool["waiting"] == before && pool["permits_out"] == PLACES);
        }
        drop(held.pop());
        for reply in waiting.into_iter().map(Caller::read) {
            assert_eq!((reply.status, reply.header("x-weir-level")), (200, "1"), "{}", reply.body);
            assert!(reply.header("x-weir-queue-ms").parse::<u64>().unwrap() > 0);
            assert_eq!(reply.header("x-weir-degraded"), "");
        }
        let order = self.large.log();
        let order: Vec<_> = order.iter().filter_map(|entry| entry.request_headers.get("x-name")).collect();
        assert_eq!(order, ["0", "0", "5", "5", "8", "8"]);
    }

    /// L2: more come than the pool should have to answer in full. While a place is free, they are all the same.
    fn degrades(&mut self, held: &mut Vec<Caller>) {
        let whole = [("x-weir-degrade", "never")];
        let weir = self.weir.data.clone();
        let send = |_| Caller::to(&weir).send("POST", "/v1/chat/completions", &whole, PLAIN);
        for reply in self.pump(ABOVE_L2, 2, send) {
            assert_eq!((reply.status, reply.header("x-weir-degraded")), (200, ""), "{}", reply.body);
        }
        self.fill(held);
        let degraded = self.ask(&[], PLAIN).read();
        assert_eq!((degraded.status, degraded.header("x-weir-level")), (200, "2"), "{}", degraded.body);
        let how = "model;from=deepseek-flash;to=deepseek-flash-lite";
        assert_eq!((degraded.header("x-weir-degraded"), degraded.header("x-weir-endpoint")), (how, "small"));
        assert_eq!(self.small.log().len(), 1);
        let waiting = self.ask(&whole, PLAIN);
        self.until("one waits for the whole answer", |pool| pool["waiting"] == 1);
        drop(held.pop());
        let reply = waiting.read();
        assert_eq!((reply.status, reply.header("x-weir-degraded")), (200, ""), "{}", reply.body);
        assert_eq!((reply.header("x-weir-endpoint"), self.small.log().len()), ("large", 1));
        let metrics = self.weir.admin("/metrics").body;
        for counted in [r#"outcome="degraded"} 1"#, r#"weir_pressure_level{pool="deepseek-flash"} 2"#] {
            assert!(metrics.contains(counted), "{counted}: {metrics}");
        }
    }

    /// L3: no place is free, and more come than could ever be answered. The least urgent are turned away in their words.
    /// Those who wait all the same.
    fn sheds(&mut self, held: &mut Vec<Caller>) -> Vec<mpsc::Receiver<Reply>> {
        self.fill(held);
        let weir = self.weir.data.clone();
        let mut asked = vec![self.pump(ABOVE_L3, 3, |number| bulk(&weir, number))];
        let (mut openai, mut anthropic) = (None, None);
        let began = Instant::now();
        for number in 0.. {
            if openai.is_some() && anthropic.is_some() {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "nobody is turned away");
            // The cursor comes down while more is asked for than the operator allows.
            let (told, replies) = mpsc::channel();
            let caller = bulk(&weir, number);
            std::thread::spawn(move || told.send(caller.read()));
            if let Ok(reply) = replies.recv_timeout(Duration::from_millis(10)) {
                assert_ne!(reply.status, 200, "no place is free: {}", reply.body);
                let seen = if reply.json()["type"] == "error" { &mut anthropic } else { &mut openai };
                *seen = Some(reply);
            } else {
                asked.push(replies);
            }
            let pool = self.look();
            assert_eq!((&pool["permits_out"], &pool["room"]), (&PLACES.into(), &PLACES.into()));
        }
        for (reply, status, kind) in
            [(openai, 503, "service_unavailable_error"), (anthropic, 529, "overloaded_error")]
        {
            let reply = reply.unwrap();
            let error = reply.json()["error"].clone();
            assert_eq!((reply.status, error["type"].as_str()), (status, Some(kind)), "{}", reply.body);
            assert_eq!(
                (error["code"].as_str(), reply.header("x-weir-level")),
                (Some("weir_overloaded"), "3")
            );
            let after: u64 = reply.header("retry-after").parse().unwrap();
            assert!((1..=30).contains(&after), "{after}");
        }
        asked
    }

    /// The places have come free: everybody who waits is answered, and the least urgent too, however high the level still is.
    fn refuses_nobody_while_a_place_is_free(&mut self, asked: Vec<mpsc::Receiver<Reply>>) {
        // Each channel closes when its last caller has heard.
        for reply in asked.iter().flatten() {
            let refused = matches!(reply.status, 503 | 529) && reply.header("x-weir-level") == "3";
            assert!(reply.status == 200 || refused, "{} {}", reply.status, reply.body);
        }
        self.until("empty", |pool| pool["waiting"] == 0 && pool["permits_out"] == 0);
        for number in 0..20 {
            let reply = bulk(&self.weir.data, number).read();
            assert_eq!((reply.status, reply.header("x-weir-level")), (200, "3"), "{}", reply.body);
        }
    }

    /// The load is gone: back to rest, one level after the other, and nothing is left behind.
    fn comes_to_rest(&mut self) {
        self.until("at rest", |pool| pool["level"] == 0 && pool["waiting"] == 0 && pool["permits_out"] == 0);
        let status = self.weir.admin("/status").json();
        let left = (&status["in_flight"], &status["pools"][1]["permits_out"]);
        assert_eq!(left, (&0.into(), &0.into()), "{status:#}");
        for endpoint in status["endpoints"].as_array().unwrap() {
            assert_eq!(endpoint["in_flight"], 0, "{status:#}");
        }
    }
}

#[test]
fn load_alone_drives_a_pool_through_every_level_and_back() {
    let mut house = House::new();
    house.until("at rest", |pool| pool["room"] == PLACES && pool["level"] == 0);
    let mut held = Vec::new();
    house.queues(&mut held);
    house.degrades(&mut held);
    let asked = house.sheds(&mut held);
    drop(held);
    house.refuses_nobody_while_a_place_is_free(asked);
    house.comes_to_rest();
    assert_eq!(house.walk, [0, 1, 2, 3, 2, 1, 0]);
    let beyond = |service: &Service| service.log().iter().any(|entry| entry.status == Some(429));
    assert!(!beyond(&house.large) && !beyond(&house.small), "a service was asked for more than it takes");
}
