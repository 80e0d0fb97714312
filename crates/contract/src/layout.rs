//! The locations of a run's objects. Everything is derived from the run's folder, so that a retried
//! step finds what the first attempt left.

use crate::digest::hex_digest;
use crate::location::S3Uri;

/// The folder of one run: `<work>/<execution name>/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder(S3Uri);

impl RunFolder {
    /// Returns the run's folder below the work prefix.
    pub fn new(work: &S3Uri, execution: &str) -> Self {
        Self(work.join(execution))
    }

    /// Returns the folder that a payload names.
    pub fn at(folder: S3Uri) -> Self {
        Self(folder)
    }

    /// The folder itself.
    pub fn location(&self) -> &S3Uri {
        &self.0
    }

    /// The execution that the folder belongs to.
    pub fn owner(&self) -> S3Uri {
        self.0.join("run.json")
    }

    /// The plan.
    pub fn plan(&self) -> S3Uri {
        self.0.join("plan.json")
    }

    /// The state of planning, if it takes more than one invocation.
    pub fn plan_progress(&self) -> S3Uri {
        self.0.join("plan-progress.json")
    }

    /// What planning found in the data, from which all slices follow. It is written once.
    pub fn scan(&self) -> S3Uri {
        self.0.join("scan.json")
    }

    /// The Map's items.
    pub fn manifest(&self) -> S3Uri {
        self.0.join("manifest.json")
    }

    /// The copy of an input file: uncompressed, so that slices are byte ranges, or of a file that could
    /// be overwritten. `content` is a text that tells the file's content from every other content. The
    /// name follows from it, so whoever finds the copy need not make it again.
    pub fn staged(&self, table: usize, file: usize, content: &str) -> S3Uri {
        let digest = hex_digest(content);
        self.0
            .join(&format!("staged/{table}/{file:06}-{}", &digest[..16]))
    }

    /// An object with rows of a table's sample, by its number. `choice` is a text that tells the choice of
    /// the rows from every other one.
    pub fn sampled(&self, table: usize, object: usize, choice: &str) -> S3Uri {
        let digest = &hex_digest(choice)[..16];
        self.0
            .join(&format!("staged/{table}/sample-{object:06}-{digest}"))
    }

    /// Whether an object is in this folder.
    pub fn holds(&self, at: &S3Uri) -> bool {
        let folder = self.0.join("");
        at.bucket() == folder.bucket() && at.key().starts_with(folder.key())
    }

    /// What the files of a Parquet table have in common: a Parquet file without rows. `content` is
    /// [`crate::plan::Table::layout`].
    pub fn layout(&self, table: usize, content: Option<&str>) -> S3Uri {
        let content = content.map_or(String::new(), |digest| format!("-{digest}"));
        self.0.join(&format!("layouts/{table}{content}.parquet"))
    }

    /// The state of finishing, if it takes more than one invocation.
    pub fn finish_progress(&self) -> S3Uri {
        self.0.join("finish-progress.json")
    }

    /// Written when a run is stopped, so that it does not start afterwards.
    pub fn stop(&self) -> S3Uri {
        self.0.join("stop.json")
    }

    /// The form in which requests are sent since the service refused another.
    pub fn forms(&self) -> S3Uri {
        self.0.join("forms.json")
    }

    /// The prefix of all slices' folders.
    pub fn slices(&self) -> S3Uri {
        self.0.join("slices/")
    }

    /// Returns the round that an object belongs to, and which of its objects it is. `None` if it is
    /// not in a round's folder.
    pub fn round_of(&self, object: &S3Uri) -> Option<(RoundFolder, RoundObject)> {
        let slices = self.slices();
        let rest = object.key().strip_prefix(slices.key())?;
        let (slice, rest) = rest.split_once('/')?;
        let (round, _) = rest.strip_prefix("round-")?.split_once('/')?;
        let round = self.slice(slice.parse().ok()?).round(round.parse().ok()?);
        let object = round.object(object)?;
        Some((round, object))
    }

    /// Returns the run's folder that a round's records are in; `None` if the object is not the input of
    /// a job.
    pub fn around(records: &S3Uri) -> Option<Self> {
        let (folder, _) = records.key().rsplit_once("/slices/")?;
        let run = Self(S3Uri::new(records.bucket(), folder).ok()?);
        let (_, object) = run.round_of(records)?;
        (object == RoundObject::Input).then_some(run)
    }

    /// One slice's folder.
    pub fn slice(&self, slice: u32) -> SliceFolder {
        SliceFolder {
            folder: self.0.join(&format!("slices/{slice:06}")),
            slice,
        }
    }
}

/// The folder of one slice: `<run>/slices/<number>/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceFolder {
    folder: S3Uri,
    slice: u32,
}

impl SliceFolder {
    /// The rows of the slice.
    pub fn spec(&self) -> S3Uri {
        self.folder.join("slice.json")
    }

    /// The slice's rows of the result.
    pub fn part(&self) -> S3Uri {
        self.folder.join("part")
    }

    /// What became of the slice: counts, jobs, tokens.
    pub fn receipt(&self) -> S3Uri {
        self.folder.join("receipt.json")
    }

    /// One round's folder.
    pub fn round(&self, round: u32) -> RoundFolder {
        RoundFolder {
            folder: self.folder.join(&format!("round-{round}")),
            slice: self.slice,
            round,
        }
    }
}

/// The folder of one round of a slice: `<slice>/round-<n>/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundFolder {
    folder: S3Uri,
    slice: u32,
    round: u32,
}

