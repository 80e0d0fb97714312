//! Checks the rules that concern several settings together.

use super::{BatchMode, SettingError, Settings};
use crate::arn::Arn;

impl Settings {
    pub(super) fn check_together(&self) -> Result<(), SettingError> {
        if self.min_records_per_job > self.max_records_per_job
            && self.batch_mode != BatchMode::Realtime
        {
            return Err(SettingError::Value {
                name: "BEDROCK_MAX_RECORDS_PER_JOB",
                value: self.max_records_per_job.to_string(),
                allowed: format!(
                    "at least BEDROCK_MIN_RECORDS_PER_JOB, {}",
                    self.min_records_per_job
                ),
            });
        }
        if let Some(role) = &self.batch_role_arn
            && !is_role_arn(role)
        {
            return Err(SettingError::Value {
                name: "BEDROCK_BATCH_ROLE_ARN",
                value: role.clone(),
                allowed: "a role ARN, `arn:<partition>:iam::<12 digits>:role/<name>`".to_owned(),
            });
        }
        if self.batch_mode == BatchMode::Batch && self.batch_role_arn.is_none() {
            return Err(SettingError::Missing {
                name: "BEDROCK_BATCH_ROLE_ARN",
                remedy: "BEDROCK_BATCH_MODE is `batch`, and jobs need a role to read and write with",
            });
        }
        self.check_accounts()
    }

    /// Jobs run with the role, in its account, where a profile of another account does not exist.
    fn check_accounts(&self) -> Result<(), SettingError> {
        let (Some(profile), Some(role)) = (&self.inference_profile_arn, &self.batch_role_arn)
        else {
            return Ok(());
        };
        let named = |arn| Arn::of(arn).filter(Arn::has_account);
        let (Some(of_profile), Some(of_role)) = (named(profile), named(role)) else {
            return Ok(());
        };
        if self.batch_mode == BatchMode::Realtime
            || of_profile.partition != of_role.partition
            || of_profile.account == of_role.account
        {
            return Ok(());
        }
        Err(SettingError::Value {
            name: "BEDROCK_INFERENCE_PROFILE_ARN",
            value: profile.clone(),
            allowed: format!(
                "a profile of account {}, that of BEDROCK_BATCH_ROLE_ARN, with which jobs run",
                of_role.account
            ),
        })
    }
}

/// The pattern of `roleArn` (`CreateModelInvocationJob`).
fn is_role_arn(text: &str) -> bool {
    Arn::of(text).is_some_and(|arn| {
        (arn.partition == "aws" || arn.partition.starts_with("aws-"))
            && arn.service == "iam"
            && arn.region.is_empty()
            && arn.has_account()
            && arn
                .resource
                .strip_prefix("role/")
                .is_some_and(|name| !name.is_empty())
    }) && text.len() <= 2048
}
