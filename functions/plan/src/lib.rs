//! `plan`: checks the request, reads prompts and schema, scans the data once and cuts the slices.
//!
//! It refuses everything that is known to fail, by name, before money is spent. A scan that
//! outlasts one invocation stores its progress in the run's folder, and the state machine calls
//! `plan` again.
//!
//! # What it promises
//!
//! | promise | kept in | test in `tests/it` |
//! |---|---|---|
//! | The run's folder belongs to one execution. A folder of another execution is refused. | `ownership` | `ownership` |
//! | The plan is written last: if it exists, everything that it names exists. | `publish` | `repetitions::a_call_that_dies_at_any_write_leaves_no_plan_and_is_made_good_by_the_next` |
//! | A plan without slices says so, and the state machine goes to `finish` at once. | `output` | `tables::tables_without_rows_are_planned_as_empty` |
//! | The slices of a table hold every row once and in order; a slice is within a job's records and bytes, and its rows have at most 4 GiB. | `publish`, `quarry_slicing` | `slices` |
//! | A run that would reach a limit of AWS after it was paid for is refused: the parts of a result, the footer of a Parquet result, the 30 days of an execution, the memory of planning. | `limits`, `parquet::check_footer` | `limits` |
//! | Everything that is known to fail is refused before anything is paid for: request, settings, models, prompts, schema, tables, the places of the results. Every refusal names the place and the remedy. | `progress::prepare`, `request`, `models`, `sources`, `discover`, `scan` | `refusals`, `models`, `prompts`, `sources`, `discovery`, `tables` |
//! | The plan's notes say which files were left out of a table. | `discover` | `discovery` |
//! | Whether rows are sent in jobs follows from the settings and the number of records. Surprising decisions are noted. | `Asking::mode`, `publish` | `modes`, `models::a_model_without_batch_inference_is_called_on_demand_with_a_note` |
//! | The prices of the run's models are in the plan, and a note says if there are none. | `rates` | `documents::the_plan_has_the_prices_of_its_models` |
//! | All slices together keep to the limits of calls. | `publish` | `documents::the_limits_of_calls_are_divided_among_the_slices` |
//! | A scan that outlasts an invocation continues in the next one, and plans the same run. | `progress`, `table_scan`, `scan` | `turns` |
//! | A repeated call writes the same objects. The check that results can be written leaves nothing behind. | `handle`, `request::check_output` | `repetitions` |
//! | Every step after planning reads the bytes that were planned: a version, or a copy in the run's folder. A copy that is there is never made again. | `pins` | `pins` |
//! | A file without a version that changes between two calls is refused. | `quarry_edge::s3::reader` (`ETag`) | `turns::a_file_that_changes_between_two_calls_is_data_that_changed` |
//! | A run that is expected to cost more than its cap is refused, and so is a cap without a price. | `cost_cap`, `rates` | `cost_cap` |
//! | A run has at most the rows and the unpacked bytes that its deployment and its pipeline allow. | `caps`, `quarry_contract::settings` | `caps` |
//! | Of two copies that see different files, the first one's scan counts: the slices, the layouts and the plan belong to each other. | `claim`, `parquet::store` | `repetitions::of_two_copies_that_see_other_files_the_slices_are_those_of_the_plan`, `repetitions::a_copy_that_died_while_it_published_leaves_its_files_to_the_next` |
//! | A second copy of a call publishes nothing and returns what the first has published. | `publish::published_before` | `repetitions::a_second_copy_leaves_the_plan_of_the_first` |
//! | A plan is written once. Of two copies that publish at once, both return the first plan. | `publish::publish` | `repetitions::of_two_copies_that_publish_at_once_the_first_plan_stays` |
//! | A Parquet file whose pages merge could not read, in whichever column, is refused with column, row group and row. | `scan`, `quarry_parquet` | `parquet` |
//! | A row is at most 64 MiB, also while it is unpacked; a table has at most 10,000 keys. | `stage`, `scan` | `tables::a_compressed_file_is_refused_at_the_first_row_that_is_too_long`, `tables::the_keys_of_all_files_of_a_table_are_limited_together` |
//! | The rows of a sample are untouched and in order, as many as were asked for, the same each time; the whole table is checked. A table with fewer rows is taken as it is. | `sample`, `quarry_slicing::sampled_rows` | `samples` |
//! | A sample is asked on demand, whatever the settings say, and a note says so. | `progress::prepare`, `sample::note` | `samples::a_sample_is_asked_on_demand_and_a_note_says_so` |
//! | A sample that outlasts an invocation, is broken off or repeated is the same. | `sample` | `samples::a_sample_that_is_taken_over_several_calls_is_the_same`, `samples::a_call_that_dies_at_any_write_leaves_no_plan_and_the_next_takes_the_same_sample` |
//! | Each error has a name that says whether the call is repeated, and its object. | everywhere | `refusals` |

mod caps;
mod claim;
mod cost_cap;
mod deps;
mod discover;
mod limits;
mod models;
mod ownership;
mod parquet;
mod pins;
mod progress;
mod publish;
mod rates;
mod request;
mod sample;
mod scan;
mod sources;
mod stage;
mod table_scan;

pub use deps::Deps;

use caps::Caps;
use parquet::LayoutPlace;
use progress::PlanProgress;
use publish::Published;
use quarry_asking::Asking;
use quarry_contract::VERSION;
use quarry_contract::layout::RunFolder;
use quarry_contract::payload::{ObjectPointer, PlanInput, PlanOutput};
use quarry_edge::clock::TimeLeft;
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_rows::TableFormat;
use sample::Sampler;
use table_scan::TableScan;

