//! How many functions the account may run at the same time.

use crate::facts::{Fact, Facts};
use crate::finding::Findings;
use crate::subject::Subject;

/// The number of executions that Lambda keeps for functions without a reservation (Lambda developer
/// guide, "Configuring reserved concurrency").
const ALWAYS_UNRESERVED: u32 = 100;
/// The remedy for a new account, which may have only ten: `aws service-quotas` knows the quota by
/// this code.
const ASK_FOR_MORE: &str = "ask for more concurrent executions (aws service-quotas request-service-quota-increase --service-code \
                            lambda --quota-code L-B99A9384 --desired-value 1000)";

pub(crate) fn check(subject: &Subject, facts: &Facts, found: &mut Findings) {
    let Fact::Known(of_account) = &facts.concurrency else {
        return;
    };
    let (limit, unreserved) = (of_account.limit, of_account.unreserved);
    let reserved = subject.parameters.invoke_reserved_concurrency;
    let subject_of_reserved = "parameter InvokeReservedConcurrency";
    // A deployed stack already has its reservation.
    if reserved > 0 && !subject.is_deployed() {
        if limit < reserved.saturating_add(ALWAYS_UNRESERVED) {
            found.error(
                "concurrency-reserved",
                subject_of_reserved,
                format!(
                    "is {reserved}, the account's limit is {limit} concurrent executions, and Lambda keeps {ALWAYS_UNRESERVED} of them \
                     unreserved: the deployment fails"
                ),
                format!("set it to 0, or {ASK_FOR_MORE}"),
            );
        } else if unreserved < reserved.saturating_add(ALWAYS_UNRESERVED) {
            found.warning(
                "concurrency-reserved",
                subject_of_reserved,
                format!(
                    "is {reserved}, only {unreserved} of the account's {limit} concurrent executions are unreserved, and Lambda keeps \
                     {ALWAYS_UNRESERVED} of them so: unless this stack has its reservation already, the deployment fails"
                ),
                format!("set it to 0, or {ASK_FOR_MORE}"),
            );
        }
    }
    let slices = subject.settings.max_concurrent_batch_jobs;
    if unreserved < slices {
        found.warning(
            "concurrency-low",
            "BEDROCK_MAX_CONCURRENT_BATCH_JOBS",
            format!(
                "is {slices}, so a run works on up to {slices} slices at the same time, and only {unreserved} functions of the account may: \
                 they throttle each other, and runs are slow"
            ),
            format!("set it to {} or less, or {ASK_FOR_MORE}", unreserved.saturating_sub(2).max(1)),
        );
    }
}
