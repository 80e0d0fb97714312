//! Whether a call reaches the model: scripted faults, the model's end, its profiles and tiers.

use super::Service;
use crate::api::ApiError;
use crate::faults::{CallFault, CallFaultKind, FaultTier, Operation, StruckCall};
use crate::models::{Feature, is_profile, plain_id};
use crate::rules::is_model_id;

const INVALID_MODEL: &str = "The provided model identifier is invalid.";

impl Service {
    /// Counts the call and lets a scripted fault strike. A cut strikes after the work.
    pub(super) fn begin(
        &self,
        operation: Operation,
        model_id: Option<&str>,
    ) -> Result<bool, ApiError> {
        self.strike(&StruckCall {
            operation,
            model_id,
            tier: FaultTier::Default,
            now: (self.now)(),
        })
    }

    /// Does the same for an on-demand call.
    pub(super) fn begin_invoke(&self, model_id: &str, tier: FaultTier) -> Result<bool, ApiError> {
        self.strike(&StruckCall {
            operation: Operation::Invoke,
            model_id: Some(model_id),
            tier,
            now: (self.now)(),
        })
    }

    fn strike(&self, call: &StruckCall<'_>) -> Result<bool, ApiError> {
        match self.strikes().call(&self.model.faults, call) {
            None => Ok(false),
            Some(fault) if fault.kind == CallFaultKind::Cut => Ok(true),
            Some(fault) => Err(error_of(fault)),
        }
    }

    /// Checks whether jobs may use the model.
    pub(super) fn admit_job(&self, model_id: &str) -> Result<(), ApiError> {
        check_id(model_id)?;
        let facts = self.model.models.of(model_id);
        if self.has_ended(facts.ends) {
            return Err(ApiError::validation(INVALID_MODEL));
        }
        if !facts.takes(Feature::Batch) {
            return Err(ApiError::validation(
                "Batch inference is not supported for the requested model",
            ));
        }
        Ok(())
    }

    /// Checks whether calls may use the model at this tier.
    pub(super) fn admit_call(
        &self,
        model_id: &str,
        tier: Option<FaultTier>,
    ) -> Result<(), ApiError> {
        check_id(model_id)?;
        let facts = self.model.models.of(model_id);
        if self.has_ended(facts.ends) {
            return Err(ApiError::not_found(
                "This model version has reached the end of its life. Please refer to the AWS \
                 documentation for more details.",
            ));
        }
        if !is_profile(model_id) && !facts.takes(Feature::OnDemand) {
            return Err(ApiError::validation(format!(
                "Invocation of model ID {} with on-demand throughput isn\u{2019}t supported. Retry \
                 your request with the ID or ARN of an inference profile that contains this model.",
                plain_id(model_id)
            )));
        }
        match tier {
            None | Some(FaultTier::Default) => Ok(()),
            Some(_) if facts.takes(Feature::Tiers) => Ok(()),
            // These words are not public.
            Some(tier) => Err(ApiError::validation(format!(
                "The service tier {} is not supported for this model.",
                tier.as_str()
            ))),
        }
    }

    fn has_ended(&self, ends: Option<&str>) -> bool {
        let today = self.model.faults.today.as_ref();
        today.is_some_and(|today| ends.is_some_and(|ends| today.has_reached(ends)))
    }
}

fn error_of(fault: &CallFault) -> ApiError {
    let mut error = match fault.kind {
        CallFaultKind::Throttle => ApiError::throttling(),
        CallFaultKind::Unavailable | CallFaultKind::Cut => ApiError::unavailable(),
        CallFaultKind::SubscriptionPending => ApiError::access_denied(
            "Model access is denied due to IAM user or service role is not authorized to perform \
             the required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, \
             aws-marketplace:Subscribe) to enable access to this model. Refer to the Amazon Bedrock \
             documentation for further details. Your AWS Marketplace subscription for this model \
             cannot be completed at this time. If you recently fixed this issue, try again after 2 \
             minutes.",
        ),
        CallFaultKind::UseCaseFormMissing => ApiError::not_found(
            "Model use case details have not been submitted for this account. Fill out the \
             Anthropic use case details form before using the model. If you have already filled \
             out the form, try again in 15 minutes.",
        ),
        CallFaultKind::NotInRegion => ApiError::validation(INVALID_MODEL),
        CallFaultKind::Legacy => ApiError::not_found(
            "Access denied. This Model is marked by provider as Legacy and you have not been \
             actively using the model in the last 30 days. Please upgrade to an active model on \
             Amazon Bedrock",
        ),
        CallFaultKind::AccountNotAuthorized => ApiError::validation(
            "Your account is not authorized to perform this action. Please create a support case",
        ),
        CallFaultKind::PassRoleDenied => ApiError::access_denied(
            "User: arn:aws:sts::123456789012:assumed-role/submit/submit is not authorized to \
             perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/batch because no \
             identity-based policy allows the iam:PassRole action",
        ),
    };
    if let Some(message) = &fault.message {
        error.message.clone_from(message);
    }
    error
}

fn check_id(model_id: &str) -> Result<(), ApiError> {
    if is_model_id(model_id) {
        Ok(())
    } else if model_id.starts_with("arn:") {
        Err(ApiError::not_found(format!(
            "Could not find the model {model_id}."
        )))
    } else {
        Err(ApiError::validation(INVALID_MODEL))
    }
}
