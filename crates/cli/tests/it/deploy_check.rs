//! `quarry deploy-check`: checks a deployment on a fake AWS, over HTTP.

use crate::command::Ran;
use crate::fake_aws::{Answer, FakeAws, Request, quarry_without_credentials};
use expect_test::expect_file;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const MODEL: &str = "anthropic.claude-haiku-4-5-20251001-v1:0";
const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// The day of the tests, whenever they run.
const DAY: &str = "2026-11-28";

/// Runs the command against an address, with credentials.
fn quarry(folder: &Path, endpoint: &str, arguments: &str) -> Ran {
    let mut command = command(folder, endpoint, arguments);
    command
        .args(["--date", DAY])
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    ran(command)
}

/// Returns the command for an address, without credentials.
fn command(folder: &Path, endpoint: &str, arguments: &str) -> Command {
    let mut command = quarry_without_credentials(folder, endpoint);
    command
        .arg("deploy-check")
        .args(arguments.split_whitespace());
    command
}

fn ran(mut command: Command) -> Ran {
    Ran::of(&command.output().expect("the command runs"))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn members<T: AsRef<str>>(names: (&str, &str), pairs: &[(&str, T)]) -> String {
    let (key, of_value) = names;
    let member = |(name, value): &(&str, T)| {
        let value = value.as_ref();
        format!("<member><{key}>{name}</{key}><{of_value}>{value}</{of_value}></member>")
    };
    pairs.iter().map(member).collect::<Vec<_>>().concat()
}

fn stack(parameters: &[(&str, &str)]) -> String {
    let role = [
        ("TopicArn", "arn:t"),
        (
            "BatchRoleArn",
            "arn:aws:iam::123456789012:role/quarry-BatchRole-X",
        ),
    ];
    format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult><Stacks><member>\
         <StackName>quarry</StackName>\
         <StackId>arn:aws:cloudformation:eu-central-1:123456789012:stack/quarry/0a1b</StackId>\
         <StackStatus>UPDATE_COMPLETE</StackStatus><Parameters>{}</Parameters><Outputs>{}</Outputs>\
         </member></Stacks></DescribeStacksResult></DescribeStacksResponse>",
        members(("ParameterKey", "ParameterValue"), parameters),
        members(("OutputKey", "OutputValue"), &role),
    )
}

/// Returns a role with its trust policy in IAM's form.
fn role(source_arn: &str) -> String {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}, "ArnLike": {"aws:SourceArn": source_arn}},
    }]});
    let encoded: String = trust
        .to_string()
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    format!(
        "<GetRoleResponse><GetRoleResult><Role><RoleName>r</RoleName><AssumeRolePolicyDocument>{encoded}</AssumeRolePolicyDocument>\
         </Role></GetRoleResult></GetRoleResponse>"
    )
}

/// Returns the decisions about the actions of a simulation; actions that are not denied are
/// allowed.
fn simulated(request: &Request, denied: &[(&str, &str)]) -> String {
    let actions = request
        .body
        .split('&')
        .filter(|pair| pair.starts_with("ActionNames."));
    let decisions: Vec<String> = actions
        .map(|pair| {
            let action = pair.split_once('=').expect("a pair").1.replace("%3A", ":");
            let decision = denied.iter().find(|(of, _)| *of == action).map_or("allowed", |(_, decision)| *decision);
            format!("<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision><MissingContextValues/></member>")
        })
        .collect();
    let decisions = decisions.concat();
    format!(
        "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated>\
         <EvaluationResults>{decisions}</EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
    )
}

