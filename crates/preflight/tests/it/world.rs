//! A deployment without findings.

use jiff::civil::date;
use quarry_contract::request_file::RequestFile;
use quarry_preflight::{
    Access, AccessOutcome, Agreement, Bucket, BucketKey, Concurrency, Decision, Deployment,
    DeploymentStage, EncryptionKey, Fact, Facts, Finding, Model, ModelFacts, Profile, Quota, Role,
    Rule, Subject, Why,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/quarry-BatchRole-X";
pub(crate) const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd";
pub(crate) const MODEL: &str = "anthropic.claude-haiku-4-5-20251001-v1:0";
pub(crate) const PROFILE: &str = "eu.anthropic.claude-haiku-4-5-20251001-v1:0";

/// The subject of the checks and the known facts.
pub(crate) struct World {
    pub(crate) deployment: Deployment,
    pub(crate) request: Option<RequestFile>,
    pub(crate) facts: Facts,
}

impl World {
    /// A deployed stack with a KMS key, whose model is called by its own id.
    pub(crate) fn sound() -> Self {
        let parameters = [
            ("BucketName", "acme-quarry"),
            ("CreateBucket", "yes"),
            ("KmsKeyArn", KEY),
            ("ModelId", MODEL),
            ("ModelArns", &model_arn(REGION)),
            ("ProfileArns", ""),
            ("WorkDays", "30"),
        ];
        Self {
            deployment: Deployment {
                stage: DeploymentStage::Deployed,
                stack: Some("quarry".to_owned()),
                region: REGION.to_owned(),
                account: Some(ACCOUNT.to_owned()),
                parameters: texts(&parameters),
                batch_role: Some(ROLE.to_owned()),
                status: Some("UPDATE_COMPLETE".to_owned()),
            },
            request: None,
            facts: sound_facts(),
        }
    }

    /// The same with a model that is called through a profile.
    pub(crate) fn with_profile() -> Self {
        let mut world = Self::sound();
        let arn = format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/{PROFILE}");
        let models = [model_arn(REGION), model_arn("eu-west-1")];
        world.set("ModelId", PROFILE);
        world.set("ProfileArns", &arn);
        world.set("ModelArns", &models.join(","));
        PROFILE.clone_into(&mut world.facts.models[0].id);
        world.facts.models[0].profile = Fact::Known(Profile {
            arn,
            status: "ACTIVE".to_owned(),
            models: models.to_vec(),
        });
        world
    }

    /// A stack that is about to be deployed, without facts from AWS.
    pub(crate) fn planned() -> Self {
        let mut world = Self::sound();
        world.deployment.stage = DeploymentStage::Planned;
        world.deployment.batch_role = None;
        world.deployment.status = None;
        world.facts = Facts {
            today: world.facts.today,
            ..Facts::default()
        };
        world
    }

    /// The same with a model that is called through a global profile.
    pub(crate) fn with_global_profile() -> Self {
        let mut world = Self::with_profile();
        let id = format!("global.{MODEL}");
        let arn = format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/{id}");
        let models = [model_arn(REGION), model_arn("")];
        world.set("ModelId", &id);
        world.set("ProfileArns", &arn);
        world.set("ModelArns", &models.join(","));
        world.facts.models[0].id = id;
        if let Fact::Known(profile) = &mut world.facts.models[0].profile {
            profile.arn = arn;
            profile.models = vec![model_arn(REGION)];
        }
        world
    }

    /// Sets a parameter.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let parameters = &mut self.deployment.parameters;
        parameters.insert(name.to_owned(), value.to_owned());
    }

    /// Adds a setting to the request.
    pub(crate) fn ask(&mut self, name: &str, value: &str) {
        let request = self.request.get_or_insert_default();
        request.settings.insert(name.to_owned(), value.to_owned());
    }

    /// Uses another model, of which only the id is known.
    pub(crate) fn ask_model(&mut self, id: &str) {
        self.set("ModelId", id);
        self.set(
            "ModelArns",
            &format!("arn:aws:bedrock:{REGION}::foundation-model/{id}"),
        );
        id.clone_into(&mut self.facts.models[0].id);
    }

    /// Returns the facts of the model.
    pub(crate) fn model(&mut self) -> &mut Model {
        match &mut self.facts.models[0].model {
            Fact::Known(model) => model,
            other => panic!("{other:?}"),
        }
    }

    /// Returns what the account may do with the model.
    pub(crate) fn access(&mut self) -> &mut Access {
        match &mut self.facts.models[0].access {
            Fact::Known(access) => access,
            other => panic!("{other:?}"),
        }
    }

    /// Adds a rule for arrivals in the bucket's inbox.
    pub(crate) fn rule(&mut self, name: &str, enabled: bool) {
        let rule = arrivals(name, enabled);
        match &mut self.facts.rules {
            Fact::Known(rules) => rules.push(rule),
            other => *other = Fact::Known(vec![rule]),
        }
    }

    /// Returns the key.
    pub(crate) fn key(&mut self) -> &mut EncryptionKey {
        match &mut self.facts.key {
            Fact::Known(key) => key,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn trust(&mut self, statement: &Value) {
        let trust = json!({"Version": "2012-10-17", "Statement": [statement]});
        self.facts.role = Fact::Known(Role { trust });
    }

    /// Changes one decision to a denial.
    pub(crate) fn deny(
        &mut self,
        action: &str,
        resource: &str,
        outcome: AccessOutcome,
        missing: &[&str],
    ) {
        self.facts.permissions = Fact::Known(vec![Decision {
            action: action.to_owned(),
            resource: resource.to_owned(),
            outcome,
            missing_context: missing.iter().map(|key| (*key).to_owned()).collect(),
        }]);
    }

    /// Sets a quota of the model.
    pub(crate) fn quota(&mut self, begin: &str, value: f64) {
        let Fact::Known(quotas) = &mut self.facts.quotas else {
            panic!("no quotas");
        };
        let quota = quotas
            .iter_mut()
            .find(|quota| quota.name.starts_with(begin))
            .expect(begin);
        quota.value = value;
    }

    pub(crate) fn findings(self) -> Vec<Finding> {
        Subject::new(self.deployment, self.request).findings(&self.facts)
    }
}

pub(crate) fn model_arn(region: &str) -> String {
    format!("arn:aws:bedrock:{region}::foundation-model/{MODEL}")
}

pub(crate) fn denied<T>() -> Fact<T> {
    Fact::Unreadable(Why {
        denied: true,
        message: "AccessDenied: not authorized".to_owned(),
    })
}

pub(crate) fn unreachable<T>() -> Fact<T> {
    Fact::Unreadable(Why {
        denied: false,
        message: "connection refused".to_owned(),
    })
}

/// Returns the trust policy of the template.
pub(crate) fn trust() -> Value {
    json!({
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:model-invocation-job/*")},
        },
    })
}

/// Returns a rule as the template creates it.
fn arrivals(name: &str, enabled: bool) -> Rule {
    Rule {
        name: name.to_owned(),
        enabled,
        pattern: json!({
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": ["acme-quarry"]}, "object": {"key": [{"prefix": "inbox/"}]}},
        }),
    }
}

/// Returns Quarry's own rule among rules that do not concern Quarry.
fn sound_rules() -> Vec<Rule> {
    let mut of_another_bucket = arrivals("quarry-test-Arrival-0A1B2C3D4E5F", true);
    of_another_bucket.pattern["detail"]["bucket"]["name"] = json!(["acme-quarry-test"]);
    let mut of_results = arrivals("reports-Arrival-0A1B2C3D4E5F", true);
    of_results.pattern["detail"]["object"]["key"] = json!([{"prefix": "results/"}]);
    vec![
        arrivals("quarry-Arrival-0A1B2C3D4E5F", true),
        arrivals("audit-trail", true),
        arrivals("old-Arrival-0A1B2C3D4E5F", false),
        of_another_bucket,
        of_results,
        Rule {
            name: "nightly-Arrival-check".to_owned(),
            enabled: true,
            pattern: Value::Null,
        },
    ]
}

fn sound_facts() -> Facts {
    let allowed = |action: &str| Decision {
        action: action.to_owned(),
        resource: "arn:x".to_owned(),
        outcome: AccessOutcome::Allowed,
        missing_context: Vec::new(),
    };
    let quota = |name: &str, value| Quota {
        name: format!("{name} for Claude Haiku 4.5"),
        value,
    };
    Facts {
        today: Some(date(2026, 11, 28)),
        bucket: Fact::Known(Bucket {
            region: REGION.to_owned(),
        }),
        events: Fact::Known(true),
        encryption: Fact::Known(BucketKey::Kms(KEY.to_owned())),
        role: Fact::Known(Role {
            trust: json!({"Version": "2012-10-17", "Statement": [trust()]}),
        }),
        permissions: Fact::Known(vec![allowed("s3:ListBucket"), allowed("s3:GetObject")]),
        key: Fact::Known(EncryptionKey {
            arn: KEY.to_owned(),
            state: "Enabled".to_owned(),
            usage: "ENCRYPT_DECRYPT".to_owned(),
            spec: "SYMMETRIC_DEFAULT".to_owned(),
        }),
        key_policy: Fact::Known(json!({"Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")},
            "Action": "kms:*",
            "Resource": "*",
        }]})),
        models: vec![ModelFacts {
            id: MODEL.to_owned(),
            profile: Fact::NotRead,
            model: Fact::Known(Model {
                name: Some("Claude Haiku 4.5".to_owned()),
                inference_types: vec!["ON_DEMAND".to_owned()],
                legacy: false,
                extended_access: None,
                end_of_life: None,
            }),
            access: Fact::Known(Access {
                authorized: true,
                entitled: true,
                in_region: true,
                agreement: Agreement::Available,
            }),
        }],
        quotas: Fact::Known(vec![
            quota("Minimum number of records per batch inference job", 100.0),
            quota("Records per input file per batch inference job", 50_000.0),
            quota("Records per batch inference job", 50_000.0),
            quota("Batch inference input file size (in GB)", 1.0),
            quota("Batch inference job size (in GB)", 5.0),
            quota(
                "Sum of in-progress and submitted batch inference jobs using a base model",
                20.0,
            ),
        ]),
        concurrency: Fact::Known(Concurrency {
            limit: 1_000,
            unreserved: 900,
        }),
        rules: Fact::Known(sound_rules()),
    }
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
