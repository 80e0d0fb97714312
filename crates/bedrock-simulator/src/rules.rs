//! The rules of a `CreateModelInvocationJob` request: the patterns and limits of the API's model.

use crate::api::ApiError;
use serde_json::{Map, Value};
use std::time::Duration;

/// A location in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) bucket: String,
    /// Without a `/` at either end.
    pub(crate) key: String,
}

/// A valid request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JobRequest {
    pub(crate) name: String,
    pub(crate) token: Option<String>,
    pub(crate) model_id: String,
    pub(crate) converse: bool,
    pub(crate) input: Location,
    pub(crate) output: Location,
    pub(crate) timeout: Duration,
    /// The body as it arrived.
    pub(crate) body: Map<String, Value>,
}

impl JobRequest {
    /// Reads and checks a request body.
    pub(crate) fn read(body: &[u8]) -> Result<Self, ApiError> {
        let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
            return Err(ApiError::serialization(
                "the request body is no JSON object",
            ));
        };
        let name = required(&body, "jobName")?;
        if !is_job_name(name) {
            return Err(pattern(
                name,
                "jobName",
                r"[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9\+\-\.]){0,63}",
            ));
        }
        let role = required(&body, "roleArn")?;
        if !is_role_arn(role) {
            return Err(pattern(
                role,
                "roleArn",
                "arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+",
            ));
        }
        let model_id = required(&body, "modelId")?;
        if !is_model_id(model_id) {
            return Err(pattern(
                model_id,
                "modelId",
                "a foundation model id, an inference profile id or their ARN",
            ));
        }
        let token = optional(&body, "clientRequestToken")?;
        if let Some(token) = token
            && !is_token(token)
        {
            return Err(pattern(
                token,
                "clientRequestToken",
                "[a-zA-Z0-9]{1,256}(-*[a-zA-Z0-9]){0,256}",
            ));
        }
        let converse = asks_converse(&body)?;
        let input = s3_config(&body, "inputDataConfig", "s3InputDataConfig")?;
        if let Some(format) = optional(input, "s3InputFormat")?
            && format != "JSONL"
        {
            return Err(ApiError::constraint(
                format,
                "inputDataConfig.s3InputDataConfig.s3InputFormat",
                "Member must satisfy enum value set: [JSONL]",
            ));
        }
        let output = s3_config(&body, "outputDataConfig", "s3OutputDataConfig")?;
        if let Some(key) = optional(output, "s3EncryptionKeyId")?
            && !is_kms_key(key)
        {
            return Err(pattern(
                key,
                "outputDataConfig.s3OutputDataConfig.s3EncryptionKeyId",
                "a key id, a key ARN, an alias or an alias ARN",
            ));
        }
        let timeout = timeout(&body)?;
        check_vpc(&body)?;
        check_tags(&body)?;
        Ok(Self {
            name: name.to_owned(),
            token: token.map(str::to_owned),
            model_id: model_id.to_owned(),
            converse,
            input: location(input, "inputDataConfig.s3InputDataConfig")?,
            output: location(output, "outputDataConfig.s3OutputDataConfig")?,
            timeout,
            body,
        })
    }
}

fn pattern(value: &str, member: &str, pattern: &str) -> ApiError {
    ApiError::constraint(
        value,
        member,
        &format!("Member must satisfy regular expression pattern: {pattern}"),
    )
}

fn asks_converse(body: &Map<String, Value>) -> Result<bool, ApiError> {
    match optional(body, "modelInvocationType")? {
        None | Some("InvokeModel") => Ok(false),
        Some("Converse") => Ok(true),
        Some(other) => Err(ApiError::constraint(
            other,
            "modelInvocationType",
            "Member must satisfy enum value set: [InvokeModel, Converse]",
        )),
    }
}

fn optional<'b>(body: &'b Map<String, Value>, name: &str) -> Result<Option<&'b str>, ApiError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ApiError::serialization(format!("{name} is no string"))),
    }
}

fn required<'b>(body: &'b Map<String, Value>, name: &str) -> Result<&'b str, ApiError> {
    optional(body, name)?
        .ok_or_else(|| ApiError::constraint("null", name, "Member must not be null"))
}

fn s3_config<'b>(
    body: &'b Map<String, Value>,
    outer: &str,
    inner: &str,
) -> Result<&'b Map<String, Value>, ApiError> {
    let Some(Value::Object(config)) = body.get(outer) else {
        return Err(ApiError::constraint(
            "null",
            outer,
            "Member must not be null",
        ));
    };
    match config.get(inner) {
        Some(Value::Object(s3)) if config.len() == 1 => Ok(s3),
        _ => Err(ApiError::validation(format!(
            "{outer} must have exactly one member, {inner}"
        ))),
    }
}

