//! Writing to standard output and standard error, and reporting what could not be written.
//!
//! A reader that closes the pipe, as `head` does, ends only the output. Any other error of standard
//! output is a failure of the command, and so is a standard output that is closed from the beginning. Standard error is for people; if it is closed, they do not
//! want to read it.

use crate::failure::Failure;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

/// Whether standard output still has a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputReader {
    /// No sign that it is gone.
    There,
    /// The pipe is broken.
    Gone,
}

/// Refuses to begin if the command was started without a standard output, so that nothing is paid for
/// and nothing is changed before its output is lost.
pub(crate) fn check_is_open() -> Result<(), Failure> {
    if quarry_startup::had_standard_output() {
        return Ok(());
    }
    Err(Failure::run(
        "standard output cannot be written: it is closed; send it to a file, or to /dev/null if nobody reads it",
    ))
}

/// Writes all of `bytes` to standard output.
pub(crate) fn write(bytes: &[u8]) -> Result<OutputReader, Failure> {
    check_is_open()?;
    let mut stdout = io::stdout().lock();
    outcome(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

/// Writes one line of JSON to standard output.
pub(crate) fn write_json(value: &impl Serialize) -> Result<OutputReader, Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::run(format!("the report cannot be written as JSON: {error}")))?;
    write(format!("{}\n", printable_json(&text)).as_bytes())
}

/// Writes many lines to standard output.
pub(crate) struct Lines(BufWriter<Stdout>);

impl Lines {
    pub(crate) fn new() -> Self {
        Self(BufWriter::with_capacity(1 << 16, io::stdout()))
    }

    /// Writes a line, whose terminator is added.
    pub(crate) fn write(&mut self, line: &[u8]) -> Result<OutputReader, Failure> {
        outcome(
            self.0
                .write_all(line)
                .and_then(|()| self.0.write_all(b"\n")),
        )
    }

    /// Writes a value as JSON on a line of its own.
    pub(crate) fn write_json(&mut self, value: &impl Serialize) -> Result<OutputReader, Failure> {
        outcome(
            serde_json::to_writer(&mut self.0, value)
                .map_err(io::Error::from)
                .and_then(|()| self.0.write_all(b"\n")),
        )
    }

    /// Writes the lines that are still buffered.
    pub(crate) fn finish(mut self) -> Result<OutputReader, Failure> {
        outcome(self.0.flush())
    }
}

fn outcome(written: io::Result<()>) -> Result<OutputReader, Failure> {
    match written {
        Ok(()) => Ok(OutputReader::There),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(OutputReader::Gone),
        Err(error) => Err(Failure::run(format!(
            "standard output cannot be written: {error}; write it to a place with space"
        ))),
    }
}

/// Writes a line for people to standard error.
pub(crate) fn say(line: &str) {
    // A failure of standard error cannot be reported anywhere.
    let _ = writeln!(io::stderr(), "{}", printable(line));
}

/// Returns the text with escapes for control characters, so that names of files, columns and models
/// can neither move a terminal's cursor nor change what is displayed.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::new(), |mut shown, one| {
        if is_control(one) {
            shown.extend(one.escape_default());
        } else {
            shown.push(one);
        }
        shown
    }))
}

/// Does the same as [`printable`] for several lines, each of which ends with a line break.
pub(crate) fn printable_lines(text: &str) -> String {
    text.split_inclusive('\n')
        .fold(String::new(), |mut shown, line| {
            match line.strip_suffix('\n') {
                Some(line) => {
                    shown.push_str(&printable(line));
                    shown.push('\n');
                }
                None => shown.push_str(&printable(line)),
            }
            shown
        })
}

/// Returns JSON text in which control characters that JSON allows unescaped are JSON escapes.
fn printable_json(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::new(), |mut shown, one| {
        if is_control(one) {
            let _ = write!(shown, "\\u{:04x}", u32::from(one));
        } else {
            shown.push(one);
        }
        shown
    }))
}

/// Whether this is a control character, or one that changes the direction of the text around it
/// (Unicode Standard, Annex 9).
fn is_control(one: char) -> bool {
    one.is_control() || matches!(one, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_as_escapes_and_other_text_as_it_is() {
        assert_eq!(printable("Grüße, 東京.csv"), "Grüße, 東京.csv");
        assert_eq!(
            printable("a\u{1b}[31mb\nc\u{9b}d\u{202e}e"),
            "a\\u{1b}[31mb\\nc\\u{9b}d\\u{202e}e"
        );
        assert_eq!(printable_lines("a\u{7}\nb\n"), "a\\u{7}\nb\n");
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({"a\u{9b}": "\u{1b}\u{7f}\u{202e}"});
        let text = value.to_string();
        let shown = printable_json(&text);
        assert!(!shown.chars().any(is_control));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            value
        );
    }
}
