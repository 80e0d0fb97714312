//! The names of files of a run on one machine.

/// The bucket of the local stack, which is a folder that is gone when the run has ended.
const LOCAL_BUCKET: &str = "s3://quarry-local/";

/// Returns a text with the names of files in place of their locations in the local stack: `schema.json` for
/// `s3://quarry-local/pipeline/schema.json`. Other locations stay.
pub(super) fn without_local_bucket(text: &str) -> String {
    let mut parts = text.split(LOCAL_BUCKET);
    let mut named = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // The first folder is the stack's own.
        let end = part.find(char::is_whitespace).unwrap_or(part.len());
        let slash = part[..end].find('/').map_or(0, |slash| slash + 1);
        let start = if slash < end { slash } else { 0 };
        named.push_str(&part[start..]);
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_local_stack_are_named_as_files_and_other_locations_stay() {
        for (text, named) in [
            ("s3://quarry-local/pipeline/schema.json", "schema.json"),
            (
                "s3://acme/pipeline/schema.json",
                "s3://acme/pipeline/schema.json",
            ),
            (
                "s3://quarry-local/data/train/a.csv is empty; s3://quarry-local/data/b.csv too",
                "train/a.csv is empty; b.csv too",
            ),
            ("s3://quarry-local/data", "data"),
            (
                "in s3://quarry-local/data/ there is no table",
                "in data/ there is no table",
            ),
            ("ruleset", "ruleset"),
        ] {
            assert_eq!(without_local_bucket(text), named);
        }
    }
}
