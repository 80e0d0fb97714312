//! Compares the command with recordings of the Python program that Quarry replaces.
//!
//! Each folder of `tests/recorded/merge` and `tests/recorded/run` has the input, prompts, schema
//! and settings of a run, and the tables (`table.json`, cells of CSV as text) and the summary that
//! the program wrote. The cases of `merge` have the answer files of the run's jobs (`outputs`) as
//! input for `quarry merge`. The cases of `run` cover failing jobs and calls on demand:
//! `answers.jsonl` has the model's answers and `faults.json` the faults, and `quarry run` does the
//! whole run. `ours.env.json` has settings that the program did not have.
//!
//! The result must be the same, with two exceptions:
//!
//! - differences in every case: see [`as_written_here`], [`as_one_type`] and [`NOT_COMPARED`];
//! - errors of the program, which `case.json` lists under `divergence`: `reasons.json` says what
//!   Quarry does instead, and names exactly the places where a table or the summary differs. The
//!   whole tables are in the folder of the same name under `tests/expected`.

use crate::command::Workplace;
use crate::table::Table;
use expect_test::expect_file;
use flate2::read::MultiGzDecoder;
use quarry_parquet::{FileReading, ParquetFile};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Members of the summary that are not compared: its time, the jobs, which the program never filled
/// in, and the model's id, since the recorded model is called through a profile today.
const NOT_COMPARED: [&str; 3] = [
    "/processing_timestamp",
    "/batch_job_info",
    "/effective_model_id",
];

#[test]
fn recorded_answers_give_the_recorded_tables_and_summaries() {
    assert_as_recorded("merge", 23);
}

#[test]
fn recorded_failures_and_calls_give_the_recorded_tables_and_summaries() {
    assert_as_recorded("run", 4);
}

fn assert_as_recorded(kind: &str, count: usize) {
    let reasons = read_json(&recorded().join(kind).join("reasons.json"));
    let differs = reasons.as_object().expect("cases");
    let cases = folders(&recorded().join(kind));
    assert_eq!(cases.len(), count);
    let known: Vec<String> = cases.iter().map(|case| name(case)).collect();
    assert!(differs.keys().all(|case| known.contains(case)), "{kind}");
    for case in cases {
        let name = name(&case);
        let divergent = !read_json(&case.join("case.json"))["divergence"].is_null();
        assert_eq!(
            divergent,
            differs.contains_key(&name),
            "{name}: reasons go with a divergence, and only with one"
        );
        let mut expected = differs.get(&name).cloned().unwrap_or_else(|| json!({}));
        let reason = expected
            .as_object_mut()
            .and_then(|entry| entry.remove("reason"));
        assert_eq!(reason.is_some_and(|text| text != ""), divergent, "{name}");
        let found = differences(&case, divergent);
        assert_eq!(
            found, expected,
            "{name}: differs from the recording in {found:#}"
        );
    }
}

/// Returns the command of a case.
fn command(case: &Path, description: &Value, settings: &Value) -> String {
    let is_run = case.parent().is_some_and(|kind| kind.ends_with("run"));
    let mut command = format!(
        "{} {} --job-type {} --out out --json --set BEDROCK_BATCH_MODE=batch",
        if is_run { "run" } else { "merge" },
        case.join("input").display(),
        description["job_type"].as_str().expect("a job type")
    );
    command += &job_arguments(case, settings);
    if is_run {
        for name in ["answers", "faults"] {
            let file = case.join(name);
            let file = ["jsonl", "json"].map(|end| file.with_extension(end));
            if let Some(file) = file.iter().find(|file| file.exists()) {
                let _ = write!(command, " --{name} {}", file.display());
            }
        }
        return command;
    }
    for number in 0.. {
        let answers = case.join(format!("outputs/job{number}.jsonl.out"));
        if !answers.exists() {
            break;
        }
        let _ = write!(command, " --answers {}", answers.display());
    }
    command
}

