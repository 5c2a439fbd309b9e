//! What a turn costs: the machine alone, on one core, under a clock that stands still between batches.
//!
//! `cargo run --release -p weir-queue --example pace`
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement: it reads the clock and prints"
)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use weir_core::{Priority, Room, Scope};
use weir_queue::config;
use weir_queue::line::{Ask, Grant, Line, Moment, News, Rules, Told};

const LEVELS: u32 = 10;
const TENANTS: u32 = 100;
const ROOM: usize = 64;

/// A line in the middle of its work.
struct Bench {
    line: Line<u32>,
    origin: Instant,
    began: Instant,
    now: Instant,
    came: u32,
    told: Told<u32>,
    held: VecDeque<Grant>,
}

impl Bench {
    /// All permits out, and so many waiting, spread over levels and tenants.
    fn with_waiting(waiting: u32) -> Self {
        let config =
            config::Queue { waiters_max: 100_000, standing_ms: 86_400_000, ..config::Queue::default() };
        let now = Instant::now();
        let line = Line::new(now, Rules::new(&config, Duration::ZERO));
        let mut bench =
            Self { line, origin: now, began: now, now, came: 0, told: Told::new(), held: VecDeque::new() };
        for _ in 0..waiting + ROOM as u32 {
            bench.come();
        }
        assert_eq!((bench.line.waiting(), bench.line.out()), (waiting as usize, ROOM));
        bench
    }

    fn at(&self) -> Moment {
        Moment { now: self.now, room: Room::of(ROOM) }
    }

    /// Time moves on by what the work really took.
    fn tick(&mut self) {
        self.now = self.origin + self.began.elapsed();
    }

    fn come(&mut self) {
        self.came += 1;
        // Two steps without a common divisor: every tenant comes in every level.
        let (level, tenant) = (self.came % LEVELS, self.came / LEVELS % TENANTS);
        let mut scope = [0; 32];
        scope[..4].copy_from_slice(&tenant.to_le_bytes());
        let ask = Ask {
            tenant: Scope::of_hash(scope),
            weight: 1.0,
            priority: Priority::new(level as u8).expect("below ten"),
            cost: f64::from(100 + self.came % 400),
            seats: 1,
            bytes: 2_000,
            arrived: self.now,
            begin_by: self.now + Duration::from_secs(86_400),
            returns: false,
        };
        match self.line.enter(self.at(), &ask, &mut self.told) {
            Some(grant) => self.held.push_back(grant),
            None => {
                self.line.join(self.at(), &ask, self.came, &mut self.told).expect("the line is long enough");
            }
        }
        self.hear();
    }

    fn give_back(&mut self) {
        let grant = self.held.pop_front().expect("all permits are out");
        self.line.give_back(self.at(), grant, None, &mut self.told);
        self.hear();
    }

    fn hear(&mut self) {
        for news in self.told.drain(..) {
            match news {
                News::Turn(_, grant) => self.held.push_back(grant),
                News::Left(id, refusal) => panic!("{id} left: {refusal:?}"),
                News::Watch(_) => {}
            }
        }
    }
}

/// One permit comes back and the next is chosen, from 10,000 waiting down to 9,000, many times over.
fn dequeue() -> Duration {
    const BATCH: u32 = 1_000;
    const ROUNDS: u32 = 300;
    let mut bench = Bench::with_waiting(10_000);
    let mut spent = Duration::ZERO;
    for _ in 0..ROUNDS {
        bench.tick();
        let began = Instant::now();
        for _ in 0..BATCH {
            bench.give_back();
        }
        spent += began.elapsed();
        for _ in 0..BATCH {
            bench.come();
        }
    }
    spent / (BATCH * ROUNDS)
}

/// A request comes, a permit comes back, the next goes: with so many waiting all the time. Pairs a second.
fn pairs(waiting: u32) -> f64 {
    const PAIRS: u32 = 2_000_000;
    let mut bench = Bench::with_waiting(waiting);
    let began = Instant::now();
    for pair in 0..PAIRS {
        if pair % 64 == 0 {
            bench.tick();
        }
        bench.come();
        bench.give_back();
    }
    f64::from(PAIRS) / began.elapsed().as_secs_f64()
}

/// A request comes, is served at once and goes: nobody waits. Requests a second.
fn straight_through() -> f64 {
    const REQUESTS: u32 = 2_000_000;
    let mut bench = Bench::with_waiting(0);
    bench.give_back();
    let began = Instant::now();
    for request in 0..REQUESTS {
        if request % 64 == 0 {
            bench.tick();
        }
        bench.come();
        bench.give_back();
    }
    f64::from(REQUESTS) / began.elapsed().as_secs_f64()
}

fn main() {
    println!("dequeue, 10,000 waiting over {LEVELS} levels and {TENANTS} tenants: {:?}", dequeue());
    for waiting in [100, 10_000] {
        println!("pairs of enqueue and dequeue, {waiting} waiting: {:.0} a second", pairs(waiting));
    }
    println!("straight through, nobody waiting: {:.0} a second", straight_through());
}
