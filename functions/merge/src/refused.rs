//! A round that the service refused as a whole: every record of a job, or each of the first records
//! on demand, got the same error, and no record got an answer.
//!
//! The records would get the error again, so the round does not count as an attempt. If the
//! service's words name a part of the request and the model accepts another form, all records are
//! sent again in that form. Otherwise the run fails, once: whoever redrives it has removed the
//! cause, so the records are sent again.

use crate::found;
use crate::round::SliceRound;
use quarry_contract::VERSION;
use quarry_contract::plan::{Asked, REFUSED_RECORDS, RefusedRound, RequestForms};
use quarry_edge::documents;
use quarry_edge::error::{StepError, StepErrorKind};
use quarry_model::Denial;
use quarry_result::receipt::Round;
use quarry_result::refusals::RefusalGroup;

/// The most forms that a run tries.
const MOST_FORMS: usize = 12;

/// How often a job is created again when the model's first use is denied. The state machine waits
/// five minutes before each attempt, so the account has the twenty minutes that access may take.
const FIRST_USE_ROUNDS: u32 = 4;

/// How often the forms are read and written in total while other slices write them.
const LEARNING_ATTEMPTS: u32 = 5;

/// The number of other slices that are searched for an answer.
const SLICES_LOOKED_AT: u32 = 16;

/// What to do about a request that is too long for the model.
const TOO_LONG: &str = "shorten the prompt, or cut long cells with a lower BEDROCK_MAX_INPUT_FIELD_LENGTH, and start a new run";

/// Whether the service's words say that a request is too long for the model.
fn is_about_length(message: &str) -> bool {
    let message = message.to_lowercase();
    let words = [
        "too long",
        "too many input tokens",
        "context length",
        "context window",
        "maxlength",
    ];
    words.iter().any(|words| message.contains(words))
}

/// What follows a round that the service refused as a whole.
pub(crate) enum WayOut {
    /// All its records are sent again, in these forms.
    AskAgain(Option<RequestForms>),
    /// The service accepts such records of other slices, so it refused these for reasons of their
    /// own.
    RecordsOwn,
}

