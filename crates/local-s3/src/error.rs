//! The errors of storage, and their S3 error codes.

use s3s::{S3Error, s3_error};
use std::io;

#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    #[error("there is no bucket `{0}`")]
    NoBucket(String),
    #[error("there is no object `{0}`")]
    NoObject(String),
    #[error("there is no upload `{0}`")]
    NoUpload(String),
    #[error("the condition does not hold for `{0}`")]
    Condition(String),
    #[error("`{0}` and objects below it cannot both exist on a file system")]
    FileAndFolder(String),
    #[error("part {0} was not uploaded, or has another ETag")]
    InvalidPart(i32),
    #[error("the parts are not in ascending order")]
    PartOrder,
    #[error("part {0} has {1} bytes; all but the last need 5 MiB")]
    PartTooSmall(i32, u64),
    #[error("the range is not inside the object")]
    Range,
    #[error("{0}")]
    Invalid(String),
    #[error("{0} does not match the body")]
    Digest(&'static str),
    #[error("the request's body was cut")]
    Body(#[source] s3s::StdError),
    #[error("reading or writing a file failed")]
    Io(#[from] io::Error),
}

impl From<StorageError> for S3Error {
    fn from(error: StorageError) -> Self {
        match &error {
            StorageError::NoBucket(_) => s3_error!(NoSuchBucket, "{error}"),
            StorageError::NoObject(_) => s3_error!(NoSuchKey, "{error}"),
            StorageError::NoUpload(_) => s3_error!(NoSuchUpload, "{error}"),
            StorageError::Condition(_) => s3_error!(PreconditionFailed, "{error}"),
            StorageError::InvalidPart(_) => s3_error!(InvalidPart, "{error}"),
            StorageError::PartOrder => s3_error!(InvalidPartOrder, "{error}"),
            StorageError::PartTooSmall(..) => s3_error!(EntityTooSmall, "{error}"),
            StorageError::Range => s3_error!(InvalidRange, "{error}"),
            StorageError::Digest(_) => s3_error!(BadDigest, "{error}"),
            StorageError::Body(_) => s3_error!(IncompleteBody, "{error}"),
            StorageError::FileAndFolder(_) | StorageError::Invalid(_) => {
                s3_error!(InvalidRequest, "{error}")
            }
            StorageError::Io(_) => Self::internal_error(error),
        }
    }
}
