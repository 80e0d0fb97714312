//! `quarry report`.

use crate::command::{PROMPTS, SCHEMA, Workplace};
use serde_json::Value;
use std::fs;
use std::time::Duration;

/// Returns a workplace with a result in `out` of 150 letters, of which some failed and some have an
/// invalid answer.
fn workplace() -> Workplace {
    let workplace = Workplace::new();
    let letters = (0..150).fold("text\n".to_owned(), |text, number| {
        format!("{text}letter <{number}>\n")
    });
    workplace.file("data.csv", letters);
    let faults = r#"{"records": [{"record": "record_3", "kind": "error_line", "code": 400, "message": "no <b>"},
        {"record": "record_4", "kind": "schema_violation", "times": 9}]}"#;
    workplace.file("faults.json", faults);
    workplace
        .run("data.csv", "--faults faults.json --set BEDROCK_BATCH_MODE=batch --set BEDROCK_MIN_RECORDS_PER_JOB=1")
        .good();
    workplace
}

fn page(workplace: &Workplace, name: &str) -> String {
    String::from_utf8(workplace.read(name)).expect("UTF-8")
}

/// Returns the JSON Pointer and the text of each figure of a page.
fn figures(page: &str) -> Vec<(&str, &str)> {
    let parts = page.split("data-member=\"").skip(1);
    parts
        .map(|part| {
            let (member, rest) = part.split_once("\">").expect("an attribute");
            let (text, _) = rest.split_once('<').expect("an element");
            (member, text)
        })
        .collect()
}

/// Whether a figure of a page is that of a summary. The page counts rows from 1.
fn is_shown(summary: &Value, member: &str, text: &str) -> bool {
    let number = || text.replace(',', "").parse::<f64>().expect("a number");
    let from = f64::from(u8::from(member.ends_with("/example_row")));
    match summary.pointer(member).expect("a member") {
        Value::String(known) => known == text,
        known => known
            .as_f64()
            .is_some_and(|known| (known + from - number()).abs() <= 5e-7),
    }
}

#[test]
fn the_figures_of_a_report_are_those_of_the_summary() {
    let workplace = workplace();
    let ran = workplace.quarry("report out").good();
    assert_eq!(ran.stdout, "wrote out/report.html\n");
    let page = page(&workplace, "out/report.html");
    let summary = workplace.summary();
    let figures = figures(&page);
    assert!(figures.len() > 40, "{figures:?}");
    for (member, text) in &figures {
        assert!(is_shown(&summary, member, text), "{member}: {text}");
    }
    for list in [
        "/profile/properties/1/",
        "/profile/failures/1/",
        "/cost/",
        "/batch_job_info/jobs/0/submitted",
    ] {
        assert!(
            figures.iter().any(|(member, _)| member.starts_with(list)),
            "{list}"
        );
    }
    assert!(page.contains("400: no &lt;b&gt;"), "{page}");
    assert!(
        page.contains("<h3>kind</h3>") && page.contains("<h3>score</h3>"),
        "{page}"
    );
}