/// Returns two pages of quotas, mixed with quotas of other things.
fn quotas(request: &Request, records: u32, jobs: u32) -> String {
    let body: Value = serde_json::from_str(&request.body).expect("JSON");
    let quota = |name: &str, value: u32| json!({"ServiceCode": "bedrock", "QuotaName": name, "Value": value});
    let page = if body.get("NextToken").is_none() {
        json!({"NextToken": "2", "Quotas": [
            quota("APIs per Agent", 11),
            quota("Minimum number of records per batch inference job for Claude Haiku 4.5", 100),
            quota("Records per batch inference job for Claude Haiku 4.5", records),
        ]})
    } else {
        json!({"Quotas": [
            quota("Records per input file per batch inference job for Claude Haiku 4.5", 50_000),
            quota("Batch inference input file size (in GB) for Claude Haiku 4.5", 1),
            quota("Batch inference job size for Claude Haiku 4.5 (in GB)", 5),
            quota("Sum of in-progress and submitted batch inference jobs using a base model for Claude Haiku 4.5", jobs),
        ]})
    };
    page.to_string()
}

fn encrypted() -> String {
    format!(
        "<ServerSideEncryptionConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule><ApplyServerSideEncryptionByDefault>\
         <SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>{KEY}</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule>\
         </ServerSideEncryptionConfiguration>"
    )
}

fn key(state: &str) -> String {
    json!({"KeyMetadata": {
        "KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "Arn": KEY, "KeyState": state,
        "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT",
    }})
    .to_string()
}

fn key_policy(principal: &str) -> String {
    let policy = json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"}]});
    json!({"Policy": policy.to_string(), "PolicyName": "default"}).to_string()
}

fn model(inference: &str, status: &str, end: &str) -> String {
    json!({"modelDetails": {
        "modelArn": format!("arn:aws:bedrock:eu-central-1::foundation-model/{MODEL}"), "modelId": MODEL,
        "modelName": "Claude Haiku 4.5", "providerName": "Anthropic", "inferenceTypesSupported": [inference],
        "modelLifecycle": {
            "status": status, "startOfLifeTime": "2025-10-15T00:00:00Z", "publicExtendedAccessTime": "2027-01-15T00:00:00Z",
            "endOfLifeTime": format!("{end}T00:00:00Z"),
        },
    }})
    .to_string()
}

fn availability(agreement: &str, entitlement: &str) -> String {
    json!({
        "modelId": MODEL, "agreementAvailability": {"status": agreement}, "authorizationStatus": "AUTHORIZED",
        "entitlementAvailability": entitlement, "regionAvailability": "AVAILABLE",
    })
    .to_string()
}

fn profile() -> String {
    let model = |region: &str| json!({"modelArn": format!("arn:aws:bedrock:{region}::foundation-model/{MODEL}")});
    json!({
        "inferenceProfileName": "EU Claude Haiku 4.5", "inferenceProfileId": format!("eu.{MODEL}"),
        "inferenceProfileArn": format!("arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.{MODEL}"),
        "models": [model("eu-central-1"), model("eu-west-1"), model("eu-west-3")],
        "status": "ACTIVE", "type": "SYSTEM_DEFINED",
    })
    .to_string()
}

fn account_settings(limit: u32) -> String {
    json!({
        "AccountLimit": {
            "CodeSizeUnzipped": 262_144_000, "CodeSizeZipped": 52_428_800, "ConcurrentExecutions": limit,
            "TotalCodeSize": 80_530_636_800_u64, "UnreservedConcurrentExecutions": limit,
        },
        "AccountUsage": {"FunctionCount": 9, "TotalCodeSize": 60_000_000},
    })
    .to_string()
}

/// Returns two pages of rules: one without a pattern, and those for arrivals of these stacks.
fn rules(request: &Request, stacks: &[&str]) -> String {
    let body: Value = serde_json::from_str(&request.body).expect("JSON");
    if body.get("NextToken").is_none() {
        return json!({"NextToken": "2", "Rules": [
            {"Name": "nightly", "State": "ENABLED", "ScheduleExpression": "rate(1 day)", "EventBusName": "default"},
        ]})
        .to_string();
    }
    let pattern = json!({
        "source": ["aws.s3"], "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["acme-quarry"]}, "object": {"key": [{"prefix": "inbox/"}]}},
    });
    let rules: Vec<Value> = stacks
        .iter()
        .map(|stack| {
            json!({
                "Name": format!("{stack}-Arrival-0A1B2C3D4E5F"), "State": "ENABLED", "EventBusName": "default",
                "EventPattern": pattern.to_string(),
            })
        })
        .collect();
    json!({"Rules": rules}).to_string()
}

