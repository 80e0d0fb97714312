//! Whether the account may call a model, and whether it ever has: Bedrock subscribes an account to
//! a model at its first call (Bedrock user guide, "Request access to models"; checked on 28
//! November 2026).

use crate::facts::{Access, Agreement};
use crate::finding::Findings;
use crate::subject::{ModelKind, Subject};

pub(crate) fn check(
    access: &Access,
    kind: ModelKind,
    subject: &Subject,
    about: &str,
    found: &mut Findings,
) {
    // A profile may lead to Regions other than this one.
    if !access.in_region && kind == ModelKind::Foundation {
        let region = &subject.deployment.region;
        found.error(
            "model-region",
            about,
            format!("is not available in {region}"),
            "deploy in a Region that has the model, or ask it through an inference profile",
        );
        return;
    }
    if !access.authorized {
        found.error(
            "model-access",
            about,
            "the account is not authorised to ask it",
            "have the organisation's policies (SCPs) allow bedrock:InvokeModel and bedrock:CreateModelInvocationJob on the model; \
             models with limited access are released by AWS Support",
        );
        return;
    }
    check_agreement(access, about, found);
}

fn check_agreement(access: &Access, about: &str, found: &mut Findings) {
    let once = "call it once as an administrator, and fill in the provider's form if it has one: docs/deploy.md, \"The first use of \
                a model\"";
    match &access.agreement {
        Agreement::Pending => found.warning(
            "model-first-use",
            about,
            "the account's subscription to it is under way: calls may be denied for up to 15 minutes",
            "wait, and run this again",
        ),
        Agreement::Failed(words) => found.error(
            "model-first-use",
            about,
            format!("the account could not be subscribed to it: {words}"),
            format!("remove the cause (a payment method for AWS Marketplace is needed too), then {once}"),
        ),
        _ if !access.entitled => found.error(
            "model-first-use",
            about,
            "the account has never used it: its first call subscribes the account to it, which the roles of the deployment may not do, so \
             their calls are denied",
            once,
        ),
        Agreement::Missing => found.warning(
            "model-first-use",
            about,
            "no agreement with its provider is on record: where one is needed, the calls of the deployment's roles are denied",
            once,
        ),
        Agreement::Available => {}
    }
}
