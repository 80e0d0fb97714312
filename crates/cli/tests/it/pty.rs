//! A terminal for a command.

use crate::command::Ran;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

/// A terminal of 24 lines.
pub(crate) struct Pty {
    leader: OwnedFd,
}

impl Pty {
    pub(crate) fn open(columns: u16) -> Self {
        let leader = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&leader).unwrap();
        unlockpt(&leader).unwrap();
        let pty = Self { leader };
        pty.resize(columns);
        pty
    }

    pub(crate) fn resize(&self, columns: u16) {
        let size = Winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.leader, size).unwrap();
    }

    /// Returns the end that a command gets.
    pub(crate) fn terminal(&self) -> File {
        let name = ptsname(&self.leader, Vec::new()).unwrap();
        let mut options = File::options();
        let options = options.read(true).write(true);
        options.open(name.to_str().unwrap()).unwrap()
    }

    /// Returns the end of the person who looks and types.
    pub(crate) fn person(&self) -> File {
        File::from(self.leader.try_clone().unwrap())
    }
}

/// Runs a command whose standard input and standard error are a terminal on which somebody types this.
/// Returns what the terminal shows as standard error.
pub(crate) fn on_a_terminal(mut command: Command, typed: &str) -> Ran {
    let pty = Pty::open(100);
    let child = command
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .stdin(pty.terminal())
        .stderr(pty.terminal())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The terminal ends when nobody holds this end of it any more.
    drop(command);
    let mut person = pty.person();
    person.write_all(typed.as_bytes()).unwrap();
    let reader = std::thread::spawn(move || {
        let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
        // The terminal of a process that has ended returns an error.
        while let Ok(read @ 1..) = person.read(&mut buffer) {
            text.extend_from_slice(&buffer[..read]);
        }
        text
    });
    let mut output = child.wait_with_output().unwrap();
    drop(pty);
    output.stderr = reader.join().unwrap();
    Ran::of(&output)
}
