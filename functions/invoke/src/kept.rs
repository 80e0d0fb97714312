//! The stored answers of a round: files of output lines, whose names say how far the round has
//! come.

use crate::breaker::Breaker;
use crate::deps::Deps;
use bytes::Bytes;
use quarry_contract::layout::RoundFolder;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::s3::lines::Lines;
use std::sync::Arc;

/// How far earlier calls came. The name of an answer file ends with the byte of the input at which
/// its records end.
pub(crate) struct Kept {
    /// The number of answer files.
    pub(crate) answers_files: usize,
    /// The byte of the input at which the records of the last file end.
    pub(crate) bytes: u64,
}

impl Kept {
    /// Lists a round's answer files, and shows the breaker as many of the first lines as it needs.
    pub(crate) async fn of_round(
        deps: &Deps,
        round: &RoundFolder,
        breaker: &mut Breaker,
    ) -> Result<Self, StepError> {
        let folder = round.on_demand_output();
        let files = deps
            .store
            .list(&folder)
            .await
            .doing(|| format!("listing {folder}"))?;
        let bytes = files.last().map_or(Some(0), |file| {
            let name = file.location.file_name();
            name.split_once('-')?.1.split_once('.')?.0.parse().ok()
        });
        let bytes = bytes.ok_or_else(|| {
            StepError::bad_request(format!(
                "{folder} holds an object that is not an answer file; remove it"
            ))
        })?;
        for file in &files {
            if breaker.room().is_none_or(|room| room == 0) {
                break;
            }
            let doing = || format!("reading {}", file.location);
            let mut lines = Lines::open(
                Arc::clone(&deps.store),
                file.location.clone(),
                0..file.size,
                file.etag.as_str(),
            );
            while breaker.room().is_some_and(|room| room > 0)
                && let Some(line) = lines.next().await.doing(doing)?
            {
                breaker.look_at(&line);
            }
        }
        Ok(Self {
            answers_files: files.len(),
            bytes,
        })
    }
}

/// Stores the next lines of a round. The file's name says at which byte of the input their records
/// end.
pub(crate) async fn keep(
    deps: &Deps,
    round: &RoundFolder,
    number: usize,
    end: u64,
    body: Bytes,
) -> Result<(), StepError> {
    let name = format!("{number:08}-{end:016}.jsonl.out");
    let at = round.on_demand_output().join(&name);
    let put = deps.store.put(&at, body, false).await;
    put.doing(|| format!("writing {at}"))?;
    Ok(())
}
