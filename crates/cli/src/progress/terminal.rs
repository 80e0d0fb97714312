//! Drawing on a terminal whose width may change at any time.

use super::estimate::Counts;
use super::frame;
use std::io::Write;
use std::time::Duration;
use terminal_size::{Height, Width, terminal_size_of};

/// What a terminal has that does not tell its width.
const COLUMNS: usize = 80;

/// Clears what follows the cursor.
const CLEAR: &str = "\r\u{1b}[J";

/// Standard error as a terminal.
///
/// Between two drawings the cursor stays at the beginning of the first line. A terminal that is made narrower breaks the
/// lines anew, and the cursor stays with its text: clearing from there leaves nothing of them.
#[derive(Debug)]
pub(super) struct Terminal {
    is_coloured: bool,
}

impl Terminal {
    /// Standard error, unless the terminal says that it cannot move its cursor.
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
        let size = terminal_size_of(std::io::stderr());
        let (columns, rows) = match size {
            Some((Width(columns), Height(rows))) if columns > 0 => (usize::from(columns), rows),
            _ => (COLUMNS, 2),
        };
        let [top, doing] = frame::lines(counts, elapsed, last, columns, self.is_coloured);
        let text = if rows < 2 {
            format!("{CLEAR}{top}\r")
        } else {
            format!("{CLEAR}{top}\n{doing}\r\u{1b}[1A")
        };
        write(&text);
    }
}

/// Clears what is drawn.
pub(super) fn clear() {
    write(CLEAR);
}

fn write(text: &str) {
    // Who closes the terminal does not want to see it.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
