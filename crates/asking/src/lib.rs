//! Puts settings, prompts and schema together: into the records that are sent, the reader of the
//! answers, and the result columns. Every step of a run builds the same [`Asking`] from the plan.

mod asked_slices;
mod error;
mod estimate;
mod fallback;
mod form;
mod limits;
mod model;
mod round;

pub use error::AskingError;
pub use fallback::Fallback;
pub use limits::{RecordLimits, Unsendable};
pub use model::{Lack, Lacking, RunModel};

use form::{answers, check_form};
use quarry_answer::{Reader, Schema};
use quarry_contract::plan::Plan;
use quarry_contract::settings::{self, Effort, Settings, ThinkingSetting};
use quarry_model::{
    BodySettings, Invocation, PROMPT_SLOT, RequestBuilder, RequestForm, embedding_schema,
};
use quarry_prompt::{FieldLimit, MissingColumns, Prompts, RecordEncoder, RenderOptions, Template};
use quarry_result::columns::ResultColumns;
use quarry_result::totals::PromptParts;
use serde_json::Value;
use std::sync::Arc;

/// What a run sends, and how it reads the answers.
#[derive(Debug)]
pub struct Asking {
    settings: Settings,
    model: RunModel,
    requests: RequestBuilder,
    form: RequestForm,
    /// The schema of the answers to requests in this form.
    schema: Option<Arc<Schema>>,
    encoder: RecordEncoder,
    fallback: Option<Fallback>,
    columns: ResultColumns,
    prompt_parts: PromptParts,
}

/// The column that is embedded if `prompts.json` has no template.
const INPUT_TEXT: &str = "input_text";

impl Asking {
    /// Puts a request together and checks it. `schema` is the JSON Schema in force.
    pub fn new(
        settings: Settings,
        prompts: &Prompts,
        schema: Option<&Value>,
    ) -> Result<Self, AskingError> {
        let model = RunModel::primary(&settings)?;
        let vectors = model
            .capabilities()
            .body
            .is_embedding()
            .then(embedding_schema);
        let schema = vectors.as_ref().or(schema);
        let schema = schema.map(Schema::compile).transpose()?.map(Arc::new);
        let requests = requests(&settings, &model, prompts, schema.as_deref());
        let form = requests.first_form();
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
        let encoder = RecordEncoder::new(&requests.body(&form), PROMPT_SLOT, template, options)?;
        let fallback = Self::fallback_of(&settings, &model, prompts, schema.as_ref(), &encoder)?;
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
            model,
            schema: answers(schema.as_ref(), &requests, &form)?,
            requests,
            form,
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
        primary: &RunModel,
        prompts: &Prompts,
        schema: Option<&Arc<Schema>>,
        encoder: &RecordEncoder,
    ) -> Result<Option<Fallback>, AskingError> {
        let Some(model) = RunModel::fallback(settings)? else {
            return Ok(None);
        };
        let is_embedding = |model: &RunModel| model.capabilities().body.is_embedding();
        if is_embedding(&model) != is_embedding(primary) {
            return Err(AskingError::FallbackKind {
                fallback: model.id().to_owned(),
                primary: primary.id().to_owned(),
            });
        }
        let requests = requests(settings, &model, prompts, schema.map(|schema| &**schema));
        let id = model.id().to_owned();
        let fallback = Fallback::new(id, requests, schema, encoder.body().clone())?;
        Ok(Some(fallback))
    }

    /// Rebuilds what a plan asks.
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

    /// Returns the same run with another form of requests, whose answers are read accordingly.
    ///
    /// # Errors
    ///
    /// [`AskingError::Form`] if the model is known to refuse the form.
    pub fn with_form(self, form: &RequestForm) -> Result<Self, AskingError> {
        check_form(&self.requests, form, &self.settings.effective_model_id())?;
        let encoder = RecordEncoder::new(
            &self.requests.body(form),
            PROMPT_SLOT,
            self.encoder.template().clone(),
            *self.encoder.options(),
        )?;
        let behind = |fallback: Fallback| fallback.behind(encoder.body().clone());
        Ok(Self {
            schema: answers(self.schema.as_ref(), &self.requests, form)?,
            form: form.clone(),
            fallback: self.fallback.map(behind),
            encoder,
            ..self
        })
    }

