//! The plan's documents: slices, manifest, plan. They all follow from the first complete scan. The plan
//! is written last, so if it exists, everything it names exists. It is written once: the slices begin
//! with the first one.

use crate::claim::{self, FirstScan};
use crate::cost_cap;
use crate::deps::Deps;
use crate::limits;
use crate::parquet;
use crate::progress::PlanProgress;
use crate::rates;
use crate::sample;
use crate::table_scan::TableScan;
use futures::stream::{FuturesUnordered, TryStreamExt};
use quarry_asking::Asking;
use quarry_contract::VERSION;
use quarry_contract::layout::RunFolder;
use quarry_contract::payload::{ManifestItem, PlanInput};
use quarry_contract::plan::{Mode, Plan, PlannedSample, Segment, Slice, Table};
use quarry_contract::settings::{BatchMode, ServiceTier, Settings};
use quarry_cost::RunRates;
use quarry_cost::estimate::{RecordSums, RunEstimate, TextSample};
use quarry_edge::documents;
use quarry_edge::error::{StepError, StepErrorKind};
use quarry_edge::metrics::Metric;
use quarry_parquet::PlannedPart;
use quarry_rows::line_ending;

/// The number of slice documents that are written at the same time.
const WRITES_IN_FLIGHT: usize = 32;

pub(crate) struct Published {
    pub(crate) slices: u32,
    pub(crate) max_concurrency: u32,
}

/// Returns what another copy of this call has published, or an earlier one whose response was lost. The
/// slices may have begun with it, so nothing is published a second time, even if the data folder has
/// other files by now.
pub(crate) async fn published_before(
    deps: &Deps,
    run: &RunFolder,
    input: &PlanInput,
) -> Result<Option<Published>, StepError> {
    let Some(plan) = documents::read_if_there::<Plan>(&*deps.store, &run.plan()).await? else {
        return Ok(None);
    };
    // The folder of another execution is refused when it is claimed.
    if !plan.identity().is_same(&input.identity()) || plan.request != input.request {
        return Ok(None);
    }
    let settings = Settings::read(&plan.settings).map_err(StepError::bad_request)?;
    Ok(Some(Published {
        slices: plan.slices,
        max_concurrency: max_concurrency(&settings, plan.slices),
    }))
}

/// Returns how many slices may run at the same time.
fn max_concurrency(settings: &Settings, slices: u32) -> u32 {
    settings.max_concurrent_batch_jobs.min(slices.max(1))
}

/// Publishes the plan of a scan, or of another one that a copy of this call completed before. A run that
/// cannot be planned with this scan is refused, and leaves nothing.
pub(crate) async fn publish(
    deps: &Deps,
    run: &RunFolder,
    input: &PlanInput,
    asking: &Asking,
    progress: PlanProgress,
) -> Result<Published, StepError> {
    let cut = CutTables::of(input, asking, &progress)?;
    let schema = progress.schema.as_ref();
    for (number, table) in cut.tables.iter().enumerate() {
        let parts = cut.parts(table, asking);
        parquet::check_footer(deps, run, asking, schema, number, table, &parts).await?;
    }
    match claim::first(&*deps.store, run, input, progress).await? {
        FirstScan::Own(progress) => write(deps, run, input, asking, cut, progress).await,
        FirstScan::OfAnotherCopy(first) => {
            drop(cut);
            claimed(deps, run, input, first).await
        }
    }
}

/// What follows from a scan.
struct CutTables {
    tables: Vec<Table>,
    slices: Vec<Slice>,
    /// For each slice the bytes of its rows in their table.
    row_bytes: Vec<u64>,
    notes: Vec<String>,
    rates: RunRates,
    estimate: RunEstimate,
    sample: Option<PlannedSample>,
}

impl CutTables {
    /// Cuts all tables. Refuses slices that a run cannot have, and a run above the cap of its cost.
    fn of(input: &PlanInput, asking: &Asking, progress: &PlanProgress) -> Result<Self, StepError> {
        let mut notes = progress.notes.clone();
        let whole = progress.whole.as_deref().unwrap_or_default();
        let mut sampled = Vec::new();
        let mut tables = Vec::new();
        let mut slices = Vec::new();
        let mut row_bytes = Vec::new();
        let mut texts = TextSample::default();
        for (number, scan) in progress.tables.iter().enumerate() {
            if let (Some(sample), Some(whole)) = (input.request.sample, whole.get(number)) {
                notes.push(sample::note(scan.name(), sample, *whole));
                sampled.push(whole.of_sample(scan)?);
            }
            texts += scan.texts;
            let (table, cut) = cut(number, scan, asking, slices.len(), &mut notes)?;
            tables.push(table);
            for (slice, bytes) in cut {
                slices.push(slice);
                row_bytes.push(bytes);
            }
        }
        limits::check_slices(asking, &slices)?;
        let rates = rates::of(asking.settings());
        notes.extend(rates::notes(asking.settings(), &rates));
        let [in_jobs, on_demand] = [Mode::Batch, Mode::OnDemand].map(|mode| sums(&slices, mode));
        let estimate = asking.estimate(progress.schema.as_ref(), &texts, in_jobs, on_demand);
        notes.extend(cost_cap::check(asking, &rates, &estimate)?);
        Ok(Self {
            tables,
            slices,
            row_bytes,
            notes,
            rates,
            estimate,
            sample: input.request.sample.map(|_| PlannedSample {
                takes_jobs: asking.model().capabilities().batch,
                tables: sampled,
            }),
        })
    }
}

