//! The models of runs: whether they exist, and whether the deployment may call them.

use crate::checks::{access, geography, life, profile};
use crate::facts::{Fact, Facts, ModelFacts};
use crate::finding::Findings;
use crate::policy::covered;
use crate::subject::{AskedModel, ModelKind, Subject};
use quarry_contract::arn::Arn;

const ON_DEMAND: &str = "ON_DEMAND";

pub(crate) fn check(subject: &Subject, facts: &Facts, found: &mut Findings) {
    for asked in subject.models() {
        let unread = ModelFacts::default();
        let of_model = facts.models.iter().find(|facts| facts.id == asked.id);
        let of_model = of_model.unwrap_or(&unread);
        let about = format!("model {} ({})", asked.id, asked.named_by);
        match asked.kind() {
            ModelKind::Profile => profile::check(subject, &asked, of_model, &about, found),
            ModelKind::Foundation => check_foundation(subject, &asked, of_model, &about, found),
            ModelKind::Custom => check_custom(subject, &asked, &about, found),
        }
        life::check(of_model, &asked, facts, &about, found);
        if let Fact::Known(access) = &of_model.access {
            access::check(access, asked.kind(), subject, &about, found);
        }
    }
}

fn check_foundation(
    subject: &Subject,
    asked: &AskedModel,
    facts: &ModelFacts,
    about: &str,
    found: &mut Findings,
) {
    let region = &subject.deployment.region;
    let id = asked.foundation_model().unwrap_or(&asked.id);
    let arn = format!(
        "arn:{}:bedrock:{region}::foundation-model/{id}",
        subject.deployment.partition()
    );
    if let Some(of_id) = Arn::of(&asked.id)
        && of_id.region != *region
    {
        found.error(
            "model-region",
            about,
            format!(
                "is the model in {}, and the deployment asks in {region}",
                of_id.region
            ),
            format!("use the model's id, {id}"),
        );
    }
    if !covered(&arn, &subject.parameters.model_arns) {
        found.error(
            "model-not-allowed",
            about,
            "is not in ModelArns, so no function may ask it",
            format!("add {arn} to ModelArns"),
        );
    }
    match &facts.model {
        Fact::Absent => found.error(
            "model-missing",
            about,
            format!("is not known to Bedrock in {region}"),
            format!("choose one that `aws bedrock list-foundation-models --region {region}` lists"),
        ),
        Fact::Known(model) if !model.inference_types.iter().any(|one| one == ON_DEMAND) => found.error(
            "model-needs-profile",
            about,
            "cannot be asked by its own id, only through an inference profile",
            format!(
                "find the profile (aws bedrock list-inference-profiles), then set ModelId to its id, e.g. {}, and \
                 ProfileArns and ModelArns as docs/deploy.md says",
                geography::profiles(region, id)
            ),
        ),
        _ => {}
    }
}

fn check_custom(subject: &Subject, asked: &AskedModel, about: &str, found: &mut Findings) {
    if !covered(&asked.id, &subject.parameters.model_arns) {
        found.error(
            "model-not-allowed",
            about,
            "is not in ModelArns, so no function may ask it",
            "add its ARN to ModelArns",
        );
    }
}
