//! Output that is not there yet when a job has ended.
//!
//! S3 shows an object that was written at once, but nothing says that a job's output is written
//! before its status changes. Such output is kept in memory until its time, and then written.

use crate::faults::{Faults, JobFaultKind};
use crate::share::is_in_share;
use crate::storage::Upload;
use aws_sdk_s3::Client;
use std::time::Duration;

/// What of a job's output is late, and since when.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lateness {
    output: Option<LateOutput>,
    manifest: Option<Due>,
}

#[derive(Debug, Clone, Copy)]
struct LateOutput {
    due: Due,
    /// The share of the lines that are there at once.
    share: Option<f64>,
}

/// When something is written; `None` is never.
type Due = Option<Duration>;

impl Lateness {
    /// Returns what is late of the `job`-th job, whose output is made at `now`.
    pub(crate) fn of(faults: &Faults, job: u64, now: Duration) -> Self {
        let due = |minutes: Option<u64>| {
            minutes.map(|minutes| now + Duration::from_secs(minutes.saturating_mul(60)))
        };
        let output = faults.lasting(JobFaultKind::LateOutput, job);
        let manifest = faults.lasting(JobFaultKind::NoManifest, job);
        Self {
            output: output.map(|fault| LateOutput {
                due: due(fault.minutes),
                share: fault.answered,
            }),
            manifest: manifest.map(|fault| due(fault.minutes)),
        }
    }
}

/// An object that is written when it is due.
#[derive(Debug)]
pub(crate) struct LateObject {
    pub(crate) due: Due,
    bucket: String,
    key: String,
    bytes: Vec<u8>,
}

impl LateObject {
    pub(crate) async fn write(&self, s3: &Client) -> Result<(), String> {
        let mut upload = Upload::new(s3, &self.bucket, self.key.clone());
        upload.write(&self.bytes).await?;
        upload.finish().await
    }
}

/// An output object that is being made, and whose lines may be late.
pub(crate) struct OutputObject<'a> {
    upload: Upload<'a>,
    late: Option<(LateOutput, LateObject)>,
    lines: u64,
}

impl<'a> OutputObject<'a> {
    /// Begins an object of lines.
    pub(crate) fn of_lines(
        s3: &'a Client,
        bucket: &'a str,
        key: String,
        lateness: &Lateness,
    ) -> Self {
        let late = lateness.output.map(|output| {
            let object = LateObject {
                due: output.due,
                bucket: bucket.to_owned(),
                key: key.clone(),
                bytes: Vec::new(),
            };
            (output, object)
        });
        Self {
            upload: Upload::new(s3, bucket, key),
            late,
            lines: 0,
        }
    }

    /// Begins the manifest.
    pub(crate) fn of_manifest(
        s3: &'a Client,
        bucket: &'a str,
        key: String,
        lateness: &Lateness,
    ) -> Self {
        let output = lateness.manifest.map(|due| LateOutput { due, share: None });
        let lateness = Lateness {
            output,
            manifest: None,
        };
        Self::of_lines(s3, bucket, key, &lateness)
    }

    /// Writes one line with its end.
    pub(crate) async fn write(&mut self, line: &[u8]) -> Result<(), String> {
        let number = self.lines;
        self.lines += 1;
        if let Some((output, object)) = &mut self.late {
            object.bytes.extend_from_slice(line);
            if !output.share.is_some_and(|share| is_in_share(number, share)) {
                return Ok(());
            }
        }
        self.upload.write(line).await
    }

    /// Creates the object, or the part of it that is there at once. Returns what is late.
    pub(crate) async fn finish(self) -> Result<Option<LateObject>, String> {
        let Some((output, object)) = self.late else {
            self.upload.finish().await?;
            return Ok(None);
        };
        if output.share.is_some() {
            self.upload.finish().await?;
        } else {
            self.upload.abort().await;
        }
        Ok(Some(object))
    }

    /// Gives up the object.
    pub(crate) async fn abort(self) {
        self.upload.abort().await;
    }
}