fn events(is_on: bool) -> String {
    let on = if is_on {
        "<EventBridgeConfiguration/>"
    } else {
        ""
    };
    format!(
        "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{on}</NotificationConfiguration>"
    )
}

fn caller() -> String {
    "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
     <Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>U</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
     </GetCallerIdentityResponse>"
        .to_owned()
}

fn xml_error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    )
}

const JOBS: &str = "arn:aws:bedrock:eu-central-1:123456789012:model-invocation-job/*";
const ROOT: &str = "arn:aws:iam::123456789012:root";

/// Returns the responses of a deployment without findings.
fn sound(request: &Request) -> Answer {
    let profile_arn =
        format!("arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.{MODEL}");
    let models = ["eu-central-1", "eu-west-1", "eu-west-3"]
        .map(|region| format!("arn:aws:bedrock:{region}::foundation-model/{MODEL}"))
        .join(",");
    let body = match request.operation.as_str() {
        "DescribeStacks" => stack(&[
            ("BucketName", "acme-quarry"),
            ("CreateBucket", "no"),
            ("KmsKeyArn", KEY),
            ("ModelId", &format!("eu.{MODEL}")),
            ("ModelArns", &models),
            ("ProfileArns", &profile_arn),
        ]),
        "HeadBucket" => "eu-central-1".to_owned(),
        "GetBucketNotificationConfiguration" => events(true),
        "GetBucketEncryption" => encrypted(),
        "GetRole" => role(JOBS),
        "SimulatePrincipalPolicy" => simulated(request, &[]),
        "DescribeKey" => key("Enabled"),
        "GetKeyPolicy" => key_policy(ROOT),
        "GetInferenceProfile" => profile(),
        "GetFoundationModel" => model("ON_DEMAND", "ACTIVE", "2027-05-14"),
        "GetFoundationModelAvailability" => availability("AVAILABLE", "AVAILABLE"),
        "GetAccountSettings" => account_settings(1_000),
        "ListRules" => rules(request, &["quarry"]),
        "ListServiceQuotas" => quotas(request, 50_000, 20),
        "GetCallerIdentity" => caller(),
        other => return (404, format!("no {other} here")),
    };
    (200, body)
}

/// Returns the responses of a deployment in which nearly everything is wrong.
fn broken(request: &Request) -> Answer {
    let body = match request.operation.as_str() {
        "DescribeStacks" => stack(&[
            ("BucketName", "acme-quarry"),
            ("CreateBucket", "no"),
            ("KmsKeyArn", KEY),
            ("ModelId", MODEL),
            (
                "ModelArns",
                "arn:aws:bedrock:eu-central-1::foundation-model/amazon.nova-pro-v1:0",
            ),
        ]),
        "GetBucketNotificationConfiguration" => events(false),
        "GetBucketEncryption" => {
            return (
                404,
                "<Error><Code>ServerSideEncryptionConfigurationNotFoundError</Code></Error>"
                    .to_owned(),
            );
        }
        "GetRole" => role("arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/*"),
        "SimulatePrincipalPolicy" => simulated(
            request,
            &[
                ("s3:GetObject", "implicitDeny"),
                ("kms:GenerateDataKey", "implicitDeny"),
                ("s3:PutObject", "explicitDeny"),
            ],
        ),
        "DescribeKey" => key("Disabled"),
        "GetKeyPolicy" => key_policy("arn:aws:iam::123456789012:role/admin"),
        "GetFoundationModel" => model("PROVISIONED", "LEGACY", "2027-01-31"),
        "GetFoundationModelAvailability" => availability("NOT_AVAILABLE", "NOT_AVAILABLE"),
        "GetAccountSettings" => account_settings(10),
        "ListRules" => rules(request, &["quarry", "quarry-old"]),
        "ListServiceQuotas" => quotas(request, 10_000, 10),
        _ => return sound(request),
    };
    (200, body)
}

