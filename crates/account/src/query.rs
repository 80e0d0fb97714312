//! The Query protocol of CloudFormation and IAM: form fields are posted, and XML comes back.

use quarry_edge::failure::Failure;
use quarry_edge::signed::{ErrorBody, Protocol, SignedCalls};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The protocol.
pub(crate) const QUERY: Protocol = Protocol {
    content_type: "application/x-www-form-urlencoded; charset=utf-8",
    read_error,
};

/// A list as the protocol writes it.
#[derive(Debug, Deserialize)]
pub(crate) struct Members<T> {
    #[serde(rename = "member", default = "Vec::new")]
    pub(crate) members: Vec<T>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self {
            members: Vec::new(),
        }
    }
}

/// Calls an operation of a version of an API and parses the response.
pub(crate) async fn call<T: DeserializeOwned>(
    calls: &SignedCalls,
    version: &str,
    operation: &'static str,
    input: &[(String, String)],
) -> Result<T, Failure> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", operation)
        .append_pair("Version", version);
    for (name, value) in input {
        form.append_pair(name, value);
    }
    let answer = calls.post(operation, &[], form.finish()).await?;
    let text = String::from_utf8_lossy(&answer);
    quick_xml::de::from_str(&text).map_err(|error| Failure::not_understood(operation, error))
}

#[derive(Debug, Deserialize)]
struct ErrorResponse {
    #[serde(rename = "Error")]
    error: ErrorDetail,
}

#[derive(Debug, Deserialize)]
struct ErrorDetail {
    #[serde(rename = "Code")]
    code: Option<String>,
    #[serde(rename = "Message")]
    message: Option<String>,
}

fn read_error(body: &[u8]) -> ErrorBody {
    let text = String::from_utf8_lossy(body);
    match quick_xml::de::from_str::<ErrorResponse>(&text) {
        Ok(ErrorResponse { error }) => ErrorBody {
            code: error.code,
            message: error.message,
        },
        Err(_) => ErrorBody::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_its_code_and_message() {
        let body = br#"<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
            <Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id x does not exist</Message></Error>
            <RequestId>r</RequestId></ErrorResponse>"#;
        let error = read_error(body);
        assert_eq!(error.code.as_deref(), Some("ValidationError"));
        assert_eq!(
            error.message.as_deref(),
            Some("Stack with id x does not exist")
        );
        assert_eq!(read_error(b"busy"), ErrorBody::default());
    }
}
