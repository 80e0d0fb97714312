//! Commands that read and change a deployment, on a terminal: the bar and the question.

use crate::command::Ran;
use crate::deployed::{BUCKET, Deployed, Script, folder, plan};
use crate::pty::on_a_terminal;
use crate::remote_ends::live;
use crate::remote_submit::{DEAR, deployed, nothing_happened};
use quarry_contract::location::S3Uri;

/// The end of a bar: it is cleared.
const CLEARED: &str = "\r\u{1b}[J";

fn submit(deployed: &Deployed, more: &str, typed: &str) -> Ran {
    let arguments = format!(
        "submit strikes --prompts prompts.json --schema schema.json --name strikes-7 {more}"
    );
    on_a_terminal(deployed.command(&arguments), typed)
}

#[test]
fn watch_draws_its_bar_on_a_terminal_and_leaves_nothing_behind() {
    let deployed = live(Some(3));
    let ran = on_a_terminal(deployed.command("watch strikes-2 --every 1"), "").good();
    for expected in [
        "\u{1b}[32m",
        " %",
        "0 of 100 rows answered",
        "waits for 1 job",
    ] {
        assert!(
            ran.stderr.contains(expected),
            "{expected}: {:?}",
            ran.stderr
        );
    }
    assert!(ran.stderr.ends_with(CLEARED), "{:?}", ran.stderr);
    assert!(
        ran.stdout.starts_with("strikes-2   succeeded at"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_run_starts_only_if_the_answer_to_the_question_is_yes() {
    for typed in ["y\n", "YES\n"] {
        let deployed = deployed(Script::default());
        let ran = submit(&deployed, DEAR, typed).good();
        for expected in ["4 rows, 4 records, ", "Start the run? [y/N] "] {
            assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
        }
        assert_eq!(ran.stdout, "started strikes-7\n");
        assert_eq!(deployed.aws.requests("StartExecution").len(), 1);
    }
    // The last one is the end of the input.
    for typed in ["n\n", "\n", "of course\n", "\u{4}"] {
        let deployed = deployed(Script::default());
        let ran = submit(&deployed, DEAR, typed);
        assert_eq!((ran.code, &*ran.stdout), (1, ""), "{typed:?}: {ran:?}");
        assert!(ran.stderr.contains("nothing was done"), "{}", ran.stderr);
        nothing_happened(&deployed);
    }
}

#[test]
fn a_run_is_stopped_only_if_the_answer_to_the_question_is_yes() {
    for (typed, code, stops) in [("n\n", 1, 0), ("y\n", 0, 1)] {
        let deployed = live(None);
        let ran = on_a_terminal(deployed.command("stop strikes-2"), typed);
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.stderr.contains("[y/N] "), "{}", ran.stderr);
        assert_eq!(deployed.aws.requests("StopExecution").len(), stops);
    }
}

#[test]
fn a_run_that_was_started_is_followed_to_its_end_and_its_results_are_copied() {
    let deployed = deployed(Script {
        succeeds_after: Some(1),
        ..Script::default()
    });
    deployed.put_document(&folder("strikes-7").plan(), &plan("strikes-7"));
    let results = S3Uri::new(BUCKET, "results/p/strikes-7/").unwrap();
    deployed.put(&results.join("validation_processed_data.csv"), "text\n");
    deployed.put(&results.join("processing_summary.json"), "{}");
    let ran = submit(&deployed, "--wait --out out", "y\n").good();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "started strikes-7");
    assert!(
        lines[1].starts_with("strikes-7   succeeded at"),
        "{lines:?}"
    );
    assert!(ran.stderr.contains(CLEARED), "{:?}", ran.stderr);
    assert!(
        ran.stderr
            .contains("wrote out/validation_processed_data.csv"),
        "{}",
        ran.stderr
    );
    assert!(deployed.path("out/processing_summary.json").is_file());
}
