//! Asking the user before something that costs money or cannot be taken back.

use crate::failure::Failure;
use crate::input::standard_input;
use std::io::{IsTerminal, Write};

/// Asks a question on standard error, unless `yes` says that the answer is known. Where there is no
/// terminal, nobody can answer, so that the command line has to.
pub(crate) async fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "{question} There is no terminal to ask on; add --yes"
        )));
    }
    let input = standard_input()?;
    // A failure of standard error cannot be reported anywhere.
    let _ = write!(std::io::stderr(), "{question} [y/N] ");
    // Waiting for the answer must not keep signals from ending the command.
    let answer = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        input.read_line(&mut line).map(|_| line)
    });
    let answer = answer.await.ok().and_then(Result::ok).unwrap_or_default();
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::declined("nothing was done")),
    }
}
