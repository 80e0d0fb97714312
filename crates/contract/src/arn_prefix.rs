//! Places in S3 that a deployment lists as ARNs: its parameters `ReadableArns` and `WritableArns`.

use crate::location::S3Uri;

/// A bucket, and the prefix of the keys of its objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArnPrefix {
    bucket: String,
    key: String,
}

/// A text that is no S3 ARN with `*` at its end only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}`; expected an S3 ARN with `*` at its end only, e.g. arn:aws:s3:::tables/strikes/*")]
pub struct InvalidArnPrefix(String);

impl ArnPrefix {
    /// Reads a list of ARNs, separated by commas.
    ///
    /// An ARN without a key is the bucket itself. It allows listing, so it gives access to no
    /// objects here.
    ///
    /// # Errors
    ///
    /// The first text that is not an S3 ARN, or has a `*` before its end.
    pub fn list(arns: &str) -> Result<Vec<Self>, InvalidArnPrefix> {
        let mut found = Vec::new();
        for arn in arns.split(',').map(str::trim).filter(|arn| !arn.is_empty()) {
            let invalid = || InvalidArnPrefix(arn.to_owned());
            // arn:<partition>:s3:::<bucket>[/<key>]
            let resource = arn.splitn(6, ':').nth(5).ok_or_else(invalid)?;
            let Some((bucket, key)) = resource.split_once('/') else {
                continue;
            };
            let key = key.strip_suffix('*').unwrap_or(key);
            if bucket.is_empty() || bucket.contains(['*', '?']) || key.contains(['*', '?']) {
                return Err(invalid());
            }
            found.push(Self {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            });
        }
        Ok(found)
    }

    /// Whether a place is one of these, or below them.
    pub fn holds(&self, place: &S3Uri) -> bool {
        self.bucket == place.bucket() && place.key().starts_with(&self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_the_objects_below_its_places_and_no_others() {
        let list = ArnPrefix::list("arn:aws:s3:::tables, arn:aws:s3:::tables/strikes/*,").unwrap();
        assert_eq!(list.len(), 1);
        for (place, is_held) in [
            ("s3://tables/strikes/a.csv", true),
            ("s3://tables/strikes/", true),
            ("s3://tables/strikes", false),
            ("s3://tables/strikes-2/a.csv", false),
            ("s3://other/strikes/a.csv", false),
        ] {
            assert_eq!(list[0].holds(&place.parse().unwrap()), is_held, "{place}");
        }
    }

    #[test]
    fn a_star_before_the_end_and_other_texts_are_refused() {
        for arns in [
            "arn:aws:s3:::ta*les/x",
            "arn:aws:s3:::tables/*/x",
            "tables/x",
        ] {
            let text = ArnPrefix::list(arns).unwrap_err().to_string();
            assert!(
                text.starts_with(&format!("`{arns}`; expected an S3 ARN")),
                "{text}"
            );
        }
    }
}
