//! Progress on a terminal, and without one.

use crate::command::Workplace;
use crate::pty::Pty;
use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

/// Returns what a run writes to a terminal as standard error. The terminal becomes narrower while
/// the run works.
fn on_a_terminal(variables: &[(&str, &str)]) -> String {
    let workplace = Workplace::new();
    let row = "a letter of some length so that there is work to do\n";
    workplace.file("data.csv", format!("text\n{}", row.repeat(4_000)));
    let pty = Pty::open(100);
    let mut child = workplace
        .command("run data.csv --prompts prompts.json --out out")
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(pty.terminal())
        .spawn()
        .unwrap();
    let mut reading = pty.person();
    let (first, is_drawn) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
        // The terminal of a process that has ended returns an error.
        while let Ok(read @ 1..) = reading.read(&mut buffer) {
            text.extend_from_slice(&buffer[..read]);
            if text.windows(2).any(|two| two == b" %") {
                // Only the first message is needed.
                let _ = first.send(());
            }
        }
        text
    });
    // The size changes as soon as something is drawn, so that there are drawings after it.
    is_drawn.recv_timeout(Duration::from_mins(1)).unwrap();
    pty.resize(40);
    assert!(child.wait().unwrap().success());
    drop(pty);
    String::from_utf8(reader.join().unwrap()).unwrap()
}

/// Returns the text without control sequences for the cursor, clearing and colours.
fn lines(text: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(one) = characters.next() {
        if one == '\u{1b}' {
            characters.find(char::is_ascii_alphabetic);
        } else {
            plain.push(one);
        }
    }
    plain
        .split(['\r', '\n'])
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_bar_moves_on_a_terminal_of_any_width_and_leaves_nothing_behind() {
    let text = on_a_terminal(&[]);
    let lines = lines(&text);
    assert!(
        lines.iter().all(|line| line.chars().count() < 100),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line.contains(" %")), "{lines:?}");
    assert!(text.contains("\u{1b}[32m"), "{text:?}");
    assert!(text.ends_with("\r\u{1b}[J"), "{text:?}");
    // As wide as the terminal is at the end.
    let last = lines.last().unwrap();
    assert!(last.chars().count() < 40, "{last}");
}

#[test]
fn there_are_no_colours_where_they_are_not_wanted_and_no_bar_where_it_cannot_be() {
    let text = on_a_terminal(&[("NO_COLOR", "1")]);
    assert!(
        text.contains(" %") && !text.contains("\u{1b}[32m"),
        "{text:?}"
    );
    let text = on_a_terminal(&[("TERM", "dumb")]);
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

/// Logs of a build server should not have a line for each step.
#[test]
fn without_a_terminal_the_lines_are_few_however_many_slices_there_are() {
    let workplace = Workplace::new();
    workplace.file("data.csv", format!("text\n{}", "letter\n".repeat(2_000)));
    let settings = "--set BEDROCK_BATCH_MODE=batch --set BEDROCK_MIN_RECORDS_PER_JOB=1 \
        --set BEDROCK_MAX_RECORDS_PER_JOB=50";
    let ran = workplace.run("data.csv", settings).good();
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(lines[0], "planned: 2,000 rows in 40 slices");
    assert_eq!(*lines.last().unwrap(), "finished: 2,000 rows");
    assert!((3..=12).contains(&lines.len()), "{lines:?}");
    assert!(lines[1].contains(" of 2,000 rows done, "), "{lines:?}");
    assert!(!ran.stderr.contains('\u{1b}'));
}
