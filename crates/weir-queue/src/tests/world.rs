//! A line driven by hand: who was served and who left, in the order in which it happened.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_core::{Priority, Room, Scope};
use weir_testkit::at;

use crate::config;
use crate::line::{Ask, Grant, Line, Moment, News, Refusal, Rules, Ticket, Told, Why};

/// Long enough for nothing to end by itself.
pub(super) const PATIENT_MS: u64 = 100_000_000;

/// How long a request waits for a service to come back.
pub(super) const OUTAGE_WAIT: Duration = Duration::from_secs(30);

/// A line, time, room, and everything that is known of those who came.
pub(super) struct World {
    pub(super) line: Line<usize>,
    pub(super) now_ms: u64,
    pub(super) room: Room,
    /// Who holds a turn.
    pub(super) held: BTreeMap<usize, (Grant, Ask)>,
    /// Who waits.
    pub(super) waiting: BTreeMap<usize, (Ticket, Ask)>,
    /// What happened in the last event.
    pub(super) served: Vec<usize>,
    pub(super) left: Vec<(usize, Why)>,
    /// Who was told to look again.
    pub(super) looks: Vec<usize>,
    came: usize,
}

pub(super) fn tenant(number: u8) -> Scope {
    Scope::of_hash([number; 32])
}

/// A usual request of a tenant in a level.
pub(super) fn ask(from: u8, level: u8, now_ms: u64) -> Ask {
    Ask {
        tenant: tenant(from),
        weight: 1.0,
        priority: Priority::new(level).unwrap(),
        cost: 100.0,
        seats: 1,
        bytes: 1,
        arrived: at(now_ms),
        begin_by: at(now_ms + PATIENT_MS),
        returns: false,
    }
}

/// Rules under which nobody is sent away for having waited.
pub(super) fn calm() -> config::Queue {
    config::Queue { standing_wait_ms: 86_400_000, standing_ms: 86_400_000, ..config::Queue::default() }
}

impl World {
    pub(super) fn new(room: usize, config: &config::Queue) -> Self {
        Self {
            line: Line::new(at(0), Rules::new(config, OUTAGE_WAIT)),
            now_ms: 0,
            room: Room::of(room),
            held: BTreeMap::new(),
            waiting: BTreeMap::new(),
            served: Vec::new(),
            left: Vec::new(),
            looks: Vec::new(),
            came: 0,
        }
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { now: at(self.now_ms), room: self.room }
    }

    /// A request comes; what it is called from here on.
    pub(super) fn come(&mut self, ask: Ask) -> Result<usize, Refusal> {
        let (id, at) = (self.came, self.moment());
        self.came += 1;
        let mut told = Told::new();
        if let Some(grant) = self.line.enter(at, &ask, &mut told) {
            self.hear(told);
            self.held.insert(id, (grant, ask));
            self.served.push(id);
            return Ok(id);
        }
        let joined = self.line.join(at, &ask, id, &mut told);
        if let Ok(ticket) = joined {
            self.waiting.insert(id, (ticket, ask));
        }
        self.hear(told);
        joined.map(|_| id)
    }

    /// A turn is over.
    pub(super) fn give_back(&mut self, id: usize, used: Option<f64>) {
        let (grant, _) = self.held.remove(&id).unwrap();
        self.event(|line, at, told| line.give_back(at, grant, used, told));
    }

    /// Someone leaves the line.
    pub(super) fn leave(&mut self, id: usize) {
        let (ticket, _) = self.waiting.remove(&id).unwrap();
        self.event(|line, at, told| assert!(line.leave(at, ticket, told), "{id} was not in line"));
    }

    /// Someone in line asks how it stands: milliseconds until they should ask again.
    pub(super) fn check(&mut self, id: usize) -> Option<u64> {
        let (ticket, _) = self.waiting[&id];
        let next = self.event(|line, at, told| line.check(at, ticket, told));
        next.map(|next| next.saturating_duration_since(at(0)).as_millis() as u64)
    }

    pub(super) fn deal(&mut self) {
        self.event(Line::deal);
    }

    fn event<T>(&mut self, event: impl FnOnce(&mut Line<usize>, Moment, &mut Told<usize>) -> T) -> T {
        let mut told = Told::new();
        let at = self.moment();
        let result = event(&mut self.line, at, &mut told);
        self.hear(told);
        result
    }

    fn hear(&mut self, told: Told<usize>) {
        self.served.clear();
        self.left.clear();
        self.looks.clear();
        for news in told {
            match news {
                News::Turn(id, grant) => {
                    let (_, ask) = self.waiting.remove(&id).expect("served once, and only those in line");
                    assert!(at(self.now_ms) < ask.begin_by, "{id} was served too late");
                    self.held.insert(id, (grant, ask));
                    self.served.push(id);
                }
                News::Left(id, refusal) => {
                    self.waiting.remove(&id).expect("sent away once, and only those in line");
                    self.left.push((id, refusal.why));
                }
                News::Watch(id) => {
                    assert!(self.waiting.contains_key(&id), "{id} keeps the watch from outside");
                    self.looks.push(id);
                }
            }
        }
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now_ms += time.as_millis() as u64;
    }
}
