//! `quarry demo`: a run of the example without the example's files.

use crate::command::Workplace;
use std::path::Path;

const EXAMPLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../examples/wildlife-strikes"
);

/// Returns the commands that the demonstration ends with.
fn next(stdout: &str) -> Vec<&str> {
    let lines = stdout.lines().map(str::trim_start);
    lines.filter(|line| line.starts_with("quarry ")).collect()
}

#[test]
fn the_example_is_written_and_run_and_the_next_commands_work() {
    let workplace = Workplace::new();
    let ran = workplace.quarry("demo").good();
    for file in [
        "data/wildlife-strikes.csv",
        "prompts.json",
        "schema.json",
        "request.json",
        "faults.json",
        "README.md",
    ] {
        let original = std::fs::read(Path::new(EXAMPLE).join(file)).expect("the example");
        assert_eq!(
            workplace.read(&format!("quarry-demo/{file}")),
            original,
            "{file}"
        );
    }
    assert!(
        ran.stdout
            .contains("\nrows out           10,000\nvalid answers      10,000\n"),
        "{}",
        ran.stdout
    );
    let results = workplace.files("quarry-demo/results");
    assert!(
        results.iter().any(|name| name.contains("report")),
        "{results:?}"
    );
    assert!(
        results.contains(&"validation_processed_data.csv".to_owned()),
        "{results:?}"
    );

    workplace.file("table.csv", "text,n\nletter,1\nanother,2\n");
    let commands = next(&ran.stdout);
    assert_eq!(commands.len(), 5, "{commands:?}");
    for command in commands {
        workplace
            .quarry(command.trim_start_matches("quarry "))
            .good();
    }
    let page = workplace.read("quarry-demo/results/report.html");
    let page = String::from_utf8(page).expect("UTF-8");
    assert!(page.contains("Rows before and after"), "no rows");
    assert!(
        page.contains("A wildlife strike was reported."),
        "no prompts"
    );
    assert!(
        ran.stdout.lines().all(|line| line.chars().count() <= 100),
        "{}",
        ran.stdout
    );
}

#[test]
fn nothing_that_exists_is_replaced() {
    let workplace = Workplace::new();
    workplace.file("mine/request.json", "mine");
    workplace.file("file", "mine");
    for (out, words) in [
        ("mine", "mine is not empty"),
        ("file", "file cannot be the folder"),
    ] {
        let ran = workplace.quarry(&format!("demo --out {out}"));
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(
            ran.stderr.contains(words) && ran.stderr.contains("--out"),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(workplace.files("mine"), ["request.json"]);
    assert_eq!(workplace.read("mine/request.json"), b"mine");
}

/// The commands that are printed can be used as they are.
#[test]
fn a_folder_whose_name_a_shell_would_split_is_quoted() {
    let workplace = Workplace::new();
    let ran = workplace.shell("quarry demo --out 'my demo'").good();
    let commands = next(&ran.stdout);
    let preview = commands
        .iter()
        .find(|line| line.contains("preview"))
        .expect("preview");
    assert!(preview.contains("'my demo'"), "{preview}");
    workplace.shell(preview).good();
}
