//! The stored answers of a round: objects of output lines, whose names say which records they hold.
//!
//! Two copies of the function may be at work at once, after a lost connection or a redrive. So an
//! object is never replaced, and what is stored is what the names say, whoever wrote it.

use crate::breaker::Breaker;
use crate::deps::Deps;
use crate::stretch::Stretch;
use quarry_contract::layout::RoundFolder;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::s3::lines::Lines;
use quarry_edge::store::{ObjectInfo, StoreError, WriteCondition};
use std::ops::Range;
use std::sync::Arc;

/// The digits of a byte of the input in the name of an object, so that names sort as numbers do.
const DIGITS: usize = 16;

/// The digits with which names began that had the number of the object in the place of the byte at
/// which its records begin.
const DIGITS_OF_NUMBER: usize = 8;

/// The records that have a stored line.
pub(crate) struct Kept {
    /// The bytes of the input, ascending and apart from each other.
    ranges: Vec<Range<u64>>,
}

impl Kept {
    /// Lists a round's answer objects, and shows the breaker as many of the first lines as it
    /// needs.
    pub(crate) async fn of_round(
        deps: &Deps,
        round: &RoundFolder,
        breaker: &mut Breaker,
    ) -> Result<Self, StepError> {
        let folder = round.on_demand_output();
        let objects = deps
            .store
            .list(&folder)
            .await
            .doing(|| format!("listing {folder}"))?;
        let ranges: Option<Vec<Range<u64>>> = objects
            .iter()
            .map(|object| range_in(object.location.file_name()))
            .collect();
        let ranges = ranges.ok_or_else(|| {
            StepError::bad_request(format!(
                "{folder} holds an object that is not an answer file; remove it"
            ))
        })?;
        for object in &objects {
            if breaker.room().is_none_or(|room| room == 0) {
                break;
            }
            show(deps, object, breaker).await?;
        }
        Ok(Self {
            ranges: joined(ranges),
        })
    }

    /// Adds records that have a stored line, too.
    pub(crate) fn and(mut self, more: &[Range<u64>]) -> Self {
        self.ranges.extend_from_slice(more);
        Self {
            ranges: joined(self.ranges),
        }
    }

    /// Returns the bytes of an input of `bytes` whose records have no stored line, ascending.
    pub(crate) fn open(&self, bytes: u64) -> Vec<Range<u64>> {
        let ends = std::iter::once(0).chain(self.ranges.iter().map(|range| range.end));
        let starts = self.ranges.iter().map(|range| range.start);
        ends.zip(starts.chain([bytes]))
            .map(|(start, end)| start..end.min(bytes))
            .filter(|range| !range.is_empty())
            .collect()
    }
}

async fn show(deps: &Deps, object: &ObjectInfo, breaker: &mut Breaker) -> Result<(), StepError> {
    let doing = || format!("reading {}", object.location);
    let mut lines = Lines::open(
        Arc::clone(&deps.store),
        object.location.clone(),
        0..object.size,
        object.etag.as_str(),
    );
    while breaker.room().is_some_and(|room| room > 0)
        && let Some(line) = lines.next().await.doing(doing)?
    {
        breaker.look_at(&line);
    }
    Ok(())
}

/// Returns the bytes of the input whose records an object has; `None` if the name is another's.
///
/// An object with a number was written when all records before its own had a line.
fn range_in(name: &str) -> Option<Range<u64>> {
    let (start, end) = name.strip_suffix(".jsonl.out")?.split_once('-')?;
    let first = match start.len() {
        DIGITS_OF_NUMBER => start.parse().map(|_: u64| 0).ok()?,
        _ => start.parse().ok()?,
    };
    let range = first..end.parse().ok()?;
    (!range.is_empty()).then_some(range)
}

/// Joins ranges that overlap or touch each other.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// Stores the lines of some records. Returns whether they are stored: another copy of the function
/// may have stored lines that begin with the same record, and these stay.
pub(crate) async fn keep(
    deps: &Deps,
    round: &RoundFolder,
    stretch: Stretch,
) -> Result<bool, StepError> {
    let Range { start, end } = stretch.range;
    let name = format!("{start:0DIGITS$}-{end:0DIGITS$}.jsonl.out");
    let at = round.on_demand_output().join(&name);
    let put = deps
        .store
        .put(&at, stretch.lines.into(), WriteCondition::IfAbsent);
    match put.await {
        Err(StoreError::Exists(_)) => Ok(false),
        put => put.doing(|| format!("writing {at}")).map(|_| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(start: u64, end: u64) -> String {
        format!("{start:016}-{end:016}.jsonl.out")
    }

    #[test]
    fn what_lies_between_the_stored_records_is_open() {
        let kept = |names: &[String]| Kept {
            ranges: joined(names.iter().map(|name| range_in(name).unwrap()).collect()),
        };
        assert_eq!(kept(&[]).open(90), vec![0..90; 1]);
        let names = [name(50, 70), name(0, 20), name(10, 30), name(30, 40)];
        assert_eq!(kept(&names).open(90), [40..50, 70..90]);
        assert_eq!(kept(&[name(0, 90)]).open(90), []);
        assert_eq!(kept(&[name(10, 99)]).open(90), vec![0..10; 1]);
    }

    /// A list may not show it yet.
    #[test]
    fn what_was_stored_a_moment_ago_is_not_open() {
        let kept = Kept {
            ranges: vec![0..20, 40..50],
        };
        assert_eq!(kept.and(&[60..70, 20..40]).open(90), [50..60, 70..90]);
    }

    /// They are in the folders of runs that an earlier version began.
    #[test]
    fn names_with_the_number_of_the_object_are_read() {
        let old = |number: u64, end: u64| format!("{number:08}-{end:016}.jsonl.out");
        assert_eq!(range_in(&old(0, 20)), Some(0..20));
        assert_eq!(range_in(&old(7, 45)), Some(0..45));
    }

    #[test]
    fn other_names_are_those_of_foreign_objects() {
        let backwards = name(5, 4);
        for other in ["notes.txt", "a-b.jsonl.out", "1-2.json", &backwards] {
            assert_eq!(range_in(other), None, "{other}");
        }
    }
}
