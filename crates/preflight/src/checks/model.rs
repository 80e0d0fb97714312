//! The models that runs ask: whether they are there, and whether the deployment lets them be asked.

use crate::facts::{Access, Fact, Facts, Model, ModelFacts, Profile};
use crate::finding::Findings;
use crate::policy::covered;
use crate::subject::{AskedModel, ModelKind, Subject};
use quarry_contract::arn::Arn;

const ON_DEMAND: &str = "ON_DEMAND";

pub(crate) fn check(subject: &Subject, facts: &Facts, found: &mut Findings) {
    for asked in subject.models() {
        let unread = ModelFacts::default();
        let facts = facts.models.iter().find(|facts| facts.id == asked.id);
        let facts = facts.unwrap_or(&unread);
        let about = format!("model {} ({})", asked.id, asked.named_by);
        match asked.kind() {
            ModelKind::Profile => check_profile(subject, &asked, facts, &about, found),
            ModelKind::Foundation => check_foundation(subject, &asked, facts, &about, found),
            ModelKind::Custom => check_custom(subject, &asked, &about, found),
        }
        if let Fact::Known(model) = &facts.model {
            check_life(model, &about, found);
        }
        if let Fact::Known(access) = &facts.access {
            check_access(*access, asked.kind(), subject, &about, found);
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
                "find the profile (aws bedrock list-inference-profiles), then set ModelId to its id, e.g. `{}.{id}`, and \
                 ProfileArns and ModelArns as docs/deploy.md says",
                geography(region)
            ),
        ),
        _ => {}
    }
}

/// The geography prefix of most profiles in a Region.
fn geography(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("eu") => "eu",
        Some("ap") => "apac",
        Some("us") if region.starts_with("us-gov-") => "us-gov",
        Some("us") => "us",
        _ => "global",
    }
}

fn check_profile(
    subject: &Subject,
    asked: &AskedModel,
    facts: &ModelFacts,
    about: &str,
    found: &mut Findings,
) {
    let deployment = &subject.deployment;
    match &facts.profile {
        Fact::Absent => {
            found.error(
                "profile-missing",
                about,
                format!("is no inference profile of {}", deployment.region),
                "choose one that `aws bedrock list-inference-profiles` lists in this Region",
            );
            return;
        }
        Fact::Known(profile) => check_known_profile(subject, profile, about, found),
        _ => check_models_by_name(subject, asked, about, found),
    }
    let arn = match facts.profile.known() {
        Some(profile) => profile.arn.clone(),
        None if asked.id.starts_with("arn:") => asked.id.clone(),
        None => format!(
            "arn:{}:bedrock:{}:{}:inference-profile/{}",
            deployment.partition(),
            deployment.region,
            deployment.account.as_deref().unwrap_or("*"),
            asked.id
        ),
    };
    // Without the account, a profile of this Region and name is the one.
    let allowed = &subject.parameters.profile_arns;
    let is_allowed = covered(&arn, allowed)
        || allowed
            .iter()
            .any(|one| covered(one, std::slice::from_ref(&arn)));
    if !is_allowed {
        found.error(
            "profile-not-allowed",
            about,
            "is not in ProfileArns, so no function and no job may ask through it",
            format!("add {} to ProfileArns", arn.replace(":*:", ":<account>:")),
        );
    }
}

fn check_known_profile(subject: &Subject, profile: &Profile, about: &str, found: &mut Findings) {
    if profile.status != "ACTIVE" {
        let problem = format!("its profile is {}, not ACTIVE", profile.status);
        found.error("profile-status", about, problem, "use another profile");
    }
    let missing: Vec<&str> = profile
        .models
        .iter()
        .filter(|arn| !covered(arn, &subject.parameters.model_arns))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        found.error(
            "profile-models",
            about,
            format!(
                "ModelArns lacks {} of the {} models that its profile spreads calls over: calls and jobs that go there are denied",
                missing.len(),
                profile.models.len()
            ),
            format!("add to ModelArns: {}", missing.join(",")),
        );
    }
}

/// What can be said without a look at the profile: its model has to be somewhere in `ModelArns`.
fn check_models_by_name(subject: &Subject, asked: &AskedModel, about: &str, found: &mut Findings) {
    let Some(model) = asked.foundation_model() else {
        return;
    };
    let resource = format!("foundation-model/{model}");
    let has_it =
        subject.parameters.model_arns.iter().any(|arn| {
            Arn::of(arn).is_some_and(|arn| covered(&resource, &[arn.resource.to_owned()]))
        });
    if !has_it {
        found.error(
            "profile-models",
            about,
            format!("ModelArns does not name {model}, the model behind its profile, in any Region"),
            "add the model in each Region of the profile: aws bedrock get-inference-profile lists them",
        );
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

fn check_life(model: &Model, about: &str, found: &mut Findings) {
    if !model.legacy {
        return;
    }
    let end = match &model.end_of_life {
        Some(date) => format!(" and ends on {date}"),
        None => String::new(),
    };
    found.warning(
        "model-legacy",
        about,
        format!("is legacy{end}: accounts that have not asked it lately may be refused"),
        "move to a model that is active",
    );
}

fn check_access(
    access: Access,
    kind: ModelKind,
    subject: &Subject,
    about: &str,
    found: &mut Findings,
) {
    // A profile may lead to other Regions than this.
    if !access.in_region && kind == ModelKind::Foundation {
        let region = &subject.deployment.region;
        found.error(
            "model-region",
            about,
            format!("is not available in {region}"),
            "deploy in a Region that has the model, or ask it through an inference profile",
        );
    } else if !access.authorized || !access.entitled {
        found.error(
            "model-access",
            about,
            "the account has no access to it",
            "ask for access in the Bedrock console (Model access), or have the organisation allow it",
        );
    }
}
