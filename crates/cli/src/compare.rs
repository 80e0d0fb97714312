//! `quarry compare`: two results of the same table, side by side.

use crate::failure::Failure;
use crate::html_file;
use crate::local_result::{LocalResult, ResultTable};
use crate::local_table::LocalTable;
use crate::output;
use clap::Args;
use quarry_comparison::{
    AnswerCounts, Comparer, ComparisonError, ResultComparison, ResultFacts, Sides, TableColumns,
    in_words, per_cent,
};
use quarry_contract::settings::CsvQuoting;
use quarry_report::comparison_page;
use quarry_runs::counted;
use serde_json::json;
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Arguments of `quarry compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// The first result: its folder, its summary, or its table.
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The second result, of the same input table.
    #[arg(value_name = "B")]
    b: PathBuf,
    /// Compare these properties, separated by commas, and no others.
    #[arg(long, value_name = "A,B", value_delimiter = ',', value_parser = property)]
    properties: Vec<String>,
    /// Show at most this many rows that differ, and as many that failed.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=1000))]
    rows: u16,
    /// Write the comparison as an HTML page, which shows cells of these rows.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with code 5 if less than this share of the rows have the same answers, 0 to 1.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    fail_below: Option<f64>,
    /// How cells of CSV and TSV are quoted, as `BEDROCK_CSV_QUOTING` says: standard, backslash or none.
    #[arg(long, value_name = "QUOTING", default_value = "standard", value_parser = quoting)]
    csv_quoting: CsvQuoting,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("give a number from 0 to 1, such as 0.95".to_owned()),
    }
}

/// Reads the name of a property in a list, which may have blanks after its commas.
#[expect(
    clippy::unnecessary_wraps,
    reason = "a value parser of an argument returns a result"
)]
pub(crate) fn property(text: &str) -> Result<String, String> {
    Ok(text.trim().to_owned())
}

/// Reads a quoting by the name that the setting has for it.
pub(crate) fn quoting(text: &str) -> Result<CsvQuoting, String> {
    serde_json::from_value(json!(text)).map_err(|_| "give standard, backslash or none".to_owned())
}

/// Compares and reports.
pub(crate) fn compare(arguments: &CompareArguments) -> Result<(), Failure> {
    if let Some(file) = &arguments.out {
        html_file::check(file)?;
    }
    let open = |path: &PathBuf| LocalResult::open(path, arguments.csv_quoting);
    let results = Sides {
        a: open(&arguments.a)?,
        b: open(&arguments.b)?,
    };
    results.a.check_complete()?;
    results.b.check_complete()?;
    let comparison = compare_tables(&results, &arguments.properties, arguments.rows.into())?;
    let facts = results.each().map(|result| ResultFacts {
        left_out_rows: result.left_out_rows(),
        ..ResultFacts::new(&result.name, result.summary.as_ref())
    });
    if let Some(file) = &arguments.out {
        html_file::write(file, &comparison_page(&comparison, &facts))?;
    }
    if arguments.json {
        output::write_json(&json!({
            "results": facts,
            "comparison": comparison,
            "page": arguments.out.as_ref().map(|file| file.display().to_string()),
        }))?;
    } else {
        let mut text = in_words(&comparison, &facts);
        if let Some(file) = &arguments.out {
            let _ = writeln!(text, "\nwrote {}", file.display());
        }
        output::write(output::printable_lines(&text).as_bytes())?;
    }
    check_share(&comparison, arguments.fail_below)
}

/// Fails if fewer rows agree than the user accepts. Where nothing is compared, no row agrees.
fn check_share(comparison: &ResultComparison, least: Option<f64>) -> Result<(), Failure> {
    let rows = &comparison.rows;
    let agree = rows.agree.unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a share needs few digits")]
    let share = agree as f64 / rows.compared.max(1) as f64;
    let Some(least) = least.filter(|least| share < *least) else {
        return Ok(());
    };
    let found = if rows.agree.is_none() {
        "the results have no property in common, so no row has the same answers".to_owned()
    } else if rows.compared == 0 {
        "no row has an answer in both results, so none has the same".to_owned()
    } else {
        let share = per_cent(agree, rows.compared);
        format!("{share} of the compared rows have the same answers")
    };
    let invalid = match rows.invalid_in_both {
        0 => String::new(),
        rows => format!(
            " ({} with an invalid answer in both results)",
            counted(rows, "row")
        ),
    };
    Err(Failure::findings(format!(
        "{found}{invalid}, fewer than --fail-below {least}"
    )))
}

/// Returns the tables of both results in pairs: by their split, if there are any.
fn pairs(results: &Sides<LocalResult>) -> Result<Vec<Sides<&ResultTable>>, Failure> {
    let (a, b) = (&results.a.tables, &results.b.tables);
    let splits = |tables: &[ResultTable]| {
        let mut splits: Vec<_> = tables.iter().map(|table| table.split.clone()).collect();
        splits.sort();
        splits
    };
    let both = splits(a);
    if both != splits(b) {
        let names = results.each().map(|result| {
            let names: Vec<String> = result.tables.iter().map(ResultTable::name).collect();
            format!("{} has {}", result.name, names.join(", "))
        });
        return Err(Failure::input(format!(
            "{}, and {}; give two results of the same table",
            names.a, names.b
        )));
    }
    if both.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Failure::input(format!(
            "{} has several result tables and no summary; name one of the tables",
            results.a.name
        )));
    }
    let paired = a.iter().filter_map(|of_a| {
        let of_b = b.iter().find(|of_b| of_b.split == of_a.split)?;
        Some(Sides { a: of_a, b: of_b })
    });
    Ok(paired.collect())
}

fn compare_tables(
    results: &Sides<LocalResult>,
    properties: &[String],
    most_rows: usize,
) -> Result<ResultComparison, Failure> {
    let mut comparer: Option<(Sides<TableColumns>, Comparer)> = None;
    for pair in pairs(results)? {
        let (of_a, of_b) = (
            columns(pair.a.table(), properties)?,
            columns(pair.b.table(), properties)?,
        );
        let columns = match (of_a, of_b) {
            (Some(a), Some(b)) => Sides { a, b },
            (None, None) => {
                pair.a.check(&AnswerCounts::default())?;
                pair.b.check(&AnswerCounts::default())?;
                continue;
            }
            (of_a, _) => {
                let side = if of_a.is_none() { 'a' } else { 'b' };
                return Err(Failure::input(format!(
                    "{} has no row in {side}; compare two results of the same table",
                    pair.a.name()
                )));
            }
        };
        // All tables of a result have the same columns, or the first table's cells have no place.
        let (of_first, comparer) = match &mut comparer {
            Some(begun) => begun,
            none => {
                let new = Comparer::new(&columns, most_rows);
                let new = new.map_err(|error| Failure::input(error.to_string()))?;
                none.insert((columns.clone(), new))
            }
        };
        if *of_first != columns {
            return Err(Failure::input(format!(
                "{} has other columns than the first table of its result; compare the tables one by one",
                pair.a.name()
            )));
        }
        comparer.begin_table(&pair.a.name());
        compare_rows(comparer, pair).map_err(|error| Failure::input(error.to_string()))?;
        pair.a.check(&comparer.of_table().a)?;
        pair.b.check(&comparer.of_table().b)?;
    }
    match comparer {
        Some((_, comparer)) => Ok(comparer.finish()),
        None => Err(Failure::input(format!(
            "{} has no row to compare",
            results.a.name
        ))),
    }
}

/// Reads the columns of a result table: the header, or for JSON Lines the keys of all rows. A table
/// without a header and without rows has none.
pub(crate) fn columns(
    table: LocalTable<'_>,
    properties: &[String],
) -> Result<Option<TableColumns>, Failure> {
    let most = if table.format.is_json_lines() {
        u64::MAX
    } else {
        1
    };
    let columns = table
        .columns(most)
        .map_err(|error| Failure::input(error.to_string()))?;
    if columns.is_empty() {
        return Ok(None);
    }
    TableColumns::of(&columns, properties)
        .map(Some)
        .map_err(|error| Failure::input(format!("{}: {error}", table.file.display())))
}

/// Compares two tables.
fn compare_rows(comparer: &mut Comparer, pair: Sides<&ResultTable>) -> Result<(), Box<dyn Error>> {
    let columns = comparer.columns().clone();
    let (table_a, table_b) = (pair.a.table(), pair.b.table());
    let mut rows_a = table_a.rows(&columns.a)?;
    let mut rows_b = table_b.rows(&columns.b)?;
    let mut cells: Sides<Vec<Option<String>>> = Sides::default();
    loop {
        match (
            rows_a.next_row(&mut cells.a)?,
            rows_b.next_row(&mut cells.b)?,
        ) {
            (true, true) => {
                let cells = cells.each().map(Vec::as_slice);
                comparer.row(&cells)?;
            }
            (false, false) => return Ok(()),
            (in_a, _) => {
                let error: ComparisonError = comparer.ended_early(if in_a { 'b' } else { 'a' });
                return Err(error.into());
            }
        }
    }
}