/// Returns the places where the result differs from the recording.
fn differences(case: &Path, divergent: bool) -> Value {
    let mut settings = read_json(&case.join("env.json"));
    let ours = case.join("ours.env.json");
    if let (true, Some(settings)) = (ours.exists(), settings.as_object_mut()) {
        settings.extend(read_json(&ours).as_object().expect("settings").clone());
    }
    let description = read_json(&case.join("case.json"));
    let workplace = Workplace::new();
    let ran = workplace.quarry(&command(case, &description, &settings));
    if ran.code == 3 {
        return json!({ "refused": ran.stderr.trim() });
    }
    let report = ran.good().report();

    let prefix = settings["BEDROCK_OUTPUT_COLUMN_PREFIX"]
        .as_str()
        .unwrap_or("llm_");
    let recorded = read_json(&case.join("table.json"));
    let mut tables = Map::new();
    let mut written = 0;
    for file in workplace.files("out") {
        if file.starts_with("processing_") {
            continue;
        }
        written += 1;
        let text = unpacked(&file, workplace.read(&format!("out/{file}")));
        let is_parquet = file.contains(".parquet");
        if divergent && !is_parquet {
            assert_ours(&expected(case).join(&file), &text);
        }
        let ours = if is_parquet {
            parquet_table(text, &[""])
        } else {
            let separator = if file.contains(".tsv") { b'\t' } else { b',' };
            Table::separated(&text, separator)
        };
        let found = match recorded.get(&file) {
            Some(theirs) => compare(&ours, &recorded_table(theirs, prefix)),
            None => vec!["not in the recording".to_owned()],
        };
        if !found.is_empty() {
            tables.insert(file, json!(found));
        }
    }
    let known = recorded.as_object().expect("tables").keys();
    let absent = known.filter(|file| !workplace.path("out").join(file).exists());
    assert_eq!(absent.count(), 0, "{}: a table is missing", name(case));
    assert!(written > 0, "{}", name(case));

    let mut summary = Map::new();
    let recorded = case.join("summary.json");
    if recorded.exists() {
        compare_summary(
            &read_json(&recorded),
            &workplace.summary(),
            "",
            &mut summary,
        );
    }
    let mut calls = Map::new();
    if let Some(counters) = report.get("simulator") {
        for (theirs, ours) in [
            ("jobs_created", "jobs_created"),
            ("realtime_calls", "on_demand_calls"),
        ] {
            if description["expected"][theirs] != counters[ours] {
                calls.insert(ours.to_owned(), counters[ours].clone());
            }
        }
    }
    let mut found = Map::new();
    for (key, places) in [("tables", tables), ("summary", summary), ("calls", calls)] {
        if !places.is_empty() {
            found.insert(key.to_owned(), Value::Object(places));
        }
    }
    Value::Object(found)
}

/// Asserts that a table is the expected one, without compression.
fn assert_ours(file: &Path, text: &[u8]) {
    // A compressor's output may change with its version; the content may not.
    let file = file.with_file_name(name(file).trim_end_matches(".gz"));
    expect_file![file].assert_eq(str::from_utf8(text).expect("UTF-8"));
}

/// Returns a recorded table, with its cells as Quarry writes them.
fn recorded_table(table: &Value, prefix: &str) -> Table {
    let texts = |list: &Value| -> Vec<String> {
        let list = list.as_array().expect("a list");
        list.iter().map(recorded_cell).collect()
    };
    let columns = texts(&table["columns"]);
    let is = |column: &str, name: &str| column.strip_prefix(prefix) == Some(name);
    let status = columns.iter().position(|column| is(column, "status"));
    let rows = table["rows"].as_array().expect("rows").iter();
    let rows = rows
        .map(|row| {
            let mut row = texts(row);
            let failed = status.is_some_and(|number| row[number] == "error");
            for (cell, column) in row.iter_mut().zip(&columns) {
                if let Some(name) = column.strip_prefix(prefix) {
                    *cell = as_written_here(name, cell, failed);
                }
            }
            row
        })
        .collect();
    Table { columns, rows }
}

/// Returns the text of a recorded cell: cells of CSV are text, those of Parquet have types.
fn recorded_cell(cell: &Value) -> String {
    match cell {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Object(members) if members.contains_key("$nan") => String::new(),
        Value::Number(_) => as_one_type(&cell.to_string()),
        other => other.to_string(),
    }
}

/// The program's tables had no integer columns with gaps, so the numbers in them became floats.
/// Quarry keeps integers, and numbers of the same value count as equal.
fn as_one_type(number: &str) -> String {
    number.strip_suffix(".0").unwrap_or(number).to_owned()
}

