//! Live progress: bars on a terminal, plain lines otherwise, JSON lines on request.

use indicatif::{ProgressBar, ProgressStyle};
use quarry_contract::payload::Step;
use quarry_local_stack::Progress;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

/// Shows steps as they happen.
pub(crate) struct Show {
    how: How,
}

enum How {
    Json,
    Lines,
    Bar(Mutex<ProgressBar>),
}

impl Show {
    /// JSON lines on standard output, or else a bar or lines on standard error.
    pub(crate) fn new(json: bool) -> Self {
        let how = if json {
            How::Json
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner().with_message("planning");
            bar.enable_steady_tick(Duration::from_millis(100));
            How::Bar(Mutex::new(bar))
        } else {
            How::Lines
        };
        Self { how }
    }

    /// A step happened.
    pub(crate) fn step(&self, progress: &Progress) {
        match &self.how {
            How::Json => print_line(&as_json(progress).to_string()),
            How::Lines => {
                if let Some(line) = as_line(progress) {
                    eprintln!("{line}");
                }
            }
            How::Bar(bar) => {
                let Ok(mut bar) = bar.lock() else { return };
                advance(&mut bar, progress);
            }
        }
    }

    /// Something beside the steps.
    pub(crate) fn note(&self, text: &str) {
        match &self.how {
            How::Json => print_line(&json!({ "note": text }).to_string()),
            How::Lines | How::Bar(_) => eprintln!("{text}"),
        }
    }

    /// No more steps.
    pub(crate) fn end(&self) {
        if let How::Bar(bar) = &self.how
            && let Ok(bar) = bar.lock()
        {
            bar.finish_and_clear();
        }
    }
}

fn print_line(text: &str) {
    // A reader that goes away, as `head` does, ends the output and nothing else.
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn advance(bar: &mut ProgressBar, progress: &Progress) {
    match progress {
        Progress::Planned { slices } => {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} slices  {msg}");
            let next = ProgressBar::new(u64::from(*slices));
            next.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.finish_and_clear();
            *bar = next;
        }
        Progress::Slice {
            next: Step::Done, ..
        } => bar.inc(1),
        other => {
            if let Some(line) = as_line(other) {
                bar.set_message(line);
            }
        }
    }
}

fn as_line(progress: &Progress) -> Option<String> {
    Some(match progress {
        Progress::Planned { slices } => format!("planned: {slices} slices"),
        Progress::Slice {
            by,
            slice,
            round,
            next,
            records,
            job,
            at,
        } => {
            let hours = at.as_secs_f64() / 3600.0;
            let what = match (next, job) {
                (Step::Submit, _) => format!("{records} records written for a job"),
                (Step::Invoke, _) => format!("{records} records to ask on demand"),
                // Looks at a running job are too many to show.
                (Step::Wait, Some(job)) if by == "submit" => format!("job {job} created"),
                (Step::Wait, _) => return None,
                (Step::Merge, Some(job)) => format!("job {job} has ended"),
                (Step::Merge, None) => "asked on demand".to_owned(),
                (Step::Split, _) => "rows left to ask again".to_owned(),
                (Step::Done, _) => "done".to_owned(),
            };
            format!("[{hours:6.2} h] slice {slice}, round {round}: {what}")
        }
        Progress::Retrying {
            execution,
            state,
            error,
            delay,
        } => format!(
            "{execution}: {state} failed with {error}, next try in {} s",
            delay.as_secs()
        ),
        Progress::Finished { rows } => format!("finished: {rows} rows"),
    })
}

fn as_json(progress: &Progress) -> serde_json::Value {
    match progress {
        Progress::Planned { slices } => json!({ "step": "planned", "slices": slices }),
        Progress::Slice {
            by,
            slice,
            round,
            next,
            records,
            job,
            at,
        } => json!({
            "step": by, "slice": slice, "round": round, "next": next,
            "records": records, "job": job, "virtual_seconds": at.as_secs(),
        }),
        Progress::Retrying {
            execution,
            state,
            error,
            delay,
        } => json!({
            "step": "retrying", "execution": execution, "state": state,
            "error": error, "delay_seconds": delay.as_secs(),
        }),
        Progress::Finished { rows } => json!({ "step": "finished", "rows": rows }),
    }
}
