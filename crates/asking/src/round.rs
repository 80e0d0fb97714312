//! The form of a round's requests, and the next form after the service has refused one.

use crate::model::has_tier;
use crate::{Asking, AskingError};
use quarry_contract::plan::{Plan, RequestForms};
use quarry_contract::settings::ServiceTier;

/// The prompt of a request that depends on no record.
const PROBE_PROMPT: &str = "ping";

impl Asking {
    /// Returns what a round of a plan asks: in the plan's first form, or in the forms that the
    /// round was sent in.
    pub fn of_round(plan: &Plan, forms: Option<&RequestForms>) -> Result<Self, AskingError> {
        let asking = Self::of_plan(plan)?;
        let Some(forms) = forms else {
            return Ok(asking);
        };
        let asking = asking.with_form(&forms.primary)?;
        match &forms.fallback {
            Some(fallback) => asking.with_fallback_form(fallback),
            None => Ok(asking),
        }
    }

    /// Returns the next forms after the service has refused the run's own model's requests with
    /// `refusal`, and those of the fallback model if it got any. `None` if there is no other form.
    ///
    /// `so_far` are the forms of the round that was refused.
    pub fn forms_after(
        &self,
        so_far: Option<&RequestForms>,
        refusal: &str,
        fallback_refusal: Option<&str>,
    ) -> Option<RequestForms> {
        let mut because = so_far
            .map(|forms| forms.because.clone())
            .unwrap_or_default();
        let fallback_form = || self.fallback().map(|fallback| fallback.form().clone());
        if let Some(primary) = self.form_after(refusal) {
            because.push(format!("{refusal}: asked again with {primary}"));
            return Some(RequestForms {
                primary,
                fallback: fallback_form(),
                because,
            });
        }
        self.forms_after_fallback(so_far, fallback_refusal?)
    }

    /// Returns the next forms after the service has refused the fallback model's requests with
    /// these words. `None` if there is no other form for it.
    pub fn forms_after_fallback(
        &self,
        so_far: Option<&RequestForms>,
        words: &str,
    ) -> Option<RequestForms> {
        let form = self.fallback()?.form_after(words)?;
        let mut because = so_far
            .map(|forms| forms.because.clone())
            .unwrap_or_default();
        because.push(format!("{words}: asked again with {form}"));
        Some(RequestForms {
            primary: self.form().clone(),
            fallback: Some(form),
            because,
        })
    }

    /// Whether the fallback model has the service tier of the settings.
    pub fn fallback_has_tier(&self) -> bool {
        let tier = self.settings().service_tier;
        tier != ServiceTier::Default
            && self
                .fallback()
                .is_some_and(|fallback| has_tier(fallback.capabilities(), tier))
    }

    /// Returns the body of a request that depends on no record. It shows whether the service
    /// responds at all.
    pub fn probe(&self) -> Vec<u8> {
        self.encoder.body().with_prompt(PROBE_PROMPT)
    }
}