impl CutTables {
    /// Returns the parts of a table's result as they are planned.
    fn parts(&self, table: &Table, asking: &Asking) -> Vec<PlannedPart> {
        let answer = limits::answer_bytes(asking, &self.estimate);
        let slices = self.slices.iter().zip(&self.row_bytes);
        slices
            .skip(table.first_slice as usize)
            .take(table.slices as usize)
            .map(|(slice, row_bytes)| PlannedPart {
                rows: slice.rows,
                bytes: row_bytes.saturating_add(slice.rows.saturating_mul(answer)),
            })
            .collect()
    }
}

/// Publishes the plan of the scan that the run is planned with.
pub(crate) async fn claimed(
    deps: &Deps,
    run: &RunFolder,
    input: &PlanInput,
    first: PlanProgress,
) -> Result<Published, StepError> {
    let asking = first.asking()?;
    let cut = CutTables::of(input, &asking, &first)?;
    write(deps, run, input, &asking, cut, first).await
}

/// Writes the documents of a plan.
async fn write(
    deps: &Deps,
    run: &RunFolder,
    input: &PlanInput,
    asking: &Asking,
    cut: CutTables,
    progress: PlanProgress,
) -> Result<Published, StepError> {
    let settings = asking.settings();
    let CutTables {
        tables,
        slices,
        notes,
        rates,
        estimate,
        sample,
        row_bytes: _,
    } = cut;
    write_slices(deps, run, &slices).await?;
    let manifest: Vec<ManifestItem> = slices
        .iter()
        .map(|slice| ManifestItem { slice: slice.slice })
        .collect();
    documents::write(&*deps.store, &run.manifest(), &manifest).await?;

    let count = u32::try_from(slices.len()).map_err(StepError::bad_request)?;
    let max_concurrency = max_concurrency(settings, count);
    let rows = tables.iter().map(|table| table.rows).sum();
    let plan = Plan {
        version: VERSION,
        execution: input.execution.clone(),
        execution_arn: input.execution_arn.clone(),
        started: input.started.clone(),
        request: input.request.clone(),
        settings: progress.settings,
        prompts: progress.prompts,
        schema: progress.schema,
        schema_source: progress.schema_source,
        tables,
        slices: count,
        // Slices run at the same time, and together they must keep to the limits of the settings.
        on_demand_rate: settings.rate_limit_per_second / f64::from(max_concurrency),
        on_demand_workers: (settings.workers() / max_concurrency).max(1),
        notes,
        rates: Some(rates),
        estimate: Some(estimate),
        sample,
    };
    if !documents::write_if_absent(&*deps.store, &run.plan(), &plan).await? {
        return first_published(deps, run, input).await;
    }
    tracing::info!(slices = count, rows, "planned");
    deps.metrics.emit(&[
        (Metric::RowsPlanned, rows),
        (Metric::SlicesPlanned, count.into()),
    ]);
    Ok(Published {
        slices: count,
        max_concurrency,
    })
}

/// Returns the records of the slices that are sent in one mode.
fn sums(slices: &[Slice], mode: Mode) -> RecordSums {
    let mut sums = RecordSums::default();
    for slice in slices.iter().filter(|slice| slice.mode == mode) {
        sums += slice.sums();
    }
    sums
}

/// Returns what another copy of this call published while this one was writing.
async fn first_published(
    deps: &Deps,
    run: &RunFolder,
    input: &PlanInput,
) -> Result<Published, StepError> {
    let first = published_before(deps, run, input).await?;
    first.ok_or_else(|| {
        StepError::new(
            StepErrorKind::Unavailable,
            format!("reading {}, which has just been written", run.plan()),
        )
    })
}

/// Writes the slices' documents, several at a time.
async fn write_slices(deps: &Deps, run: &RunFolder, slices: &[Slice]) -> Result<(), StepError> {
    let mut under_way = FuturesUnordered::new();
    for slice in slices {
        if under_way.len() >= WRITES_IN_FLIGHT {
            under_way.try_next().await?;
        }
        let at = run.slice(slice.slice).spec();
        under_way.push(async move { documents::write(&*deps.store, &at, slice).await });
    }
    while under_way.try_next().await?.is_some() {}
    Ok(())
}

