//! Retries: runs over only the rows that failed in another run.
//!
//! The place of a retry's rows says whose rows they are, and the place is a part of the run's input. So
//! any machine that may look at the run knows of the other one, as long as the run is known, and also
//! when the uploaded files are deleted.

use crate::deployment::{RemoteDeployment, request};
use crate::facts::RunReader;
use crate::start::UPLOADS;
use quarry_contract::location::S3Uri;
use quarry_edge::executions::ShownRun;

/// The folder, in the folder of a retry's files, that has a folder of rows named after the other run.
const FAILED_IN: &str = "failed-in";

impl RemoteDeployment {
    /// Returns the folder for the rows of a retry of a run. `folder` is that of the retry's files.
    pub fn failed_rows_folder(&self, folder: &S3Uri, run: &str) -> S3Uri {
        folder.join(&format!("{FAILED_IN}/{run}/"))
    }
}

impl RemoteDeployment {
    /// Returns the name of the run whose failed rows a run asks again, if it is a retry.
    pub(crate) fn retried_run(&self, run: &ShownRun) -> Option<String> {
        let data = request(run.input.as_deref()?)?.data;
        retried_run(&self.bucket, &data)
    }
}

impl RunReader<'_> {
    /// Returns the name of the run whose failed rows this run asks again, if it is a retry.
    pub fn retried_run(&self) -> Option<String> {
        self.deployment.retried_run(&self.run)
    }
}

fn retried_run(bucket: &S3Uri, data: &S3Uri) -> Option<String> {
    let uploads = bucket.join(UPLOADS);
    if data.bucket() != uploads.bucket() {
        return None;
    }
    let mut names = data.key().strip_prefix(uploads.key())?.split('/').skip(1);
    let run = (names.next()? == FAILED_IN).then(|| names.next())??;
    // The name is that of a folder only if something is in it.
    names.next()?;
    (!run.is_empty()).then(|| run.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_the_rows_tells_the_other_run() {
        let bucket = S3Uri::new("bucket", "").unwrap();
        let folder = "s3://bucket/inbox/command-line/again-0000002a";
        for (data, run) in [
            ("failed-in/strikes-1/failed-rows.csv", Some("strikes-1")),
            ("failed-in/strikes-1/", Some("strikes-1")),
            ("failed-in/strikes-1", None),
            ("failed-in//a.csv", None),
            ("data/failed-in/strikes-1/a.csv", None),
            ("data/", None),
        ] {
            let data: S3Uri = format!("{folder}/{data}").parse().unwrap();
            assert_eq!(retried_run(&bucket, &data).as_deref(), run, "{data}");
        }
        for data in [
            "s3://other/inbox/command-line/again-0000002a/failed-in/strikes-1/a.csv",
            "s3://bucket/inbox/strikes/again/failed-in/strikes-1/a.csv",
        ] {
            assert_eq!(retried_run(&bucket, &data.parse().unwrap()), None, "{data}");
        }
    }
}
