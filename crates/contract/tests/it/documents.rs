//! Documents that an earlier build wrote into a run's folder can be read, and are written in the
//! same form.

use quarry_contract::file_format::{FileFormat, LineEnding};
use quarry_contract::job_status::JobStatus;
use quarry_contract::plan::{JobEnd, Plan};
use quarry_contract::settings::CsvQuoting;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[track_caller]
fn read<T: Serialize + DeserializeOwned>(recorded: &str) -> T {
    let document: T = serde_json::from_str(recorded).unwrap();
    assert_eq!(serde_json::to_string(&document).unwrap(), recorded);
    document
}

#[test]
fn a_plan_says_how_its_tables_are_written() {
    let plan: Plan = read(include_str!("../recorded/documents/plan-tsv.json"));
    let table = &plan.tables[0];
    assert_eq!(table.format, FileFormat::Tsv);
    assert_eq!(table.newline, LineEnding::CrLf);
    assert_eq!(table.quoting, CsvQuoting::Backslash);

    let plan: Plan = read(include_str!("../recorded/documents/plan-csv.json"));
    let table = &plan.tables[0];
    assert_eq!(table.format, FileFormat::Csv);
    assert_eq!(table.newline, LineEnding::Lf);
    assert_eq!(table.quoting, CsvQuoting::Standard);
}

#[test]
fn the_end_of_a_job_has_its_status() {
    let end: JobEnd = read(include_str!("../recorded/documents/job-end.json"));
    assert_eq!(end.status, JobStatus::Completed);
}
