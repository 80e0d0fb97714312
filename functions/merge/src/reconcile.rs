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
    #[serde(rename = "inputTokenCount")]
    input_tokens: Option<u64>,
    #[serde(rename = "outputTokenCount")]
    output_tokens: Option<u64>,
}

/// What the service counted, according to its `manifest.json.out`.
pub(crate) struct Reconciled {
    /// The number of lines that it wrote; 0 if it does not say.
    pub(crate) lines: u64,
    /// How many of them are answers; 0 if it does not say.
    pub(crate) answers: u64,
    /// How the lines that were read differ from its counts, as sentences.
    pub(crate) differences: Vec<String>,
}

/// Compares a manifest with the counts of the lines that were read.
pub(crate) fn reconcile(manifest: &[u8], records: u64, counts: &Counts) -> Reconciled {
    let counted: JobManifest = serde_json::from_slice(manifest).unwrap_or_default();
    let answers = counted.answers.unwrap_or_default();
    Reconciled {
        lines: answers.saturating_add(counted.errors.unwrap_or_default()),
        answers,
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
    let of_lines = pairs
        .into_iter()
        .filter(|(_, theirs, ours)| theirs.is_some_and(|theirs| theirs != *ours));
    of_lines
        .chain(tokens(&manifest, counts))
        .filter_map(|(what, theirs, ours)| {
            theirs.map(|theirs| format!("Bedrock counted {theirs} {what}, the output has {ours}"))
        })
        .collect()
}

/// Returns the counts of tokens that differ. The lines of some models report no tokens, or only those
/// that were read; a count that no line has is not compared.
fn tokens(
    manifest: &JobManifest,
    counts: &Counts,
) -> impl Iterator<Item = (&'static str, Option<u64>, u64)> {
    let read = counts.input_tokens;
    // It is not documented whether the service's count has the tokens of the prompt cache.
    let cached = counts.cache_read_tokens + counts.cache_write_tokens;
    let written = counts.output_tokens;
    let differ = |theirs: Option<u64>, ours: [u64; 2]| {
        ours != [0, 0] && theirs.is_some_and(|theirs| !ours.contains(&theirs))
    };
    let input = differ(manifest.input_tokens, [read, read + cached]).then_some((
        "input tokens",
        manifest.input_tokens,
        read,
    ));
    let output = differ(manifest.output_tokens, [written, written]).then_some((
        "output tokens",
        manifest.output_tokens,
        written,
    ));
    input.into_iter().chain(output)
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

    #[test]
    fn both_counts_of_tokens_are_compared() {
        let counts = Counts {
            input_tokens: 100,
            cache_read_tokens: 20,
            output_tokens: 7,
            ..Counts::default()
        };
        let of = |input: u64, output: u64| {
            let manifest = format!(r#"{{"inputTokenCount":{input},"outputTokenCount":{output}}}"#);
            differences(manifest.as_bytes(), 0, &counts)
        };
        assert!(of(100, 7).is_empty());
        assert!(of(120, 7).is_empty(), "with the tokens of the prompt cache");
        assert_eq!(
            of(101, 9),
            [
                "Bedrock counted 101 input tokens, the output has 100",
                "Bedrock counted 9 output tokens, the output has 7"
            ]
        );
    }

    /// Embeddings report no output, and some models nothing at all.
    #[test]
    fn tokens_that_no_line_reports_are_not_compared() {
        let manifest = br#"{"inputTokenCount":100,"outputTokenCount":7}"#;
        assert!(differences(manifest, 0, &Counts::default()).is_empty());
        let embeddings = Counts {
            input_tokens: 100,
            ..Counts::default()
        };
        assert!(differences(manifest, 0, &embeddings).is_empty());
    }

    /// Manifests as the service wrote them: six counts in 2025, and later counts of other kinds of
    /// input too.
    #[test]
    fn a_manifest_with_more_counts_is_read() {
        let counts = Counts {
            answered: 2_400,
            input_tokens: 1_951_382,
            output_tokens: 405_633,
            ..Counts::default()
        };
        let manifest = r#"{"totalRecordCount":2400,"processedRecordCount":2400,"successRecordCount":2400,"errorRecordCount":0,"inputTokenCount":1951382,"outputTokenCount":405633"#;
        for more in ["}", r#","inputAudioSecond":0,"inputVideoSecond":0.5}"#] {
            let manifest = format!("{manifest}{more}");
            assert!(differences(manifest.as_bytes(), 2_400, &counts).is_empty());
        }
    }
}
