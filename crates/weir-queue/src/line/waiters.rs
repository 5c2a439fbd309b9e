//! The waiters in one slab, each in two lists: its flow's and its level's, both in the order of arrival.
//!
//! Leaving from anywhere is a few writes. So is joining at the end; someone with seniority is walked to their place
//! from the nearer end, which costs at most half the line.

use std::time::Instant;

/// "Nobody" in a link.
const NOBODY: u32 = u32::MAX;

/// Someone in line.
pub(super) struct Waiter<W> {
    pub(super) wake: W,
    pub(super) tenant: u32,
    pub(super) level: u8,
    /// How often others went first because it needs more permits than were free.
    pub(super) overtaken: u8,
    pub(super) seats: usize,
    pub(super) bytes: usize,
    pub(super) cost: f64,
    pub(super) weight: f64,
    pub(super) arrived: Instant,
    pub(super) joined: Instant,
    pub(super) begin_by: Instant,
    pub(super) returns: bool,
}

/// Which of the two lists.
#[derive(Clone, Copy)]
pub(super) enum Lane {
    Flow = 0,
    Level = 1,
}

#[derive(Clone, Copy)]
struct Link {
    before: u32,
    after: u32,
}

/// The two ends of a list.
#[derive(Clone, Copy)]
pub(super) struct List {
    head: u32,
    tail: u32,
}

impl List {
    pub(super) const EMPTY: Self = Self { head: NOBODY, tail: NOBODY };

    pub(super) fn head(&self) -> Option<u32> {
        (self.head != NOBODY).then_some(self.head)
    }

    pub(super) fn tail(&self) -> Option<u32> {
        (self.tail != NOBODY).then_some(self.tail)
    }
}

struct Node<W> {
    /// Rises whenever the place is given up, so that an old ticket finds nobody.
    generation: u32,
    links: [Link; 2],
    waiter: Option<Waiter<W>>,
}

/// A place in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    index: u32,
    generation: u32,
}

/// The slab.
pub(super) struct Waiters<W> {
    nodes: Vec<Node<W>>,
    vacant: Vec<u32>,
}

impl<W> Waiters<W> {
    pub(super) const fn new() -> Self {
        Self { nodes: Vec::new(), vacant: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len() - self.vacant.len()
    }

    pub(super) fn insert(&mut self, waiter: Waiter<W>) -> u32 {
        if let Some(id) = self.vacant.pop() {
            self.nodes[id as usize].waiter = Some(waiter);
            return id;
        }
        let id = u32::try_from(self.nodes.len()).expect("the bound on waiters is far below four billion");
        let links = [Link { before: NOBODY, after: NOBODY }; 2];
        self.nodes.push(Node { generation: 0, links, waiter: Some(waiter) });
        id
    }

    /// Takes someone out; they must have been unlinked from both lists.
    pub(super) fn remove(&mut self, id: u32) -> Waiter<W> {
        let node = &mut self.nodes[id as usize];
        node.generation = node.generation.wrapping_add(1);
        self.vacant.push(id);
        node.waiter.take().expect("only someone in line is removed")
    }

    pub(super) fn ticket(&self, id: u32) -> Ticket {
        Ticket { index: id, generation: self.nodes[id as usize].generation }
    }

    /// Who holds a ticket; `None` when they have left.
    pub(super) fn find(&self, ticket: Ticket) -> Option<u32> {
        let node = self.nodes.get(ticket.index as usize)?;
        (node.generation == ticket.generation && node.waiter.is_some()).then_some(ticket.index)
    }

    pub(super) fn get(&self, id: u32) -> &Waiter<W> {
        self.nodes[id as usize].waiter.as_ref().expect("lists hold only those in line")
    }

    pub(super) fn get_mut(&mut self, id: u32) -> &mut Waiter<W> {
        self.nodes[id as usize].waiter.as_mut().expect("lists hold only those in line")
    }

    /// Everyone, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiter<W>> {
        self.nodes.iter().filter_map(|node| node.waiter.as_ref())
    }

    /// The one before in a list.
    pub(super) fn before(&self, lane: Lane, id: u32) -> Option<u32> {
        let before = self.nodes[id as usize].links[lane as usize].before;
        (before != NOBODY).then_some(before)
    }

    fn after(&self, lane: Lane, id: u32) -> Option<u32> {
        let after = self.nodes[id as usize].links[lane as usize].after;
        (after != NOBODY).then_some(after)
    }

    /// Puts someone into a list behind everyone who arrived no later.
    pub(super) fn link(&mut self, lane: Lane, list: &mut List, id: u32) {
        let before = self.place(lane, *list, self.get(id).arrived);
        let after = match before {
            Some(before) => self.after(lane, before),
            None => list.head(),
        };
        let link = Link { before: before.unwrap_or(NOBODY), after: after.unwrap_or(NOBODY) };
        self.nodes[id as usize].links[lane as usize] = link;
        match before {
            Some(before) => self.nodes[before as usize].links[lane as usize].after = id,
            None => list.head = id,
        }
        match after {
            Some(after) => self.nodes[after as usize].links[lane as usize].before = id,
            None => list.tail = id,
        }
    }

    pub(super) fn unlink(&mut self, lane: Lane, list: &mut List, id: u32) {
        let Link { before, after } = self.nodes[id as usize].links[lane as usize];
        if before == NOBODY {
            list.head = after;
        } else {
            self.nodes[before as usize].links[lane as usize].after = after;
        }
        if after == NOBODY {
            list.tail = before;
        } else {
            self.nodes[after as usize].links[lane as usize].before = before;
        }
    }

    /// The last who arrived no later than `arrived`, looked for from both ends at once.
    fn place(&self, lane: Lane, list: List, arrived: Instant) -> Option<u32> {
        let (mut back, mut front) = (list.tail()?, list.head()?);
        if self.get(front).arrived > arrived {
            return None;
        }
        loop {
            if self.get(back).arrived <= arrived {
                return Some(back);
            }
            // `front` arrived no later, `back` did: they differ, and there is always one before `back`.
            let next = self.after(lane, front)?;
            if self.get(next).arrived > arrived {
                return Some(front);
            }
            front = next;
            back = self.before(lane, back)?;
        }
    }
}
