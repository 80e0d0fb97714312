//! How far each slice is, from the names of the objects in the run's folder.

use quarry_contract::layout::{RoundObject, RunFolder};
use quarry_contract::location::S3Uri;
use quarry_result::digits::grouped;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A round of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoundAt {
    /// The slice's number.
    pub slice: u32,
    /// The round's number in the slice.
    pub round: u32,
}

/// Numbers of slices, by what they do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SliceStages {
    /// Slices of the plan.
    pub total: u64,
    /// Their part of the result is written.
    pub done: u64,
    /// A job has their records.
    pub in_jobs: u64,
    /// Their records are sent on demand.
    pub on_demand: u64,
    /// Their records or answers are being read or written, or they rest in an outage.
    pub between: u64,
    /// They have not begun.
    pub waiting: u64,
}

/// The kinds of objects that a round has.
#[derive(Debug, Clone, Default)]
struct Seen(Vec<RoundObject>);

impl Seen {
    fn add(&mut self, object: RoundObject) {
        if !self.has(object) {
            self.0.push(object);
        }
    }

    fn has(&self, object: RoundObject) -> bool {
        self.0.contains(&object)
    }

    /// Whether its records are written and its answers are not read.
    fn is_open(&self) -> bool {
        self.has(RoundObject::Asked) && !self.has(RoundObject::Counts)
    }
}

fn rounds(folder: &RunFolder, objects: &[S3Uri]) -> BTreeMap<RoundAt, Seen> {
    let mut rounds: BTreeMap<RoundAt, Seen> = BTreeMap::new();
    for object in objects {
        if let Some((round, kind)) = folder.round_of(object) {
            let at = RoundAt {
                slice: round.slice(),
                round: round.number(),
            };
            rounds.entry(at).or_default().add(kind);
        }
    }
    rounds
}

/// Returns the rounds whose counts can be read, and those whose records are written but whose
/// counts are not.
pub fn rounds_to_read(folder: &RunFolder, objects: &[S3Uri]) -> (Vec<RoundAt>, Vec<RoundAt>) {
    let rounds = rounds(folder, objects);
    let of = |wanted: fn(&Seen) -> bool| {
        let found = rounds.iter().filter(|(_, seen)| wanted(seen));
        found.map(|(at, _)| *at).collect()
    };
    (of(|seen| seen.has(RoundObject::Counts)), of(Seen::is_open))
}

/// Returns the slices that are done.
fn done(folder: &RunFolder, objects: &[S3Uri]) -> BTreeSet<u32> {
    let slices = folder.slices();
    let number_of = |object: &S3Uri| {
        let (number, _) = object.key().strip_prefix(slices.key())?.split_once('/')?;
        let number = number.parse().ok()?;
        (folder.slice(number).receipt() == *object).then_some(number)
    };
    objects.iter().filter_map(number_of).collect()
}

impl SliceStages {
    /// Returns the stages of a run's slices. `total` is the plan's number of slices.
    pub(crate) fn of(folder: &RunFolder, objects: &[S3Uri], total: u32) -> Self {
        let mut last: BTreeMap<u32, Seen> = BTreeMap::new();
        for (at, seen) in rounds(folder, objects) {
            // Rounds are in order, so the last one stays.
            last.insert(at.slice, seen);
        }
        let done = done(folder, objects);
        let mut stages = Self {
            total: u64::from(total),
            done: done.len() as u64,
            ..Self::default()
        };
        for (slice, seen) in last {
            if done.contains(&slice) {
                continue;
            }
            let is_read = seen.has(RoundObject::Counts);
            if seen.has(RoundObject::Job) && !seen.has(RoundObject::JobEnd) && !is_read {
                stages.in_jobs += 1;
            } else if seen.has(RoundObject::OnDemandAnswers) && !is_read {
                stages.on_demand += 1;
            } else {
                stages.between += 1;
            }
        }
        let begun = stages.done + stages.in_jobs + stages.on_demand + stages.between;
        stages.waiting = stages.total.saturating_sub(begun);
        stages
    }

    /// Returns a text such as `7: 2 done, 4 in jobs, 1 waits`.
    pub(crate) fn in_words(&self) -> String {
        let parts = [
            (self.done, "done"),
            (self.in_jobs, "in jobs"),
            (self.on_demand, "asked on demand"),
            (self.between, "reading or writing"),
            (self.waiting, "not begun"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let parts = parts.join(", ");
        format!("{}: {parts}", grouped(self.total))
    }
}