/// Returns the columns of a Parquet table whose names begin with one of the prefixes, with their
/// cells as text.
pub(crate) fn parquet_table(bytes: Vec<u8>, prefixes: &[&str]) -> Table {
    let file = ParquetFile::open("result.parquet", Arc::new(bytes::Bytes::from(bytes)));
    let file = file.expect("a Parquet file");
    let mut columns = file.columns().to_vec();
    columns.retain(|column| prefixes.iter().any(|prefix| column.starts_with(prefix)));
    let reading = FileReading {
        cells: &columns,
        ..FileReading::default()
    };
    let mut reader = file.read(0..file.rows(), &reading).expect("rows");
    let mut rows = Vec::new();
    while let Some(batch) = reader.next_batch().expect("rows") {
        rows.extend(batch.rows().map(|row| -> Vec<String> {
            let cells = (0..columns.len()).map(|number| row.cell(number));
            cells
                .map(|cell| as_one_type(cell.text().unwrap_or_default()))
                .collect()
        }));
    }
    Table { columns, rows }
}

/// Returns the cell of a result column as Quarry writes it. An error row says so in all status
/// columns, as in the program's on-demand path but not in its job path, and a service's error is
/// text and not Python's notation. The validation library decides the words for a failed
/// validation.
fn as_written_here(column: &str, cell: &str, failed: bool) -> String {
    match column {
        "parse_status" if failed && cell.is_empty() => "error".to_owned(),
        "validation_passed" if failed && cell.is_empty() => "False".to_owned(),
        "error" if cell.starts_with("{'errorCode'") => {
            let error: Value = serde_json::from_str(&cell.replace('\'', "\"")).expect("a dict");
            let message = error["errorMessage"].as_str().expect("a message");
            format!("{}: {message}", error["errorCode"])
        }
        "validation_error" if !cell.is_empty() => SOME_TEXT.to_owned(),
        _ => cell.to_owned(),
    }
}

/// Matches any text except the empty one.
const SOME_TEXT: &str = "\u{0}";

/// Returns how a table differs from the recorded one. Rows are compared in order if both have the
/// same number of rows, otherwise by their first cell. A column that one table lacks counts as
/// empty there.
fn compare(ours: &Table, theirs: &Table) -> Vec<String> {
    let mut found = Vec::new();
    let same_rows = ours.rows.len() == theirs.rows.len();
    if !same_rows {
        found.push("rows".to_owned());
        let is_here = |row: &Vec<String>| ours.rows.iter().any(|ours| ours[0] == row[0]);
        if !theirs.rows.iter().all(is_here) {
            found.push("recorded rows are missing".to_owned());
        }
    }
    let common: Vec<usize> = theirs
        .columns
        .iter()
        .filter_map(|column| ours.columns.iter().position(|other| other == column))
        .collect();
    if !common.is_sorted() {
        found.push("order of columns".to_owned());
    }
    let counterparts: Vec<Vec<usize>> = (0..ours.rows.len())
        .map(|row| {
            if same_rows {
                return vec![row];
            }
            let same = |other: &usize| theirs.rows[*other][0] == ours.rows[row][0];
            (0..theirs.rows.len()).filter(same).collect()
        })
        .collect();
    let all: Vec<&String> = ours
        .columns
        .iter()
        .chain(theirs.columns.iter().filter(|c| !ours.columns.contains(c)))
        .collect();
    for column in all {
        let [here, there] =
            [ours, theirs].map(|table| table.columns.iter().position(|other| other == column));
        let cell = |table: &Table, row: usize, number: Option<usize>| {
            number.map_or(String::new(), |number| table.rows[row][number].clone())
        };
        let equal = counterparts.iter().enumerate().all(|(row, rows)| {
            let ours = cell(ours, row, here);
            let is_same =
                |theirs: String| theirs == ours || (theirs == SOME_TEXT && !ours.is_empty());
            rows.is_empty() || rows.iter().any(|row| is_same(cell(theirs, *row, there)))
        });
        if !equal {
            found.push(format!("column {column}"));
        }
    }
    found
}

/// Collects the summary's values that differ from the recording, by place.
fn compare_summary(theirs: &Value, ours: &Value, at: &str, found: &mut Map<String, Value>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (key, theirs) in theirs {
                let at = format!("{at}/{key}");
                if !NOT_COMPARED.contains(&at.as_str()) {
                    let missing = json!("no such key");
                    compare_summary(theirs, ours.get(key).unwrap_or(&missing), &at, found);
                }
            }
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            for (number, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                compare_summary(theirs, ours, &format!("{at}/{number}"), found);
            }
        }
        // Python's division of nothing returned the integer 0.
        (Value::Number(theirs), Value::Number(ours)) if theirs.as_f64() == ours.as_f64() => {}
        _ if theirs == ours => {}
        _ => {
            found.insert(at.to_owned(), ours.clone());
        }
    }
}

