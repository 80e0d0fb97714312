//! How a run asks: settings, prompts and schema put together into the records that are sent, the
//! reader of what comes back, and the result columns. Every step of a run builds the same
//! [`Asking`] from the plan.

mod fallback;
mod round;

pub use fallback::Fallback;

use quarry_answer::{Reader, Schema, SchemaError};
use quarry_contract::plan::Plan;
use quarry_contract::settings::{self, SettingError, Settings};
use quarry_model::{
    BodySettings, Capabilities, CapabilityOverrides, Enforcement, Family, Invocation, PROMPT_SLOT,
    RequestForm, choose_enforcement, embedding_schema, request_body,
};
use quarry_prompt::{
    FieldLimit, MissingColumns, Prompts, PromptsError, RecordEncoder, RenderError, RenderOptions,
    RequestBody, Template,
};
use quarry_result::columns::{ColumnsError, ResultColumns};
use quarry_result::summary::PromptParts;
use serde_json::Value;
use std::sync::Arc;

/// What a run asks and how it reads the answers.
#[derive(Debug)]
pub struct Asking {
    settings: Settings,
    schema: Option<Arc<Schema>>,
    form: RequestForm,
    encoder: RecordEncoder,
    fallback: Option<Fallback>,
    columns: ResultColumns,
    prompt_parts: PromptParts,
}

/// The column that is embedded when `prompts.json` has no template.
const INPUT_TEXT: &str = "input_text";

