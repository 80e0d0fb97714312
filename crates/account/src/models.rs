//! Bedrock: models and inference profiles.

use crate::answer::fact;
use aws_config::SdkConfig;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use quarry_contract::arn::Arn;
use quarry_edge::bedrock::control_plane;
use quarry_edge::error::StepError;
use quarry_edge::failure::{Failure, Kind};
use quarry_edge::signed::{SignedCalls, encoded, read_json};
use quarry_preflight::{
    Access, Agreement, AskedModel, Fact, Model, ModelFacts, ModelKind, Profile,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Debug)]
pub(crate) struct AccountModels(SignedCalls);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InferenceProfile {
    #[serde(rename = "inferenceProfileArn")]
    arn: String,
    status: String,
    #[serde(default)]
    models: Vec<ProfileModel>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProfileModel {
    model_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FoundationModel {
    model_details: Option<ModelDetails>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelDetails {
    model_name: Option<String>,
    #[serde(default)]
    inference_types_supported: Vec<String>,
    model_lifecycle: Option<Lifecycle>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lifecycle {
    status: String,
    public_extended_access_time: Option<Day>,
    end_of_life_time: Option<Day>,
}

/// The day of a time, in UTC. The service writes the time as ISO 8601.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Day(Date);

impl TryFrom<String> for Day {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let time: Timestamp = text.parse()?;
        Ok(Self(time.to_zoned(TimeZone::UTC).date()))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelAvailability {
    agreement_availability: Option<AgreementAvailability>,
    authorization_status: String,
    entitlement_availability: String,
    region_availability: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgreementAvailability {
    status: String,
    error_message: Option<String>,
}

impl AccountModels {
    pub(crate) fn new(config: &SdkConfig) -> Result<Self, StepError> {
        Ok(Self(control_plane(config)?))
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
        let profile = self
            .get::<InferenceProfile>("GetInferenceProfile", "inference-profiles", id)
            .await;
        found(profile.map(|profile| {
            let models = profile.models.into_iter();
            Profile {
                arn: profile.arn,
                status: profile.status,
                models: models.filter_map(|model| model.model_arn).collect(),
            }
        }))
    }

    async fn model(&self, id: &str) -> Fact<Model> {
        let model = self
            .get::<FoundationModel>("GetFoundationModel", "foundation-models", id)
            .await;
        let details = match found(model) {
            Fact::Known(model) => model.model_details,
            Fact::Absent => return Fact::Absent,
            Fact::Unreadable(why) => return Fact::Unreadable(why),
            Fact::NotRead => return Fact::NotRead,
        };
        let Some(details) = details else {
            return Fact::Absent;
        };
        let life = details.model_lifecycle.as_ref();
        Fact::Known(Model {
            legacy: life.is_some_and(|life| life.status == "LEGACY"),
            extended_access: life
                .and_then(|life| life.public_extended_access_time)
                .map(|day| day.0),
            end_of_life: life.and_then(|life| life.end_of_life_time).map(|day| day.0),
            name: details.model_name,
            inference_types: details.inference_types_supported,
        })
    }

    async fn access(&self, id: &str) -> Fact<Access> {
        let availability = self
            .get::<ModelAvailability>(
                "GetFoundationModelAvailability",
                "foundation-model-availability",
                id,
            )
            .await;
        fact(availability.map(|access| Access {
            authorized: access.authorization_status == "AUTHORIZED",
            entitled: access.entitlement_availability == "AVAILABLE",
            in_region: access.region_availability == "AVAILABLE",
            agreement: agreement(access.agreement_availability),
        }))
    }

    async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        folder: &str,
        id: &str,
    ) -> Result<T, Failure> {
        let path = format!("/{folder}/{}", encoded(id));
        let response = self.0.get(operation, &path).await?;
        read_json(operation, &response)
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
fn agreement(of_service: Option<AgreementAvailability>) -> Agreement {
    let Some(of_service) = of_service else {
        return Agreement::Available;
    };
    match of_service.status.as_str() {
        "PENDING" => Agreement::Pending,
        "NOT_AVAILABLE" => Agreement::Missing,
        "ERROR" => {
            let words = of_service.error_message;
            Agreement::Failed(words.unwrap_or_else(|| "without a reason".to_owned()))
        }
        _ => Agreement::Available,
    }
}
