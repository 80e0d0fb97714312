//! The deployment's prefixes, and what an object's location means.
//!
//! If a run's output started runs, that would never end. So the inbox shares no folder with
//! anything that runs write, neither in the deployment (checked when the function starts) nor in a
//! request.

use quarry_contract::file_format::FileFormat;
use quarry_contract::location::S3Uri;
use quarry_edge::error::StepError;

/// The name of a request file in the inbox.
pub(crate) const REQUEST_FILE: &str = "request.json";

/// The deployment's S3 prefixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefixes {
    inbox: S3Uri,
    pipelines: S3Uri,
    results: S3Uri,
    work: S3Uri,
}

/// The kind of an arrival in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ArrivalKind {
    /// A table file directly in a pipeline's folder.
    Data,
    /// A `request.json`, and the folder that holds it.
    Request(S3Uri),
}

impl Prefixes {
    /// Creates the prefixes. Refuses them when an object could be in the inbox and in another one.
    pub fn new(
        inbox: S3Uri,
        pipelines: S3Uri,
        results: S3Uri,
        work: S3Uri,
    ) -> Result<Self, StepError> {
        for (name, other) in [
            ("QUARRY_PIPELINES", &pipelines),
            ("QUARRY_RESULTS", &results),
            ("QUARRY_WORK", &work),
        ] {
            if overlap(&inbox, other) {
                return Err(StepError::bad_request(format!(
                    "QUARRY_INBOX ({inbox}) and {name} ({other}) overlap: what a run writes would start runs; \
                     use prefixes of which none contains the other"
                )));
            }
        }
        Ok(Self {
            inbox,
            pipelines,
            results,
            work,
        })
    }

    /// Returns the folder with a pipeline's prompts, schema and defaults.
    pub(crate) fn pipeline(&self, pipeline: &str) -> S3Uri {
        self.pipelines.join(pipeline).join("")
    }

    /// Returns the folder in which a pipeline's tables and requests arrive.
    pub(crate) fn arrivals(&self, pipeline: &str) -> S3Uri {
        self.inbox.join(pipeline).join("")
    }

    /// Returns the folder of all results of a pipeline.
    pub(crate) fn pipeline_results(&self, pipeline: &str) -> S3Uri {
        self.results.join(pipeline).join("")
    }

    /// Returns the folder of a run's results.
    pub(crate) fn results(&self, pipeline: &str, run: &str) -> S3Uri {
        self.results.join(pipeline).join(run).join("")
    }

    /// Returns the location of an arrival's note. No run's folder is named `arrivals`, since a
    /// run's name ends with a digest.
    pub(crate) fn arrival_note(&self, digest: &str) -> S3Uri {
        self.work.join("arrivals").join(&format!("{digest}.json"))
    }

    /// Returns the prefix of the runs' folders.
    pub(crate) fn work(&self) -> &S3Uri {
        &self.work
    }

    /// Refuses a place that would let a run write into the inbox.
    pub(crate) fn check_written(&self, member: &str, place: &S3Uri) -> Result<(), StepError> {
        if overlap(&self.inbox, place) {
            return Err(StepError::bad_request(format!(
                "`{member}` is {place}, which overlaps with the inbox {}: what the run writes would start runs; \
                 use another place",
                self.inbox
            )));
        }
        Ok(())
    }

    /// Returns the pipeline that an object belongs to and the kind of arrival, or why it starts
    /// nothing.
    pub(crate) fn arrival<'a>(&self, object: &'a S3Uri) -> Result<(&'a str, ArrivalKind), String> {
        for (what, prefix) in [
            ("results", &self.results),
            ("work", &self.work),
            ("pipelines", &self.pipelines),
        ] {
            if contains(prefix, object) {
                return Err(format!("it lies below the {what} prefix {prefix}"));
            }
        }
        let prefix = folder_key(&self.inbox);
        if !contains(&self.inbox, object) {
            return Err(format!("it does not lie below the inbox {}", self.inbox));
        }
        let rest = &object.key()[prefix.len()..];
        let (pipeline, below) = match rest.split_once('/') {
            Some((pipeline, below)) if !pipeline.is_empty() => (pipeline, below),
            _ => {
                return Err(format!(
                    "it lies in no pipeline's folder: {}/<pipeline>/…",
                    self.inbox.to_string().trim_end_matches('/')
                ));
            }
        };
        let name = object.file_name();
        if name.is_empty() {
            return Err("it is a folder's mark, not a file".to_owned());
        }
        if name == REQUEST_FILE {
            let folder = &object.key()[..object.key().len() - REQUEST_FILE.len()];
            let folder = S3Uri::new(object.bucket(), folder).map_err(|error| error.to_string())?;
            return Ok((pipeline, ArrivalKind::Request(folder)));
        }
        if below.contains('/') {
            return Err(format!(
                "files in folders below a pipeline's start nothing by themselves; a {REQUEST_FILE} beside them does"
            ));
        }
        if FileFormat::from_file_name(name).is_none() {
            return Err(format!(
                "it is neither a table (*.csv, *.tsv, *.jsonl, each also with .gz, or *.parquet) nor a {REQUEST_FILE}"
            ));
        }
        Ok((pipeline, ArrivalKind::Data))
    }
}

