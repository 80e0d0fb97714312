//! The stack itself.

use crate::finding::Findings;
use crate::subject::Subject;

pub(crate) fn check(subject: &Subject, found: &mut Findings) {
    if !subject.is_deployed() {
        return;
    }
    if let Some(status) = &subject.deployment.status
        && !is_whole(status)
    {
        let events = "see its events (aws cloudformation describe-stack-events)";
        let remedy = match status.as_str() {
            // A stack whose creation failed can only be deleted.
            "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" => format!(
                "{events}, delete it (aws cloudformation delete-stack), and deploy it again: docs/deploy.md, \"If the first deployment \
                 fails\""
            ),
            status if status.ends_with("_IN_PROGRESS") => {
                "wait until it is done, and run this again".to_owned()
            }
            _ => format!("{events}, and deploy it again"),
        };
        found.error(
            "stack-status",
            "stack",
            format!("is in status {status}, so what it should have made may not be there"),
            remedy,
        );
    }
    if subject.deployment.batch_role.is_none() {
        found.error(
            "stack-output",
            "stack",
            "has no output BatchRoleArn, which every deployment of infra/template.yaml has",
            "see that the name is that of Quarry's stack, and deploy it again",
        );
    }
}

/// Whether the resources match the parameters, either the current ones or those before a failed
/// update.
fn is_whole(status: &str) -> bool {
    matches!(
        status,
        "CREATE_COMPLETE"
            | "UPDATE_COMPLETE"
            | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
            | "IMPORT_COMPLETE"
            | "IMPORT_ROLLBACK_COMPLETE"
    )
}
