//! The local stack works whatever is in the environment of an AWS user.

use crate::command::{Ran, Workplace};

#[test]
fn nothing_in_the_environment_leads_away_from_the_local_stack() {
    let workplace = Workplace::new();
    workplace.file("data.csv", "text\nletter\n");
    workplace.file("odd-config", "[profile odd\nregion = \u{0}\n= ]]\n");
    let odd = workplace.path("odd-config").display().to_string();
    let elsewhere = "http://127.0.0.1:9";
    let variables = [
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        ("AWS_PROFILE", "no such profile \u{1b}"),
        ("AWS_CONFIG_FILE", &odd),
        ("AWS_SHARED_CREDENTIALS_FILE", &odd),
        ("AWS_REGION", "not a region"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL", elsewhere),
        ("AWS_ENDPOINT_URL_S3", elsewhere),
        ("AWS_ENDPOINT_URL_BEDROCK", elsewhere),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", elsewhere),
        ("AWS_BEARER_TOKEN_BEDROCK", "token"),
        ("AWS_ACCESS_KEY_ID", "another"),
        ("AWS_SECRET_ACCESS_KEY", "another"),
        ("AWS_SESSION_TOKEN", "another"),
        ("AWS_RETRY_MODE", "odd"),
        ("AWS_MAX_ATTEMPTS", "none"),
        ("AWS_DEFAULTS_MODE", "odd"),
        ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "required"),
        ("AWS_REQUEST_CHECKSUM_CALCULATION", "odd"),
        ("AWS_RESPONSE_CHECKSUM_VALIDATION", "odd"),
        ("AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES", "0"),
        ("AWS_S3_USE_ARN_REGION", "odd"),
        ("AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS", "odd"),
        ("AWS_S3_DISABLE_EXPRESS_SESSION_AUTH", "odd"),
        ("AWS_SDK_UA_APP_ID", "\u{7f}"),
        ("AWS_AUTH_SCHEME_PREFERENCE", "httpBearerAuth"),
        ("AWS_SIGV4A_SIGNING_REGION_SET", "*"),
        ("HTTP_PROXY", elsewhere),
        ("http_proxy", elsewhere),
        ("HTTPS_PROXY", elsewhere),
        ("ALL_PROXY", elsewhere),
        ("BEDROCK_MAX_TOKENS", "none"),
    ];
    let run = |data: &str, more: &str, variables: &[(&str, &str)]| {
        let output = workplace
            .command(&format!(
                "run {data} --prompts prompts.json --out out --set BEDROCK_MIN_RECORDS_PER_JOB=1 {more}"
            ))
            .envs(variables.iter().copied())
            .output()
            .expect("the command starts");
        Ran::of(&output)
    };
    // Both jobs and calls on demand.
    for mode in ["batch", "realtime"] {
        let more = format!("--set BEDROCK_BATCH_MODE={mode}");
        let ran = run("data.csv", &more, &variables).good();
        assert!(
            ran.stdout.contains("answered rows      1"),
            "{mode}: {ran:?}"
        );
    }
    // Each variable alone, so that none cancels another.
    for variable in &variables[..2] {
        run("data.csv", "", &[*variable]).good();
    }
}
