//! `quarry deploy-check`: finds what would fail in a deployment, before anything is paid for.

mod config;

use crate::deployment::MissingAccess;
use crate::failure::Failure;
use crate::offered::ASSIGNMENTS;
use crate::output::write;
use crate::staging::{read_request, read_settings};
use clap::{ArgGroup, Args};
use config::Config;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use quarry_account::{Account, AccountError};
use quarry_contract::request_file::RequestFile;
use quarry_edge::environment::path_style_from_environment;
use quarry_edge::sdk::{SdkOptions, load};
use quarry_preflight::{Deployment, DeploymentStage, Facts, Finding, Severity, Subject};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Arguments of `quarry deploy-check`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("deployment").required(true).args(["stack", "config"])))]
pub(crate) struct DeployCheckArguments {
    /// A stack that is deployed.
    #[arg(long, value_name = "NAME", conflicts_with = "offline")]
    stack: Option<String>,
    /// Parameters that are about to be deployed: a samconfig.toml, or the template's parameters as
    /// JSON.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The environment in samconfig.toml.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "default",
        conflicts_with = "stack"
    )]
    config_env: String,
    /// A request to check with the deployment: a `request.json`.
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// A setting of the request, e.g. `BEDROCK_MAX_TOKENS=512`; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = ASSIGNMENTS, hide_possible_values = true)]
    settings: Vec<String>,
    /// The Region; by default that of samconfig.toml, of `AWS_REGION` or of the AWS profile.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The day to check for, by default today. A later day shows what will have ended by then.
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<Date>,
    /// Check only the parameters and the request, without any call to AWS.
    #[arg(long)]
    offline: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Checks a deployment.
pub(crate) async fn deploy_check(arguments: DeployCheckArguments) -> Result<(), Failure> {
    if arguments.stack.as_deref() == Some("") {
        return Err(Failure::usage("give --stack NAME or --config FILE"));
    }
    let request = request(&arguments)?;
    let config = match &arguments.config {
        Some(file) => Some(Config::read(file, &arguments.config_env)?),
        None => None,
    };
    let region = arguments.region.clone().filter(|name| !name.is_empty());
    let region = region.or_else(|| config.as_ref().and_then(|config| config.region.clone()));
    let sdk = load(SdkOptions {
        region,
        ..SdkOptions::default()
    })
    .await;
    let Some(region) = sdk.region().map(ToString::to_string) else {
        let mut missing = MissingAccess::default();
        missing.region();
        return Err(Failure::usage(missing.in_words(&sdk).await));
    };
    let account = if arguments.offline {
        None
    } else {
        let path_style =
            path_style_from_environment().map_err(|error| Failure::usage(error.to_string()))?;
        let account = Account::new(&sdk, path_style).map_err(|error| unanswered(&error))?;
        let credentials = account.check_credentials().await;
        credentials.map_err(|error| unanswered(&error))?;
        Some(account)
    };
    let deployment = match (&account, config) {
        (account, Some(config)) => {
            let number = match account {
                Some(account) => Some(account.number().await.map_err(|error| unanswered(&error))?),
                None => None,
            };
            planned(config, region, number)
        }
        (Some(account), None) => {
            let stack = arguments.stack.as_deref().unwrap_or_default();
            let stack = account.stack(stack).await;
            stack.map_err(|error| unanswered(&error))?.deployment
        }
        (None, None) => return Err(Failure::usage("give --stack NAME or --config FILE")),
    };
    let about = describe(&arguments, &deployment);
    let subject = Subject::new(deployment, request);
    let mut facts = match &account {
        Some(account) => Box::pin(account.facts(&subject)).await,
        None => Facts::default(),
    };
    let today = || Timestamp::now().to_zoned(TimeZone::UTC).date();
    facts.today = Some(arguments.date.unwrap_or_else(today));
    let findings = subject.findings(&facts);
    print(&about, &facts, &findings, arguments.json)?;
    match count(&findings, Severity::Error) {
        0 => Ok(()),
        errors => Err(Failure::findings(format!(
            "{about}: {}",
            number(errors, "error")
        ))),
    }
}

fn request(arguments: &DeployCheckArguments) -> Result<Option<RequestFile>, Failure> {
    if arguments.request.is_none() && arguments.settings.is_empty() {
        return Ok(None);
    }
    let mut request = match &arguments.request {
        Some(file) => read_request(file)?,
        None => RequestFile::default(),
    };
    request.settings.extend(read_settings(&arguments.settings)?);
    Ok(Some(request))
}

fn planned(config: Config, region: String, account: Option<String>) -> Deployment {
    Deployment {
        stage: DeploymentStage::Planned,
        stack: config.stack,
        region,
        account,
        parameters: config.parameters,
        batch_role: None,
        status: None,
    }
}

fn unanswered(error: &AccountError) -> Failure {
    if error.is_input() {
        Failure::input(error.to_string())
    } else {
        Failure::run(error.to_string())
    }
}

/// Returns a text such as `stack quarry in eu-central-1`.
fn describe(arguments: &DeployCheckArguments, deployment: &Deployment) -> String {
    let what = match (&arguments.stack, &arguments.config) {
        (Some(stack), _) => format!("stack {stack}"),
        (None, Some(config)) => format!("parameters in {}", config.display()),
        (None, None) => "deployment".to_owned(),
    };
    format!("{what}, {}", deployment.region)
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    findings
        .iter()
        .filter(|finding| finding.severity == severity)
        .count()
}

/// Returns a text such as `1 error` or `2 errors`.
fn number(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}

fn print(about: &str, facts: &Facts, findings: &[Finding], as_json: bool) -> Result<(), Failure> {
    let text = if as_json {
        format!("{}\n", json_report(about, facts, findings))
    } else {
        report(about, facts, findings)
    };
    write(text.as_bytes()).map(drop)
}

fn report(about: &str, facts: &Facts, findings: &[Finding]) -> String {
    let mut lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    let counts = [Severity::Error, Severity::Warning, Severity::Note]
        .map(|severity| number(count(findings, severity), severity.as_str()));
    lines.push(format!("{about}: {}", counts.join(", ")));
    let read: Vec<String> = facts
        .looked_at()
        .into_iter()
        .filter_map(|(what, was_read)| was_read.then_some(what))
        .collect();
    let read = if read.is_empty() {
        "parameters and settings alone".to_owned()
    } else {
        read.join(", ")
    };
    lines.push(format!("looked at: {read}\n"));
    lines.join("\n")
}

fn json_report(about: &str, facts: &Facts, findings: &[Finding]) -> Value {
    let looked_at: Vec<Value> = facts
        .looked_at()
        .into_iter()
        .map(|(what, was_read)| json!({"what": what, "read": was_read}))
        .collect();
    json!({
        "deployment": about,
        "errors": count(findings, Severity::Error),
        "warnings": count(findings, Severity::Warning),
        "notes": count(findings, Severity::Note),
        "findings": findings,
        "looked_at": looked_at,
    })
}