/// For the recorded prompts of text tables, which `quarry-prompt` holds, `preview` must print the
/// records: not only the same prompts but the same bodies, with members in the same order and
/// numbers in the same notation.
#[test]
fn recorded_prompts_are_previewed_with_their_bodies() {
    let of_text = Path::new(env!("CARGO_MANIFEST_DIR")).join("../prompt/tests/recorded");
    let mut cases = folders(&of_text);
    cases.extend(folders(&recorded().join("prompts")));
    assert_eq!(cases.len(), 17);
    let mut modes = BTreeMap::new();
    for case in cases {
        let name = name(&case);
        let settings = read_json(&case.join("env.json"));
        let description = read_json(&case.join("case.json"));
        let data = case.join(format!(
            "data.{}",
            description["format"].as_str().expect("one")
        ));
        let ran = Workplace::new().quarry(&format!(
            "preview {} --all --set BEDROCK_MISSING_COLUMNS=mark{}",
            data.display(),
            job_arguments(&case, &settings)
        ));
        let ours = expected(&case);
        if ours.with_extension("error").exists() {
            assert_eq!(ran.code, 3, "{name}: {ran:?}");
            assert!(
                ran.stderr
                    .contains("BEDROCK_MAX_INPUT_FIELD_LENGTH is `20`"),
                "{name}: {ran:?}"
            );
            continue;
        }
        let ours = ours.with_extension("jsonl");
        let divergent = !description["divergence"].is_null();
        assert_eq!(ours.exists(), divergent, "{name}");
        let expected = if divergent {
            ours
        } else {
            case.join("records.jsonl")
        };
        let expected = fs::read_to_string(expected).expect("records");
        // Compared as text, since values are equal whatever the order of their members.
        let expected: Vec<String> = expected
            .lines()
            .map(|line| {
                let record: Value = serde_json::from_str(line).expect("JSON");
                record.to_string()
            })
            .collect();
        let found: Vec<String> = ran
            .good()
            .json_lines()
            .iter()
            .map(Value::to_string)
            .collect();
        assert_eq!(found, expected, "{name}");
        let mode = description["expected"]["mode"].to_string();
        *modes.entry(mode).or_insert(0) += 1;
    }
    assert_eq!(modes.len(), 2, "{modes:?}");
}

/// Returns the arguments for a case's prompts, schema and settings.
fn job_arguments(case: &Path, settings: &Value) -> String {
    let mut arguments = format!(" --prompts {}", case.join("prompts.json").display());
    // The recorded calls named this model by its bare id. On demand, it can only be called through
    // a profile.
    if settings["BEDROCK_PRIMARY_MODEL_ID"].is_null() {
        arguments += " --set BEDROCK_PRIMARY_MODEL_ID=us.anthropic.claude-sonnet-4-20250514-v1:0";
        // It has ended since the recording.
        arguments += r#" --set BEDROCK_MODEL_CAPABILITIES={"end_of_life":"9999-12-31"}"#;
    }
    let schema = case.join("schema.json");
    if schema.exists() {
        let _ = write!(arguments, " --schema {}", schema.display());
    }
    for (name, value) in settings.as_object().expect("settings") {
        let _ = write!(arguments, " --set {name}={}", value.as_str().expect("text"));
    }
    arguments
}

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded")
}

/// Returns the file with Quarry's own result of a recorded case: at the same path under `expected`.
fn expected(case: &Path) -> PathBuf {
    let mut place = PathBuf::new();
    for part in case {
        place.push(if part == "recorded" {
            OsStr::new("expected")
        } else {
            part
        });
    }
    place
}

/// Returns the folders in a folder, by name.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn name(path: &Path) -> String {
    let name = path.file_name().expect("a name");
    name.to_string_lossy().into_owned()
}

#[track_caller]
fn read_json(file: &Path) -> Value {
    let text = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn unpacked(file: &str, bytes: Vec<u8>) -> Vec<u8> {
    if Path::new(file).extension().is_none_or(|end| end != "gz") {
        return bytes;
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes.as_slice())
        .read_to_end(&mut text)
        .expect("gzip");
    text
}
