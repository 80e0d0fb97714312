//! Reading the answers of a round: each output line belongs to one row.

use crate::ahead::OpenAhead;
use crate::lateness::{self, JobOutput};
use crate::reconcile::{self, Reconciled};
use crate::round::{PaidAnswers, SliceRound};
use crate::spill::{SpillSpool, spooling};
use bytes::Bytes;
use quarry_contract::location::S3Uri;
use quarry_contract::record_id::RecordIds;
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::s3::lines::Lines;
use quarry_edge::store::{ObjectInfo, StoreError};
use quarry_parquet::ResultColumn;
use quarry_result::ledger::{Ledger, Place};
use quarry_result::receipt::Round;
use quarry_rows::TableFormat;
use std::sync::Arc;

/// The answers of a round.
pub(crate) struct RoundAnswers {
    /// Where each row has its outcome.
    pub(crate) places: Vec<Place>,
    /// The round's record.
    pub(crate) record: Round,
    /// Whether output that the service has counted cannot be read yet.
    pub(crate) is_late: bool,
}

/// The objects that a round has left.
pub(crate) struct RoundOutputs {
    manifest: Option<ObjectInfo>,
    /// The objects with output lines.
    lines: Vec<ObjectInfo>,
    /// Whether the records were sent on demand by this run.
    is_on_demand: bool,
}

/// Lists the round's outputs.
pub(crate) async fn outputs(round: &SliceRound) -> Result<RoundOutputs, StepError> {
    // A job writes below its id, which is the last part of its ARN.
    let (objects, is_on_demand) = if let Some(job) = &round.job {
        let id = job.arn.rsplit('/').next().unwrap_or(&job.arn);
        let folder = round.folder.output().join(&format!("{id}/"));
        (list(round, &folder).await?, false)
    } else {
        let given = list(round, &round.folder.given_output()).await?;
        if given.is_empty() {
            (list(round, &round.folder.on_demand_output()).await?, true)
        } else {
            (given, false)
        }
    };
    let (manifest, lines) = sorted(objects);
    Ok(RoundOutputs {
        manifest,
        lines,
        is_on_demand,
    })
}

/// Reads every output line of the round.
pub(crate) async fn answers(
    round: &mut SliceRound,
    outputs: RoundOutputs,
    spool: &mut SpillSpool,
) -> Result<RoundAnswers, StepError> {
    let ids = RecordIds::new(round.table().split.as_deref());
    let reader = round.asking.reader();
    let fallback_reader = round.asking.fallback_reader();
    let columns = typed_columns(round);
    let holds = |values: &[_]| ResultColumn::hold(&columns, values);
    let mut ledger = Ledger::new(&ids, &round.expected, &reader)
        .with_fallback(fallback_reader.as_ref())
        .with_columns(&holds);
    let RoundOutputs {
        manifest,
        lines,
        is_on_demand,
    } = outputs;
    let (manifest, ()) = tokio::try_join!(
        read_manifest(round, manifest.as_ref()),
        read_outputs(round, lines, &mut ledger, spool),
    )?;
    let (places, mut counts) = ledger.finish();
    let mut on_demand = if is_on_demand { round.asked.records } else { 0 };
    // Every record that is sent on demand leaves a line, so a missing one was never sent.
    round.was_left = on_demand > 0 && counts.missing > 0;
    if round.was_left {
        counts.asked -= counts.missing;
        counts.missing = 0;
        on_demand = counts.asked;
    }
    let reconciled = match &manifest {
        Some(body) => reconcile::reconcile(body, round.asked.records, &counts),
        None => Reconciled {
            lines: 0,
            answers: 0,
            differences: Vec::new(),
        },
    };
    let is_late = round.job.as_ref().is_some_and(|job| {
        lateness::is_late(
            job,
            &JobOutput {
                has_manifest: manifest.is_some(),
                lines_counted: reconciled.lines,
                lines_read: counts.lines,
            },
        )
    });
    round.paid = PaidAnswers {
        counted: round.answers_of_job().max(reconciled.answers),
        came: counts.lines.saturating_sub(counts.errors),
    };
    let record = Round {
        on_demand,
        job: round.job.clone(),
        counts,
        differences: reconciled.differences,
        answers_counted: round.paid.counted,
    };
    Ok(RoundAnswers {
        places,
        record,
        is_late,
    })
}

/// Returns the result columns whose types can be too narrow for an answer: those of a Parquet table.
fn typed_columns(round: &SliceRound) -> Vec<ResultColumn> {
    match quarry_rows::format_of(round.table()) {
        TableFormat::Text(_) => Vec::new(),
        TableFormat::Parquet => {
            ResultColumn::of_run(round.asking.columns(), round.plan.schema.as_ref())
        }
    }
}

async fn list(round: &SliceRound, folder: &S3Uri) -> Result<Vec<ObjectInfo>, StepError> {
    round
        .store
        .list(folder)
        .await
        .doing(|| format!("listing {folder}"))
}

/// Returns the job's manifest, and the objects with output lines.
fn sorted(objects: Vec<ObjectInfo>) -> (Option<ObjectInfo>, Vec<ObjectInfo>) {
    let (mut manifest, mut outputs) = (None, Vec::new());
    for object in objects {
        let name = object.location.file_name();
        if name == "manifest.json.out" {
            manifest = Some(object);
        } else if name.ends_with(".jsonl.out") {
            outputs.push(object);
        }
    }
    (manifest, outputs)
}

async fn read_manifest(
    round: &SliceRound,
    manifest: Option<&ObjectInfo>,
) -> Result<Option<Bytes>, StepError> {
    let Some(ObjectInfo { location, .. }) = manifest else {
        return Ok(None);
    };
    let get = round.store.get(location, reconcile::MAX_MANIFEST_BYTES);
    let body = get.await.doing(|| format!("reading {location}"))?;
    Ok(Some(body))
}

async fn read_outputs(
    round: &SliceRound,
    objects: Vec<ObjectInfo>,
    ledger: &mut Ledger<'_>,
    spool: &mut SpillSpool,
) -> Result<(), StepError> {
    let mut outputs = OpenAhead::new(Arc::clone(&round.store), objects);
    while let Some((object, lines)) = outputs.next() {
        // A job's objects are one output. Other objects hold the answers of other calls.
        if round.job.is_none() {
            ledger.begin_output();
        }
        read_lines(&object, lines, ledger, spool).await?;
    }
    Ok(())
}

async fn read_lines(
    object: &ObjectInfo,
    mut lines: Lines,
    ledger: &mut Ledger<'_>,
    spool: &mut SpillSpool,
) -> Result<(), StepError> {
    let doing = || format!("reading {}", object.location);
    loop {
        match lines.next().await {
            Ok(Some(line)) => ledger.line(&line, spool).map_err(spooling)?,
            Ok(None) => return Ok(()),
            // Bedrock has written the object again since it was listed. The next call lists anew.
            Err(StoreError::Changed(_)) => {
                let text = format!("{}: the object is being written", doing());
                return Err(StepError::new(StepErrorKind::Unavailable, text));
            }
            Err(error) => return Err(error).doing(doing),
        }
    }
}
