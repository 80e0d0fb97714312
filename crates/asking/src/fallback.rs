//! The model that is asked when the run's own refuses a record on demand.

use quarry_model::{Capabilities, Family};
use quarry_prompt::RequestBody;

/// How the fallback model is asked about a record that was written for the run's own model.
#[derive(Debug, Clone)]
pub struct Fallback {
    model_id: String,
    converse: bool,
    prefilled: bool,
    primary_body: RequestBody,
    body: RequestBody,
}

impl Fallback {
    pub(crate) fn new(
        model_id: String,
        converse: bool,
        prefilled: bool,
        primary_body: RequestBody,
        body: RequestBody,
    ) -> Self {
        Self {
            model_id,
            converse,
            prefilled,
            primary_body,
            body,
        }
    }

    /// The form of its requests.
    pub fn form(&self) -> &quarry_model::RequestForm {
        unreachable!("until forms land")
    }

    /// The next form.
    pub fn form_after(&self, _refusal: &str) -> Option<quarry_model::RequestForm> {
        None
    }

    /// Its id.
    pub fn model_id(&self) -> &str {
        &self.model_id
    }

    /// Whether it is asked through `Converse`.
    pub fn is_asked_by_converse(&self) -> bool {
        self.converse
    }

    /// The body for this model with the prompt of a record's `modelInput`. `None` if the record is
    /// not one of the run's.
    pub fn model_input(&self, of_primary: &[u8]) -> Option<Vec<u8>> {
        self.primary_body.moved_to(&self.body, of_primary)
    }

    pub(crate) fn answers_lack_their_brace(&self) -> bool {
        self.prefilled
    }
}

/// What the fallback model accepts: what its family does. A model of the primary's family, and one
/// whose id names no model (an application inference profile), is asked as the primary is, with
/// what the settings say of it.
pub(crate) fn capabilities(
    model_id: &str,
    primary_family: Family,
    primary: Capabilities,
) -> Capabilities {
    match Family::of(model_id) {
        Family::Unknown => primary,
        family if family == primary_family => primary,
        family => family.capabilities(),
    }
}