/// Plans a run, or does the next share of the work when the time does not suffice for all of it.
pub async fn handle(
    deps: &Deps,
    input: PlanInput,
    time_left: &dyn TimeLeft,
) -> Result<PlanOutput, StepError> {
    let work = request::check(&input, deps.work.as_ref())?;
    let run = RunFolder::new(&work, &input.execution);
    if let Some(published) = publish::published_before(deps, &run, &input).await? {
        tracing::info!("planned before");
        return Ok(planned(&run, &input, &published));
    }
    // A copy of this call may have died while it published.
    if let Some(first) = claim::of(&*deps.store, &run, &input).await? {
        let published = publish::claimed(deps, &run, &input, first).await?;
        return Ok(planned(&run, &input, &published));
    }
    let (mut progress, asking) = if input.turn == 0 {
        let prepared = progress::prepare(deps, &input).await?;
        ownership::claim(&*deps.store, &run, &input).await?;
        prepared
    } else {
        let progress: PlanProgress = documents::read(&*deps.store, &run.plan_progress()).await?;
        let asking = progress.asking()?;
        (progress, asking)
    };

    if !read_tables(deps, &run, &asking, &input, &mut progress, time_left).await? {
        documents::write(&*deps.store, &run.plan_progress(), &progress).await?;
        let rows: u64 = progress.tables.iter().map(|table| table.rows).sum();
        tracing::info!(rows, "planning continues in the next call");
        return Ok(output(&run, input.turn + 1, false, 0, 1));
    }
    form_empty_splits(deps, &run, &mut progress.tables).await?;
    // Another copy of this call may have been quicker.
    if let Some(published) = publish::published_before(deps, &run, &input).await? {
        return Ok(planned(&run, &input, &published));
    }
    let published = publish::publish(deps, &run, &input, &asking, progress).await?;
    Ok(planned(&run, &input, &published))
}

fn planned(run: &RunFolder, input: &PlanInput, published: &Published) -> PlanOutput {
    let (slices, max_concurrency) = (published.slices, published.max_concurrency);
    output(run, input.turn + 1, true, slices, max_concurrency)
}

/// Scans the tables, and puts the samples in their place if the request asks for samples. Returns `false`
/// when the time is up before the end.
async fn read_tables(
    deps: &Deps,
    run: &RunFolder,
    asking: &Asking,
    input: &PlanInput,
    progress: &mut PlanProgress,
    time_left: &dyn TimeLeft,
) -> Result<bool, StepError> {
    let (tables, whole) = (&mut progress.tables, &mut progress.whole);
    let mut worked = false;
    if !scan(deps, run, asking, tables, time_left, &mut worked).await? {
        return Ok(false);
    }
    let Some(sample) = input.request.sample else {
        return Ok(true);
    };
    if whole.is_none() {
        let mut sampler = Sampler {
            store: &deps.store,
            run,
            sample,
            time_left,
            worked,
        };
        if !sampler.write(tables).await? {
            return Ok(false);
        }
        *whole = Some(sample::put_in_place(tables)?);
        if !scan(deps, run, asking, tables, time_left, &mut true).await? {
            return Ok(false);
        }
    }
    let whole = whole.as_deref().unwrap_or_default();
    sample::check(sample, whole, tables)?;
    Ok(true)
}

/// Pins and scans the tables. Returns `false` when the time is up before the end. Sets `worked` if there
/// was something to do.
async fn scan(
    deps: &Deps,
    run: &RunFolder,
    asking: &Asking,
    tables: &mut [TableScan],
    time_left: &dyn TimeLeft,
    worked: &mut bool,
) -> Result<bool, StepError> {
    if !pins::copies(&*deps.store, run, tables, time_left, worked).await? {
        return Ok(false);
    }
    for number in 0..tables.len() {
        let mut scanner = scan::TableScanner {
            store: &deps.store,
            asking,
            caps: Caps::left(asking.settings(), tables, number),
            run,
            table: number,
            time_left,
            worked: *worked,
        };
        if !scanner.scan(&mut tables[number]).await? {
            return Ok(false);
        }
        *worked = scanner.worked;
    }
    Ok(true)
}

/// Gives splits without files the columns of the first split with files.
async fn form_empty_splits(
    deps: &Deps,
    run: &RunFolder,
    tables: &mut [TableScan],
) -> Result<(), StepError> {
    let Some((first, form)) = tables
        .iter()
        .enumerate()
        .find(|(_, table)| !table.files.is_empty())
        .map(|(number, table)| (number, table.clone()))
    else {
        return Ok(());
    };
    for (number, table) in tables.iter_mut().enumerate() {
        if table.files.is_empty() {
            table.take_form_of(&form);
            if form.format == TableFormat::Parquet {
                let at = run.layout(first, form.layout.as_deref());
                let layout = quarry_rows::layout(&*deps.store, &at).await?;
                let place = LayoutPlace { run, number };
                table.layout = Some(parquet::store(&*deps.store, &layout, place).await?);
            }
        }
    }
    Ok(())
}

fn output(run: &RunFolder, turn: u32, done: bool, slices: u32, max_concurrency: u32) -> PlanOutput {
    let manifest = run.manifest();
    PlanOutput {
        version: VERSION,
        done,
        turn,
        run: run.location().clone(),
        manifest: ObjectPointer {
            bucket: manifest.bucket().to_owned(),
            key: manifest.key().to_owned(),
        },
        slices,
        max_concurrency,
        empty: done && slices == 0,
    }
}
