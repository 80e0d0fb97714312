//! `quarry init`.

use crate::command::{Ran, Workplace};
use flate2::write::GzEncoder;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Returns a table of letters, with an identifier and a constant column.
fn letters() -> String {
    let mut table = String::from("id,letter,source\n");
    for number in 0..120 {
        let _ = writeln!(
            table,
            "{number},\"Letter {number}, which is long enough\",web"
        );
    }
    table
}

fn packed(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).expect("memory");
    gzip.finish().expect("memory")
}

fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn json(workplace: &Workplace, name: &str) -> Value {
    serde_json::from_slice(&workplace.read(name)).expect("JSON")
}

#[test]
fn a_new_user_comes_from_a_table_to_a_result_without_writing_a_file() {
    let workplace = Workplace::new();
    workplace.file("letters.csv", letters());
    let ran = workplace.quarry("init letters.csv --out job").good();
    assert_eq!(
        ran.stdout,
        "rows         the first 120 of letters.csv\n\
         prompt shows letter\n\
         left out     id (an identifier), source (the same value in each row)\n\
         wrote        job/prompts.json, job/schema.json, job/request.json\n\
         next         edit the files, then: quarry preview job --limit 1 --pretty\n"
    );
    let preview = workplace.quarry("preview job --limit 1").good();
    assert!(
        preview
            .stdout
            .contains("letter: Letter 0, which is long enough")
    );
    let report = workplace.quarry("run job --out out --json").good().report();
    assert_eq!(report["summary"]["rows"]["out"], 120, "{report}");
}

#[test]
fn the_folder_of_the_table_can_be_moved() {
    let workplace = Workplace::new();
    workplace.file("job/data/letters.csv", letters());
    workplace.quarry("init job/data --out job").good();
    assert_eq!(json(&workplace, "job/request.json")["data"], "data");
    std::fs::rename(workplace.path("job"), workplace.path("moved")).expect("a move");
    workplace.quarry("preview moved --limit 1").good();
}

#[test]
fn the_files_are_written_into_the_current_folder_unless_another_is_named() {
    let workplace = Workplace::new();
    workplace.file("here/letters.csv", letters());
    let ran = workplace
        .shell("cd here && quarry init . && quarry preview . --limit 1")
        .good();
    assert!(ran.stdout.contains("./request.json"), "{}", ran.stdout);
    assert_eq!(json(&workplace, "here/request.json")["data"], ".");
}

#[test]
fn a_file_that_exists_is_replaced_only_when_told() {
    let workplace = Workplace::new();
    workplace.file("letters.csv", letters());
    let before = workplace.read("prompts.json");
    let ran = workplace.quarry("init letters.csv");
    assert_eq!(ran.code, 3);
    assert!(
        ran.stderr.contains("./prompts.json exists already"),
        "{}",
        ran.stderr
    );
    assert_eq!(workplace.read("prompts.json"), before);
    assert!(!workplace.path("request.json").exists());
    workplace.quarry("init letters.csv --force").good();
    assert_ne!(workplace.read("prompts.json"), before);
}

