//! What happens when the process is told to end: the work is dropped, and cleans up after itself.

use crate::failure::Failure;
use std::future::Future;

/// Does `work` until it ends, or until a signal asks the process to end.
pub(crate) async fn until_told_to_end(
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let told = signals::next()?;
    tokio::select! {
        done = work => done,
        (name, number) = told => Err(Failure::interrupted(name, number)),
    }
}

#[cfg(unix)]
mod signals {
    use crate::failure::Failure;
    use std::future::Future;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// Resolves to the name and the number of the first of the signals that comes.
    pub(super) fn next() -> Result<impl Future<Output = (&'static str, u8)>, Failure> {
        let mut interrupt = listen(SignalKind::interrupt(), 2)?;
        let mut terminate = listen(SignalKind::terminate(), 15)?;
        let mut hangup = listen(SignalKind::hangup(), 1)?;
        Ok(async move {
            tokio::select! {
                () = received(&mut interrupt) => ("SIGINT", 2),
                () = received(&mut terminate) => ("SIGTERM", 15),
                () = received(&mut hangup) => ("SIGHUP", 1),
            }
        })
    }

    /// Listens to a signal, unless whoever started the process had it ignored: `nohup` does so with SIGHUP, and shells
    /// with the SIGINT of what they start in the background.
    fn listen(kind: SignalKind, number: u8) -> Result<Option<Signal>, Failure> {
        if is_ignored(number) {
            return Ok(None);
        }
        signal(kind)
            .map(Some)
            .map_err(|error| Failure::run(format!("signals cannot be received: {error}")))
    }

    async fn received(signal: &mut Option<Signal>) {
        match signal {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Whether a signal is ignored, as Linux says in `/proc` (man 5 proc, `SigIgn`). Elsewhere it is taken for one that
    /// is not.
    fn is_ignored(number: u8) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask & (1 << (number - 1)) != 0)
    }
}

#[cfg(not(unix))]
mod signals {
    use crate::failure::Failure;
    use std::future::Future;

    pub(super) fn next() -> Result<impl Future<Output = (&'static str, u8)>, Failure> {
        Ok(async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            ("Ctrl-C", 2)
        })
    }
}
