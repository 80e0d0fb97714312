//! S3 through the AWS SDK, streams over it, and fakes.
