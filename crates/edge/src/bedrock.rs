//! Bedrock through the AWS SDK.
