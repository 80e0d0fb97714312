//! One change to a sound world for each case, and the findings that it causes. The texts are in
//! `tests/expected/findings.txt`.

use crate::world::{MODEL, REGION, ROLE, World, denied, model_arn, trust, unreachable};
use expect_test::expect_file;
use jiff::civil::date;
use quarry_preflight::{
    AccessOutcome, Agreement, BucketKey, Concurrency, DeploymentStage, Fact, Facts,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

type Case = (&'static str, fn() -> World);

fn world(change: fn(&mut World)) -> World {
    let mut world = World::sound();
    change(&mut world);
    world
}

fn profiled(change: fn(&mut World)) -> World {
    let mut world = World::with_profile();
    change(&mut world);
    world
}

fn planned(change: fn(&mut World)) -> World {
    let mut world = World::planned();
    change(&mut world);
    world
}

const PARAMETERS: &[Case] = &[
    ("a parameter is misspelt", || {
        planned(|w| w.set("ModelArn", "x"))
    }),
    ("a parameter is none", || {
        planned(|w| w.set("Colour", "red"))
    }),
    ("a parameter without a default is not set", || {
        planned(|w| w.set("ModelArns", ""))
    }),
    ("ARNs are of other things", || {
        planned(|w| {
            w.set("KmsKeyArn", "arn:aws:kms:eu-central-1:123456789012:alias/k");
            w.set("ProfileArns", "eu.anthropic.claude");
            w.set("ReadableArns", "s3://tables/strikes");
            w.set("WritableArns", "arn:aws:s3:::outputs/*/strikes");
            w.set(
                "PermissionsBoundaryArn",
                "arn:aws:iam::123456789012:role/boundary",
            );
        })
    }),
    ("the stack failed", || {
        world(|w| w.deployment.status = Some("ROLLBACK_COMPLETE".to_owned()))
    }),
    ("an update failed", || {
        world(|w| w.deployment.status = Some("UPDATE_ROLLBACK_FAILED".to_owned()))
    }),
    ("the stack is being deployed", || {
        world(|w| w.deployment.status = Some("CREATE_IN_PROGRESS".to_owned()))
    }),
    ("the stack is another's", || {
        world(|w| w.deployment.batch_role = None)
    }),
];

const BUCKETS: &[Case] = &[
    ("the name has what Bedrock refuses", || {
        planned(|w| w.set("BucketName", "acme_quarry"))
    }),
    ("the name ends with a hyphen", || {
        planned(|w| w.set("BucketName", "acme-"))
    }),
    ("the bucket is missing", || {
        world(|w| w.facts.bucket = Fact::Absent)
    }),
    ("the bucket that is to be created is there", || {
        let mut world = World::sound();
        world.deployment.stage = DeploymentStage::Planned;
        world
    }),
    ("the bucket that is to be created is somebody's", || {
        planned(|w| w.facts.bucket = denied())
    }),
    ("the bucket is elsewhere", || {
        world(|w| {
            w.facts.bucket = Fact::Known(quarry_preflight::Bucket {
                region: "us-east-1".to_owned(),
            });
        })
    }),
    ("no events", || {
        world(|w| w.facts.events = Fact::Known(false))
    }),
    ("a key that no role has", || {
        world(|w| {
            w.set("KmsKeyArn", "");
            w.facts.encryption = Fact::Known(BucketKey::Kms("1234abcd".to_owned()));
            w.facts.key = Fact::NotRead;
            w.facts.key_policy = Fact::NotRead;
        })
    }),
    ("another key", || {
        world(|w| {
            w.facts.encryption = Fact::Known(BucketKey::Kms(
                "arn:aws:kms:eu-central-1:1:key/other".to_owned(),
            ));
        })
    }),
    ("an alias", || {
        world(|w| w.facts.encryption = Fact::Known(BucketKey::Kms("alias/acme".to_owned())))
    }),
    ("SSE-S3 beside a key", || {
        world(|w| w.facts.encryption = Fact::Known(BucketKey::S3))
    }),
];

const ARRIVALS: &[Case] = &[
    ("another stack has the bucket", || {
        world(|w| w.rule("quarry-2-Arrival-F5E4D3C2B1A0", true))
    }),
    (
        "another stack has the bucket, and nobody knows this one's name",
        || {
            planned(|w| {
                w.deployment.stack = None;
                w.rule("quarry-2-Arrival-F5E4D3C2B1A0", true);
            })
        },
    ),
    ("another stack is about the whole bucket", || {
        world(|w| {
            w.rule("quarry-2-Arrival-F5E4D3C2B1A0", true);
            if let Fact::Known(rules) = &mut w.facts.rules {
                let added = rules.last_mut().unwrap();
                added.pattern["detail"]["object"]["key"] = json!([{"prefix": ""}]);
            }
        })
    }),
];

fn concurrency(limit: u32, unreserved: u32) -> Fact<Concurrency> {
    Fact::Known(Concurrency { limit, unreserved })
}

const CONCURRENCY: &[Case] = &[
    ("a new account reserves", || {
        planned(|w| {
            w.set("InvokeReservedConcurrency", "5");
            w.facts.concurrency = concurrency(10, 10);
        })
    }),
    ("too little would stay unreserved", || {
        planned(|w| {
            w.set("InvokeReservedConcurrency", "50");
            w.facts.concurrency = concurrency(1_000, 120);
        })
    }),
    ("enough stays unreserved", || {
        planned(|w| {
            w.set("InvokeReservedConcurrency", "50");
            w.facts.concurrency = concurrency(1_000, 150);
        })
    }),
    ("the stack has its reservation", || {
        world(|w| {
            w.set("InvokeReservedConcurrency", "50");
            w.facts.concurrency = concurrency(150, 100);
        })
    }),
    ("a new account's functions throttle each other", || {
        world(|w| w.facts.concurrency = concurrency(10, 10))
    }),
    ("few slices at a time are enough for a new account", || {
        world(|w| {
            w.facts.concurrency = concurrency(10, 10);
            w.ask("BEDROCK_MAX_CONCURRENT_BATCH_JOBS", "8");
        })
    }),
    ("the reservation is no number", || {
        planned(|w| w.set("InvokeReservedConcurrency", "some"))
    }),
];

const ROLES: &[Case] = &[
    ("the role is missing", || {
        world(|w| w.facts.role = Fact::Absent)
    }),
    ("the role trusts another service", || {
        world(|w| {
            w.trust(&json!({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}));
        })
    }),
    ("trust for another account", || {
        world(|w| {
            let mut statement = trust();
            statement["Condition"]["StringEquals"]["aws:SourceAccount"] = json!("999999999999");
            w.trust(&statement);
        })
    }),
    ("trust for other jobs, in another Region", || {
        world(|w| {
            let mut statement = trust();
            statement["Condition"]["ArnLike"]["aws:SourceArn"] =
                json!("arn:aws:bedrock:us-east-1:123456789012:model-customization-job/*");
            w.trust(&statement);
        })
    }),
    ("trust on a condition that is not judged", || {
        world(|w| {
            let mut statement = trust();
            statement["Condition"]["StringEquals"]["aws:SourceOrgID"] = json!("o-1");
            w.trust(&statement);
        })
    }),
    ("a role of another account", || {
        world(|w| w.ask("BEDROCK_BATCH_ROLE_ARN", "arn:aws:iam::999999999999:role/R"))
    }),
    ("records may not be read", || {
        world(|w| {
            w.deny(
                "s3:GetObject",
                "arn:aws:s3:::acme-quarry/runs/run/x",
                AccessOutcome::ImplicitDeny,
                &[],
            );
        })
    }),
    ("answers are forbidden", || {
        world(|w| {
            w.deny(
                "s3:PutObject",
                "arn:aws:s3:::acme-quarry/runs/run/y",
                AccessOutcome::ExplicitDeny,
                &[],
            );
        })
    }),
    ("the key is not granted", || {
        world(|w| {
            w.deny(
                "kms:GenerateDataKey",
                "arn:k",
                AccessOutcome::ImplicitDeny,
                &[],
            );
        })
    }),
    ("the profile is not granted", || {
        profiled(|w| {
            w.deny(
                "bedrock:InvokeModel",
                "arn:p",
                AccessOutcome::ImplicitDeny,
                &[],
            );
        })
    }),
    ("a permission depends on what nobody knows", || {
        world(|w| {
            w.deny(
                "s3:GetObject",
                "arn:o",
                AccessOutcome::ImplicitDeny,
                &["aws:PrincipalOrgID"],
            );
        })
    }),
    ("on demand alone, no role matters", || {
        world(|w| {
            w.ask("BEDROCK_BATCH_MODE", "realtime");
            w.facts.role = Fact::Absent;
        })
    }),
];

const KEYS: &[Case] = &[
    ("the key is missing", || {
        world(|w| {
            w.facts.key = Fact::Absent;
            w.facts.key_policy = Fact::NotRead;
        })
    }),
    ("the key is disabled", || {
        world(|w| "Disabled".clone_into(&mut w.key().state))
    }),
    ("the key is to be deleted", || {
        world(|w| "PendingDeletion".clone_into(&mut w.key().state))
    }),
    ("the key signs", || {
        world(|w| {
            "SIGN_VERIFY".clone_into(&mut w.key().usage);
            "ECC_NIST_P256".clone_into(&mut w.key().spec);
        })
    }),
    ("the key is elsewhere", || {
        planned(|w| {
            w.set(
                "KmsKeyArn",
                "arn:aws:kms:us-east-1:123456789012:key/1234abcd",
            );
        })
    }),
    ("the request has another key", || {
        world(|w| w.ask("BEDROCK_OUTPUT_KMS_KEY", "alias/mine"))
    }),
    ("IAM may not decide", || {
        world(|w| {
            w.facts.key_policy = Fact::Known(
                json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/admin"}, "Action": "kms:*"}]}),
            );
        })
    }),
    ("only the role of jobs is named", || {
        world(|w| {
            w.facts.key_policy = Fact::Known(
                json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"]}}),
            );
        })
    }),
];

const MODELS: &[Case] = &[
    ("no model, no request", || world(|w| w.set("ModelId", ""))),
    ("no model for a request", || {
        world(|w| {
            w.set("ModelId", "");
            w.ask("BEDROCK_MAX_TOKENS", "512");
        })
    }),
    ("the model is unknown", || {
        world(|w| w.facts.models[0].model = Fact::Absent)
    }),
    ("the table of models says when the model ends", || {
        planned(|w| {
            w.ask(
                "BEDROCK_FALLBACK_MODEL_ID",
                "anthropic.claude-opus-4-1-20250805-v1:0",
            );
        })
    }),
    ("the model may not be asked", || {
        planned(|w| w.set("ModelArns", &model_arn("us-east-1")))
    }),
    ("the model is that of another Region", || {
        planned(|w| w.set("ModelId", &model_arn("us-east-1")))
    }),
    ("the model is legacy", || {
        world(|w| {
            w.model().legacy = true;
            w.model().end_of_life = Some(date(2027, 5, 14));
        })
    }),
    ("the model is legacy, and costs more", || {
        world(|w| {
            w.model().legacy = true;
            w.model().extended_access = Some(date(2027, 1, 15));
            w.model().end_of_life = Some(date(2027, 5, 14));
        })
    }),
    ("the model ends in 91 days", || {
        world(|w| w.model().end_of_life = Some(date(2027, 2, 27)))
    }),
    ("the model ends in 90 days", || {
        world(|w| w.model().end_of_life = Some(date(2027, 2, 26)))
    }),
    ("the model ends today", || {
        world(|w| w.model().end_of_life = Some(date(2026, 11, 28)))
    }),
    ("the model has ended", || {
        profiled(|w| {
            w.model().legacy = true;
            w.model().end_of_life = Some(date(2026, 10, 14));
        })
    }),
    ("nobody says which day it is", || {
        world(|w| {
            w.facts.today = None;
            w.model().end_of_life = Some(date(2026, 10, 14));
        })
    }),
    ("the model needs a profile", || {
        world(|w| w.model().inference_types = vec!["INFERENCE_PROFILE".to_owned()])
    }),
    ("the model is not in the Region", || {
        world(|w| w.access().in_region = false)
    }),
    ("the organisation lets nobody ask the model", || {
        world(|w| w.access().authorized = false)
    }),
    ("the account has never used the model", || {
        profiled(|w| {
            w.access().entitled = false;
            w.access().agreement = Agreement::Missing;
        })
    }),
    ("the account may use the model without an agreement", || {
        world(|w| w.access().agreement = Agreement::Missing)
    }),
    ("the account's first use is under way", || {
        world(|w| {
            w.access().entitled = false;
            w.access().agreement = Agreement::Pending;
        })
    }),
    ("the account's first use failed", || {
        world(|w| {
            w.access().entitled = false;
            w.access().agreement = Agreement::Failed("INVALID_PAYMENT_INSTRUMENT".to_owned());
        })
    }),
    ("a custom model that is not named", || {
        planned(|w| {
            w.set(
                "ModelId",
                "arn:aws:bedrock:eu-central-1:123456789012:custom-model/amazon.nova-lite-v1:0/abc",
            );
        })
    }),
    ("the fallback model may not be asked", || {
        planned(|w| w.ask("BEDROCK_FALLBACK_MODEL_ID", "amazon.nova-lite-v1:0"))
    }),
    ("the profile is unknown", || {
        profiled(|w| w.facts.models[0].profile = Fact::Absent)
    }),
    ("the profile is not active", || {
        profiled(|w| {
            if let Fact::Known(profile) = &mut w.facts.models[0].profile {
                "DELETING".clone_into(&mut profile.status);
            }
        })
    }),
    ("the profile is not allowed", || {
        profiled(|w| w.set("ProfileArns", ""))
    }),
    ("a Region's model is missing", || {
        profiled(|w| w.set("ModelArns", &model_arn(REGION)))
    }),
    (
        "the model without a Region is missing for a global profile",
        || {
            let mut world = World::with_global_profile();
            world.set("ModelArns", &model_arn(REGION));
            world
        },
    ),
    ("offline, the model without a Region is missing", || {
        let mut world = World::with_global_profile();
        world.deployment.stage = DeploymentStage::Planned;
        world.set("ModelArns", &model_arn(REGION));
        world.facts = Facts::default();
        world
    }),
    ("offline, nothing but the bucket is set", || {
        planned(|w| {
            w.deployment
                .parameters
                .retain(|name, _| name == "BucketName");
        })
    }),
    ("offline, the profile is one of another geography", || {
        planned(|w| {
            "ap-southeast-2".clone_into(&mut w.deployment.region);
            w.deployment
                .parameters
                .retain(|name, _| name == "BucketName");
        })
    }),
    ("offline, the profile's model is not named", || {
        planned(|w| {
            w.set("ModelId", &format!("eu.{MODEL}"));
            w.set(
                "ModelArns",
                "arn:aws:bedrock:eu-central-1::foundation-model/amazon.nova-pro-v1:0",
            );
            w.set(
                "ProfileArns",
                &format!("arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.{MODEL}"),
            );
        })
    }),
];

const ASKING: &[Case] = &[
    ("prefill on a model that refuses it", || {
        world(|w| {
            w.ask_model("anthropic.claude-opus-4-6-v1");
            w.ask("BEDROCK_MODEL_CAPABILITIES", r#"{"prefill": true}"#);
        })
    }),
    ("prefill on a model that may refuse it", || {
        world(|w| {
            w.ask_model("meta.llama9-70b-instruct-v1:0");
            w.ask("BEDROCK_MODEL_CAPABILITIES", r#"{"prefill": true}"#);
        })
    }),
    ("a schema goes before prefill", || {
        world(|w| {
            w.ask_model("anthropic.claude-opus-4-6-v1");
            w.ask("BEDROCK_MODEL_CAPABILITIES", r#"{"prefill": true}"#);
            w.ask("BEDROCK_VALIDATION_SCHEMA", r#"{"type": "object"}"#);
        })
    }),
    ("sampling on a model that refuses it", || {
        world(|w| {
            w.ask_model("anthropic.claude-opus-4-7");
            w.ask("BEDROCK_MODEL_CAPABILITIES", r#"{"sampling": true}"#);
        })
    }),
    ("both on a model that takes one", || {
        world(|w| {
            w.ask_model("anthropic.claude-haiku-4-5-20251001-v1:0");
            w.ask(
                "BEDROCK_MODEL_CAPABILITIES",
                r#"{"temperature_with_top_p": true}"#,
            );
        })
    }),
    ("both are given and one is sent", || {
        world(|w| {
            w.ask_model("anthropic.claude-haiku-4-5-20251001-v1:0");
            w.ask("BEDROCK_TEMPERATURE", "0.2");
            w.ask("BEDROCK_TOP_P", "0.9");
        })
    }),
    ("given and never sent", || {
        world(|w| {
            w.ask_model("anthropic.claude-opus-4-7");
            w.ask("BEDROCK_TEMPERATURE", "0.2");
        })
    }),
    ("capabilities are misspelt", || {
        world(|w| w.ask("BEDROCK_MODEL_CAPABILITIES", r#"{"prefil": true}"#))
    }),
    ("several settings are wrong", || {
        world(|w| {
            w.ask("BEDROCK_MAX_TOKEN", "512");
            w.ask("BEDROCK_BATCH_TIMEOUT_HOURS", "12");
            w.ask("BEDROCK_BATCH_INPUT_S3_PATH", "s3://b/p");
        })
    }),
    ("a value does not fit a default", || {
        world(|w| w.ask("BEDROCK_MIN_RECORDS_PER_JOB", "50000"))
    }),
];

/// Returns a world in which the model has these capabilities. Each case sets them, so that it does
/// not depend on the table.
fn having(capabilities: &str, settings: &[(&str, &str)]) -> World {
    let mut world = World::sound();
    world.ask("BEDROCK_MODEL_CAPABILITIES", capabilities);
    for (name, value) in settings {
        world.ask(name, value);
    }
    world
}

const FEATURES: &[Case] = &[
    ("more tokens than the model answers with", || {
        having(
            r#"{"max_output_tokens": 10000}"#,
            &[("BEDROCK_MAX_TOKENS", "10001")],
        )
    }),
    ("as many tokens as the model answers with", || {
        having(
            r#"{"max_output_tokens": 10000}"#,
            &[("BEDROCK_MAX_TOKENS", "10000")],
        )
    }),
    ("jobs are asked for, and do not take the model", || {
        having(r#"{"batch": false}"#, &[("BEDROCK_BATCH_MODE", "batch")])
    }),
    ("jobs do not take the model", || {
        having(r#"{"batch": false}"#, &[])
    }),
    ("jobs do not take the model, and are not wanted", || {
        having(r#"{"batch": false}"#, &[("BEDROCK_BATCH_MODE", "realtime")])
    }),
    ("thinking that cannot be switched off", || {
        having(r#"{"thinking": "always"}"#, &[("BEDROCK_THINKING", "off")])
    }),
    ("thinking that can be switched off", || {
        having(
            r#"{"thinking": "on_by_default"}"#,
            &[("BEDROCK_THINKING", "off")],
        )
    }),
    ("an effort that cannot be set", || {
        having(r#"{"effort": false}"#, &[("BEDROCK_EFFORT", "low")])
    }),
    ("a tier that the model has not", || {
        having(
            r#"{"flex": false, "priority": true}"#,
            &[("BEDROCK_SERVICE_TIER", "flex")],
        )
    }),
    ("a tier that the model has", || {
        having(
            r#"{"flex": false, "priority": true}"#,
            &[("BEDROCK_SERVICE_TIER", "priority")],
        )
    }),
    (
        "a fallback model of the same kind has the same limits",
        || {
            let mut world = having(
                r#"{"max_output_tokens": 10000}"#,
                &[("BEDROCK_MAX_TOKENS", "10001")],
            );
            let arn = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc";
            world.set("ProfileArns", arn);
            world.ask("BEDROCK_FALLBACK_MODEL_ID", arn);
            world
        },
    ),
    ("an effort that the fallback model does not have", || {
        planned(|w| {
            let models = [model_arn("eu-central-1"), MICRO_ARN.to_owned()];
            w.set("ModelArns", &models.join(","));
            w.ask("BEDROCK_MODEL_CAPABILITIES", r#"{"effort": true}"#);
            w.ask("BEDROCK_EFFORT", "high");
            w.ask("BEDROCK_FALLBACK_MODEL_ID", "amazon.nova-micro-v1:0");
        })
    }),
    ("a model that writes no text", || {
        planned(|w| w.ask("BEDROCK_FALLBACK_MODEL_ID", "amazon.nova-canvas-v1:0"))
    }),
];

const MICRO_ARN: &str = "arn:aws:bedrock:eu-central-1::foundation-model/amazon.nova-micro-v1:0";

const QUOTAS: &[Case] = &[
    ("no quota for the model", || {
        world(|w| w.model().name = Some("Claude Haiku 5.5".to_owned()))
    }),
    ("no quota for any like it", || {
        world(|w| w.model().name = Some("Pixtral Large".to_owned()))
    }),
    ("jobs need more records", || {
        world(|w| w.quota("Minimum number", 1_000.0))
    }),
    ("jobs may have fewer records", || {
        world(|w| w.quota("Records per batch", 10_000.0))
    }),
    ("files may have fewer records", || {
        world(|w| w.quota("Records per input file", 10_000.0))
    }),
    ("files may be smaller", || {
        world(|w| w.quota("Batch inference input file size", 0.5))
    }),
    ("files may just be smaller", || {
        world(|w| w.ask("BEDROCK_MAX_BYTES_PER_JOB", "1050000000"))
    }),
    ("fewer jobs at a time", || {
        world(|w| w.quota("Sum of", 10.0))
    }),
];

const PLACES: &[Case] = &[
    ("job files where Bedrock takes none", || {
        world(|w| {
            w.request.get_or_insert_default().work =
                Some("s3://acme-quarry/runs/dt=2026/".to_owned());
        })
    }),
    ("job files where the role reaches nothing", || {
        world(|w| w.request.get_or_insert_default().work = Some("s3://acme-quarry/work".to_owned()))
    }),
    ("job files at no location", || {
        world(|w| w.request.get_or_insert_default().work = Some("runs".to_owned()))
    }),
    ("data and results elsewhere", || {
        world(|w| {
            let request = w.request.get_or_insert_default();
            request.data = Some("s3://tables/strikes/".to_owned());
            request.prompts = Some("prompts.json".to_owned());
            request.output = Some("s3://outputs/strikes".to_owned());
        })
    }),
    ("data and results elsewhere, as the parameters say", || {
        world(|w| {
            w.set(
                "ReadableArns",
                "arn:aws:s3:::tables,arn:aws:s3:::tables/strikes/*",
            );
            w.set(
                "WritableArns",
                "arn:aws:s3:::outputs,arn:aws:s3:::outputs/strikes/*",
            );
            let request = w.request.get_or_insert_default();
            request.data = Some("s3://tables/strikes/".to_owned());
            request.prompts = Some("s3://acme-quarry/pipelines/strikes/prompts.json".to_owned());
            request.output = Some("s3://outputs/strikes".to_owned());
            request.summary = Some("s3://acme-quarry/results".to_owned());
            request.work = Some("s3://acme-quarry/runs/strikes".to_owned());
        })
    }),
    ("results among the data", || {
        world(|w| {
            w.set("WritableArns", "arn:aws:s3:::acme-quarry/inbox/*");
            let request = w.request.get_or_insert_default();
            request.data = Some("s3://acme-quarry/inbox/a".to_owned());
            request.output = Some("s3://acme-quarry/inbox/a/".to_owned());
        })
    }),
];

const UNREAD: &[Case] = &[
    ("some things may not be read", || {
        world(|w| {
            w.facts.permissions = denied();
            w.facts.quotas = unreachable();
        })
    }),
    ("nothing could be read", || {
        let mut world = World::sound();
        world.facts = Facts {
            bucket: denied(),
            quotas: unreachable(),
            ..Facts::default()
        };
        world
    }),
];

fn cases() -> impl Iterator<Item = &'static Case> {
    [
        PARAMETERS,
        BUCKETS,
        ARRIVALS,
        CONCURRENCY,
        ROLES,
        KEYS,
        MODELS,
        ASKING,
        FEATURES,
        QUOTAS,
        PLACES,
        UNREAD,
    ]
    .into_iter()
    .flatten()
}

/// The sound world has no findings, so every finding of a case comes from its change.
#[test]
fn nothing_is_found_where_all_is_well() {
    for world in [
        World::sound(),
        World::with_profile(),
        World::with_global_profile(),
        World::planned(),
    ] {
        assert_eq!(world.findings(), []);
    }
}

#[test]
fn every_finding_reads_as_it_is_written_down() {
    let mut text = String::new();
    for (name, world) in cases() {
        writeln!(text, "# {name}").unwrap();
        for finding in world().findings() {
            writeln!(text, "[{}] {finding}", finding.code).unwrap();
        }
        text.push('\n');
    }
    expect_file!["../expected/findings.txt"].assert_eq(&text);
}

/// Every kind of finding has a case, and every finding has a remedy.
#[test]
fn every_kind_of_finding_has_a_case() {
    let mut found = BTreeSet::new();
    for (_, world) in cases() {
        for finding in world().findings() {
            assert!(
                !finding.remedy.is_empty() && !finding.problem.is_empty(),
                "{finding:?}"
            );
            found.insert(finding.code.to_owned());
        }
    }
    let mut known = BTreeSet::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut known,
    );
    assert!(known.len() > 20, "{known:?}");
    assert_eq!(found, known);
}

/// Collects the kinds that the sources name: literals that begin a finding.
fn sources(folder: &Path, kinds: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, kinds);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let calls = [".error(", ".warning(", ".note(", "let code ="];
        for call in calls {
            for after in text.split(call).skip(1) {
                let statement = after.split(';').next().unwrap();
                let literals = statement.split('"').skip(1).step_by(2);
                let wanted = if call.starts_with('.') { 1 } else { 2 };
                kinds.extend(literals.take(wanted).map(str::to_owned));
            }
        }
    }
}
