//! What a user reads if a deployment cannot be reached, or may not be used.

use crate::command::Ran;
use crate::deployed::{Deployed, PROXY_ERROR, Script, execution, folder, plan};
use quarry_contract::execution_status::ExecutionStatus;
use serde_json::json;

fn failed(ran: &Ran, code: i32, expected: &str) {
    assert_eq!(ran.code, code, "{ran:?}");
    assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}

#[test]
fn without_a_deployment_the_remedy_is_said() {
    let deployed = Deployed::new(Script::default());
    for command in ["runs", "status -", "results -"] {
        let mut none = deployed.command(command);
        none.env_remove("QUARRY_STACK");
        let ran = Ran::of(&none.output().expect("the command runs"));
        failed(
            &ran,
            2,
            "name the deployment with --stack NAME, or set QUARRY_STACK",
        );

        let mut none = deployed.command(command);
        none.env_remove("AWS_REGION")
            .env_remove("AWS_DEFAULT_REGION");
        let ran = Ran::of(&none.output().expect("the command runs"));
        failed(
            &ran,
            3,
            "no Region is known; give --region, or set AWS_REGION",
        );

        let mut none = deployed.command_without_credentials(command);
        let ran = Ran::of(&none.output().expect("the command runs"));
        failed(&ran, 3, "no AWS credentials found");

        let ran = deployed.quarry(&format!("{command} --stack absent"));
        failed(
            &ran,
            3,
            "there is no stack `absent` in eu-central-1; give its name with --stack",
        );
        let ran = deployed.quarry(&format!("{command} --stack quarry-other"));
        failed(
            &ran,
            3,
            "has no output `StateMachineArn`: it is not a deployment of Quarry",
        );
    }
}

#[test]
fn a_profile_that_does_not_exist_and_a_service_that_is_not_reached_are_told_as_what_they_are() {
    let deployed = Deployed::new(Script::default());
    let mut unknown = deployed.command_without_credentials("runs");
    unknown.env("AWS_PROFILE", "nobody");
    let ran = Ran::of(&unknown.output().expect("the command runs"));
    failed(
        &ran,
        3,
        "set AWS_PROFILE to a profile that `aws configure list-profiles` shows",
    );
    failed(&ran, 3, "the AWS profile `nobody`, which AWS_PROFILE names");

    let mut unreachable = deployed.command("runs");
    // Nobody listens there.
    unreachable.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let ran = Ran::of(&unreachable.output().expect("the command runs"));
    assert!(
        ran.stderr.contains("the service was not reached"),
        "{ran:?}"
    );
    assert!(
        !ran.stderr.contains("cloudformation:DescribeStacks"),
        "{ran:?}"
    );
}

#[test]
fn credentials_that_aws_refuses_are_remedied_by_credentials_and_not_by_a_permission() {
    for (operation, code, remedy) in [
        ("DescribeStacks", "ExpiredToken", "run `aws sso login`"),
        ("DescribeStacks", "InvalidClientTokenId", "make new keys"),
        ("DescribeStacks", "SignatureDoesNotMatch", "make new keys"),
        (
            "ListExecutions",
            "ExpiredTokenException",
            "run `aws sso login`",
        ),
        (
            "ListExecutions",
            "UnrecognizedClientException",
            "make new keys",
        ),
    ] {
        let deployed = Deployed::new(Script {
            refused: Some((operation, code)),
            ..Script::default()
        });
        let ran = deployed.quarry("runs");
        failed(&ran, 3, remedy);
        for permission in ["the caller needs", "is denied", "CommandLinePolicy"] {
            assert!(!ran.stderr.contains(permission), "{code}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_page_of_a_proxy_is_remedied_by_the_network_and_not_by_a_permission() {
    for operation in ["DescribeStacks", "ListExecutions"] {
        let deployed = Deployed::new(Script {
            refused: Some((operation, PROXY_ERROR)),
            ..Script::default()
        });
        let ran = deployed.quarry("runs");
        failed(&ran, 4, "a proxy may have responded in place of AWS");
        assert!(!ran.stderr.contains("the caller needs"), "{}", ran.stderr);
    }
}

#[test]
fn all_that_is_missing_to_reach_a_deployment_is_said_at_once() {
    let deployed = Deployed::new(Script::default());
    let mut nothing = deployed.command_without_credentials("runs --stack= --region=");
    for variable in ["AWS_REGION", "AWS_DEFAULT_REGION", "QUARRY_STACK"] {
        nothing.env_remove(variable);
    }
    let ran = Ran::of(&nothing.output().expect("the command runs"));
    for expected in [
        "name the deployment with --stack NAME",
        "no Region is known",
        "no AWS credentials found",
    ] {
        failed(&ran, 2, expected);
    }
}

#[test]
fn a_deployment_without_runs_has_none() {
    let deployed = Deployed::new(Script::default());
    assert_eq!(deployed.quarry("runs").good().stdout.lines().count(), 1);
    failed(
        &deployed.quarry("status -"),
        3,
        "no run `-` in the stack `quarry`",
    );
}

/// Each denied call names its permission, whatever the service says about it.
#[test]
fn a_denied_call_names_the_permission_and_the_policy() {
    for (operation, action, command) in [
        ("ListExecutions", "states:ListExecutions", "runs"),
        (
            "DescribeExecution",
            "states:DescribeExecution",
            "status strikes-1",
        ),
        ("ListMapRuns", "states:ListMapRuns", "status strikes-1"),
        (
            "ListModelInvocationJobs",
            "bedrock:ListModelInvocationJobs",
            "status strikes-1",
        ),
    ] {
        let mut run = execution("strikes-1", ExecutionStatus::Failed);
        run["error"] = json!("States.ExceedToleratedFailureThreshold");
        let deployed = Deployed::new(Script {
            runs: vec![run],
            refused: Some((operation, "AccessDeniedException")),
            ..Script::default()
        });
        deployed.put_document(&folder("strikes-1").plan(), &plan("strikes-1"));
        let ran = deployed.quarry(command);
        failed(&ran, 4, &format!("quarry: {action} is denied: "));
        assert!(
            ran.stderr.contains("attach the stack's CommandLinePolicy"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn objects_that_may_not_be_read_name_the_permission() {
    let deployed = Deployed::new(Script {
        runs: vec![execution("strikes-1", ExecutionStatus::Running)],
        refused: Some((
            "GET /quarry-data/runs/strikes-1/plan.json?x-id=GetObject HTTP/1.1",
            "AccessDenied",
        )),
        ..Script::default()
    });
    let mut command = deployed.command("status strikes-1");
    command.env("AWS_ENDPOINT_URL_S3", deployed.aws.endpoint());
    let ran = Ran::of(&command.output().expect("the command runs"));
    failed(&ran, 4, "quarry: s3:GetObject is denied: ");
}

#[test]
fn a_service_that_refuses_too_many_calls_is_asked_again_and_then_named() {
    let deployed = Deployed::new(Script {
        refused: Some(("ListExecutions", "ThrottlingException")),
        ..Script::default()
    });
    let ran = deployed.quarry("runs --json");
    failed(&ran, 4, "(states:ListExecutions)");
    assert_eq!(ran.report()["error"]["kind"], "run");
    assert_eq!(deployed.aws.requests("ListExecutions").len(), 4);
}