#[test]
fn columns_and_task_can_be_chosen() {
    let workplace = Workplace::new();
    workplace.file("letters.csv", letters());
    let ran = workplace
        .quarry("init letters.csv --out job --task summarise --columns source,letter --json")
        .good();
    // A column that is the same in each row is shown too, because it was named.
    assert_eq!(
        ran.report()["columns"],
        serde_json::json!(["source", "letter"])
    );
    assert_eq!(ran.report()["left_out"], serde_json::json!([]));
    let schema = json(&workplace, "job/schema.json");
    assert!(schema["properties"]["summary"].is_object(), "{schema}");
    let ran = workplace
        .quarry("init letters.csv --out twice --columns id,letter,id --json")
        .good();
    assert_eq!(ran.report()["columns"], serde_json::json!(["id", "letter"]));
    let ran = workplace.quarry("init letters.csv --out other --columns id,lettre");
    assert_eq!(ran.code, 3);
    assert!(
        ran.stderr.contains("no column `lettre`") && ran.stderr.contains("id, letter, source"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        workplace.quarry("init letters.csv --task translate").code,
        2
    );
}

#[test]
fn tables_in_the_folders_of_training_are_written_as_a_training_job_that_can_be_previewed() {
    let workplace = Workplace::new();
    workplace.file("trj/train/a.csv", letters());
    workplace.file("trj/val/b.csv", letters());
    let ran = workplace.quarry("init trj --out job").good();
    for expected in [
        "the first 120 of trj/train/a.csv\n",
        "job type     training, because the tables are in train/, val/ or test/\n",
    ] {
        assert!(ran.stdout.contains(expected), "{}", ran.stdout);
    }
    assert_eq!(json(&workplace, "job/request.json")["job_type"], "training");
    workplace.quarry("preview job --limit 1").good();

    // A table beside these folders is what a run reads.
    workplace.file("trj/z.csv", "text\nhello\n");
    let ran = workplace.quarry("init trj --out beside").good();
    assert!(
        ran.stdout.contains("the first 1 of trj/z.csv"),
        "{}",
        ran.stdout
    );
    assert_eq!(
        json(&workplace, "beside/request.json")["job_type"],
        "validation"
    );
    workplace.quarry("preview beside --limit 1").good();
}

#[test]
fn what_the_prompt_shows_is_never_said_to_be_left_out() {
    let workplace = Workplace::new();
    workplace.file("long.csv", "id,t\n1,x\n2,x\n3,x\n4,x\n");
    let ran = workplace.quarry("init long.csv --out job").good();
    assert!(
        ran.stdout.contains("prompt shows id, t\n"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("left out"), "{}", ran.stdout);

    workplace.file("odd.csv", "{a},b}\n1,x\n2,y\n3,z\n");
    let ran = workplace.quarry("init odd.csv --out odd").good();
    assert!(
        ran.stdout.contains("prompt shows the whole row\n"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("left out"), "{}", ran.stdout);
    for (columns, code, part) in [
        ("", 2, "--columns \"\" has an empty name"),
        (
            "{a}",
            3,
            "no name in --columns {a} can be written in braces",
        ),
    ] {
        let mut command = workplace.command("init odd.csv --out none --columns");
        let ran = Ran::of(&command.arg(columns).output().expect("the command runs"));
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
        assert!(!workplace.path("none").exists());
    }
}

#[test]
fn the_next_command_and_the_errors_of_init_can_be_used_as_they_are() {
    let workplace = Workplace::new();
    workplace.file("letters.csv", letters());
    let mut command = workplace.command("init letters.csv --out");
    let ran = Ran::of(&command.arg("my job").output().expect("the command runs")).good();
    assert!(
        ran.stdout.contains("quarry preview 'my job' --limit 1"),
        "{}",
        ran.stdout
    );
    let ran = workplace.quarry("init letters.csv --out letters.csv");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr
            .contains("letters.csv is not a folder; name a folder with --out"),
        "{}",
        ran.stderr
    );
    let names: Vec<String> = (0..60).map(|number| format!("c{number}")).collect();
    let row = vec!["some text"; 60].join(",");
    workplace.file("wide.csv", format!("{},\n{row},x\n", names.join(",")));
    let ran = workplace.quarry("init wide.csv --out wide").good();
    assert!(
        ran.stdout.contains(
            "c20, c21, c22, c23, c24 and 35 more (more columns than a first prompt needs)"
        ),
        "{}",
        ran.stdout
    );
    let ran = workplace.quarry("init wide.csv --out none --columns d");
    assert!(
        ran.stderr.trim_end().ends_with("c18, c19 and 40 more"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_is_no_table_is_refused_by_name_and_writes_nothing() {
    let workplace = Workplace::new();
    workplace.file("notes.txt", "no table");
    workplace.file("broken.csv", "a,b\n1\n");
    workplace.file("folder/notes.txt", "no table");
    workplace.file("zero.csv", "");
    workplace.file("zero.jsonl", "");
    workplace.file("nameless.csv", ",,\n1,2,3\n");
    let gzip = packed(&letters());
    workplace.file("cut.csv.gz", &gzip[..gzip.len() / 2]);
    workplace.file("plain.csv.gz", letters());
    workplace.file("broken.parquet", "PAR1");
    for (table, code, part) in [
        ("missing.csv", 3, "missing.csv does not exist"),
        ("notes.txt", 3, "notes.txt is not a table"),
        ("broken.csv", 3, "broken.csv"),
        ("folder", 3, "folder contains no table"),
        ("-", 2, "cannot be the table"),
        ("zero.csv", 3, "zero.csv is empty: it needs a header row"),
        ("zero.jsonl", 3, "zero.jsonl has no row to look at"),
        ("nameless.csv", 3, "nameless.csv has no column with a name"),
        ("cut.csv.gz", 3, "cut.csv.gz is not a whole gzip file"),
        (
            "plain.csv.gz",
            3,
            "take .gz from its name if it is not compressed",
        ),
        ("broken.parquet", 3, "broken.parquet"),
    ] {
        let ran = workplace.quarry(&format!("init {table} --out job"));
        assert_eq!(ran.code, code, "{table}: {}", ran.stderr);
        assert!(ran.stderr.contains(part), "{table}: {}", ran.stderr);
        assert!(!workplace.path("job").exists(), "{table}");
    }
}

/// Tables of every format: what is written for them passes planning.
#[test]
fn what_is_proposed_for_a_table_of_any_format_can_be_previewed() {
    let workplace = Workplace::new();
    workplace.file("tables/a.csv.gz", packed(&letters()));
    workplace.file("tables/b.tsv", "only a header\tand another\n");
    workplace.file(
        "tables/c.jsonl",
        "{\"a\":1}\n{\"b\":{\"c\":[1,2]},\"a\":null}\n",
    );
    workplace.file("tables/d.csv", "{a},\"b\nc\",,Größe in €\n1,2,3,4\n");
    let mut tables: Vec<PathBuf> = std::fs::read_dir(workplace.path("tables"))
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .expect("the tables")
        .into_iter()
        .map(|entry| entry.path())
        .collect();
    tables.push(in_project("examples/wildlife-strikes/data"));
    for name in [
        "duckdb",
        "fastparquet",
        "pandas_empty",
        "pandas_typed",
        "pyarrow_types",
        "spark_default",
        "spark_legacy",
    ] {
        tables.push(in_project(&format!(
            "crates/parquet/tests/fixtures/{name}.parquet"
        )));
    }
    assert!(tables.len() > 8, "{tables:?}");
    for (number, table) in tables.iter().enumerate() {
        let shown = table.display();
        let ran = workplace.quarry(&format!("init {shown} --out job-{number}"));
        assert_eq!(ran.code, 0, "{shown}: {}", ran.stderr);
        let ran = workplace.quarry(&format!("preview job-{number} --limit 1"));
        assert_eq!(ran.code, 0, "{shown}: {}", ran.stderr);
    }
}
