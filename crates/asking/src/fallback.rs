//! The fallback model: it gets the records that the run's own model refuses on demand.

use crate::error::AskingError;
use crate::form::{answers, check_form};
use quarry_answer::Schema;
use quarry_model::{Capabilities, Invocation, PROMPT_SLOT, RequestBuilder, RequestForm};
use quarry_prompt::RequestBody;
use std::sync::Arc;

/// How to send the fallback model a record that was written for the run's own model.
#[derive(Debug, Clone)]
pub struct Fallback {
    model_id: String,
    requests: RequestBuilder,
    form: RequestForm,
    schema: Option<Arc<Schema>>,
    primary_body: RequestBody,
    body: RequestBody,
}

impl Fallback {
    /// `schema` reads the answers to requests in any form; `primary_body` is the body of the run's
    /// own model.
    pub(crate) fn new(
        model_id: String,
        requests: RequestBuilder,
        schema: Option<&Arc<Schema>>,
        primary_body: RequestBody,
    ) -> Result<Self, AskingError> {
        let form = requests.first_form();
        Ok(Self {
            model_id,
            body: RequestBody::new(&requests.body(&form), PROMPT_SLOT)?,
            schema: answers(schema, &requests, &form)?,
            requests,
            form,
            primary_body,
        })
    }

    /// Returns the same model with another form of requests.
    pub(crate) fn with_form(self, form: &RequestForm) -> Result<Self, AskingError> {
        check_form(&self.requests, form, &self.model_id)?;
        Ok(Self {
            body: RequestBody::new(&self.requests.body(form), PROMPT_SLOT)?,
            schema: answers(self.schema.as_ref(), &self.requests, form)?,
            form: form.clone(),
            ..self
        })
    }

    /// Returns the same model for a run whose own model gets requests in another form.
    pub(crate) fn behind(self, primary_body: RequestBody) -> Self {
        Self {
            primary_body,
            ..self
        }
    }

    /// The form of its requests.
    pub fn form(&self) -> &RequestForm {
        &self.form
    }

    /// Returns the form to try after the service has refused the present one with `refusal`. `None`
    /// if the text names nothing that can be sent differently.
    pub fn form_after(&self, refusal: &str) -> Option<RequestForm> {
        self.requests.form_after(&self.form, refusal)
    }

    /// The id of the model.
    pub fn model_id(&self) -> &str {
        &self.model_id
    }

    /// What the model accepts.
    pub fn capabilities(&self) -> &Capabilities {
        self.requests.capabilities()
    }

    /// Whether requests go through `Converse`.
    pub fn is_asked_by_converse(&self) -> bool {
        self.capabilities().invocation == Invocation::Converse
    }

    /// Returns the body for this model, with the prompt taken from a record's `modelInput`. `None`
    /// if the record does not belong to the run.
    pub fn model_input(&self, of_primary: &[u8]) -> Option<Vec<u8>> {
        self.primary_body.moved_to(&self.body, of_primary)
    }

    /// The schema of its answers, with the property names that its requests use.
    pub(crate) fn schema(&self) -> Option<Arc<Schema>> {
        self.schema.clone()
    }
}