fn location(config: &Map<String, Value>, at: &str) -> Result<Location, ApiError> {
    if let Some(owner) = optional(config, "s3BucketOwner")?
        && !(owner.len() == 12 && owner.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(pattern(owner, &format!("{at}.s3BucketOwner"), "[0-9]{12}"));
    }
    let uri = required(config, "s3Uri")?;
    read_location(uri).ok_or_else(|| {
        pattern(
            uri,
            &format!("{at}.s3Uri"),
            r"s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](?:/[-!_*'().a-z0-9A-Z]+(?:/[-!_*'().a-z0-9A-Z]+)*)?/?",
        )
    })
}

/// The service accepts fewer characters than S3: no `=`, `+`, `:`, space, `%`, and no empty
/// segment.
fn read_location(uri: &str) -> Option<Location> {
    if uri.len() > 1_024 {
        return None;
    }
    let rest = uri.strip_prefix("s3://")?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    let bucket_byte = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
    let edge_byte = |b: Option<&u8>| matches!(b, Some(b'a'..=b'z' | b'0'..=b'9'));
    let bytes = bucket.as_bytes();
    let good_bucket = (3..=63).contains(&bytes.len())
        && bytes.iter().all(|b| bucket_byte(*b))
        && edge_byte(bytes.first())
        && edge_byte(bytes.last());
    let key = key.strip_suffix('/').unwrap_or(key);
    let good_key = key.is_empty()
        || key.split('/').all(|segment| {
            !segment.is_empty()
                && segment.bytes().all(|b| {
                    b.is_ascii_alphanumeric()
                        || matches!(b, b'-' | b'!' | b'_' | b'*' | b'\'' | b'(' | b')' | b'.')
                })
        });
    (good_bucket && good_key).then(|| Location {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
    })
}

fn timeout(body: &Map<String, Value>) -> Result<Duration, ApiError> {
    let hours = match body.get("timeoutDurationInHours") {
        None | Some(Value::Null) => return Ok(Duration::from_hours(24)),
        Some(value) => value
            .as_i64()
            .ok_or_else(|| ApiError::serialization("timeoutDurationInHours is no integer"))?,
    };
    let member = "timeoutDurationInHours";
    let hours = match hours {
        ..24 => Err("Member must have value greater than or equal to 24"),
        24..=168 => u64::try_from(hours).map_err(|_| "Member must be positive"),
        _ => Err("Member must have value less than or equal to 168"),
    }
    .map_err(|constraint| ApiError::constraint(&hours.to_string(), member, constraint))?;
    Ok(Duration::from_hours(hours))
}

fn check_vpc(body: &Map<String, Value>) -> Result<(), ApiError> {
    let Some(vpc) = body.get("vpcConfig").filter(|vpc| !vpc.is_null()) else {
        return Ok(());
    };
    for (name, most) in [("subnetIds", 16), ("securityGroupIds", 5)] {
        let count = vpc.get(name).and_then(Value::as_array).map_or(0, Vec::len);
        if count == 0 || count > most {
            return Err(ApiError::constraint(
                &count.to_string(),
                &format!("vpcConfig.{name}"),
                &format!("Member must have length between 1 and {most}"),
            ));
        }
    }
    Ok(())
}

fn check_tags(body: &Map<String, Value>) -> Result<(), ApiError> {
    let tags = match body.get("tags") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(tags)) => tags,
        Some(_) => return Err(ApiError::serialization("tags is no list")),
    };
    if tags.len() > 200 {
        return Err(ApiError::constraint(
            &tags.len().to_string(),
            "tags",
            "Member must have length less than or equal to 200",
        ));
    }
    let mut keys: Vec<&str> = Vec::with_capacity(tags.len());
    for (index, tag) in tags.iter().enumerate() {
        for (name, least, most) in [("key", 1, 128), ("value", 0, 256)] {
            let at = format!("tags.{}.member.{name}", index + 1);
            let text = tag
                .get(name)
                .and_then(Value::as_str)
                .ok_or_else(|| ApiError::constraint("null", &at, "Member must not be null"))?;
            if !(least..=most).contains(&text.chars().count()) {
                return Err(ApiError::constraint(
                    text,
                    &at,
                    &format!("Member must have length between {least} and {most}"),
                ));
            }
            let good = text.chars().all(|c| {
                c.is_ascii_alphanumeric()
                    || c.is_ascii_whitespace()
                    || matches!(c, '.' | '_' | ':' | '/' | '=' | '+' | '@' | '-')
            });
            if !good {
                return Err(pattern(text, &at, r"[a-zA-Z0-9\s._:/=+@-]*"));
            }
        }
        let key = tag.get("key").and_then(Value::as_str).unwrap_or_default();
        if keys.contains(&key) {
            return Err(ApiError::validation(format!("Duplicate tag key: {key}")));
        }
        keys.push(key);
    }
    Ok(())
}

