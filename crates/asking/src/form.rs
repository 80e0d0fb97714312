//! A form of requests: whether a model takes it, and how answers to it are read.

use crate::error::AskingError;
use quarry_answer::Schema;
use quarry_model::{RequestBuilder, RequestForm};
use std::sync::Arc;

/// Returns the schema of the answers to requests in a form. Some of its properties may have other
/// names in the requests.
pub(crate) fn answers(
    schema: Option<&Arc<Schema>>,
    requests: &RequestBuilder,
    form: &RequestForm,
) -> Result<Option<Arc<Schema>>, AskingError> {
    let Some(schema) = schema else {
        return Ok(None);
    };
    let renamed = requests.renamed(form);
    if renamed.is_empty() && !schema.is_renamed() {
        return Ok(Some(Arc::clone(schema)));
    }
    let schema = Schema::compile(schema.document())?.with_renamed(
        renamed
            .into_iter()
            .map(|property| (property.asked, property.name)),
    );
    Ok(Some(Arc::new(schema)))
}

pub(crate) fn check_form(
    requests: &RequestBuilder,
    form: &RequestForm,
    model_id: &str,
) -> Result<(), AskingError> {
    if requests.takes(form) {
        return Ok(());
    }
    Err(AskingError::Form {
        model: model_id.to_owned(),
        form: form.clone(),
    })
}
