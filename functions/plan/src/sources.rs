//! Prompts and schema: where they come from.

use quarry_contract::location::S3Uri;
use quarry_contract::settings::Settings;
use quarry_edge::error::StepError;
use quarry_edge::store::{ObjectStore, StoreError};
use quarry_prompt::Prompts;
use serde_json::Value;

/// The largest prompts or schema file, bytes. It becomes part of every record.
const MAX_SOURCE_BYTES: u64 = 16 * 1024 * 1024;

/// Reads `prompts.json`; `at` is the file or the folder that holds it.
pub(crate) async fn prompts(
    store: &dyn ObjectStore,
    at: &S3Uri,
) -> Result<(Value, Prompts), StepError> {
    let file = if is_json(at) {
        at.clone()
    } else {
        at.join("prompts.json")
    };
    let body = match store.get(&file, MAX_SOURCE_BYTES).await {
        Err(StoreError::NotFound(_)) => {
            return Err(StepError::bad_request(format!(
                "there are no prompts at {file}; put prompts.json there or correct `prompts`"
            )));
        }
        other => other.map_err(|error| error.into_step(&format!("reading {file}")))?,
    };
    let prompts = Prompts::parse(&body).map_err(|error| StepError::BadRequest {
        message: format!("{file}: {error}"),
        source: None,
    })?;
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&body);
    let value = serde_json::from_slice(text).map_err(StepError::bad_request)?;
    Ok((value, prompts))
}

/// The schema in force and where it is from, in the original's order: the ruleset, the schema
/// file, the setting, the names of the rules.
pub(crate) async fn schema(
    store: &dyn ObjectStore,
    at: Option<&S3Uri>,
    settings: &Settings,
    prompts: &Prompts,
    notes: &mut Vec<String>,
) -> Result<Option<(Value, String)>, StepError> {
    if let Some(schema) = prompts.output_schema() {
        if let Some(at) = at {
            notes.push(format!(
                "the schema at {at} is not used: the ruleset has its own"
            ));
        }
        return Ok(Some((schema.clone(), "ruleset".to_owned())));
    }
    if let Some(at) = at {
        let file = schema_file(store, at).await?;
        let body = match store.get(&file, MAX_SOURCE_BYTES).await {
            Err(StoreError::NotFound(_)) => {
                return Err(StepError::bad_request(format!(
                    "there is no schema at {file}; put it there or correct `schema`"
                )));
            }
            other => other.map_err(|error| error.into_step(&format!("reading {file}")))?,
        };
        return parse(&body, &file.to_string()).map(|schema| Some((schema, file.to_string())));
    }
    if let Some(text) = &settings.validation_schema {
        let name = "BEDROCK_VALIDATION_SCHEMA";
        return parse(text.as_bytes(), name).map(|schema| Some((schema, name.to_owned())));
    }
    Ok(prompts
        .rules()
        .output_schema()
        .map(|schema| (schema, "rule names".to_owned())))
}

async fn schema_file(store: &dyn ObjectStore, at: &S3Uri) -> Result<S3Uri, StepError> {
    if is_json(at) {
        return Ok(at.clone());
    }
    let folder = at.join("");
    let found = store
        .list(&folder)
        .await
        .map_err(|error| error.into_step(&format!("listing {folder}")))?;
    found
        .into_iter()
        .map(|object| object.location)
        .filter(|location| {
            let name = location.file_name();
            name.starts_with("validation_schema_") && is_json(location)
        })
        .max_by(|a, b| a.file_name().cmp(b.file_name()))
        .ok_or_else(|| {
            StepError::bad_request(format!(
                "there is no validation_schema_*.json in {folder}; put one there or correct `schema`"
            ))
        })
}

fn parse(body: &[u8], name: &str) -> Result<Value, StepError> {
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let schema: Value = serde_json::from_slice(text).map_err(|error| StepError::BadRequest {
        message: format!("{name} is not valid JSON: {error}; correct it at that line and column"),
        source: None,
    })?;
    if schema
        .get("properties")
        .and_then(Value::as_object)
        .is_none_or(serde_json::Map::is_empty)
    {
        return Err(StepError::bad_request(format!(
            "{name} is not a schema of an object: it needs `properties`, which become the result columns"
        )));
    }
    Ok(schema)
}

fn is_json(at: &S3Uri) -> bool {
    at.key().to_ascii_lowercase().ends_with(".json")
}
