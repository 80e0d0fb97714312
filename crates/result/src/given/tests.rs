use super::*;
use numbering::{NumberingEvidence, original_jobs};
use quarry_contract::file_format::{FileFormat, LineEnding};
use quarry_contract::plan::{InputFile, Mode, Table};
use quarry_contract::request::{JobType, Request};
use quarry_contract::settings::CsvQuoting;
use rounds::RoundsEvidence;

/// Returns a table of files with this many rows, in slices of four rows.
fn plan(split: Option<&str>, rows_of_files: &[u64]) -> (Plan, Vec<Slice>) {
    let at = || "s3://bucket/x".parse().unwrap();
    let rows = rows_of_files.iter().sum();
    let slices: Vec<Slice> = (0..rows)
        .step_by(4)
        .zip(0..)
        .map(|(first_row, slice)| Slice {
            version: 1,
            slice,
            table: 0,
            first_row,
            rows: 4.min(rows - first_row),
            records: 4.min(rows - first_row),
            bytes: 0,
            mode: Mode::Batch,
            segments: Vec::new(),
        })
        .collect();
    let files = rows_of_files.iter().map(|rows| InputFile {
        location: at(),
        name: String::new(),
        size: 0,
        etag: String::new(),
        version: None,
        rows: *rows,
    });
    let table = Table {
        split: split.map(str::to_owned),
        format: FileFormat::Csv,
        gzip: false,
        files: files.collect(),
        columns: Vec::new(),
        header: String::new(),
        newline: LineEnding::Lf,
        quoting: CsvQuoting::Standard,
        rows,
        mode: Mode::Batch,
        first_slice: 0,
        slices: u32::try_from(slices.len()).unwrap(),
        layout: None,
    };
    let plan = Plan {
        version: 1,
        execution: "run".to_owned(),
        execution_arn: None,
        started: String::new(),
        request: Request {
            version: 1,
            data: at(),
            data_content: None,
            prompts: at(),
            schema: None,
            output: at(),
            summary: None,
            work: None,
            job_type: JobType::Training,
            sample: None,
            settings: [("BEDROCK_MAX_RECORDS_PER_JOB".to_owned(), "3".to_owned())].into(),
            callback: None,
        },
        settings: [("BEDROCK_MAX_RECORDS_PER_JOB".to_owned(), "3".to_owned())].into(),
        prompts: serde_json::Value::Null,
        schema: None,
        schema_source: None,
        slices: table.slices,
        tables: vec![table],
        on_demand_rate: 1.0,
        on_demand_workers: 1,
        notes: Vec::new(),
        rates: None,
        estimate: None,
        sample: None,
    };
    (plan, slices)
}

fn answer(id: &str) -> Vec<u8> {
    format!(r#"{{"recordId":"{id}","modelInput":{{"a":1.0}},"modelOutput":{{}}}}"#).into_bytes()
}

fn counts_by_file(plan: &Plan, files: &[&[&str]]) -> Option<bool> {
    let jobs = original_jobs(plan, files.len())?;
    let mut evidence = NumberingEvidence::new(plan, &jobs);
    for (number, ids) in files.iter().enumerate() {
        for id in *ids {
            evidence.add(number, &answer(id));
        }
    }
    Some(evidence.counts_by_file())
}

#[test]
fn ids_that_begin_anew_in_each_file_count_by_file() {
    let (plan, _) = plan(None, &[4, 2]);
    // Jobs of at most three rows: 3 and 1 of the first file, 2 of the second.
    let files: [&[&str]; 3] = [
        &["record_0", "record_1", "record_2"],
        &["record_0"],
        &["record_1"],
    ];
    assert_eq!(counts_by_file(&plan, &files), Some(true));
    let files: [&[&str]; 3] = [&["record_0", "record_2"], &["record_3"], &["record_5"]];
    assert_eq!(counts_by_file(&plan, &files), Some(false));
    assert_eq!(counts_by_file(&plan, &files[..2]), None);
}

#[test]
fn a_single_file_can_only_be_a_job_where_tables_have_names() {
    assert_eq!(original_jobs(&plan(None, &[3]).0, 1), None);
    assert!(original_jobs(&plan(Some("train"), &[3]).0, 1).is_some());
}

#[test]
fn files_without_rows_may_have_had_jobs() {
    let (plan, _) = plan(None, &[2, 0, 1]);
    let rows = |files| -> Option<Vec<u64>> {
        Some(
            original_jobs(&plan, files)?
                .iter()
                .map(|job| job.rows)
                .collect(),
        )
    };
    assert_eq!(rows(2), Some(vec![2, 1]));
    assert_eq!(rows(3), Some(vec![2, 0, 1]));
    assert_eq!(rows(4), None);
}

#[test]
fn a_line_of_a_job_gets_its_slice_and_the_id_of_its_row() {
    let (plan, slices) = plan(Some("train"), &[6]);
    let jobs = original_jobs(&plan, 2).unwrap();
    let given = GivenAnswers::new(&plan, slices);
    let found = given
        .of_job(&answer("record_1"), &jobs[1], "b.out")
        .line
        .into_owned();
    assert_eq!(found, answer("train-record_4"));
    assert_eq!(
        given.of_job(&answer("record_1"), &jobs[1], "b.out").slice,
        Some(1)
    );
    let beyond = answer("record_3");
    let beyond = given.of_job(&beyond, &jobs[1], "b.out");
    assert_eq!(beyond.slice, None);
    assert_eq!(beyond.line.into_owned(), answer("record_3 in b.out"));
    let torn = given.of_job(b"{\"recordId", &jobs[0], "b.out");
    assert_eq!((torn.slice, &*torn.line), (None, &b"{\"recordId"[..]));
}

#[test]
fn a_line_with_an_id_of_the_table_gets_its_slice() {
    let (plan, slices) = plan(None, &[6]);
    let given = GivenAnswers::new(&plan, slices);
    assert_eq!(given.of_table(&answer("record_0")), Some(0));
    assert_eq!(given.of_table(&answer("record_5")), Some(1));
    assert_eq!(given.of_table(&answer("record_6")), None);
    assert_eq!(given.of_table(b"torn"), None);
}

/// Files with fewer records could be jobs whose ids were not recognised, and then an answer to
/// another row must not win.
#[test]
fn files_are_rounds_if_they_have_more_records_than_there_are_rows() {
    let (plan, slices) = plan(None, &[2]);
    let given = GivenAnswers::new(&plan, slices);
    for (files, are_rounds) in [
        (vec![vec![0, 1], vec![0]], true),
        (vec![vec![0], vec![0]], false),
        (vec![vec![0, 0, 0, 1]], false),
        (vec![vec![0], vec![5, 6], vec![1]], false),
    ] {
        let mut evidence = RoundsEvidence::new(&given);
        for (number, rows) in files.iter().enumerate() {
            for row in rows {
                evidence.add(number, &answer(&format!("record_{row}")));
            }
        }
        assert_eq!(evidence.are_rounds(2), are_rounds, "{files:?}");
    }
}
