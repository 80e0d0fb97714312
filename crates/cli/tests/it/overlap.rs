//! A result never replaces an input and never becomes one.

use crate::command::{Ran, Workplace};
use std::os::unix::fs::symlink;

const TABLE: &str = "text\nletter\n";

#[track_caller]
fn assert_refused(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, 3, "{ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "no {word:?} in {}", ran.stderr);
    }
    assert!(ran.stderr.contains("--out"), "{}", ran.stderr);
}

#[test]
fn a_result_that_would_take_the_place_of_the_data_is_refused() {
    let workplace = Workplace::new();
    workplace.file("x/validation_processed_data.csv", TABLE);
    workplace.file("a.out", "");
    for command in [
        "run x/validation_processed_data.csv --prompts prompts.json --out x",
        "run x/../x/validation_processed_data.csv --prompts prompts.json --out ./x/",
        "merge x/validation_processed_data.csv --prompts prompts.json --answers a.out --out x",
    ] {
        let ran = workplace.quarry(command);
        assert_refused(
            &ran,
            &["validation_processed_data.csv", "replace the input"],
        );
        assert_eq!(
            workplace.read("x/validation_processed_data.csv"),
            TABLE.as_bytes()
        );
    }
    // Another kind of data set has another result name.
    let other =
        "run x/validation_processed_data.csv --prompts prompts.json --out x --job-type testing";
    workplace.quarry(other).good();
    assert_eq!(
        workplace.read("x/validation_processed_data.csv"),
        TABLE.as_bytes()
    );
}

/// Everything would be asked before that is noticed.
#[test]
fn what_is_in_the_place_of_a_result_is_found_before_the_run() {
    let workplace = Workplace::new();
    workplace.file("t.csv", TABLE);
    workplace.file("a.out", "");
    std::fs::create_dir_all(workplace.path("o/validation_processed_data.csv")).unwrap();
    for command in [
        "run t.csv --prompts prompts.json --out o",
        "merge t.csv --prompts prompts.json --answers a.out --out o",
    ] {
        let ran = workplace.quarry(command);
        assert_refused(
            &ran,
            &["o/validation_processed_data.csv is a folder; rename it"],
        );
        assert!(workplace.files("o").is_empty());
    }
    // A folder of another name is in nobody's way.
    let sample = "run t.csv --prompts prompts.json --out o --sample 1";
    workplace.quarry(sample).good();
    let other = "run t.csv --prompts prompts.json --out o --job-type testing";
    workplace.quarry(other).good();
    workplace.file("d/train/t.csv", TABLE);
    workplace.file("s/train", "in the way");
    let ran = workplace.quarry("run d --prompts prompts.json --out s --job-type training");
    assert_refused(&ran, &["s/train is not a folder; rename it"]);
}

#[test]
fn links_do_not_hide_that_a_result_would_take_the_place_of_the_data() {
    let workplace = Workplace::new();
    workplace.file("x/validation_processed_data.csv", TABLE);
    workplace.file("y/data.csv", TABLE);
    symlink(workplace.path("x"), workplace.path("to-x")).unwrap();
    symlink(
        workplace.path("x/validation_processed_data.csv"),
        workplace.path("table.csv"),
    )
    .unwrap();
    symlink(
        workplace.path("y/data.csv"),
        workplace.path("y/validation_processed_data.csv"),
    )
    .unwrap();
    for command in [
        "run table.csv --prompts prompts.json --out x",
        "run table.csv --prompts prompts.json --out to-x",
        "run to-x/validation_processed_data.csv --prompts prompts.json --out x",
        "run y/data.csv --prompts prompts.json --out y",
    ] {
        assert_refused(&workplace.quarry(command), &["replace the input"]);
    }
    assert_eq!(workplace.read("y/data.csv"), TABLE.as_bytes());
}

#[test]
fn an_output_folder_inside_the_data_folder_is_refused() {
    let workplace = Workplace::new();
    workplace.file("data/a.jsonl", "{\"text\": \"letter\"}\n");
    symlink(workplace.path("data"), workplace.path("to-data")).unwrap();
    let before = workplace.files("data");
    for command in [
        "run data --prompts prompts.json --out data",
        "run data --prompts prompts.json --out data/new/deep",
        "run data/ --prompts prompts.json --out to-data",
        "run to-data --prompts prompts.json --out data/out",
        "run . --prompts prompts.json --out .",
    ] {
        assert_refused(&workplace.quarry(command), &["inside the data folder"]);
    }
    assert_eq!(workplace.files("data"), before);
}

/// A run over one file may put its result beside the file. A later run over the folder would have each
/// row twice.
#[test]
fn a_result_beside_its_table_is_never_read_as_data() {
    let workplace = Workplace::new();
    workplace.file("data/a.jsonl", "{\"text\": \"letter\"}\n");
    workplace.file(
        "job/request.json",
        r#"{"data": "../data", "prompts": "../prompts.json"}"#,
    );
    symlink(workplace.path("data"), workplace.path("to-data")).unwrap();
    for _ in 0..2 {
        let ran = workplace
            .quarry("run data/a.jsonl --prompts prompts.json --out data --json")
            .good();
        assert_eq!(ran.report()["summary"]["rows"]["in"], 1);
    }
    for command in [
        "run data --prompts prompts.json --out out",
        "run data --prompts prompts.json --out out --set BEDROCK_REPLACE_COLUMNS=true",
        "run data --prompts prompts.json --out out --job-type testing",
        "run to-data --prompts prompts.json --out out",
        "run job --out out",
        "preview data --prompts prompts.json",
        "merge data --prompts prompts.json --answers prompts.json --out out",
        "init data --out other",
    ] {
        let ran = workplace.quarry(command);
        assert_eq!(ran.code, 3, "{command}: {ran:?}");
        for words in [
            "validation_processed_data.jsonl is named as the result of a run",
            "a.jsonl alone",
        ] {
            assert!(ran.stderr.contains(words), "{command}: {}", ran.stderr);
        }
    }
    // Results alone are data of a next step.
    workplace
        .quarry("run data/a.jsonl --prompts prompts.json --out first")
        .good();
    let next =
        "run first --prompts prompts.json --out second --set BEDROCK_OUTPUT_COLUMN_PREFIX=b_";
    workplace.quarry(next).good();
}
