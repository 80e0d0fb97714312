//! `quarry completions`: prints the script that lets a shell complete the command.

use crate::failure::Failure;
use crate::output::write;
use clap::{Args, Command, ValueEnum};
use clap_complete::{Shell, generate};

/// Arguments of `quarry completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell.
    shell: KnownShell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KnownShell {
    Bash,
    Zsh,
    Fish,
}

/// Prints a shell's script for `command`.
pub(crate) fn completions(
    arguments: &CompletionsArguments,
    mut command: Command,
) -> Result<(), Failure> {
    let shell = match arguments.shell {
        KnownShell::Bash => Shell::Bash,
        KnownShell::Zsh => Shell::Zsh,
        KnownShell::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut command, "quarry", &mut script);
    write(&script).map(drop)
}
