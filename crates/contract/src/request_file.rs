//! `request.json`: a request as people write it, beside their data. Locations may be relative to
//! the folder that the file is in.

use crate::VERSION;
use crate::location::{LocationError, S3Uri};
use crate::request::{JobType, Request};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A request with locations that may be relative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestFile {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The data set: a folder, or one file.
    pub data: String,
    /// `prompts.json`, or the folder that holds it.
    pub prompts: String,
    /// A JSON Schema file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Decides the folder layout and the file names.
    pub job_type: JobType,
    /// `BEDROCK_*` settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

impl RequestFile {
    /// The request of a file in `folder`, whose results go to `output`.
    pub fn resolve(self, folder: &S3Uri, output: S3Uri) -> Result<Request, LocationError> {
        let resolve = |text: &str| {
            if text.contains("://") {
                text.parse()
            } else {
                Ok(folder.join(text))
            }
        };
        Ok(Request {
            version: VERSION,
            data: resolve(&self.data)?,
            prompts: resolve(&self.prompts)?,
            schema: self.schema.as_deref().map(resolve).transpose()?,
            output,
            summary: None,
            work: None,
            job_type: self.job_type,
            settings: self.settings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_locations_start_at_the_files_folder() {
        let file: RequestFile = serde_json::from_str(
            r#"{"version":1,"data":"data/","prompts":"s3://other/p.json","job_type":"validation"}"#,
        )
        .unwrap();
        let request = file
            .resolve(
                &"s3://bucket/inbox".parse().unwrap(),
                "s3://bucket/out/".parse().unwrap(),
            )
            .unwrap();
        assert_eq!(request.data.to_string(), "s3://bucket/inbox/data/");
        assert_eq!(request.prompts.to_string(), "s3://other/p.json");
    }
}
