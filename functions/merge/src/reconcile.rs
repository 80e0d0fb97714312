//! Comparing the counts of the lines with the service's own `manifest.json.out`.

use quarry_result::ledger::Counts;
use serde::Deserialize;

/// The largest manifest, bytes. It holds only a handful of numbers.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// The members of `manifest.json.out` (page "View the results of a batch inference job").
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobManifest {
    #[serde(rename = "totalRecordCount")]
    records: Option<u64>,
    #[serde(rename = "successRecordCount")]
    answers: Option<u64>,
    #[serde(rename = "errorRecordCount")]
    errors: Option<u64>,
}

/// What the service counted, according to its `manifest.json.out`.
pub(crate) struct Reconciled {
    /// The number of lines that it wrote; 0 if it does not say.
    pub(crate) lines: u64,
    /// How the lines that were read differ from its counts, as sentences.
    pub(crate) differences: Vec<String>,
}

/// Compares a manifest with the counts of the lines that were read.
pub(crate) fn reconcile(manifest: &[u8], records: u64, counts: &Counts) -> Reconciled {
    let lines = serde_json::from_slice(manifest).map_or(0, |manifest: JobManifest| {
        manifest.answers.unwrap_or_default() + manifest.errors.unwrap_or_default()
    });
    Reconciled {
        lines,
        differences: differences(manifest, records, counts),
    }
}

/// Returns the differences between the lines that were read and what the service counted, as
/// sentences; empty when the two agree.
fn differences(manifest: &[u8], records: u64, counts: &Counts) -> Vec<String> {
    let manifest: JobManifest = match serde_json::from_slice(manifest) {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("manifest.json.out cannot be read: {error}")],
    };
    let pairs = [
        ("records", manifest.records, records),
        (
            "answers",
            manifest.answers,
            counts.answered + counts.contradicted,
        ),
        ("errors", manifest.errors, counts.errors),
    ];
    pairs
        .into_iter()
        .filter_map(|(what, theirs, ours)| {
            theirs
                .filter(|theirs| *theirs != ours)
                .map(|theirs| format!("Bedrock counted {theirs} {what}, the output has {ours}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreeing_counts_give_no_difference_and_others_are_named() {
        let counts = Counts {
            answered: 9,
            errors: 1,
            ..Counts::default()
        };
        let manifest = br#"{"totalRecordCount":10,"processedRecordCount":10,"successRecordCount":9,"errorRecordCount":1}"#;
        assert!(differences(manifest, 10, &counts).is_empty());
        let other = br#"{"totalRecordCount":10,"successRecordCount":10,"errorRecordCount":0}"#;
        assert_eq!(
            differences(other, 10, &counts),
            [
                "Bedrock counted 10 answers, the output has 9",
                "Bedrock counted 0 errors, the output has 1"
            ]
        );
        assert_eq!(differences(b"x", 10, &counts).len(), 1);
    }

    /// Manifests as the service wrote them: six counts in 2025, and later counts of other kinds of
    /// input too.
    #[test]
    fn a_manifest_with_more_counts_is_read() {
        let counts = Counts {
            answered: 2_400,
            ..Counts::default()
        };
        let manifest = r#"{"totalRecordCount":2400,"processedRecordCount":2400,"successRecordCount":2400,"errorRecordCount":0,"inputTokenCount":1951382,"outputTokenCount":405633"#;
        for more in ["}", r#","inputAudioSecond":0,"inputVideoSecond":0.5}"#] {
            let manifest = format!("{manifest}{more}");
            assert!(differences(manifest.as_bytes(), 2_400, &counts).is_empty());
        }
    }
}
