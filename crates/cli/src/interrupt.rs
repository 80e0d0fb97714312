//! Ending on a signal: the work is dropped and cleans up after itself.

use crate::failure::Failure;
use std::future::Future;

/// Runs `work` until it ends, or until a signal tells the process to end.
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

    /// Returns a future of the name and the number of the first signal that arrives.
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

    /// Listens to a signal, unless the process was started with the signal ignored: `nohup` does so
    /// with SIGHUP, and shells do so with SIGINT for background processes.
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

    /// Whether a signal is ignored, according to Linux's `/proc` (man 5 proc, `SigIgn`). On other
    /// systems, a signal counts as not ignored.
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
