//! The quotas of batch jobs. Every model has its own quotas, and only their display names say which
//! model's they are.

use crate::facts::{Fact, Facts, Quota};
use crate::finding::{Findings, Severity};
use crate::subject::Subject;
use quarry_model::KnownModel;
use std::collections::BTreeMap;

/// The quantity that a quota limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Limit {
    /// The fewest records of a job.
    LeastRecords,
    /// The most records of an input file.
    FileRecords,
    /// The most records of a job.
    JobRecords,
    /// The size of an input file, GB.
    FileSize,
    /// The size of a job, GB.
    JobSize,
    /// The number of jobs that are submitted or in progress.
    Jobs,
}

/// The beginnings of the display names, up to the model.
const NAMES: [(&str, Limit); 6] = [
    (
        "Minimum number of records per batch inference job for ",
        Limit::LeastRecords,
    ),
    (
        "Records per input file per batch inference job for ",
        Limit::FileRecords,
    ),
    ("Records per batch inference job for ", Limit::JobRecords),
    ("Batch inference input file size for ", Limit::FileSize),
    ("Batch inference job size for ", Limit::JobSize),
    (
        "Sum of in-progress and submitted batch inference jobs using a base model for ",
        Limit::Jobs,
    ),
];

/// Returns what a quota limits and for which model; `None` for quotas of other things. The unit
/// comes before the model or after it: `… size (in GB) for M`, `… size for M (in GB)`.
pub(crate) fn limit_of(display_name: &str) -> Option<(Limit, String)> {
    let without_unit = display_name.replace("(in GB)", " ");
    let name = without_unit
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    NAMES.iter().find_map(|(begin, limit)| {
        let head = name.get(..begin.len())?;
        head.eq_ignore_ascii_case(begin)
            .then(|| (*limit, name[begin.len()..].to_owned()))
    })
}

/// Words that only some names of a model have: the providers, a first version, and the words that
/// distinguish a dense model from a mixture of experts.
const OPTIONAL: [&str; 11] = [
    "ai",
    "amazon",
    "anthropic",
    "cohere",
    "dense",
    "google",
    "meta",
    "nvidia",
    "openai",
    "v1",
    "v1.0",
];

/// Returns the parts of a model's name that distinguish it from other models.
fn essence(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    lower
        .split(|c: char| !c.is_alphanumeric() && c != '.')
        .filter(|word| !word.is_empty() && !OPTIONAL.contains(word))
        .map(str::to_owned)
        .collect()
}

pub(crate) fn check(subject: &Subject, facts: &Facts, found: &mut Findings) {
    let (Fact::Known(quotas), true) = (&facts.quotas, subject.makes_jobs() && subject.has_model())
    else {
        return;
    };
    let asked = subject.models();
    let Some(asked) = asked.first() else { return };
    let model = facts.models.iter().find(|facts| facts.id == asked.id);
    let Some(name) = model.and_then(|facts| facts.model.known()?.name.as_deref()) else {
        return;
    };
    let mut limits = limits(quotas, name);
    // For some models, quotas use another name.
    if let (true, Some(quota_name)) = (
        limits.is_empty(),
        KnownModel::of(&asked.id).model().listing().quota_name,
    ) {
        limits = self::limits(quotas, quota_name);
    }
    if limits.is_empty() {
        let near = near(quotas, name);
        let near = if near.is_empty() {
            String::new()
        } else {
            format!(" (nearest names: {})", near.join(", "))
        };
        found.warning(
            "quota-none",
            format!("model {} ({})", asked.id, asked.named_by),
            format!(
                "no quota of batch jobs is listed for `{name}` in {}{near}: it may not take batch jobs there",
                subject.deployment.region
            ),
            "look the model up in the Bedrock user guide (\"Supported Regions and models for batch inference\"); if it takes \
             none, set BEDROCK_BATCH_MODE to realtime or choose another model or Region",
        );
        return;
    }
    for (limit, value) in limits {
        check_limit(subject, name, limit, value, found);
    }
}

/// Returns the quotas of a model. If a quota is listed twice, the lower value counts.
fn limits(quotas: &[Quota], model: &str) -> BTreeMap<Limit, f64> {
    let wanted = essence(model);
    let mut limits = BTreeMap::new();
    for quota in quotas {
        let Some((limit, of)) = limit_of(&quota.name) else {
            continue;
        };
        if essence(&of) == wanted {
            let value = limits.entry(limit).or_insert(quota.value);
            *value = quota.value.min(*value);
        }
    }
    limits
}

/// Returns at most three models with quotas whose names begin like this one's.
fn near(quotas: &[Quota], model: &str) -> Vec<String> {
    let wanted = essence(model);
    let mut near: Vec<String> = quotas
        .iter()
        .filter_map(|quota| limit_of(&quota.name))
        .map(|(_, of)| of)
        .filter(|of| essence(of).first() == wanted.first())
        .collect();
    near.sort();
    near.dedup();
    near.truncate(3);
    near
}

