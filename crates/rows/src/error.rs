//! Why rows cannot be read.

use quarry_edge::error::{StepError, StepErrorKind};
use quarry_edge::store::StoreError;
use quarry_parquet::FileError;
use quarry_table::TableError;

/// Why rows cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The object cannot be read.
    #[error("reading {name}")]
    Store {
        /// The file's name.
        name: String,
        /// The store's error.
        source: StoreError,
    },
    /// The file is not a table of its text format.
    #[error(transparent)]
    Text(#[from] TableError),
    /// The file is not Parquet, or has contents that cannot be used.
    #[error(transparent)]
    Parquet(FileError),
    /// The decoding thread ended before the last row.
    #[error("{0} could not be decoded to its end; write the file again")]
    Ended(String),
}

impl From<FileError> for RowsError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Read { file, source } => match source.into_inner().downcast() {
                Ok(source) => Self::Store {
                    name: file,
                    source: *source,
                },
                Err(source) => Self::Store {
                    source: StoreError::Unavailable(file.clone(), source),
                    name: file,
                },
            },
            other => Self::Parquet(other),
        }
    }
}

impl From<RowsError> for StepError {
    fn from(error: RowsError) -> Self {
        match error {
            // What changed is an input or a copy of one. Every other object is one of the run's own.
            RowsError::Store {
                name,
                source: source @ StoreError::Changed(_),
            } => {
                Self::new(StepErrorKind::DataChanged, format!("reading {name}")).with_source(source)
            }
            RowsError::Store { name, source } => StepError::of(source, format!("reading {name}")),
            other => Self::bad_request(other),
        }
    }
}
