//! Drawing on a terminal whose width may change at any time.

use super::estimate::Counts;
use super::frame;
use std::io::Write;
use std::time::Duration;
use terminal_size::{Height, Width, terminal_size_of};

/// The width of a terminal that does not report it.
const COLUMNS: usize = 80;

/// Clears everything after the cursor.
const CLEAR: &str = "\r\u{1b}[J";

/// Standard error as a terminal.
///
/// Between two drawings, the cursor stays at the beginning of the first line. A terminal that
/// becomes narrower wraps the lines again, and the cursor stays with its text, so clearing from
/// there removes all of them.
#[derive(Debug)]
pub(super) struct Terminal {
    is_coloured: bool,
}

impl Terminal {
    /// Returns standard error, unless the terminal says that it cannot move its cursor.
    pub(super) fn of_standard_error() -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the command line is a shell: terminals describe themselves in the environment"
        )]
        let variable = |name| std::env::var(name).unwrap_or_default();
        if variable("TERM") == "dumb" {
            return None;
        }
        Some(Self {
            // See https://no-color.org.
            is_coloured: variable("NO_COLOR").is_empty(),
        })
    }

    pub(super) fn draw(&self, counts: &Counts, elapsed: Duration, last: &str) {
        self.draw_lines(|columns, is_coloured| {
            frame::lines(counts, elapsed, last, columns, is_coloured)
        });
    }

    /// Draws the lines for the terminal's width at this moment, with colours or without.
    pub(super) fn draw_lines(&self, lines: impl Fn(usize, bool) -> [String; 2]) {
        let size = terminal_size_of(std::io::stderr());
        let (columns, rows) = match size {
            Some((Width(columns), Height(rows))) if columns > 0 => (usize::from(columns), rows),
            _ => (COLUMNS, 2),
        };
        let [top, doing] = lines(columns, self.is_coloured);
        let text = if rows < 2 {
            format!("{CLEAR}{top}\r")
        } else {
            format!("{CLEAR}{top}\n{doing}\r\u{1b}[1A")
        };
        write(&text);
    }
}

/// Clears the drawing.
pub(super) fn clear() {
    write(CLEAR);
}

fn write(text: &str) {
    // An error means that the terminal was closed, so there is no one to show it to.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