/// Cuts a scanned table into slices, each with the bytes of its rows in the table, and decides between
/// jobs and calls on demand.
fn cut(
    number: usize,
    scan: &TableScan,
    asking: &Asking,
    first_slice: usize,
    notes: &mut Vec<String>,
) -> Result<(Table, Vec<(Slice, u64)>), StepError> {
    let end = scan.end();
    let name = scan.name();
    let marks = scan.scanned_marks()?;
    let (records, rows) = (marks.records(), scan.rows);
    let cuts = marks.cut(end);
    let settings = asking.settings();
    let mode = asking.mode(rows, records);
    if scan.files.is_empty() {
        // The empty folder of the split is already noted.
    } else if rows == 0 {
        notes.push(format!(
            "{name} has no rows: its result has the columns and no rows"
        ));
    } else if settings.batch_mode == BatchMode::Auto
        && rows >= settings.batch_threshold
        && settings.batch_role_arn.is_none()
    {
        notes.push(format!(
            "{name} is asked on demand, at the full price: it has enough rows for jobs, but \
             BEDROCK_BATCH_ROLE_ARN is not set"
        ));
    } else if settings.batch_mode == BatchMode::Auto
        && rows >= settings.batch_threshold
        && !asking.model().capabilities().batch
    {
        notes.push(format!(
            "{name} is asked on demand, at the full price: it has enough rows for jobs, but batch jobs do not take {}{}",
            asking.model().id(),
            cheaper(asking)
        ));
    } else if mode == Mode::OnDemand && settings.batch_mode == BatchMode::Batch {
        notes.push(format!(
            "{name} has {records} records, fewer than the {} a job needs: they are asked on demand",
            settings.min_records_per_job
        ));
    }
    for file in scan
        .files
        .iter()
        .filter(|file| file.input.rows == 0 && rows > 0)
    {
        notes.push(format!("{} has no rows", file.input.name));
    }
    let mut slices = Vec::with_capacity(cuts.len());
    for cut in &cuts {
        let batch = mode == Mode::Batch && cut.records >= settings.min_records_per_job;
        let slice = Slice {
            version: VERSION,
            slice: u32::try_from(first_slice + slices.len()).map_err(StepError::bad_request)?,
            table: number,
            first_row: cut.first_row,
            rows: cut.rows,
            records: cut.records,
            bytes: cut.bytes,
            mode: if batch { Mode::Batch } else { Mode::OnDemand },
            segments: segments(cut, scan),
        };
        slices.push((slice, cut.row_bytes));
    }
    let header = scan.header.clone().unwrap_or_default();
    note_unfilled(asking, &header.columns, notes);
    let table = Table {
        split: scan.split.clone(),
        format: scan.format.file_format(),
        gzip: scan.gzip,
        files: scan.files.iter().map(|file| file.input.clone()).collect(),
        columns: header.columns,
        header: header.raw,
        newline: line_ending(header.newline),
        quoting: scan.format.quoting(),
        rows,
        mode,
        first_slice: u32::try_from(first_slice).map_err(StepError::bad_request)?,
        slices: u32::try_from(slices.len()).map_err(StepError::bad_request)?,
        layout: scan.layout.clone(),
    };
    Ok((table, slices))
}

/// Notes the columns that the prompt has in braces and does not fill. Reading the prompts has noted
/// those of one word.
fn note_unfilled(asking: &Asking, columns: &[String], notes: &mut Vec<String>) {
    let encoder = asking.encoder();
    let is_word = |name: &&str| {
        let mut letters = name.chars();
        letters.all(|one| one.is_alphanumeric() || one == '_')
    };
    let unfilled = encoder.template().unfilled(columns);
    notes.extend(unfilled.filter(|name| !is_word(name)).map(|name| {
        format!(
            "the prompt has {{{name}}}, a column that input_placeholders does not list: it stays as it is"
        )
    }));
}

/// Returns how to pay half the price for a model that batch jobs do not accept.
fn cheaper(asking: &Asking) -> &'static str {
    let has_flex = asking.model().has_tier(ServiceTier::Flex);
    if has_flex && asking.settings().service_tier == ServiceTier::Default {
        "; BEDROCK_SERVICE_TIER=flex costs half of it"
    } else {
        ""
    }
}

/// Returns the row ranges of a slice, one for each file.
fn segments(cut: &quarry_slicing::Slice, scan: &TableScan) -> Vec<Segment> {
    let mut segments = Vec::new();
    for file in cut.start.file..=cut.end.file {
        let Some(scanned) = scan.files.get(file as usize) else {
            break;
        };
        let (start, first_row) = if file == cut.start.file {
            (cut.start.byte, cut.start.row)
        } else {
            (0, 0)
        };
        let (end, last_row) = if file == cut.end.file {
            (cut.end.byte, cut.end.row)
        } else {
            (scan.end_of(scanned), scanned.input.rows)
        };
        // After a cut at the start of a file, only the file's header is on this side.
        if last_row > first_row {
            segments.push(Segment {
                file: file as usize,
                start,
                end,
                first_row,
            });
        }
    }
    segments
}