/// The objects of a round that say how far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundObject {
    /// The job's input file.
    Input,
    /// What `split` found out about the records.
    Asked,
    /// The job that was created.
    Job,
    /// How the job ended.
    JobEnd,
    /// Answers of the job.
    JobAnswers,
    /// Answers given on demand.
    OnDemandAnswers,
    /// Answers that neither a job nor a call of this run gave.
    GivenAnswers,
    /// The counts of the round's lines, which are written once all answers are read.
    Counts,
    /// Anything else in the round's folder.
    Other,
}

impl RoundObject {
    /// Whether it has answers, from a job, a call or elsewhere.
    pub fn is_answers(self) -> bool {
        matches!(
            self,
            Self::JobAnswers | Self::OnDemandAnswers | Self::GivenAnswers
        )
    }
}

impl RoundFolder {
    /// The number of the round's slice.
    pub fn slice(&self) -> u32 {
        self.slice
    }

    /// The number of the round in its slice.
    pub fn number(&self) -> u32 {
        self.round
    }

    /// Returns which of the round's objects this is; `None` if it is not in the round's folder.
    fn object(&self, object: &S3Uri) -> Option<RoundObject> {
        let is_below = |folder: &S3Uri| object.key().starts_with(folder.key());
        if !is_below(&self.folder) {
            return None;
        }
        // Given answers and those of calls are below the job's output, too.
        let below = [
            (self.on_demand_output(), RoundObject::OnDemandAnswers),
            (self.given_output(), RoundObject::GivenAnswers),
            (self.output(), RoundObject::JobAnswers),
        ];
        if let Some((_, kind)) = below.into_iter().find(|(folder, _)| is_below(folder)) {
            return Some(kind);
        }
        let files = [
            (self.input(), RoundObject::Input),
            (self.asked(), RoundObject::Asked),
            (self.job(), RoundObject::Job),
            (self.job_end(), RoundObject::JobEnd),
            (self.counts(), RoundObject::Counts),
        ];
        let file = files.into_iter().find(|(file, _)| file == object);
        Some(file.map_or(RoundObject::Other, |(_, kind)| kind))
    }

    /// The rows to send in this round. Missing in round 0, which sends all rows.
    pub fn todo(&self) -> S3Uri {
        self.folder.join("todo.json")
    }

    /// What `split` found out about the records: their number and bytes, truncations, and the rows
    /// that cannot be sent.
    pub fn asked(&self) -> S3Uri {
        self.folder.join("asked.json")
    }

    /// The job's input file.
    pub fn input(&self) -> S3Uri {
        self.folder.join("input/records.jsonl")
    }

    /// The prefix below which the job creates a folder that is named after its id.
    pub fn output(&self) -> S3Uri {
        self.folder.join("output/")
    }

    /// The answers given on demand.
    pub fn on_demand_output(&self) -> S3Uri {
        self.folder.join("output/on-demand/")
    }

    /// The answers that neither a job nor a call of this run gave: those of `quarry merge`.
    pub fn given_output(&self) -> S3Uri {
        self.folder.join("output/given/")
    }

    /// Written before the job is created for the first time.
    pub fn intent(&self) -> S3Uri {
        self.folder.join("job-intent.json")
    }

    /// The job that was created.
    pub fn job(&self) -> S3Uri {
        self.folder.join("job.json")
    }

    /// How the job ended.
    pub fn job_end(&self) -> S3Uri {
        self.folder.join("job-end.json")
    }

    /// Written when the run failed because the service refused this round as a whole.
    pub fn refused(&self) -> S3Uri {
        self.folder.join("refused.json")
    }

    /// The notes of calls that send this round's records, one object for each call.
    pub fn at_work(&self) -> S3Uri {
        self.folder.join("at-work/")
    }

    /// The time since which the service tier `flex` has been throttling.
    pub fn flex_wait(&self) -> S3Uri {
        self.folder.join("flex-wait.json")
    }

    /// The outcomes of this round's answers, one line for each row.
    pub fn results(&self) -> S3Uri {
        self.folder.join("results.jsonl")
    }

    /// The counts of this round's lines.
    pub fn counts(&self) -> S3Uri {
        self.folder.join("counts.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_tells_its_slice_and_round() {
        let work: S3Uri = "s3://bucket/work".parse().unwrap();
        let run = RunFolder::new(&work, "run");
        let round = run.slice(17).round(3);
        for (object, kind) in [
            (round.input(), RoundObject::Input),
            (round.asked(), RoundObject::Asked),
            (round.job(), RoundObject::Job),
            (round.job_end(), RoundObject::JobEnd),
            (round.counts(), RoundObject::Counts),
            (round.todo(), RoundObject::Other),
            (
                round.output().join("id/records.jsonl.out"),
                RoundObject::JobAnswers,
            ),
            (
                round.on_demand_output().join("00"),
                RoundObject::OnDemandAnswers,
            ),
            (round.given_output().join("a"), RoundObject::GivenAnswers),
        ] {
            assert_eq!(
                run.round_of(&object),
                Some((round.clone(), kind)),
                "{object}"
            );
        }
        for other in [run.plan(), run.slice(17).receipt(), run.manifest()] {
            assert_eq!(run.round_of(&other), None, "{other}");
        }
    }

    #[test]
    fn the_records_of_a_job_tell_the_folder_of_its_run() {
        for work in ["s3://bucket/work", "s3://bucket/work/team/slices/"] {
            let work: S3Uri = work.parse().unwrap();
            let run = RunFolder::new(&work, "run");
            let round = run.slice(17).round(3);
            assert_eq!(RunFolder::around(&round.input()), Some(run.clone()));
            for other in [round.asked(), run.plan(), work.join("a.jsonl")] {
                assert_eq!(RunFolder::around(&other), None, "{other}");
            }
        }
    }
}
