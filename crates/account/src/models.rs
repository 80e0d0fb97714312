//! Bedrock: models and inference profiles.

use crate::answer::fact;
use aws_config::SdkConfig;
use aws_sdk_bedrock::Client;
use aws_sdk_bedrock::types::{
    AgreementAvailability, AgreementStatus, AuthorizationStatus, EntitlementAvailability,
    FoundationModelLifecycleStatus, RegionAvailability,
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use quarry_contract::arn::Arn;
use quarry_edge::failure::{Failure, Kind};
use quarry_preflight::{
    Access, Agreement, AskedModel, Fact, Model, ModelFacts, ModelKind, Profile,
};

#[derive(Debug)]
pub(crate) struct AccountModels {
    client: Client,
}

impl AccountModels {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }

    pub(crate) async fn read(&self, asked: Vec<AskedModel>, region: &str) -> Vec<ModelFacts> {
        let mut facts = Vec::with_capacity(asked.len());
        for one in asked {
            facts.push(self.read_one(&one, region).await);
        }
        facts
    }

    async fn read_one(&self, asked: &AskedModel, region: &str) -> ModelFacts {
        let profile = match asked.kind() {
            ModelKind::Profile => self.profile(&asked.id).await,
            ModelKind::Foundation | ModelKind::Custom => Fact::NotRead,
        };
        let of_profile = profile
            .known()
            .and_then(|profile| model_of(profile, region));
        let id = asked.foundation_model().map(str::to_owned).or(of_profile);
        let (model, access) = match id {
            Some(id) => tokio::join!(self.model(&id), self.access(&id)),
            None => (Fact::NotRead, Fact::NotRead),
        };
        // If the model is unknown, its access does not matter.
        let access = if model == Fact::Absent {
            Fact::NotRead
        } else {
            access
        };
        ModelFacts {
            id: asked.id.clone(),
            profile,
            model,
            access,
        }
    }

    async fn profile(&self, id: &str) -> Fact<Profile> {
        let call = self.client.get_inference_profile();
        let answer = call.inference_profile_identifier(id).send().await;
        found(answer.map_err(|error| Failure::new(&error)).map(|profile| {
            Profile {
                arn: profile.inference_profile_arn().to_owned(),
                status: profile.status().as_str().to_owned(),
                models: profile
                    .models()
                    .iter()
                    .filter_map(|model| Some(model.model_arn()?.to_owned()))
                    .collect(),
            }
        }))
    }

    async fn model(&self, id: &str) -> Fact<Model> {
        let answer = self
            .client
            .get_foundation_model()
            .model_identifier(id)
            .send()
            .await;
        let answer = found(answer.map_err(|error| Failure::new(&error)));
        let answer = match answer {
            Fact::Known(answer) => answer,
            Fact::Absent => return Fact::Absent,
            Fact::Unreadable(why) => return Fact::Unreadable(why),
            Fact::NotRead => return Fact::NotRead,
        };
        let Some(details) = answer.model_details() else {
            return Fact::Absent;
        };
        let life = details.model_lifecycle();
        Fact::Known(Model {
            name: details.model_name().map(str::to_owned),
            inference_types: details
                .inference_types_supported()
                .iter()
                .map(|one| one.as_str().to_owned())
                .collect(),
            legacy: life
                .is_some_and(|life| *life.status() == FoundationModelLifecycleStatus::Legacy),
            extended_access: life
                .and_then(|life| life.public_extended_access_time())
                .and_then(day),
            end_of_life: life.and_then(|life| life.end_of_life_time()).and_then(day),
        })
    }

    async fn access(&self, id: &str) -> Fact<Access> {
        let call = self.client.get_foundation_model_availability();
        let answer = call.model_id(id).send().await;
        fact(
            answer
                .map_err(|error| Failure::new(&error))
                .map(|access| Access {
                    authorized: *access.authorization_status() == AuthorizationStatus::Authorized,
                    entitled: *access.entitlement_availability()
                        == EntitlementAvailability::Available,
                    in_region: *access.region_availability() == RegionAvailability::Available,
                    agreement: agreement(access.agreement_availability()),
                }),
        )
    }
}

/// Bedrock rejects an id that it does not know as invalid.
fn found<T>(answer: Result<T, Failure>) -> Fact<T> {
    match answer {
        Err(failure) if failure.kind == Kind::Invalid => Fact::Absent,
        answer => fact(answer),
    }
}

/// Returns the id of the model behind a profile: the one in the Region, or else the first.
fn model_of(profile: &Profile, region: &str) -> Option<String> {
    let arns: Vec<Arn<'_>> = profile
        .models
        .iter()
        .filter_map(|arn| Arn::of(arn))
        .collect();
    let arn = arns
        .iter()
        .find(|arn| arn.region == region)
        .or(arns.first())?;
    arn.resource
        .strip_prefix("foundation-model/")
        .map(str::to_owned)
}

/// The service returns no agreement if none is needed.
fn agreement(of_service: Option<&AgreementAvailability>) -> Agreement {
    let Some(of_service) = of_service else {
        return Agreement::Available;
    };
    match of_service.status() {
        AgreementStatus::Pending => Agreement::Pending,
        AgreementStatus::NotAvailable => Agreement::Missing,
        AgreementStatus::Error => {
            let words = of_service.error_message().unwrap_or("without a reason");
            Agreement::Failed(words.to_owned())
        }
        _ => Agreement::Available,
    }
}

/// Returns the day of a time, in UTC.
fn day(time: &DateTime) -> Option<Date> {
    let time = Timestamp::from_second(time.secs()).ok()?;
    Some(time.to_zoned(TimeZone::UTC).date())
}
