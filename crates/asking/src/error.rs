//! Why a run cannot be carried out as it is specified.

use quarry_answer::SchemaError;
use quarry_contract::settings::SettingError;
use quarry_model::RequestForm;
use quarry_prompt::{PromptsError, RenderError};
use quarry_result::columns::ColumnsError;

/// Why a request cannot be carried out. This is known before any money is spent.
#[derive(Debug, thiserror::Error)]
pub enum AskingError {
    /// A setting is invalid.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The prompts file is invalid.
    #[error("prompts.json: {0}")]
    Prompts(#[from] PromptsError),
    /// The prompt cannot be rendered, or a record cannot be written.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The schema is invalid.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The result columns conflict.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// `BEDROCK_MODEL_CAPABILITIES` is not a JSON object of capabilities.
    #[error("BEDROCK_MODEL_CAPABILITIES is not a JSON object of capabilities: {0}")]
    Capabilities(#[source] serde_json::Error),
    /// The model is known to refuse this form of requests.
    #[error(
        "records of this run were sent to {model} in a form that it does not take ({form}); the run cannot be \
         resumed; start a new one"
    )]
    Form {
        /// The model.
        model: String,
        /// The form.
        form: RequestForm,
    },
    /// One of the two models answers with vectors, the other with text.
    #[error(
        "BEDROCK_FALLBACK_MODEL_ID is `{fallback}`, which does not answer in the form of `{primary}` \
         (vectors or text); use a model of the same kind, or none"
    )]
    FallbackKind {
        /// The fallback model.
        fallback: String,
        /// The model of the run.
        primary: String,
    },
}