/// This is also the pattern of `nameContains`.
pub(crate) fn is_job_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

fn is_token(token: &str) -> bool {
    (1..=256).contains(&token.len())
        && token.starts_with(|c: char| c.is_ascii_alphanumeric())
        && token.ends_with(|c: char| c.is_ascii_alphanumeric())
        && token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_partition(name: &str) -> bool {
    name == "aws"
        || name
            .strip_prefix("aws-")
            .is_some_and(|rest| !rest.is_empty())
}

fn is_account(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit())
}

fn is_role_arn(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    arn.len() <= 2_048
        && next() == "arn"
        && is_partition(next())
        && next() == "iam"
        && next().is_empty()
        && Some(next()).is_some_and(|account| account.is_empty() || is_account(account))
        && next()
            .strip_prefix("role/")
            .is_some_and(|name| !name.is_empty())
}

/// Whether this is a foundation model's or profile's id, or a model's or profile's ARN.
pub(crate) fn is_model_id(id: &str) -> bool {
    if id.is_empty() || id.len() > 2_048 {
        return false;
    }
    let name = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':' | b'_'))
    };
    let Some(rest) = id.strip_prefix("arn:") else {
        return name(id) && !id.starts_with(['.', ':', '-', '_']);
    };
    let mut parts = rest.splitn(5, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (partition, service, region, account, resource) = (next(), next(), next(), next(), next());
    let (kind, resource) = resource.split_once('/').unwrap_or_default();
    let own = is_account(account);
    is_partition(partition)
        && service == "bedrock"
        && (1..=20).contains(&region.len())
        && match kind {
            "foundation-model" => account.is_empty() && name(resource),
            "inference-profile" | "application-inference-profile" => own && name(resource),
            "custom-model" => {
                own && resource.split('/').count() == 2 && resource.split('/').all(name)
            }
            _ => false,
        }
}

