//! Rules that start runs: each file that arrives must start exactly one run.
//!
//! Two stacks on one bucket would each start a run for the same file. The run's name follows from
//! the file, so both runs would have the same name and write to the same folder.

use crate::facts::{Fact, Facts, Rule};
use crate::finding::{Findings, Severity};
use crate::subject::Subject;
use serde_json::Value;

/// The prefix of arrivals.
const INBOX: &str = "inbox/";
/// What follows the stack's name in the name of its rule for arrivals. CloudFormation derives it
/// from the rule's logical id in the template.
const LOGICAL_ID: &str = "-Arrival-";
/// CloudFormation shortens long stack names in the names that it makes, but never below this
/// length.
const CUT_TO_AT_LEAST: usize = 24;

pub(crate) fn check(subject: &Subject, facts: &Facts, found: &mut Findings) {
    let Fact::Known(rules) = &facts.rules else {
        return;
    };
    let bucket = &subject.parameters.bucket_name;
    let own = subject.deployment.stack.as_deref();
    for rule in rules {
        let Some((stack, _)) = rule.name.rsplit_once(LOGICAL_ID) else {
            continue;
        };
        let is_own = own.is_some_and(|own| is_cut_from(stack, own));
        if !rule.enabled || is_own || !is_about(rule, bucket) {
            continue;
        }
        let (severity, unless) = match own {
            Some(_) => (Severity::Error, ""),
            None => (
                Severity::Warning,
                "unless that is the stack to be deployed here, ",
            ),
        };
        let code = "bucket-shared";
        found.add(
            severity,
            code,
            format!("bucket {bucket}"),
            format!(
                "starts runs of another stack, {stack}, too (rule {}): {unless}each file in {INBOX} would start two runs that write \
                 to one folder",
                rule.name
            ),
            "give each stack a bucket of its own, or delete the other stack",
        );
    }
}

/// Whether `name` is what CloudFormation made of the stack name `whole`.
fn is_cut_from(name: &str, whole: &str) -> bool {
    name == whole || (name.len() >= CUT_TO_AT_LEAST && whole.starts_with(name))
}

/// Whether a rule is about objects in the bucket's inbox.
fn is_about(rule: &Rule, bucket: &str) -> bool {
    let texts = |at: &str| -> Vec<&Value> {
        let list = rule.pattern.pointer(at).and_then(Value::as_array);
        list.into_iter().flatten().collect()
    };
    let is_inbox = |key: &&Value| {
        let prefix = key.get("prefix").and_then(Value::as_str);
        prefix.is_some_and(|prefix| prefix.starts_with(INBOX) || INBOX.starts_with(prefix))
    };
    texts("/source").iter().any(|one| *one == "aws.s3")
        && texts("/detail/bucket/name")
            .iter()
            .any(|one| *one == bucket)
        && texts("/detail/object/key").iter().any(is_inbox)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_stack_name_is_recognised_when_it_is_cut() {
        let whole = "a-stack-with-a-very-long-name-indeed-it-is";
        assert!(is_cut_from(whole, whole));
        assert!(is_cut_from("a-stack-with-a-very-long-name", whole));
        assert!(!is_cut_from("a-stack", whole));
        assert!(!is_cut_from("quarry-2", "quarry"));
    }
}
