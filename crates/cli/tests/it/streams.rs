//! Output arrives, or the command reports that it did not; and no result is lost because of it.

use crate::command::Workplace;
use std::fmt::Write as _;
use std::process::Stdio;

/// A file of answers with that to the first row.
const OF_FIRST_LETTER: &str =
    r#"{"recordId": "record_0", "modelOutput": {"content": [{"type": "text", "text": "hello"}]}}"#;

fn letters(rows: u32) -> String {
    (0..rows).fold("text\n".to_owned(), |mut text, row| {
        let _ = writeln!(text, "letter {row}");
        text
    })
}

/// `/dev/full` behaves like a full disk.
#[test]
fn a_full_disk_behind_standard_output_is_a_reported_failure() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(3));
    workplace.file("lines.jsonl", "{\"text\": \"x\"}\n");
    workplace.file("a.out", OF_FIRST_LETTER);
    for command in [
        "preview data.csv --prompts prompts.json --all",
        "parse < lines.jsonl",
        "run data.csv --prompts prompts.json --out out --json",
        "run data.csv --prompts prompts.json --out out",
        "merge data.csv --prompts prompts.json --answers a.out --out out",
        "settings",
        "completions bash",
        "--help",
        "--version",
    ] {
        let (arguments, input) = command.split_once(" < ").unwrap_or((command, "/dev/null"));
        let ran = workplace.shell(&format!("quarry {arguments} < {input} > /dev/full"));
        assert_eq!(ran.code, 4, "{command}: {ran:?}");
        assert!(
            ran.stderr.contains("standard output cannot be written"),
            "{command}: {}",
            ran.stderr
        );
    }
    assert!(workplace.path("out/validation_processed_data.csv").exists());
}

#[test]
fn a_reader_that_goes_away_ends_the_output_and_nothing_else() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(3_000));
    for command in [
        "preview data.csv --prompts prompts.json --all | head -1 > first; exit ${PIPESTATUS[0]}",
        "run data.csv --prompts prompts.json --out out --json | true; exit ${PIPESTATUS[0]}",
    ] {
        let ran = workplace.shell(&format!("quarry {command}"));
        assert_eq!(
            (ran.code, ran.stderr.contains("panicked")),
            (0, false),
            "{ran:?}"
        );
    }
    assert!(
        workplace
            .read("first")
            .starts_with(b"{\"recordId\":\"record_0\"")
    );
    assert_eq!(workplace.files("out").len(), 3);
}

#[test]
fn closed_standard_error_and_output_lose_no_result() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(3));
    for (number, streams) in [
        "2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}",
        "2>&-",
        "2> /dev/full",
        "2>&- > /dev/null",
    ]
    .into_iter()
    .enumerate()
    {
        let run = format!("quarry run data.csv --prompts prompts.json --out out{number} {streams}");
        let ran = workplace.shell(&run);
        assert_eq!(ran.code, 0, "{streams}: {ran:?}");
        assert_eq!(
            workplace.files(&format!("out{number}")).len(),
            3,
            "{streams}"
        );
    }
    // A failure has its exit code, even if its message is not read.
    let ran = workplace
        .shell("quarry run nowhere.csv --prompts prompts.json 2>&1 | true; exit ${PIPESTATUS[0]}");
    assert_eq!(ran.code, 3, "{ran:?}");
}

/// The standard library opens `/dev/null` in its place, where all output would be lost with exit 0.
#[test]
fn a_closed_standard_output_is_a_failure_before_anything_is_done() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(3));
    workplace.file("a.out", OF_FIRST_LETTER);
    for command in [
        "run data.csv --prompts prompts.json --out out --json",
        "run data.csv --prompts prompts.json --out out",
        "preview data.csv --prompts prompts.json",
        "parse",
        "merge data.csv --prompts prompts.json --answers a.out --out out",
        "init data.csv --out job",
        "settings",
        "models",
        "completions bash",
        "deploy-check --stack x",
        "submit data.csv --prompts prompts.json --stack x --yes",
        "runs --stack x",
        "status x --stack x",
        "watch x --stack x",
        "stop x --stack x --yes",
        "redrive x --stack x --yes",
        "results x --stack x --out out",
        "simulate-bedrock --s3 http://127.0.0.1:1",
        "--help",
        "run --help",
        "--version",
    ] {
        let ran = workplace.shell(&format!("quarry {command} < a.out >&-"));
        assert_eq!(ran.code, 4, "{command}: {ran:?}");
        assert!(ran.stderr.contains("it is closed"), "{command}: {ran:?}");
    }
    // Whatever else is closed.
    for streams in ["< a.out >&- 2>&-", "<&- >&- 2>&-"] {
        assert_eq!(workplace.shell(&format!("quarry parse {streams}")).code, 4);
    }
    assert!(!workplace.path("out").exists() && !workplace.path("job").exists());
    // A wrong command line is that first.
    let ran = workplace.shell("quarry run >&-");
    assert_eq!(ran.code, 2, "{ran:?}");
    // Whoever does not want the output sends it somewhere.
    for nowhere in ["> /dev/null", "<> /dev/null >&0"] {
        let ran = workplace.shell(&format!("quarry settings {nowhere}"));
        assert_eq!(ran.code, 0, "{nowhere}: {ran:?}");
    }
}