fn is_kms_key(key: &str) -> bool {
    let id = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/'))
    };
    let uuid =
        |text: &str| text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if key.len() > 2_048 {
        return false;
    }
    if let Some(alias) = key.strip_prefix("alias/") {
        return id(alias);
    }
    let Some(rest) = key.strip_prefix("arn:") else {
        return uuid(key);
    };
    let mut parts = rest.splitn(5, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (partition, service, region, account, resource) = (next(), next(), next(), next(), next());
    is_partition(partition)
        && service == "kms"
        && !region.is_empty()
        && is_account(account)
        && (resource.strip_prefix("key/").is_some_and(id)
            || resource.strip_prefix("alias/").is_some_and(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "jobName": "quarry-1",
            "roleArn": "arn:aws:iam::123456789012:role/batch",
            "modelId": "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "clientRequestToken": "0a-1b",
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://bucket/in/a.jsonl", "s3InputFormat": "JSONL"}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out/"}}
        })
    }

    fn read(body: &Value) -> Result<JobRequest, ApiError> {
        JobRequest::read(body.to_string().as_bytes())
    }

    fn refused(pointer: &str, value: &Value) -> String {
        let mut body = good();
        match body.pointer_mut(pointer) {
            Some(member) => member.clone_from(value),
            None => body[pointer.trim_start_matches('/')] = value.clone(),
        }
        match read(&body) {
            Ok(_) => panic!("{pointer} = {value} was taken"),
            Err(error) => error.message,
        }
    }

    #[test]
    fn a_good_request_is_read() {
        let request = read(&good()).unwrap();
        assert_eq!(request.timeout, Duration::from_hours(24));
        assert_eq!(request.output.key, "out");
        assert!(!request.converse);
    }

    #[test]
    fn names_tokens_and_roles_keep_their_patterns() {
        let long = "a".repeat(64);
        for name in ["", "a_b", "-a", "a b", "ä", &long] {
            assert!(refused("/jobName", &json!(name)).contains("jobName"));
        }
        assert!(is_job_name(&"a".repeat(63)) && is_job_name("a-") && is_job_name("0+.x"));
        for token in ["", "a_b", "a:b", "-a", "a-", &"a".repeat(257)] {
            refused("/clientRequestToken", &json!(token));
        }
        for role in [
            "arn:aws:iam::123:role/a",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:user/a",
            "arn:aw:iam::123456789012:role/a",
        ] {
            refused("/roleArn", &json!(role));
        }
        assert!(is_role_arn("arn:aws-us-gov:iam::123456789012:role/path/a"));
    }

    /// Each case of `tests/recorded/job_name.json` says whether the Python program that Quarry
    /// replaces accepted a name and, if the service and so the simulator refuse it, why.
    #[test]
    fn recorded_job_names_are_taken_as_recorded_or_refused_for_a_reason() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../tests/recorded/job_name.json")).unwrap();
        assert_eq!(cases.len(), 20);
        for case in cases {
            assert_eq!(case["ours"].is_null(), case["reason"].is_null(), "{case}");
            let taken = case["ours"].is_null() && case["expected"] == "ok";
            let name = case["name"].as_str().unwrap();
            assert_eq!(is_job_name(name), taken, "{case}");
        }
    }

    #[test]
    fn models_are_ids_or_arns() {
        for good in [
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3",
            "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.titan/abcdefabcdef",
        ] {
            assert!(is_model_id(good), "{good}");
        }
        for bad in [
            "",
            "a b",
            "arn:aws:bedrock:us-east-1:123456789012:foundation-model/a",
            "arn:aws:bedrock:us-east-1:1:inference-profile/a",
            "arn:aws:s3:::bucket",
        ] {
            assert!(!is_model_id(bad), "{bad}");
        }
    }

    /// S3 accepts such keys, but a job does not.
    #[test]
    fn locations_keep_the_narrow_character_set() {
        let input = "/inputDataConfig/s3InputDataConfig/s3Uri";
        for uri in [
            "s3://bucket/dt=2026-11-22/a.jsonl",
            "s3://bucket/a+b.jsonl",
            "s3://bucket/a b.jsonl",
            "s3://bucket/a:b.jsonl",
            "s3://bucket/a%20b.jsonl",
            "s3://bucket/ä.jsonl",
            "s3://bucket//a.jsonl",
            "s3://my_bucket/a.jsonl",
            "s3://Bucket/a.jsonl",
            "s3://ab",
            "https://bucket/a.jsonl",
        ] {
            assert!(refused(input, &json!(uri)).contains("s3Uri"), "{uri}");
        }
        assert_eq!(
            read_location("s3://bucket/in-1/a_b.(1).jsonl").unwrap().key,
            "in-1/a_b.(1).jsonl"
        );
        refused(input, &json!(format!("s3://bucket/{}", "a".repeat(1_024))));
        refused(
            "/outputDataConfig/s3OutputDataConfig",
            &json!({"s3Uri": "s3://bucket/o", "s3BucketOwner": "12"}),
        );
    }

    #[test]
    fn numbers_tags_and_unions_keep_their_limits() {
        for hours in [0, 23, 169] {
            assert!(refused("/timeoutDurationInHours", &json!(hours)).contains("constraint"));
        }
        refused("/tags", &json!([{"key": "", "value": "v"}]));
        refused("/tags", &json!([{"key": "k", "value": "ä"}]));
        refused("/tags", &json!([{"key": "k"}]));
        refused(
            "/tags",
            &json!([{"key": "k", "value": ""}, {"key": "k", "value": ""}]),
        );
        let many: Vec<Value> = (0..201)
            .map(|i| json!({"key": format!("k{i}"), "value": ""}))
            .collect();
        refused("/tags", &json!(many));
        refused(
            "/vpcConfig",
            &json!({"subnetIds": [], "securityGroupIds": ["a"]}),
        );
        refused("/inputDataConfig", &json!({}));
        refused(
            "/inputDataConfig/s3InputDataConfig/s3InputFormat",
            &json!("CSV"),
        );
        refused("/modelInvocationType", &json!("Chat"));
        let output = |key: &str| json!({"s3Uri": "s3://bucket/o", "s3EncryptionKeyId": key});
        refused("/outputDataConfig/s3OutputDataConfig", &output("a key"));
        let mut body = good();
        body["outputDataConfig"]["s3OutputDataConfig"] = output("alias/quarry");
        read(&body).unwrap();
        body["outputDataConfig"]["s3OutputDataConfig"] =
            output("arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000-0000-0000-000000000000");
        read(&body).unwrap();
    }

    #[test]
    fn what_is_not_a_request_is_refused() {
        assert!(JobRequest::read(b"[]").is_err());
        assert!(
            JobRequest::read(b"{}")
                .unwrap_err()
                .message
                .contains("jobName")
        );
        assert!(JobRequest::read(b"{\"jobName\": 1}").is_err());
    }
}