    /// Returns the same run with another form of requests to the fallback model. Without a fallback
    /// model nothing changes.
    ///
    /// # Errors
    ///
    /// [`AskingError::Form`] if that model is known to refuse the form.
    pub fn with_fallback_form(self, form: &RequestForm) -> Result<Self, AskingError> {
        let fallback = self
            .fallback
            .map(|fallback| fallback.with_form(form))
            .transpose()?;
        Ok(Self { fallback, ..self })
    }

    /// Returns the form to try after the service has refused the present one with `refusal`. `None`
    /// if the text names nothing that can be sent differently.
    pub fn form_after(&self, refusal: &str) -> Option<RequestForm> {
        self.requests.form_after(&self.form, refusal)
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The run's own model.
    pub fn model(&self) -> &RunModel {
        &self.model
    }

    /// The parts of a prompt that the prompts file defines.
    pub fn prompt_parts(&self) -> PromptParts {
        self.prompt_parts
    }

    /// Returns an encoder of records. Each has its own buffers.
    pub fn encoder(&self) -> RecordEncoder {
        self.encoder.clone()
    }

    /// Returns the limits that decide which records can be sent.
    pub fn record_limits(&self) -> RecordLimits {
        RecordLimits::new(
            self.settings.max_bytes_per_job,
            self.requests.capabilities(),
            self.encoder.body().with_prompt("").len(),
        )
    }

    /// Notes on the parts of the schema that have no effect, or not the effect that they seem to
    /// have.
    pub fn schema_notes(&self) -> &[String] {
        self.schema.as_deref().map_or(&[], Schema::notes)
    }

    /// The columns that the prompt uses.
    pub fn projection(&self) -> &[String] {
        self.encoder.template().columns()
    }

    /// Whether the prompt shows whole rows of such a table, as JSON.
    pub fn shows_whole_row(&self, table_columns: &[String]) -> bool {
        self.encoder.template().shows_whole_row(table_columns)
    }

    /// The fallback model, if there is one.
    pub fn fallback(&self) -> Option<&Fallback> {
        self.fallback.as_ref()
    }

    /// Returns the reader of the run's own model's answers.
    pub fn reader(&self) -> Reader {
        Reader::new(self.schema.clone(), self.form.enforcement.is_prefilled())
    }

    /// Returns the reader of the fallback model's answers.
    pub fn fallback_reader(&self) -> Option<Reader> {
        let fallback = self.fallback.as_ref()?;
        Some(Reader::new(
            fallback.schema(),
            fallback.form().enforcement.is_prefilled(),
        ))
    }

    /// The result columns.
    pub fn columns(&self) -> &ResultColumns {
        &self.columns
    }

    /// Refuses a table that lacks a column of the prompt, or already has a result column.
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

/// Builds the requests of a model.
fn requests(
    settings: &Settings,
    model: &RunModel,
    prompts: &Prompts,
    schema: Option<&Schema>,
) -> RequestBuilder {
    let effort = settings.effort.filter(|effort| model.takes_effort(*effort));
    let body = BodySettings {
        max_tokens: model.max_tokens(settings),
        temperature: settings.temperature,
        top_p: settings.top_p,
        thinking_off: settings.thinking == ThinkingSetting::Off,
        effort: effort.map(Effort::as_str),
    };
    let schema = schema.filter(|_| settings.use_structured_output);
    RequestBuilder::new(
        body,
        model.capabilities(),
        prompts.system(),
        schema.map(Schema::understood),
    )
}

/// Returns the schema that comes with the run's model: an embedding model always answers with a
/// vector.
pub fn own_schema(settings: &Settings) -> Result<Option<Value>, AskingError> {
    let model = RunModel::primary(settings)?;
    let vectors = model.capabilities().body.is_embedding();
    Ok(vectors.then(embedding_schema))
}

/// Whether records hold `Converse` bodies.
pub fn converse(settings: &Settings) -> Result<bool, AskingError> {
    let model = RunModel::primary(settings)?;
    Ok(model.capabilities().invocation == Invocation::Converse)
}
