//! The two kinds of event, as EventBridge and SQS deliver them, reduced to the members that
//! `trigger` uses.

use quarry_contract::location::{LocationError, S3Uri};
use quarry_edge::telemetry::{About, CallSubject};
use serde::Deserialize;
use serde_json::Value;

/// The event that `trigger` is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub enum TriggerEvent {
    /// S3 "Object Created" through EventBridge.
    ObjectCreated(ObjectCreated),
    /// Messages of an SQS queue.
    Messages(Vec<Message>),
}

/// Why an event is of neither kind.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It is neither an EventBridge event nor a batch of messages.
    #[error(
        "neither an EventBridge event (`detail-type`) nor a batch of SQS messages (`Records`); \
         send S3 events through EventBridge"
    )]
    Unknown,
    /// It is another EventBridge event.
    #[error(
        "`{detail_type}` of `{source_name}` is not an event that starts a run; correct the rule"
    )]
    Other {
        /// `detail-type`.
        detail_type: String,
        /// `source`.
        source_name: String,
    },
    /// It is the right event, but not in the documented form.
    #[error("the event cannot be read")]
    Form(#[from] serde_json::Error),
    /// Its object is not a valid location.
    #[error(transparent)]
    Location(#[from] LocationError),
}

/// An object that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The object; EventBridge does not encode keys.
    pub object: S3Uri,
    /// Its version, in a bucket with versioning.
    pub version: Option<String>,
    /// Its `ETag`, without quotes.
    pub etag: Option<String>,
    /// Orders the writes of the same key.
    pub sequencer: Option<String>,
    /// When the event happened, RFC 3339.
    pub time: Option<String>,
}

/// A message of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Message {
    /// The message's id, which identifies it if it fails.
    #[serde(rename = "messageId")]
    pub id: String,
    /// The message's text.
    pub body: String,
    /// `aws:sqs`.
    #[serde(rename = "eventSource")]
    source: String,
}

#[derive(Deserialize)]
struct ArrivalDetail {
    bucket: ArrivalBucket,
    object: ArrivalObject,
}

#[derive(Deserialize)]
struct ArrivalBucket {
    name: String,
}

#[derive(Deserialize)]
struct ArrivalObject {
    key: String,
    #[serde(default)]
    etag: Option<String>,
    #[serde(default, rename = "version-id")]
    version_id: Option<String>,
    #[serde(default)]
    sequencer: Option<String>,
}

impl About for TriggerEvent {
    /// The run's name is derived later from the event, and a batch concerns several runs.
    fn subject(&self) -> CallSubject {
        CallSubject::default()
    }
}

impl TryFrom<Value> for TriggerEvent {
    type Error = EventError;

    fn try_from(mut value: Value) -> Result<Self, EventError> {
        if let Some(records) = value.get_mut("Records") {
            let messages: Vec<Message> = serde_json::from_value(records.take())?;
            return match messages.iter().find(|message| message.source != "aws:sqs") {
                Some(_) => Err(EventError::Unknown),
                None => Ok(Self::Messages(messages)),
            };
        }
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(detail_type), Some(source_name)) = (text("detail-type"), text("source")) else {
            return Err(EventError::Unknown);
        };
        if (detail_type.as_str(), source_name.as_str()) != ("Object Created", "aws.s3") {
            return Err(EventError::Other {
                detail_type,
                source_name,
            });
        }
        let time = text("time");
        let ArrivalDetail { bucket, object } =
            serde_json::from_value(value.get_mut("detail").map(Value::take).unwrap_or_default())?;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Self::ObjectCreated(ObjectCreated {
            object: S3Uri::new(bucket.name, object.key)?,
            // S3 gives `null` to objects from before versioning, so it identifies no version.
            version: given(object.version_id).filter(|version| version != "null"),
            etag: given(object.etag).map(|etag| etag.trim_matches('"').to_owned()),
            sequencer: given(object.sequencer),
            time: given(time),
        }))
    }
}