/// Returns the key as a folder's: empty, or with a `/` at its end.
fn folder_key(place: &S3Uri) -> String {
    let key = place.key().trim_matches('/');
    if key.is_empty() {
        String::new()
    } else {
        format!("{key}/")
    }
}

fn contains(prefix: &S3Uri, object: &S3Uri) -> bool {
    prefix.bucket() == object.bucket() && object.key().starts_with(&folder_key(prefix))
}

fn overlap(one: &S3Uri, other: &S3Uri) -> bool {
    let (a, b) = (folder_key(one), folder_key(other));
    one.bucket() == other.bucket() && (a.starts_with(&b) || b.starts_with(&a))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> S3Uri {
        text.parse().unwrap()
    }

    fn places() -> Prefixes {
        Prefixes::new(
            at("s3://bucket/inbox"),
            at("s3://bucket/pipelines"),
            at("s3://bucket/results"),
            at("s3://bucket/runs"),
        )
        .unwrap()
    }

    #[test]
    fn a_table_or_a_request_is_recognised_by_its_prefix() {
        for (key, pipeline, kind) in [
            ("inbox/strikes/a.csv", "strikes", ArrivalKind::Data),
            ("inbox/strikes/A.TSV.GZ", "strikes", ArrivalKind::Data),
            ("inbox/strikes/a.ndjson", "strikes", ArrivalKind::Data),
            ("inbox/strikes/a.parquet", "strikes", ArrivalKind::Data),
            (
                "inbox/with space+ä/b c.csv",
                "with space+ä",
                ArrivalKind::Data,
            ),
            (
                "inbox/strikes/request.json",
                "strikes",
                ArrivalKind::Request(at("s3://bucket/inbox/strikes/")),
            ),
            (
                "inbox/strikes/may/part one/request.json",
                "strikes",
                ArrivalKind::Request(at("s3://bucket/inbox/strikes/may/part one/")),
            ),
        ] {
            let object = S3Uri::new("bucket", key).unwrap();
            assert_eq!(places().arrival(&object), Ok((pipeline, kind)), "{key}");
        }
    }

    #[test]
    fn everything_else_starts_nothing_and_says_why() {
        for (uri, why) in [
            (
                "s3://bucket/inbox/strikes/train/a.csv",
                "below a pipeline's",
            ),
            ("s3://bucket/inbox/strikes/readme.txt", "neither a table"),
            ("s3://bucket/inbox/strikes/", "folder's mark"),
            ("s3://bucket/inbox/a.csv", "no pipeline's folder"),
            ("s3://bucket/inbox//a.csv", "no pipeline's folder"),
            (
                "s3://bucket/inbox2/strikes/a.csv",
                "not lie below the inbox",
            ),
            ("s3://other/inbox/strikes/a.csv", "not lie below the inbox"),
            (
                "s3://bucket/results/strikes/run/a.csv",
                "below the results prefix",
            ),
            (
                "s3://bucket/results/strikes/request.json",
                "below the results prefix",
            ),
            (
                "s3://bucket/runs/run-1/staged/0/a.csv",
                "below the work prefix",
            ),
            (
                "s3://bucket/pipelines/strikes/request.json",
                "below the pipelines prefix",
            ),
        ] {
            let reason = places().arrival(&at(uri)).unwrap_err();
            assert!(reason.contains(why), "{uri}: {reason}");
        }
    }

    /// Whatever the deployment's settings, no object that a run writes can start a run.
    #[test]
    fn prefixes_that_overlap_are_refused() {
        let (inbox, away) = (at("s3://bucket/inbox"), at("s3://bucket/elsewhere"));
        for bad in [
            "s3://bucket/inbox",
            "s3://bucket/inbox/",
            "s3://bucket/inbox/results",
            "s3://bucket",
        ] {
            let bad = at(bad);
            for (pipelines, results, work) in [
                (&bad, &away, &away),
                (&away, &bad, &away),
                (&away, &away, &bad),
            ] {
                let refused = Prefixes::new(
                    inbox.clone(),
                    pipelines.clone(),
                    results.clone(),
                    work.clone(),
                );
                let error = refused.unwrap_err();
                assert!(error.to_string().contains("overlap"), "{error}");
            }
        }
        // Names that only begin alike do not overlap, nor do other buckets.
        for good in ["s3://bucket/inbox2", "s3://other/inbox"] {
            let good = at(good);
            Prefixes::new(inbox.clone(), good.clone(), good.clone(), good).unwrap();
        }
        assert!(
            places()
                .check_written("output", &at("s3://bucket/inbox/strikes/out"))
                .is_err()
        );
        assert!(
            places()
                .check_written("output", &at("s3://bucket/"))
                .is_err()
        );
        places()
            .check_written("output", &at("s3://bucket/elsewhere"))
            .unwrap();
    }
}