#[test]
fn a_failure_is_json_if_json_was_requested() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(3));
    for (command, code, kind, word) in [
        (
            "run nowhere.csv --prompts prompts.json --json",
            3,
            "input",
            "nowhere.csv",
        ),
        (
            "merge data.csv --json --prompts prompts.json --answers nowhere.out --out out",
            3,
            "input",
            "nowhere.out",
        ),
        ("run --json", 2, "usage", "DATA"),
        (
            "run data.csv --json --prompts prompts.json --set X",
            2,
            "usage",
            "NAME=VALUE",
        ),
        (
            "settings --json nothing_like_it",
            3,
            "input",
            "nothing_like_it",
        ),
        (
            "deploy-check --json --config nowhere.toml --offline",
            3,
            "input",
            "nowhere.toml",
        ),
    ] {
        let ran = workplace.quarry(command);
        assert_eq!(ran.code, code, "{command}: {ran:?}");
        let error = &ran.report()["error"];
        assert_eq!(error["kind"], kind, "{command}");
        assert_eq!(error["exit_code"], code, "{command}");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(word), "{command}: {message}");
        assert!(ran.stderr.contains(word), "{command}: {}", ran.stderr);
        assert_eq!(ran.stdout.lines().count(), 1, "{command}");
    }
}

/// Names come from outside, so a terminal must not execute them.
#[test]
fn control_characters_of_names_never_reach_the_terminal() {
    let workplace = Workplace::new();
    let escape = "\u{1b}]0;x\u{7}\u{9b}31m\n\u{202e}";
    workplace.file(&format!("data/{escape}.txt"), "");
    workplace.file("data/a.csv", letters(2));
    workplace.file(&format!("{escape}.csv"), "no\n1\n");
    let is_clean = |text: &str| {
        let is_odd = |one: char| one.is_control() && one != '\n' || one == '\u{202e}';
        assert!(!text.contains(is_odd), "{text:?}");
    };
    let quarry = |arguments: &[&str]| {
        let mut command = workplace.command("");
        let output = command
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the command starts");
        let ran = crate::command::Ran::of(&output);
        is_clean(&ran.stdout);
        is_clean(&ran.stderr);
        ran
    };
    let prompts = ["--prompts", "prompts.json"];
    let ran = quarry(&[["run", "data"], prompts, ["--out", "out"]].concat()).good();
    assert!(ran.stdout.contains("\\u{1b}]0;x"), "{}", ran.stdout);
    quarry(&[&["run", "data", "--json", "--out", "out"], &prompts[..]].concat()).good();
    let ran = quarry(&[&["preview", "data", "--limit", "0"], &prompts[..]].concat()).good();
    assert!(ran.stderr.contains("\\u{1b}]0;x"), "{}", ran.stderr);
    let table = format!("{escape}.csv");
    for ran in [
        quarry(&[["run", &table], prompts].concat()),
        quarry(&["run", escape, "--prompts", "prompts.json"]),
        quarry(&["run", "data", "--prompts", escape]),
        quarry(&["run", "data", "--set", escape, "--prompts", "prompts.json"]),
        quarry(&[escape]),
        quarry(&["settings", escape]),
        quarry(&["run", "data", "--json", "--prompts", escape]),
    ] {
        assert!(ran.code == 2 || ran.code == 3, "{ran:?}");
    }
}

/// A file that is longer than the system allows fails like a file on a full disk.
#[test]
fn a_disk_that_fills_up_while_a_run_works_is_named_and_the_old_result_stays() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(20_000));
    workplace.file("out/validation_processed_data.csv", "old");
    let ran = workplace
        .shell("trap '' XFSZ; ulimit -f 900; quarry run data.csv --prompts prompts.json --out out");
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stderr.contains("out/.quarry-"), "{}", ran.stderr);
    assert!(ran.stderr.contains("need space"), "{}", ran.stderr);
    assert_eq!(workplace.files("out"), ["validation_processed_data.csv"]);
    assert_eq!(workplace.read("out/validation_processed_data.csv"), b"old");
}