/// Why a request cannot be asked; known before any money is spent.
#[derive(Debug, thiserror::Error)]
pub enum AskingError {
    /// A setting.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The prompts file.
    #[error(transparent)]
    Prompts(#[from] PromptsError),
    /// The prompt or the record's form.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The result columns.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// `BEDROCK_MODEL_CAPABILITIES` is not what it should be.
    #[error("BEDROCK_MODEL_CAPABILITIES is not a JSON object of capabilities: {0}")]
    Capabilities(#[source] serde_json::Error),
    /// More tokens than the model can answer with.
    #[error(
        "BEDROCK_MAX_TOKENS is {set}, and {model} answers with at most {ceiling} tokens; lower it, or leave it out \
         for the most that the model takes (BEDROCK_MODEL_CAPABILITIES with `max_output_tokens` corrects the ceiling)"
    )]
    AboveCeiling {
        /// The setting.
        set: u64,
        /// The model.
        model: String,
        /// Its ceiling.
        ceiling: u64,
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

impl Asking {
    /// Puts a request together. `schema` is the JSON Schema in force.
    pub fn new(
        settings: Settings,
        prompts: &Prompts,
        schema: Option<&Value>,
    ) -> Result<Self, AskingError> {
        let capabilities = capabilities(&settings)?;
        let vectors = capabilities.body.is_embedding().then(embedding_schema);
        let schema = vectors.as_ref().or(schema);
        let model_id = settings.effective_model_id();
        let (enforcement, body) =
            enforced_body(&settings, &model_id, capabilities, prompts, schema)?;
        let options = RenderOptions {
            missing: match settings.missing_columns {
                settings::MissingColumns::Refuse => MissingColumns::Refuse,
                settings::MissingColumns::Mark => MissingColumns::Mark,
            },
            field_limit: if settings.truncation_enabled {
                Some(FieldLimit::new(
                    usize::try_from(settings.max_input_field_length).unwrap_or(usize::MAX),
                )?)
            } else {
                None
            },
        };
        let template = if vectors.is_some() && !prompts.has_own_template() {
            Template::compile(&format!("{{{INPUT_TEXT}}}"), &[INPUT_TEXT.to_owned()])
        } else {
            prompts.template(&settings.routed_rules_column)
        };
        let encoder = RecordEncoder::new(&body, PROMPT_SLOT, template, options)?;
        let fallback = Self::fallback_of(&settings, capabilities, prompts, schema, &encoder)?;
        let schema = schema.map(Schema::compile).transpose()?.map(Arc::new);
        let properties: Option<Vec<String>> = schema.as_ref().map(|schema| {
            schema
                .properties()
                .iter()
                .map(|property| property.name.clone())
                .collect()
        });
        let columns = ResultColumns::new(properties.as_deref(), &settings.output_column_prefix)?;
        Ok(Self {
            settings,
            schema,
            form: RequestForm::new(enforcement),
            encoder,
            fallback,
            columns,
            prompt_parts: PromptParts {
                system: prompts.system().is_some(),
                template: prompts.has_own_template(),
            },
        })
    }

    fn fallback_of(
        settings: &Settings,
        primary: Capabilities,
        prompts: &Prompts,
        schema: Option<&Value>,
        encoder: &RecordEncoder,
    ) -> Result<Option<Fallback>, AskingError> {
        let Some(model_id) = &settings.fallback_model_id else {
            return Ok(None);
        };
        let capabilities = fallback::capabilities(model_id, named_family(settings), primary);
        if capabilities.body.is_embedding() != primary.body.is_embedding() {
            return Err(AskingError::FallbackKind {
                fallback: model_id.clone(),
                primary: settings.effective_model_id(),
            });
        }
        let (enforcement, body) = enforced_body(settings, model_id, capabilities, prompts, schema)?;
        Ok(Some(Fallback::new(
            model_id.clone(),
            capabilities.invocation == Invocation::Converse,
            enforcement.is_prefilled(),
            encoder.body().clone(),
            RequestBody::new(&body, PROMPT_SLOT)?,
        )))
    }

    /// What a plan asks.
    pub fn of_plan(plan: &Plan) -> Result<Self, AskingError> {
        let prompts = Prompts::parse(plan.prompts.to_string().as_bytes())?;
        Self::new(
            Settings::read(&plan.settings)?,
            &prompts,
            plan.schema.as_ref(),
        )
    }

    /// The form of the requests.
    pub fn form(&self) -> &RequestForm {
        &self.form
    }

    /// The same run asked in another form.
    pub fn with_form(self, _form: &RequestForm) -> Result<Self, AskingError> {
        Ok(self)
    }

    /// The same run with the fallback model asked in another form.
    pub fn with_fallback_form(self, _form: &RequestForm) -> Result<Self, AskingError> {
        Ok(self)
    }

    /// The next form.
    pub fn form_after(&self, _refusal: &str) -> Option<RequestForm> {
        None
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the prompts file gives of a prompt.
    pub fn prompt_parts(&self) -> PromptParts {
        self.prompt_parts
    }

    /// Writes records; each use gets its own, with its own buffers.
    pub fn encoder(&self) -> RecordEncoder {
        self.encoder.clone()
    }

    /// The columns that the prompt looks at.
    pub fn projection(&self) -> &[String] {
        self.encoder.template().columns()
    }

    /// Whether the prompt shows rows of a table whole, as JSON.
    pub fn shows_whole_row(&self, table_columns: &[String]) -> bool {
        self.encoder.template().shows_whole_row(table_columns)
    }

    /// The model that is asked when the run's own refuses a record on demand.
    pub fn fallback(&self) -> Option<&Fallback> {
        self.fallback.as_ref()
    }

    /// Reads answers of the run's model.
    pub fn reader(&self) -> Reader {
        Reader::new(self.schema.clone(), self.form.enforcement.is_prefilled())
    }

    /// Reads answers of the fallback model.
    pub fn fallback_reader(&self) -> Option<Reader> {
        let fallback = self.fallback.as_ref()?;
        Some(Reader::new(
            self.schema.clone(),
            fallback.answers_lack_their_brace(),
        ))
    }

    /// The result columns.
    pub fn columns(&self) -> &ResultColumns {
        &self.columns
    }

    /// Refuses a table that lacks columns which the prompt uses, or has columns which the result
    /// would write a second time.
    pub fn check_columns(&self, columns: &[String]) -> Result<(), AskingError> {
        let options = self.encoder.options();
        self.encoder
            .template()
            .check_columns(columns, options.missing)?;
        self.columns
            .replaced(columns, self.settings.replace_columns)?;
        Ok(())
    }
}

/// What the run's model accepts: what its family does, and over it what the settings say.
pub fn capabilities(settings: &Settings) -> Result<Capabilities, AskingError> {
    let overrides: CapabilityOverrides = match &settings.model_capabilities {
        Some(text) => CapabilityOverrides::parse(text).map_err(AskingError::Capabilities)?,
        None => CapabilityOverrides::default(),
    };
    Ok(named_family(settings).capabilities().overridden(&overrides))
}

/// The family of the run's model. An application profile's ARN does not name the model; the primary
/// model's id then does.
pub fn named_family(settings: &Settings) -> Family {
    match Family::of(&settings.effective_model_id()) {
        Family::Unknown => Family::of(&settings.primary_model_id),
        family => family,
    }
}

/// How a model is held to JSON, and the body of its requests.
fn enforced_body(
    settings: &Settings,
    model_id: &str,
    capabilities: Capabilities,
    prompts: &Prompts,
    schema: Option<&Value>,
) -> Result<(Enforcement, Value), AskingError> {
    let enforcement = choose_enforcement(
        &capabilities,
        schema.is_some(),
        settings.use_structured_output,
    );
    let body = request_body(
        &BodySettings {
            max_tokens: max_tokens(settings, model_id, &capabilities)?,
            temperature: settings.temperature,
            top_p: settings.top_p,
        },
        &capabilities,
        enforcement,
        prompts.system(),
        schema,
    );
    Ok((enforcement, body))
}

/// The most tokens of an answer when nothing is set and the model's ceiling is not lower.
pub const DEFAULT_MAX_TOKENS: u64 = 32_768;

/// The most tokens of an answer: `BEDROCK_MAX_TOKENS`, or the lower of [`DEFAULT_MAX_TOKENS`] and the
/// model's ceiling.
///
/// # Errors
///
/// [`AskingError::AboveCeiling`] when the setting is more than the model can answer with.
pub fn max_tokens(
    settings: &Settings,
    model_id: &str,
    capabilities: &Capabilities,
) -> Result<u64, AskingError> {
    match (settings.max_tokens, capabilities.max_output_tokens) {
        (Some(set), Some(ceiling)) if set > ceiling => Err(AskingError::AboveCeiling {
            set,
            model: model_id.to_owned(),
            ceiling,
        }),
        (Some(set), _) => Ok(set),
        (None, ceiling) => Ok(ceiling.map_or(DEFAULT_MAX_TOKENS, |ceiling| {
            ceiling.min(DEFAULT_MAX_TOKENS)
        })),
    }
}

/// The schema that the run's model keeps by itself: an embedding model answers with a vector,
/// whatever else is asked for.
pub fn own_schema(settings: &Settings) -> Result<Option<Value>, AskingError> {
    let vectors = capabilities(settings)?.body.is_embedding();
    Ok(vectors.then(embedding_schema))
}

/// Whether records hold `Converse` bodies.
pub fn converse(settings: &Settings) -> Result<bool, AskingError> {
    Ok(capabilities(settings)?.invocation == Invocation::Converse)
}