impl SliceRound {
    /// Returns the refusal, if the service refused the round as a whole.
    ///
    /// A few records may all be refused for reasons of their own. They end a run only if the run
    /// has no other records. A small rest of a job never ends it, because the other rows have been
    /// paid for.
    pub(crate) fn whole_refusal<'r>(&self, round: &'r Round) -> Option<&'r RefusalGroup> {
        let counts = &round.counts;
        let is_given = round.job.is_none() && round.on_demand == 0;
        if self.asked.is_taken || is_given || counts.answered > 0 {
            return None;
        }
        let only = counts.refusals.only_lasting()?;
        // Earlier rounds did not count, so this is the run's first attempt in this form.
        let is_first = self.number == self.uncounted_rounds + self.outage_rounds;
        let is_run = self.plan.slices == 1 && is_first && only.lines == counts.asked;
        let is_most_of_job = round.job.is_none() || only.lines * 2 >= counts.asked;
        (is_run || only.lines >= REFUSED_RECORDS && is_most_of_job).then_some(only)
    }

    /// Decides what follows a round of which the service refused `asked` records as a whole.
    ///
    /// # Errors
    ///
    /// `Quarry.Refused` with the service's words when there is no other form, once for each round;
    /// `Quarry.ModelAccessPending` when the account does not yet have access after the model's
    /// first use.
    pub(crate) async fn after_refusal(
        &self,
        asked: u64,
        refusal: &RefusalGroup,
    ) -> Result<WayOut, StepError> {
        let so_far = self.asked.forms.as_ref();
        if let Some(forms) = self.next_forms(refusal).await? {
            tracing::warn!(refusal = refusal.text, form = %forms.primary, "sending the records again in another form");
            return Ok(WayOut::AskAgain(Some(forms)));
        }
        if !refusal.is_first_use() && self.is_taken_elsewhere().await? {
            return Ok(WayOut::RecordsOwn);
        }
        self.fail_once(self.refused(asked, refusal)).await?;
        Ok(WayOut::AskAgain(so_far.cloned()))
    }

    /// Fails with this error, unless the round has failed before. Whoever redrives a run has removed
    /// the cause.
    pub(crate) async fn fail_once(&self, error: StepError) -> Result<(), StepError> {
        let at = self.folder.refused();
        let before: Option<RefusedRound> = documents::read_if_there(&*self.store, &at).await?;
        if before.is_some() {
            return Ok(());
        }
        let document = RefusedRound {
            version: VERSION,
            error: error.full_message(),
        };
        documents::write_if_absent(&*self.store, &at, &document).await?;
        Err(error)
    }

    /// Returns the forms of the next round if the fallback model refused every record of this one
    /// that it got, and accepts another form. The run's model answered other records, or gets them
    /// again by other means.
    pub(crate) async fn forms_after_fallback(
        &self,
        round: &Round,
    ) -> Result<Option<RequestForms>, StepError> {
        let counts = &round.counts;
        if counts.by_fallback > 0 {
            return Ok(None);
        }
        let Some((words, records)) = counts.refusals.only_of_fallback() else {
            return Ok(None);
        };
        if records < REFUSED_RECORDS && self.plan.slices > 1 {
            return Ok(None);
        }
        let so_far = self.asked.forms.as_ref();
        if let Some(known) = self.learned_forms().await? {
            return Ok(Some(known));
        }
        let next = self.asking.forms_after_fallback(so_far, words);
        self.learn(next).await
    }

    /// Returns the forms that follow those of this round: what another slice has learned meanwhile,
    /// or what follows from the service's words.
    async fn next_forms(&self, refusal: &RefusalGroup) -> Result<Option<RequestForms>, StepError> {
        if let Some(known) = self.learned_forms().await? {
            return Ok(Some(known));
        }
        let next = self.asking.forms_after(
            self.asked.forms.as_ref(),
            &refusal.message,
            refusal.fallback_message.as_deref(),
        );
        self.learn(next).await
    }

    /// Returns what the run has learned since this round was written.
    async fn learned_forms(&self) -> Result<Option<RequestForms>, StepError> {
        let steps = |forms: &RequestForms| forms.because.len();
        let so_far = self.asked.forms.as_ref().map_or(0, steps);
        let known: Option<RequestForms> =
            documents::read_if_there(&*self.store, &self.run.forms()).await?;
        Ok(known.filter(|known| steps(known) > so_far))
    }

    /// Stores the next forms for the other slices, unless there have been too many. Returns what this slice goes on
    /// with.
    ///
    /// Two slices may learn at once. The forms are replaced only by a slice that has read them, so that each of
    /// them adds to the ones before, and a slice that was slower goes on in those that it finds. Either way, nothing
    /// is paid for twice: a record that was refused costs nothing.
    async fn learn(&self, next: Option<RequestForms>) -> Result<Option<RequestForms>, StepError> {
        let Some(next) = next.filter(|next| next.because.len() <= MOST_FORMS) else {
            return Ok(None);
        };
        let (store, at) = (&*self.store, self.run.forms());
        let mut attempt = 1;
        loop {
            let found = found::etag_of(store, &at).await?;
            if let Some(known) = self.learned_forms().await? {
                return Ok(Some(known));
            }
            match documents::write_in_place_of(store, &at, &next, found.as_deref()).await {
                Err(error)
                    if error.kind() == StepErrorKind::Unavailable
                        && attempt < LEARNING_ATTEMPTS =>
                {
                    attempt += 1;
                }
                result => return result.map(|_| Some(next)),
            }
        }
    }

    /// Whether another slice got an answer in the form of this round and by the same means, job or
    /// on demand.
    async fn is_taken_elsewhere(&self) -> Result<bool, StepError> {
        for number in 0..self.plan.slices.min(SLICES_LOOKED_AT) {
            if number == self.slice.slice {
                continue;
            }
            let first = self.run.slice(number).round(0);
            let round: Option<Round> =
                documents::read_if_there(&*self.store, &first.counts()).await?;
            let Some(round) = round else { continue };
            if round.counts.answered == 0 || round.job.is_some() != self.job.is_some() {
                continue;
            }
            let asked: Asked = documents::read(&*self.store, &first.asked()).await?;
            if asked.forms == self.asked.forms {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn refused(&self, asked: u64, refusal: &RefusalGroup) -> StepError {
        let settings = self.asking.settings();
        let model_id = settings.effective_model_id();
        let remedy = match Denial::of(&refusal.message) {
            Some(denial) => denial.remedy(settings.model_setting(), &model_id),
            None if is_about_length(&refusal.message) => TOO_LONG.to_owned(),
            None => "remove the cause and start a new run, or resume this one if its request stays the same"
                .to_owned(),
        };
        // The slice's first round on demand ends with the first records, if all of them get the same error.
        let unsent = match self.number {
            0 => self.slice.records.saturating_sub(asked),
            _ => 0,
        };
        let unsent = match unsent {
            0 => String::new(),
            more => format!("; its other {more} records were not sent"),
        };
        // The service's words come first, because a pipeline receives only 256 characters of this.
        let doing = format!(
            "{}; {remedy} ({} of {asked} records sent in slice {}, round {}, got this error from {model_id}, \
             and no record got an answer{unsent}; BEDROCK_NO_ANSWERS does not change this)",
            refusal.text, refusal.lines, self.slice.slice, self.number,
        );
        let may_come = refusal.is_first_use() && self.uncounted_rounds < FIRST_USE_ROUNDS;
        let kind = if may_come {
            StepErrorKind::ModelAccessPending
        } else {
            StepErrorKind::Refused
        };
        StepError::new(kind, doing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_too_long_is_told_from_other_errors() {
        for message in [
            "prompt is too long: 205014 tokens > 200000 maximum",
            "Input is too long for requested model.",
            "Too many input tokens. Max input tokens: 8192",
        ] {
            assert!(is_about_length(message), "{message}");
        }
        assert!(!is_about_length(
            "Malformed input request, please reformat your input"
        ));
    }
}