#[expect(clippy::cast_precision_loss, reason = "settings are far below 2^52")]
fn check_limit(subject: &Subject, model: &str, limit: Limit, quota: f64, found: &mut Findings) {
    const GB: f64 = 1_000_000_000.0;
    const GIB: f64 = 1_073_741_824.0;
    let settings = &subject.settings;
    let bytes = settings.max_bytes_per_job as f64;
    let (name, value, what, severity) = match limit {
        Limit::LeastRecords if quota > settings.min_records_per_job as f64 => {
            let name = "BEDROCK_MIN_RECORDS_PER_JOB";
            found.error(
                "quota-least-records",
                name,
                format!("is {}, and a job for `{model}` needs at least {quota} records: smaller ones are refused", settings.min_records_per_job),
                format!("set it to {quota}"),
            );
            return;
        }
        Limit::FileRecords | Limit::JobRecords if quota < settings.max_records_per_job as f64 => {
            let what = if limit == Limit::JobRecords {
                "a job"
            } else {
                "an input file"
            };
            (
                "BEDROCK_MAX_RECORDS_PER_JOB",
                settings.max_records_per_job,
                format!("{what} for `{model}` may have {quota} records"),
                Severity::Error,
            )
        }
        Limit::FileSize | Limit::JobSize if quota * GB < bytes => {
            let what = if limit == Limit::JobSize {
                "a job"
            } else {
                "an input file"
            };
            // The service does not say whether its GB is 10^9 or 2^30 bytes.
            let severity = if quota * GIB < bytes {
                Severity::Error
            } else {
                Severity::Warning
            };
            (
                "BEDROCK_MAX_BYTES_PER_JOB",
                settings.max_bytes_per_job,
                format!("{what} for `{model}` may have {quota} GB"),
                severity,
            )
        }
        Limit::Jobs if quota < f64::from(settings.max_concurrent_batch_jobs) => {
            found.warning(
                "quota-jobs",
                "BEDROCK_MAX_CONCURRENT_BATCH_JOBS",
                format!("is {}, and the account may have {quota} jobs for `{model}` at a time: the others wait", settings.max_concurrent_batch_jobs),
                format!("set it to {quota} or less, or ask for more in Service Quotas"),
            );
            return;
        }
        _ => return,
    };
    let code = if matches!(limit, Limit::FileSize | Limit::JobSize) {
        "quota-bytes"
    } else {
        "quota-records"
    };
    let remedy = format!("set {name} to what the quota allows, or ask for more in Service Quotas");
    found.add(
        severity,
        code,
        name,
        format!("is {value}, and {what}: larger ones fail"),
        remedy,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Display names as Service Quotas lists them.
    #[test]
    fn a_display_name_says_what_is_limited_for_which_model() {
        for (name, limit, model) in [
            (
                "Minimum number of records per batch inference job for Claude 3.5 Sonnet v2",
                Limit::LeastRecords,
                "Claude 3.5 Sonnet v2",
            ),
            (
                "Records per input file per batch inference job for Claude Sonnet 4",
                Limit::FileRecords,
                "Claude Sonnet 4",
            ),
            (
                "Records per batch inference job for Mistral Small",
                Limit::JobRecords,
                "Mistral Small",
            ),
            (
                "Batch inference input file size (in GB) for Nova Pro V1",
                Limit::FileSize,
                "Nova Pro V1",
            ),
            (
                "Batch inference input file size for Titan Text Embeddings V2 (in GB)",
                Limit::FileSize,
                "Titan Text Embeddings V2",
            ),
            (
                "Batch inference job size for Qwen3 Coder 480B (in GB)",
                Limit::JobSize,
                "Qwen3 Coder 480B",
            ),
            (
                "Sum of in-progress and submitted batch inference jobs using a base model for DeepSeek v3",
                Limit::Jobs,
                "DeepSeek v3",
            ),
        ] {
            assert_eq!(limit_of(name), Some((limit, model.to_owned())), "{name}");
        }
        for name in [
            "On-demand model inference requests per minute for Claude",
            "",
            "Records per batch inference job",
        ] {
            assert_eq!(limit_of(name), None, "{name}");
        }
    }

    #[test]
    fn a_models_names_in_both_services_are_one() {
        for (of_model, of_quota) in [
            ("Nova Pro", "Nova Pro V1"),
            ("Nova Lite", "Nova Lite V1"),
            ("gpt-oss-120b", "OpenAI GPT OSS 120b"),
            ("Qwen3 32B (dense)", "Qwen3 32B"),
            ("Qwen3-32B", "Qwen3 32B"),
            ("Claude Sonnet 4", "Anthropic Claude Sonnet 4 V1"),
            ("Titan Text Embeddings V2", "Titan Text Embeddings V2"),
        ] {
            assert_eq!(essence(of_model), essence(of_quota), "{of_model}");
        }
        for (one, other) in [
            ("Claude 3.5 Sonnet", "Claude 3.5 Sonnet v2"),
            ("Claude Sonnet 4", "Claude Sonnet 4.5"),
            ("Nova Pro", "Nova Lite V1"),
            ("Nova Lite", "Nova 2 Lite"),
            ("gpt-oss-20b", "OpenAI GPT OSS 120b"),
            ("Qwen3 32B (dense)", "Qwen3 235B A22B 2507"),
        ] {
            assert_ne!(essence(one), essence(other), "{one}");
        }
    }
}