/// As for a merged result, and one that an earlier version of Quarry wrote.
#[test]
fn without_a_profile_values_and_failures_are_counted_in_the_table() {
    let workplace = workplace();
    let mut summary = workplace.summary();
    let profile = summary["profile"].take();
    let name = "out/processing_summary_validation_20990101_000000.json";
    workplace.file(name, summary.to_string());
    workplace.quarry(&format!("report {name}")).good();
    let page = page(&workplace, "out/report.html");
    assert!(!page.contains("/profile/"), "{page}");
    for property in profile["properties"].as_array().expect("properties") {
        let name = property["property"].as_str().expect("a name");
        assert!(page.contains(&format!("<h3>{name}</h3>")), "{name}: {page}");
        assert!(
            page.contains(&format!("aria-label=\"Rows by {name}\"")),
            "{name}: {page}"
        );
    }
    for part in ["400: no &lt;b&gt;", "an invalid answer", "Smallest"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn cells_of_rows_are_shown_only_when_asked_for() {
    let workplace = workplace();
    workplace.quarry("report out").good();
    assert!(!page(&workplace, "out/report.html").contains("letter &lt;"));
    workplace
        .quarry("report out --rows 2 --out with-rows.html --prompts prompts.json --schema schema.json --set BEDROCK_MAX_TOKENS=512")
        .good();
    let page = page(&workplace, "with-rows.html");
    assert!(
        page.contains("letter &lt;0&gt;") && page.contains("letter &lt;1&gt;"),
        "{page}"
    );
    assert!(!page.contains("letter &lt;2&gt;"), "{page}");
    for part in [
        "You sort letters.",
        "&quot;maximum&quot;: 1",
        "BEDROCK_MAX_TOKENS",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_report_is_made_from_the_summary_alone_when_the_table_is_not_there() {
    let workplace = workplace();
    fs::remove_file(workplace.path("out/validation_processed_data.csv")).expect("a table");
    let ran = workplace.quarry("report out").good();
    assert!(
        ran.stdout
            .contains("note: out/validation_processed_data.csv is not there"),
        "{}",
        ran.stdout
    );
    let ran = workplace.quarry("report out --json").good().report();
    assert_eq!(
        ran["missing"][0], "out/validation_processed_data.csv",
        "{ran}"
    );
    let ran = workplace.quarry("compare out out");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("does not exist"), "{}", ran.stderr);
}

/// The copy broke off, or the table is that of another run.
#[test]
fn a_table_with_other_rows_than_its_summary_is_refused() {
    let workplace = workplace();
    let table = workplace.path("out/validation_processed_data.csv");
    let whole = fs::read_to_string(&table).expect("the table");
    let part: String = whole.split_inclusive('\n').take(20).collect();
    for (text, words) in [(part.as_str(), "has 19 rows"), ("", "has 0 rows")] {
        fs::write(&table, text).expect("a file");
        for command in ["report out", "compare out out"] {
            let ran = workplace.quarry(command);
            assert_eq!(ran.code, 3, "{command}: {ran:?}");
            for expected in [
                words,
                "its summary says 150; copy the whole result of one run",
            ] {
                assert!(ran.stderr.contains(expected), "{command}: {}", ran.stderr);
            }
        }
        assert!(!workplace.path("out/report.html").exists());
    }
}

/// Returns the name of the only summary in `out`.
fn summary_name(workplace: &Workplace) -> String {
    let mut files = workplace.files("out").into_iter();
    let name = files.find(|file| file.starts_with("processing_summary_"));
    name.expect("a summary")
}

/// A later run into the same folder has the same rows, but other outcomes.
#[test]
fn a_table_with_other_outcomes_than_its_summary_is_refused_with_the_remedy() {
    let workplace = workplace();
    let (name, whole) = (summary_name(&workplace), workplace.summary());
    for (member, words) in [
        (
            "successful_records",
            "149 rows with an answer (148 valid) and 1 failed, and the summary says 0 rows with an answer (148 valid) and 150 \
             failed",
        ),
        (
            "validation_passed_records",
            "149 rows with an answer (148 valid) and 1 failed, and the summary says 149 rows with an answer (0 valid) and 1 \
             failed",
        ),
    ] {
        let mut summary = whole.clone();
        summary[member] = 0.into();
        workplace.file(&format!("out/{name}"), summary.to_string());
        for command in [
            "report out",
            "report out/validation_processed_data.csv",
            "compare out out",
            "compare out out/validation_processed_data.csv",
        ] {
            let ran = workplace.quarry(command);
            assert_eq!(ran.code, 3, "{command}: {ran:?}");
            let of = format!("is the table of another run than {name}");
            for part in [of.as_str(), words, "use another --out for each run"] {
                assert!(ran.stderr.contains(part), "{command}: {}", ran.stderr);
            }
        }
        assert!(!workplace.path("out/report.html").exists());
    }
}

/// Also if the counts of both runs are the same.
#[test]
fn a_summary_whose_table_a_later_run_replaced_is_refused_with_the_later_one_and_its_own_page() {
    let workplace = workplace();
    let (name, summary) = (summary_name(&workplace), workplace.summary().to_string());
    let old = "processing_summary_validation_20200101_000000.json";
    let page = "out/processing_report_validation_20200101_000000.html";
    workplace.file(&format!("out/{old}"), &summary);
    workplace.file(page, "<!doctype html>");
    workplace.file(&format!("out/{name}"), &summary);
    let refused = [
        format!("report out/{old} --out old.html"),
        format!("compare out/{old} out"),
        format!("compare out out/{old}"),
    ];
    for command in refused {
        let ran = workplace.quarry(&command);
        assert_eq!(ran.code, 3, "{command}: {ran:?}");
        let expected = format!(
            "out/validation_processed_data.csv is no longer the table of {old}: the run of {name} replaced it; the page of \
             that run is {page}; use another --out for each run"
        );
        assert!(ran.stderr.contains(&expected), "{command}: {}", ran.stderr);
    }
    workplace.quarry(&format!("report out/{name}")).good();
    workplace.quarry("compare out out").good();
    // The older run was copied to the folder last, so the table is its own.
    workplace.file(&format!("out/{old}"), &summary);
    let file = fs::File::options()
        .append(true)
        .open(workplace.path(&format!("out/{old}")))
        .expect("a file");
    let table = fs::metadata(workplace.path("out/validation_processed_data.csv")).expect("a table");
    let later = table.modified().expect("a time") + Duration::from_mins(1);
    file.set_modified(later).expect("a time");
    workplace.quarry(&format!("report out/{old}")).good();
    // Without the table, the page needs the summary alone.
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .expect("a time");
    fs::remove_file(workplace.path("out/validation_processed_data.csv")).expect("a table");
    workplace.quarry(&format!("report out/{old}")).good();
}

#[test]
fn the_outcomes_of_each_training_split_are_those_of_its_own_table() {
    let workplace = Workplace::new();
    workplace.file("data/train/a.csv", "text\none\ntwo\n");
    workplace.file("data/val/b.csv", "text\nthree\n");
    workplace.run("data", "--job-type training").good();
    workplace.quarry("report out").good();
    let report = workplace.quarry("compare out out --json").good().report();
    assert_eq!(report["comparison"]["rows"]["total"], 3, "{report}");
    let (name, mut summary) = (summary_name(&workplace), workplace.summary());
    assert_eq!(summary["splits_processed"][1]["split_name"], "val");
    summary["splits_processed"][1]["validation_passed_records"] = 0.into();
    workplace.file(&format!("out/{name}"), summary.to_string());
    for command in ["report out", "compare out out"] {
        let ran = workplace.quarry(command);
        assert_eq!(ran.code, 3, "{command}: {ran:?}");
        let part = "out/val/val_processed_data.csv is the table of another run";
        assert!(ran.stderr.contains(part), "{command}: {}", ran.stderr);
    }
}

/// The input's row 4 failed and is left out, so its row 5 is row 4 of the result.
#[test]
fn rows_that_a_result_leaves_out_are_failed_rows_and_change_no_row_number_without_a_word() {
    let workplace = workplace();
    fs::remove_dir_all(workplace.path("out")).expect("a folder");
    workplace
        .run(
            "data.csv",
            "--faults faults.json --set BEDROCK_BATCH_MODE=batch --set BEDROCK_MIN_RECORDS_PER_JOB=1 \
             --set BEDROCK_SKIP_ERROR_RECORDS=true",
        )
        .good();
    workplace.quarry("report out --rows 1").good();
    let page = page(&workplace, "out/report.html");
    let of_input =
        "an example of each, counted from 1 in the input, of which the result leaves rows out";
    assert!(page.contains(of_input), "{page}");
    assert!(page.contains("counted from 1 in the result"), "{page}");
    let ran = workplace.quarry("compare out out").good();
    assert!(ran.stdout.contains("1 (1 left out)"), "{}", ran.stdout);
    let report = workplace.quarry("compare out out --json").good().report();
    assert_eq!(report["results"]["a"]["left_out_rows"], 1, "{report}");
    assert_eq!(report["comparison"]["rows"]["total"], 149, "{report}");
}

#[test]
fn the_page_of_a_run_on_this_machine_names_the_schema_as_a_file() {
    let workplace = workplace();
    workplace.quarry("report out").good();
    let written = workplace.files("out").into_iter();
    let pages: Vec<String> = written.filter(|file| file.contains(".html")).collect();
    assert_eq!(pages.len(), 2, "{pages:?}");
    for name in pages {
        let page = page(&workplace, &format!("out/{name}"));
        assert!(page.contains("<td>schema.json</td>"), "{name}: {page}");
        assert!(!page.contains("s3://quarry-local"), "{name}: {page}");
    }
}

#[test]
fn blanks_around_the_names_of_properties_do_not_matter() {
    let workplace = workplace();
    for command in ["report out", "compare out out"] {
        workplace
            .shell(&format!("quarry {command} --properties 'kind, score '"))
            .good();
        let ran = workplace.shell(&format!("quarry {command} --properties 'kind, x'"));
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stderr.contains("no column `llm_x`"), "{}", ran.stderr);
    }
}

#[test]
fn a_result_without_rows_has_a_report() {
    let workplace = workplace();
    let mut summary = workplace.summary();
    summary["tables"][0]["rows_out"] = 0.into();
    for member in ["successful_records", "validation_passed_records"] {
        summary[member] = 0.into();
    }
    summary["profile"] = Value::Null;
    workplace.file(
        "none/processing_summary_validation_20260101_000000.json",
        summary.to_string().replace("data.csv", "data.jsonl"),
    );
    workplace.file("none/validation_processed_data.jsonl", "");
    workplace.quarry("report none").good();
    assert!(!page(&workplace, "none/report.html").contains("<h3>kind</h3>"));
}

#[test]
fn prompts_and_schema_of_a_report_may_be_folders_as_those_of_a_run() {
    let workplace = workplace();
    workplace.file("asked/prompts.json", PROMPTS);
    workplace.file("asked/validation_schema_1.json", SCHEMA);
    let command = "report out --prompts asked --schema asked --set BEDROCK_MAX_TOKENS=512";
    workplace.quarry(command).good();
    let page = page(&workplace, "out/report.html");
    for expected in ["You sort letters.", "praise", "512"] {
        assert!(page.contains(expected), "{expected}");
    }
    let ran = workplace.quarry("report out --prompts out");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains("there is no prompts.json in out"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_is_no_result_is_refused_and_nothing_is_written() {
    let workplace = Workplace::new();
    workplace.file("table/validation_processed_data.csv", "a,b\n1,2\n");
    workplace.file(
        "odd/processing_summary_validation_20260101_000000.json",
        "{}",
    );
    workplace.file(
        "list/processing_summary_validation_20260101_000000.json",
        "[]",
    );
    fs::create_dir(workplace.path("empty")).expect("a folder");
    for (arguments, code, part) in [
        ("table", 3, "has no summary"),
        ("odd", 3, "the summary cannot be read"),
        ("list", 3, "is not a summary"),
        ("empty", 3, "neither a summary nor a result table"),
        (
            "nowhere",
            3,
            "nowhere does not exist; give the folder of a result",
        ),
        ("s3://acme/results/", 2, "`quarry results RUN --out DIR`"),
        ("S3://acme/results/", 2, "write it as s3://acme/results/"),
        ("table --out page.csv", 2, "ends with .html"),
        ("table --rows 101", 2, "101"),
        (
            "table --set BEDROCK_MAX_TOKEN=5",
            3,
            "`BEDROCK_MAX_TOKEN` is not a setting; did you mean `BEDROCK_MAX_TOKENS`?",
        ),
        ("table --set FOO=1", 3, "`FOO` is not a setting"),
        (
            "table --set bedrock_max_tokens=5",
            3,
            "did you mean `BEDROCK_MAX_TOKENS`?",
        ),
        (
            "table --set BEDROCK_MAX_TOKENS=abc",
            3,
            "BEDROCK_MAX_TOKENS is `abc`; allowed: 1 to 1000000",
        ),
    ] {
        let ran = workplace.quarry(&format!("report {arguments}"));
        assert_eq!(ran.code, code, "{arguments}: {}", ran.stderr);
        assert!(ran.stderr.contains(part), "{arguments}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{arguments}");
    }
    assert!(
        workplace
            .files("")
            .iter()
            .all(|file| !file.ends_with("report.html"))
    );
}