/// Returns the responses to a caller who may read only the stack.
fn forbidden(request: &Request) -> Answer {
    match request.operation.as_str() {
        "DescribeStacks" | "GetCallerIdentity" => sound(request),
        "HeadBucket" => (403, String::new()),
        "GetRole" => (403, xml_error("AccessDenied", "User u is not authorized to perform: iam:GetRole")),
        operation => (
            400,
            json!({"__type": "AccessDeniedException", "message": format!("User u is not authorized to perform {operation}")}).to_string(),
        ),
    }
}

/// A sound deployment has no findings; everything was requested with signatures, and only by
/// reading operations.
#[test]
fn a_sound_deployment_has_no_findings() {
    let (aws, folder) = (FakeAws::start(sound), folder());
    let ran = quarry(folder.path(), aws.endpoint(), "--stack quarry").good();
    expect_file!["../expected/deploy_check/sound.txt"].assert_eq(&ran.stdout);
    assert_eq!(
        aws.operations(),
        [
            "DescribeKey",
            "DescribeStacks",
            "GetAccountSettings",
            "GetBucketEncryption",
            "GetBucketNotificationConfiguration",
            "GetFoundationModel",
            "GetFoundationModelAvailability",
            "GetInferenceProfile",
            "GetKeyPolicy",
            "GetRole",
            "HeadBucket",
            "ListRules",
            "ListServiceQuotas",
            "SimulatePrincipalPolicy",
        ]
    );
    for (operation, scope) in [
        (
            "DescribeStacks",
            "/eu-central-1/cloudformation/aws4_request",
        ),
        ("GetRole", "/us-east-1/iam/aws4_request"),
        ("DescribeKey", "/eu-central-1/kms/aws4_request"),
        (
            "ListServiceQuotas",
            "/eu-central-1/servicequotas/aws4_request",
        ),
        ("GetAccountSettings", "/eu-central-1/lambda/aws4_request"),
        ("ListRules", "/eu-central-1/events/aws4_request"),
    ] {
        let head = &aws.requests(operation)[0].head;
        assert!(
            head.contains("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
            "{head}"
        );
        assert!(head.contains(scope), "{scope} in {head}");
    }
    for paged in ["ListServiceQuotas", "ListRules"] {
        assert_eq!(aws.requests(paged).len(), 2, "both pages of {paged}");
    }
    let simulations = aws.requests("SimulatePrincipalPolicy");
    for part in [
        "runs%2Frun%2Fslices%2F000000%2Fround-0%2Finput%2Frecords.jsonl",
        "ContextEntries.member.2.ContextKeyValues.member.1=s3.eu-central-1.amazonaws.com",
        "inference-profile%2Feu.anthropic",
        "eu-west-3%3A%3Afoundation-model",
    ] {
        assert!(
            simulations.iter().any(|one| one.body.contains(part)),
            "{part}"
        );
    }
}

/// `docs/deploy.md` checks a new deployment with it.
#[test]
fn the_request_of_the_example_fits_a_sound_deployment() {
    let (aws, folder) = (FakeAws::start(sound), folder());
    let request = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/wildlife-strikes/request.json"
    );
    let arguments = format!("--stack quarry --request {request}");
    let ran = quarry(folder.path(), aws.endpoint(), &arguments).good();
    assert!(ran.stdout.contains("0 errors"), "{}", ran.stdout);
}

