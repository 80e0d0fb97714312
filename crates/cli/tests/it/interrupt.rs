//! A signal ends a run, and nothing of the run stays.

use crate::command::Workplace;
use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const ROWS: usize = 60_000;

/// Sends a signal to a run that is under way. Returns the run's output.
fn interrupted(workplace: &Workplace, signal: &str, more: &str) -> Output {
    let mut table = "text\n".to_owned();
    table.push_str(&"a letter of some length so that there is work to do\n".repeat(ROWS));
    workplace.file("data.csv", table);
    let child = workplace
        .command(&format!(
            "run data.csv --prompts prompts.json --out out {more}"
        ))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let began = Instant::now();
    // A run that has its own folder is under way.
    while !is_at_work(workplace) {
        assert!(began.elapsed() < Duration::from_mins(1), "nothing begins");
        std::thread::sleep(Duration::from_millis(10));
    }
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-s", signal, &id]).status();
    assert!(sent.expect("kill starts").success());
    child.wait_with_output().expect("the command ends")
}

fn is_at_work(workplace: &Workplace) -> bool {
    let Ok(entries) = fs::read_dir(workplace.path("out")) else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.path().join("quarry-local/work/local-run").exists())
}

#[test]
fn a_signal_leaves_nothing_behind_and_is_reported() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let workplace = Workplace::new();
        let output = interrupted(&workplace, signal, "");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(
            stderr.contains(&format!("stopped by SIG{signal}")),
            "{stderr}"
        );
        assert!(
            !workplace.path("out").exists(),
            "{:?}",
            workplace.files("out")
        );
    }
}

#[test]
fn what_is_to_be_kept_is_named_when_a_signal_ends_the_run() {
    let workplace = Workplace::new();
    workplace.file("out/validation_processed_data.csv", "old");
    let output = interrupted(&workplace, "INT", "--keep --json");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("out/.quarry-"), "{stderr}");
    let kept = workplace.files("out");
    assert!(
        kept.iter()
            .any(|name| name.contains("quarry-local/data/data.csv"))
    );
    assert!(
        !kept.iter().any(|name| name.contains(".quarry.lock")),
        "{kept:?}"
    );
    assert_eq!(workplace.read("out/validation_processed_data.csv"), b"old");
    let last = String::from_utf8_lossy(&output.stdout);
    let last = last.lines().last().expect("a line");
    assert!(last.contains(r#""kind":"interrupted""#), "{last}");
}

/// As `nohup` does it.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    let workplace = Workplace::new();
    workplace.file("data.csv", "text\nletter\n");
    let ran = workplace.shell(
        "trap '' HUP; quarry run data.csv --prompts prompts.json --out out & \
         sleep 0.2; kill -HUP $! 2>/dev/null; wait $!",
    );
    assert_eq!(ran.code, 0, "{ran:?}");
}
