//! Models that are called through an inference profile.

use crate::checks::geography;
use crate::facts::{Fact, ModelFacts, Profile};
use crate::finding::Findings;
use crate::policy::covered;
use crate::subject::{AskedModel, Subject};
use quarry_contract::arn::Arn;
use quarry_model::ModelName;

pub(crate) fn check(
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
        _ => {
            check_geography(subject, asked, about, found);
            check_models_by_name(subject, asked, about, found);
        }
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
    // If the account is unknown, any profile of this Region and name counts.
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
    let models = models(profile, subject.deployment.partition());
    let missing: Vec<&str> = models
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
                models.len()
            ),
            format!("add to ModelArns: {}", missing.join(",")),
        );
    }
}

/// Checks what is known without the profile's facts: its model must be somewhere in `ModelArns`.
fn check_models_by_name(subject: &Subject, asked: &AskedModel, about: &str, found: &mut Findings) {
    let deployment = &subject.deployment;
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
        return;
    }
    let of_global = global_model(&asked.id, deployment.partition());
    if let Some(arn) = of_global.filter(|arn| !covered(arn, &subject.parameters.model_arns)) {
        found.error(
            "profile-models",
            about,
            "ModelArns lacks the model without a Region, which a global profile is checked against too: calls and jobs are denied",
            format!("add to ModelArns: {arn}"),
        );
    }
}

/// Checks the profile's geography against the Region's, as far as the id shows it.
fn check_geography(subject: &Subject, asked: &AskedModel, about: &str, found: &mut Findings) {
    let region = &subject.deployment.region;
    let (Some(of_profile), Some(model)) =
        (geography::of_profile(&asked.id), asked.foundation_model())
    else {
        return;
    };
    let callable = geography::callable_from(region);
    if !callable.is_empty() && !callable.contains(&of_profile) {
        found.error(
            "profile-geography",
            about,
            format!("is a profile for callers in another geography (`{of_profile}`) than {region}"),
            format!(
                "deploy in a Region of that geography, or set ModelId to {}, and ProfileArns and ModelArns with it",
                geography::profiles(region, model)
            ),
        );
    }
}

/// Returns the ARNs that `ModelArns` must have for a profile. A global profile is also checked
/// against the model without a Region (Bedrock user guide, "Global cross-Region inference").
pub(crate) fn models(profile: &Profile, partition: &str) -> Vec<String> {
    let mut models = profile.models.clone();
    let of_global = global_model(&profile.arn, partition);
    models.extend(of_global.filter(|arn| !profile.models.contains(arn)));
    models
}

/// Returns `arn:aws:bedrock:::foundation-model/…` for a global profile's id or ARN.
fn global_model(profile: &str, partition: &str) -> Option<String> {
    let model = ModelName::of(profile)?.foundation_model;
    (geography::of_profile(profile) == Some("global"))
        .then(|| format!("arn:{partition}:bedrock:::foundation-model/{model}"))
}
