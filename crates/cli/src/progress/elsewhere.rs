//! The progress of a run that is elsewhere, on a terminal.

use super::estimate::clock;
use super::frame;
use super::terminal::{self, Terminal};
use quarry_runs::{RunStatus, grouped};
use std::io::IsTerminal;
use std::time::Duration;

/// Standard error as the place of a bar. The bar is cleared at the end.
pub(crate) struct RunBar(Terminal);

impl RunBar {
    /// Returns a bar, if standard error is a terminal that can show one.
    pub(crate) fn of_standard_error() -> Option<Self> {
        let is_terminal = std::io::stderr().is_terminal();
        let terminal = is_terminal.then(Terminal::of_standard_error).flatten();
        terminal.map(Self)
    }

    /// Draws a status. `doing` is the text of the second line.
    pub(crate) fn draw(&self, status: &RunStatus, doing: &str) {
        let percent = u32::try_from(status.percent().unwrap_or_default()).unwrap_or(100);
        let rows = status.rows.total.map(|total| {
            let answered = grouped(status.rows.answered);
            format!("{answered} of {} rows answered", grouped(total))
        });
        let elapsed = clock(Duration::from_secs(status.seconds));
        let more: Vec<String> = rows.into_iter().chain([elapsed]).collect();
        self.0.draw_lines(|columns, is_coloured| {
            frame::of_fraction(
                f64::from(percent) / 100.0,
                &more,
                doing,
                columns,
                is_coloured,
            )
        });
    }
}

impl Drop for RunBar {
    fn drop(&mut self) {
        terminal::clear();
    }
}