/// The command finds over the network what is wrong, and the exit code says so.
#[test]
fn a_broken_deployment_is_found_out() {
    let (aws, folder) = (FakeAws::start(broken), folder());
    let request = json!({
        "work": "s3://acme-quarry/runs/dt=2026-11-22/",
        "output": "s3://outputs/strikes/",
        "settings": {"BEDROCK_MAX_TOKEN": "512", "BEDROCK_FALLBACK_MODEL_ID": "amazon.nova-pro-v1:0"},
    });
    fs::write(folder.path().join("request.json"), request.to_string()).expect("a file");
    let ran = quarry(
        folder.path(),
        aws.endpoint(),
        "--stack quarry --request request.json",
    );
    assert_eq!(ran.code, 5, "{ran:?}");
    expect_file!["../expected/deploy_check/broken.txt"].assert_eq(&ran.stdout);
    assert!(ran.stderr.contains("errors"), "{ran:?}");

    let again = quarry(
        folder.path(),
        aws.endpoint(),
        "--stack quarry --request request.json --json",
    );
    assert_eq!(again.code, 5);
    let report = again.report();
    let findings = report["findings"].as_array().expect("findings");
    assert_eq!(
        findings.len(),
        ran.stdout.lines().count() - 2,
        "one line each, and two at the end"
    );
    assert!(
        findings
            .iter()
            .any(|one| one["code"] == "key-state" && one["severity"] == "error"),
        "{report}"
    );
    assert!(
        report["errors"].as_u64().expect("a number") > 10,
        "{report}"
    );
}

/// A fact that may not be read is reported with the missing permission and does not count as
/// passed.
#[test]
fn what_may_not_be_read_is_a_finding() {
    let (aws, folder) = (FakeAws::start(forbidden), folder());
    let ran = quarry(folder.path(), aws.endpoint(), "--stack quarry");
    assert_eq!(ran.code, 5, "{ran:?}");
    expect_file!["../expected/deploy_check/forbidden.txt"].assert_eq(&ran.stdout);
}

#[test]
fn a_missing_stack_and_an_unreachable_aws_are_failures() {
    fn no_stack(_: &Request) -> Answer {
        (
            400,
            xml_error("ValidationError", "Stack with id quarry does not exist"),
        )
    }
    let (aws, folder) = (FakeAws::start(no_stack), folder());
    let ran = quarry(folder.path(), aws.endpoint(), "--stack quarry");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains("no stack `quarry` in eu-central-1"),
        "{ran:?}"
    );

    let aws = FakeAws::start(|_: &Request| -> Answer {
        let message = "not authorized to perform: cloudformation:DescribeStacks";
        (403, xml_error("AccessDenied", message))
    });
    let ran = quarry(folder.path(), aws.endpoint(), "--stack quarry");
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stderr.contains("cloudformation:DescribeStacks"),
        "{ran:?}"
    );
}

/// The day is an input: a model that exists today may have ended by another day.
#[test]
fn the_day_decides_what_has_ended() {
    let (aws, folder) = (FakeAws::start(sound), folder());
    let on = |day: &str| {
        let mut command = command(folder.path(), aws.endpoint(), "--stack quarry");
        command
            .args(["--date", day])
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret");
        ran(command)
    };
    let warned = on("2027-03-01").good();
    assert!(
        warned.stdout.contains("ends on 2027-05-14, in 74 days"),
        "{warned:?}"
    );
    assert!(
        on("2027-05-14")
            .good()
            .stdout
            .contains("ends on 2027-05-14, today")
    );
    let ended = on("2027-05-15");
    assert_eq!(ended.code, 5, "{ended:?}");
    assert!(ended.stdout.contains("ended on 2027-05-14"), "{ended:?}");
    let wrong = on("14.5.2027");
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(wrong.stderr.contains("--date"), "{wrong:?}");
}

