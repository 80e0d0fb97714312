//! Faults of calls, whatever their record or job.

use super::defaults::is_default;
use serde::{Deserialize, Serialize};

/// A group of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `CreateModelInvocationJob`.
    Create,
    /// `GetModelInvocationJob`.
    Get,
    /// `ListModelInvocationJobs`.
    List,
    /// `StopModelInvocationJob`.
    Stop,
    /// `InvokeModel` and `Converse`.
    Invoke,
}

impl Operation {
    /// Whether the group's calls name a model.
    pub(crate) fn names_model(self) -> bool {
        matches!(self, Self::Create | Self::Invoke)
    }
}

/// A service tier that a call requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultTier {
    /// The tier of calls that name none.
    #[default]
    Default,
    /// Cheaper, and later.
    Flex,
    /// Dearer, and sooner.
    Priority,
}

impl FaultTier {
    /// Returns the service's name of the tier.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Flex => "flex",
            Self::Priority => "priority",
        }
    }
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallFaultKind {
    /// `ThrottlingException`.
    Throttle,
    /// `ServiceUnavailableException`.
    Unavailable,
    /// The connection breaks after the work is done.
    Cut,
    /// `AccessDeniedException`: the first call's marketplace subscription is under way.
    SubscriptionPending,
    /// `ResourceNotFoundException`: the provider's form has not been filled in.
    UseCaseFormMissing,
    /// `ValidationException`: the Region does not have the model.
    NotInRegion,
    /// `ResourceNotFoundException`: the model will end, and the account has not used it lately.
    Legacy,
    /// `ValidationException`: AWS Support must open the account for Bedrock.
    AccountNotAuthorized,
    /// `AccessDeniedException`: the caller may not pass the job's role. Only for `create`.
    PassRoleDenied,
}

impl CallFaultKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Throttle,
        Self::Unavailable,
        Self::Cut,
        Self::SubscriptionPending,
        Self::UseCaseFormMissing,
        Self::NotInRegion,
        Self::Legacy,
        Self::AccountNotAuthorized,
        Self::PassRoleDenied,
    ];

    /// Whether the fault concerns the model that a call names, or the account's right to call it.
    pub(crate) fn is_about_model(self) -> bool {
        matches!(
            self,
            Self::SubscriptionPending
                | Self::UseCaseFormMissing
                | Self::NotInRegion
                | Self::Legacy
                | Self::AccountNotAuthorized
        )
    }
}

/// A fault of some calls. Exactly one of `every`, `first` and `minutes` is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFault {
    /// The operations of these calls.
    pub operation: Operation,
    /// The scripted faults.
    pub kind: CallFaultKind,
    /// Only calls whose model id, without a geography, begins like this; for `create` and `invoke`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only calls that request this tier; for `invoke`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<FaultTier>,
    /// The fault strikes every `every`-th of these calls, beginning with number `offset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The first call with `every`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset: u64,
    /// The fault strikes this many of these calls, from the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The fault strikes all of these calls for this many minutes, from the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u64>,
    /// The error's message, in place of the service's usual words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl CallFault {
    /// Returns a fault of the first `first` calls.
    pub fn of_first(first: u64, operation: Operation, kind: CallFaultKind) -> Self {
        Self {
            first: Some(first),
            ..Self::new(operation, kind)
        }
    }

    /// Returns a fault of every `every`-th call, beginning with the first.
    pub fn of_every(every: u64, operation: Operation, kind: CallFaultKind) -> Self {
        Self {
            every: Some(every),
            ..Self::new(operation, kind)
        }
    }

    /// Returns a fault of all calls for this many minutes from the first one.
    pub fn of_minutes(minutes: u64, operation: Operation, kind: CallFaultKind) -> Self {
        Self {
            minutes: Some(minutes),
            ..Self::new(operation, kind)
        }
    }

    fn new(operation: Operation, kind: CallFaultKind) -> Self {
        Self {
            operation,
            kind,
            model: None,
            tier: None,
            every: None,
            offset: 0,
            first: None,
            minutes: None,
            message: None,
        }
    }
}
