//! Faults of calls, whatever record or job they are about.

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
    /// Whether its calls name a model.
    pub(crate) fn names_model(self) -> bool {
        matches!(self, Self::Create | Self::Invoke)
    }
}

/// A service tier that a call asks for.
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
    /// The service's name of the tier.
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
    /// `AccessDeniedException`: the marketplace subscription of the account's first call is under
    /// way.
    SubscriptionPending,
    /// `ResourceNotFoundException`: nobody has filled in the provider's form.
    UseCaseFormMissing,
    /// `ValidationException`: the Region does not have the model.
    NotInRegion,
    /// `ResourceNotFoundException`: a model that will end, and that the account has not used lately.
    Legacy,
    /// `ValidationException`: the account has to be opened for Bedrock by AWS's support.
    AccountNotAuthorized,
    /// `AccessDeniedException`: the caller may not hand the job's role over. Of `create` only.
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

    /// Whether it is about the model that a call names, or the account's right to call it.
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
    /// Which calls.
    pub operation: Operation,
    /// What goes wrong.
    pub kind: CallFaultKind,
    /// Only calls whose model's id, without a geography, begins like this; with `create` and
    /// `invoke`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only calls that ask for this tier, with `invoke`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<FaultTier>,
    /// Every so many of these calls, from `offset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The first call with `every`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset: u64,
    /// The first so many of these calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// All of these calls for so many minutes from the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u64>,
    /// The error's message, in place of the service's usual words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl CallFault {
    /// A fault of the first `first` calls.
    pub fn of_first(first: u64, operation: Operation, kind: CallFaultKind) -> Self {
        Self {
            first: Some(first),
            ..Self::new(operation, kind)
        }
    }

    /// A fault of every `every`-th call, from the first on.
    pub fn of_every(every: u64, operation: Operation, kind: CallFaultKind) -> Self {
        Self {
            every: Some(every),
            ..Self::new(operation, kind)
        }
    }

    /// A fault of all calls for so many minutes from the first one.
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
