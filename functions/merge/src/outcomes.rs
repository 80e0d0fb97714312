//! The outcomes of a slice's rows over its rounds: stored after each round and combined at the end.

use crate::round::SliceRound;
use crate::spill::{SpillSpool, spooling};
use quarry_edge::error::{Doing, StepError};
use quarry_edge::s3::lines::Lines;
use quarry_edge::s3::writer::{ObjectWriter, WriteOptions};
use quarry_edge::store::StoreError;
use quarry_result::ledger::Place;
use quarry_result::outcome::Outcome;
use quarry_result::spool::Spool;
use std::sync::Arc;

/// Where each row of the slice has its outcome, and the round that gave it.
pub(crate) struct Outcomes {
    pub(crate) places: Vec<Place>,
    pub(crate) rounds: Vec<u32>,
}

/// Stores the round's outcomes for the part that the last round writes.
pub(crate) async fn keep(
    round: &SliceRound,
    places: &[Place],
    spool: &mut SpillSpool,
) -> Result<(), StepError> {
    let at = round.folder.results();
    let doing = format!("writing {at}");
    let options = WriteOptions::default();
    let (store, found) = (Arc::clone(&round.store), round.found.outcomes.clone());
    let mut writer = ObjectWriter::in_place_of(found, store, at, options);
    let mut line = Vec::new();
    for place in places.iter().filter(|place| place.len > 0) {
        let read = spool.read(place.at, place.len, &mut line);
        (writer, ()) = writer.or_give_up(read.map_err(spooling)).await?;
        line.push(b'\n');
        writer.write(&line).await.doing(|| &doing)?;
    }
    writer.finish().await.doing(|| &doing)?;
    Ok(())
}

/// Returns every row's best outcome over all rounds.
pub(crate) async fn of_all_rounds(
    round: &SliceRound,
    last: &[Place],
    spool: &mut SpillSpool,
) -> Result<Outcomes, StepError> {
    let rows = usize::try_from(round.slice.rows).unwrap_or(usize::MAX);
    let mut all = Outcomes {
        places: vec![Place::default(); rows],
        rounds: vec![round.number; rows],
    };
    let mut answered = vec![false; rows];
    let index_of = |row: u64| {
        usize::try_from(row.checked_sub(round.slice.first_row)?)
            .ok()
            .filter(|i| *i < rows)
    };
    for number in 0..round.number {
        let at = round.slice_folder.round(number).results();
        let doing = || format!("reading {at}");
        let info = match round.store.head(&at).await {
            Ok(info) => info,
            // A round that the service refused as a whole leaves no outcomes.
            Err(StoreError::NotFound(_)) => continue,
            Err(error) => return Err(error).doing(doing),
        };
        let mut lines = Lines::open(
            Arc::clone(&round.store),
            at.clone(),
            0..info.size,
            info.etag,
        );
        while let Some(line) = lines.next().await.doing(doing)? {
            let outcome = Outcome::read_line(&line)
                .map_err(|error| StepError::bad_request(format!("{at}: {error}")))?;
            let Some(index) = index_of(outcome.row) else {
                continue;
            };
            if outcome.answered || !answered[index] {
                answered[index] = outcome.answered;
                all.places[index] = Place {
                    at: spool.append(&line).map_err(spooling)?,
                    len: u32::try_from(line.len()).map_err(StepError::bad_request)?,
                    answered: outcome.answered,
                    good: outcome.good,
                    refused: outcome.refused,
                };
                all.rounds[index] = number;
            }
        }
    }
    for (asked, place) in last.iter().enumerate().filter(|(_, place)| place.len > 0) {
        let Some(index) = round.expected.row(asked).and_then(index_of) else {
            continue;
        };
        if place.answered || !answered[index] {
            all.places[index] = *place;
            all.rounds[index] = round.number;
        }
    }
    Ok(all)
}
