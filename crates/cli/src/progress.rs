//! Showing progress: two lines on a terminal, a bounded number of plain lines otherwise, and JSON
//! lines on request.

mod elsewhere;
mod estimate;
mod frame;
mod stage;
mod steps;
mod terminal;

use crate::failure::Failure;
use crate::output::{say, write_json};
pub(crate) use elsewhere::RunBar;
use estimate::{Counts, clock, remaining};
use quarry_local_stack::{RunProgress, Work};
use quarry_runs::grouped;
use serde_json::json;
use stage::ShownStage;
use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use terminal::Terminal;

/// How often the counts are read.
const TICK: Duration = Duration::from_millis(100);

/// The most plain lines about failed attempts.
const MOST_RETRIES_SHOWN: u32 = 10;

/// Shows the progress of a run.
pub(crate) struct Show {
    shared: Arc<SharedProgress>,
    json: bool,
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

struct SharedProgress {
    work: Arc<Work>,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stage: ShownStage,
    /// The bytes of the data, and how many of them have been copied into the stack.
    data_bytes: u64,
    bytes_copied: u64,
    /// The last event.
    last: String,
    terminal: Option<Terminal>,
    retries_shown: u32,
    /// The tenths of the run that plain lines have reported.
    tenths_shown: u32,
    /// Why standard output did not accept a line.
    failure: Option<Failure>,
}

impl Show {
    /// Shows JSON lines on standard output, or a bar or lines on standard error. `data_bytes` is
    /// the size of the data.
    pub(crate) fn new(json: bool, data_bytes: u64, work: Arc<Work>) -> Self {
        let mut state = State {
            data_bytes,
            ..State::default()
        };
        if !json && std::io::stderr().is_terminal() {
            state.terminal = Terminal::of_standard_error();
        }
        let shared = Arc::new(SharedProgress {
            work,
            began: Instant::now(),
            state: Mutex::new(state),
        });
        let ticker = (!json).then(|| {
            let (stop, stopped) = mpsc::channel();
            let shared = Arc::clone(&shared);
            let thread = std::thread::spawn(move || {
                while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    shared.tick();
                }
            });
            (stop, thread)
        });
        Self {
            shared,
            json,
            ticker,
        }
    }

    /// Called when more bytes of the data have been copied into the stack.
    pub(crate) fn copied(&self, bytes: u64) {
        self.shared.state().bytes_copied += bytes;
    }

    /// Called when the data is in the stack and planning begins.
    pub(crate) fn planning(&self) {
        self.shared.state().stage = ShownStage::Planning;
    }

    /// Returns the receiver of the run's steps.
    pub(crate) fn sink(&self) -> impl Fn(&RunProgress) + Send + Sync + use<> {
        let (shared, json) = (Arc::clone(&self.shared), self.json);
        move |progress| {
            if json {
                shared.print_json(&steps::as_json(progress));
            } else {
                shared.step(progress);
            }
        }
    }

    /// Shows a text that is not a step.
    pub(crate) fn note(&self, text: &str) {
        if self.json {
            self.shared.print_json(&json!({ "note": text }));
        } else {
            self.shared.state().say(text);
        }
    }

    /// Ends the progress. Returns an error if standard output did not accept the steps.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        self.stop();
        match self.shared.state().failure.take() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    fn stop(&mut self) {
        if let Some((stop, thread)) = self.ticker.take() {
            drop(stop);
            let _ = thread.join();
        }
        if self.shared.state().terminal.take().is_some() {
            terminal::clear();
        }
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        self.stop();
    }
}

impl SharedProgress {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print_json(&self, line: &serde_json::Value) {
        // A reader that closes the pipe ends only the output.
        if let Err(failure) = write_json(line) {
            self.state().failure.get_or_insert(failure);
        }
    }

    fn step(&self, progress: &RunProgress) {
        let mut state = self.state();
        match progress {
            RunProgress::Planned { .. } => state.stage = ShownStage::Asking,
            RunProgress::Finished { .. } => state.stage = ShownStage::Finished,
            _ => {}
        }
        let Some(line) = steps::as_line(progress) else {
            return;
        };
        if state.terminal.is_some() {
            state.last = line;
            return;
        }
        match progress {
            RunProgress::Planned { .. } | RunProgress::Finished { .. } => state.say(&line),
            RunProgress::Retrying { .. } => {
                state.retries_shown += 1;
                if state.retries_shown <= MOST_RETRIES_SHOWN {
                    state.say(&line);
                }
                if state.retries_shown == MOST_RETRIES_SHOWN {
                    state.say("further failed attempts are not shown");
                }
            }
            RunProgress::Slice { .. } => {}
        }
    }

    fn tick(&self) {
        let rows = self.work.rows();
        let elapsed = self.began.elapsed();
        let mut state = self.state();
        let counts = Counts {
            stage: state.stage,
            data_bytes: state.data_bytes,
            bytes_copied: state.bytes_copied,
            rows,
        };
        if let Some(terminal) = &state.terminal {
            terminal.draw(&counts, elapsed, &state.last);
            return;
        }
        let fraction = counts.fraction();
        let tenths = estimate::tenths(fraction);
        if state.stage == ShownStage::Asking && tenths > state.tenths_shown && tenths < 10 {
            state.tenths_shown = tenths;
            let left = remaining(fraction, elapsed).map_or(String::new(), |left| {
                format!(", about {} left", clock(left))
            });
            state.say(&format!(
                "{}0 %: {} of {} rows done, {} elapsed{left}",
                tenths,
                grouped(rows.merged),
                grouped(rows.total),
                clock(elapsed)
            ));
        }
    }
}

impl State {
    /// Prints a line for people above the bar.
    fn say(&self, line: &str) {
        if self.terminal.is_some() {
            terminal::clear();
        }
        say(line);
    }
}
