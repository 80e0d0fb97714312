//! Finding and reading the prompts and the schema.

use quarry_contract::json_document::read_document;
use quarry_contract::location::S3Uri;
use quarry_contract::schema_file::{SCHEMA_FILES, is_json, last_schema, without_top_reference};
use quarry_contract::settings::Settings;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::store::{ObjectStore, StoreError};
use quarry_prompt::Prompts;
use serde_json::Value;

/// The largest prompts or schema file, bytes. Its content becomes part of every record.
const MAX_SOURCE_BYTES: u64 = 16 * 1024 * 1024;

/// Reads `prompts.json`. `at` is the file, or the folder that holds it.
pub(crate) async fn prompts(
    store: &dyn ObjectStore,
    at: &S3Uri,
) -> Result<(Value, Prompts), StepError> {
    let file = if is_json(at.key()) {
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
        other => other.doing(|| format!("reading {file}"))?,
    };
    let prompts = Prompts::checked(&body)
        .map_err(|error| StepError::bad_request(format!("{file}: {error}")))?;
    let value = read_document(&body).map_err(StepError::bad_request)?;
    Ok((value, prompts))
}

/// Returns the schema of the run and where it is from. The sources are tried in the order of the
/// original: the ruleset, the schema file, the setting, the names of the rules. An embedding model
/// has its own.
pub(crate) async fn schema(
    store: &dyn ObjectStore,
    at: Option<&S3Uri>,
    settings: &Settings,
    prompts: &Prompts,
    of_model: Option<Value>,
    notes: &mut Vec<String>,
) -> Result<Option<(Value, String)>, StepError> {
    if let Some(schema) = of_model {
        if at.is_some() || settings.validation_schema.is_some() || prompts.output_schema().is_some()
        {
            notes.push(
                "the schema is not used: an embedding model answers with a vector, which is the result"
                    .to_owned(),
            );
        }
        return Ok(Some((schema, "embedding model".to_owned())));
    }
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
            other => other.doing(|| format!("reading {file}"))?,
        };
        let name = file.to_string();
        match parse(&body, &name)? {
            Some(schema) => return Ok(Some((schema, name))),
            None => notes.push(format!("{name} {IS_NONE}")),
        }
    }
    if let Some(text) = &settings.validation_schema {
        let name = "BEDROCK_VALIDATION_SCHEMA";
        match parse(text.as_bytes(), name)? {
            Some(schema) => return Ok(Some((schema, name.to_owned()))),
            None => notes.push(format!("{name} {IS_NONE}")),
        }
    }
    Ok(prompts
        .rules()
        .output_schema()
        .map(|schema| (schema, "rule names".to_owned())))
}

async fn schema_file(store: &dyn ObjectStore, at: &S3Uri) -> Result<S3Uri, StepError> {
    if is_json(at.key()) {
        return Ok(at.clone());
    }
    let folder = at.join("");
    let found = store
        .list(&folder)
        .await
        .doing(|| format!("listing {folder}"))?;
    let files = found.into_iter().map(|object| object.location);
    last_schema(files, S3Uri::file_name).ok_or_else(|| {
        StepError::bad_request(format!(
            "there is no {SCHEMA_FILES} in {folder}; put one there or correct `schema`"
        ))
    })
}

/// The summary's note about a source that is skipped.
const IS_NONE: &str = "has no `properties`, so it counts as no schema";

/// Keywords that give a schema a meaning even without `properties`.
const OTHER_SHAPES: [&str; 14] = [
    "$dynamicRef",
    "$ref",
    "allOf",
    "anyOf",
    "const",
    "dependentSchemas",
    "else",
    "enum",
    "if",
    "items",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "then",
];

/// Keys of prompts, which nobody writes into a schema.
const PROMPT_KEYS: [&str; 4] = ["user_prompt_template", "system_prompt", "ruleset", "rules"];

/// Reads a schema. Returns `None` for one that says nothing about an answer (`{}`, no properties).
fn parse(body: &[u8], name: &str) -> Result<Option<Value>, StepError> {
    let schema = read_document(body).map_err(|error| {
        StepError::bad_request(format!(
            "{name} is not valid JSON: {error}; correct it at that line and column"
        ))
    })?;
    let schema = without_top_reference(schema);
    let Value::Object(members) = &schema else {
        return Err(not_an_object_schema(name));
    };
    match members.get("properties") {
        Some(Value::Object(properties)) if !properties.is_empty() => Ok(Some(schema)),
        None | Some(Value::Null | Value::Object(_)) => {
            let means_an_object = members.get("type").is_none_or(|kind| kind == "object");
            let means_more = OTHER_SHAPES.iter().any(|key| members.contains_key(*key));
            if let Some(key) = PROMPT_KEYS.iter().find(|key| members.contains_key(**key)) {
                Err(StepError::bad_request(format!(
                    "{name} has prompts (`{key}`) and is no schema; give a JSON Schema of an answer, or leave `schema` out"
                )))
            } else if means_an_object && !means_more {
                Ok(None)
            } else {
                Err(not_an_object_schema(name))
            }
        }
        Some(_) => Err(not_an_object_schema(name)),
    }
}

fn not_an_object_schema(name: &str) -> StepError {
    StepError::bad_request(format!(
        "{name} is not a schema of an object: it needs `properties`, which become the result columns"
    ))
}