/// Without credentials, or with ones that do not work, the command says in plain words what to do.
#[test]
fn without_credentials_the_remedy_is_to_log_in() {
    let folder = folder();
    let nowhere = "http://127.0.0.1:1";
    let config = folder.path().join("samconfig.toml");
    let parameters =
        "version = 0.1\n[default.deploy.parameters]\nparameter_overrides = \"BucketName=acme\"\n";
    fs::write(config, parameters).expect("a file");
    for arguments in ["--stack quarry", "--config samconfig.toml"] {
        let none = ran(command(folder.path(), nowhere, arguments));
        assert_eq!(none.code, 3, "{none:?}");
        assert_eq!(
            none.stderr,
            "quarry: no AWS credentials found in the environment or the AWS profile; run `aws sso login`, or set AWS_PROFILE \
             to a profile that `aws configure list-profiles` shows, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n"
        );
    }

    // A profile that uses SSO, without a login.
    let profile = "[profile sso]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = R\nregion = eu-central-1\n\
                   [sso-session s]\nsso_region = eu-central-1\nsso_start_url = https://acme.awsapps.com/start\n";
    fs::write(folder.path().join("config"), profile).expect("a file");
    let mut expired = command(folder.path(), nowhere, "--stack quarry");
    expired.env("AWS_PROFILE", "sso").env("HOME", folder.path());
    let expired = ran(expired);
    assert_eq!(expired.code, 3, "{expired:?}");
    let stderr = &expired.stderr;
    assert!(stderr.contains("run `aws sso login`"), "{stderr}");
    assert!(!stderr.contains(" { "), "no Debug form: {stderr}");

    // There are credentials, but no service responds.
    let unanswered = quarry(folder.path(), nowhere, "--config samconfig.toml");
    assert_eq!(unanswered.code, 4, "{unanswered:?}");
    let stderr = &unanswered.stderr;
    assert!(
        stderr.contains("cannot read your AWS identity (sts:GetCallerIdentity)"),
        "{stderr}"
    );
    assert!(!stderr.contains(" { "), "no Debug form: {stderr}");
}

/// Planned parameters are checked with AWS, or without it if the user wants that.
#[test]
fn parameters_are_checked_before_they_are_deployed() {
    let folder = folder();
    let samconfig = format!(
        "version = 0.1\n[default.deploy.parameters]\nregion = \"eu-west-1\"\nparameter_overrides = \"BucketName=\\\"acme_quarry\\\" \
         ModelId=\\\"{MODEL}\\\" ModelArns=\\\"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}\\\"\"\n"
    );
    fs::write(folder.path().join("samconfig.toml"), samconfig).expect("a file");
    let nowhere = "http://127.0.0.1:1";
    let ran = quarry(folder.path(), nowhere, "--config samconfig.toml --offline");
    assert_eq!(ran.code, 5, "{ran:?}");
    expect_file!["../expected/deploy_check/planned.txt"].assert_eq(&ran.stdout);

    let good = json!({
        "BucketName": "acme-quarry", "ModelId": MODEL, "ProfileArns": "",
        "ModelArns": [format!("arn:aws:bedrock:eu-central-1::foundation-model/{MODEL}")],
    });
    fs::write(folder.path().join("good.json"), good.to_string()).expect("a file");
    quarry(folder.path(), nowhere, "--config good.json --offline").good();

    let aws = FakeAws::start(sound);
    let ran = quarry(folder.path(), aws.endpoint(), "--config good.json").good();
    assert!(
        ran.stdout
            .starts_with("warning  bucket acme-quarry: exists already"),
        "{ran:?}"
    );
    assert!(
        !aws.operations().contains(&"GetRole".to_owned()),
        "the role is not there yet"
    );
}

#[test]
fn a_wrong_command_line_is_refused() {
    let folder = folder();
    fs::write(folder.path().join("p.yaml"), "").expect("a file");
    let nowhere = "http://127.0.0.1:1";
    for (arguments, code, words) in [
        ("", 2, "--stack"),
        ("--stack a --config b", 2, "cannot be used with"),
        ("--stack a --offline", 2, "cannot be used with"),
        (
            "--config p.yaml --offline",
            3,
            "neither a .toml nor a .json",
        ),
        ("--config none.json --offline", 3, "cannot be read"),
        ("--stack a --set BEDROCK", 2, "NAME=VALUE"),
    ] {
        let ran = quarry(folder.path(), nowhere, arguments);
        assert_eq!(ran.code, code, "{arguments}: {ran:?}");
        assert!(ran.stderr.contains(words), "{arguments}: {ran:?}");
    }
}
