//! The service tier `flex`: cheaper, and throttled first. When it throttles for too long, the rest of
//! the round is asked in the default tier, so that a run ends.
//!
//! An invocation that is throttled ends, and the state machine waits. So when throttling began is kept
//! in the round's folder.

use crate::deps::Deps;
use quarry_contract::VERSION;
use quarry_contract::layout::RoundFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::settings::{ServiceTier, Settings};
use quarry_edge::clock::Clock;
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::store::ObjectStore;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Since when `flex` has given no answer: `flex-wait.json`.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlexWait {
    version: u32,
    /// Seconds since 1970-01-01T00:00:00Z; none when it has answered since.
    throttled_since: Option<u64>,
}

/// The tier that a round is asked in.
pub(crate) struct Tier {
    store: Arc<dyn ObjectStore>,
    clock: Arc<dyn Clock>,
    at: S3Uri,
    asked_for: ServiceTier,
    longest_wait: Duration,
    wait: FlexWait,
}

impl Tier {
    /// The tier of the settings, with what earlier invocations found out about it.
    pub(crate) async fn of_round(
        deps: &Deps,
        round: &RoundFolder,
        settings: &Settings,
    ) -> Result<Self, StepError> {
        let at = round.flex_wait();
        let wait = match settings.service_tier {
            ServiceTier::Flex => documents::read_if_there(&*deps.store, &at)
                .await?
                .unwrap_or_default(),
            ServiceTier::Default | ServiceTier::Priority => FlexWait::default(),
        };
        Ok(Self {
            store: Arc::clone(&deps.store),
            clock: Arc::clone(&deps.clock),
            at,
            asked_for: settings.service_tier,
            longest_wait: Duration::from_mins(u64::from(settings.flex_wait_minutes)),
            wait,
        })
    }

    /// What calls ask for now; none leaves it to the service.
    pub(crate) fn now(&self) -> Option<&'static str> {
        match self.asked_for {
            ServiceTier::Default => None,
            // By its name, so that the answers say it.
            ServiceTier::Flex if self.has_waited_enough() => Some(ServiceTier::Default.as_str()),
            tier => Some(tier.as_str()),
        }
    }

    fn has_waited_enough(&self) -> bool {
        let since = self.wait.throttled_since.map(Duration::from_secs);
        since.is_some_and(|since| self.clock.now().saturating_sub(since) >= self.longest_wait)
    }

    /// Notes that not one of some records was answered, since the service asks for fewer calls.
    pub(crate) async fn throttled(&mut self) -> Result<(), StepError> {
        if self.asked_for != ServiceTier::Flex || self.wait.throttled_since.is_some() {
            return Ok(());
        }
        self.keep(Some(self.clock.now().as_secs())).await
    }

    /// Notes that records were answered.
    pub(crate) async fn answered(&mut self) -> Result<(), StepError> {
        if self.wait.throttled_since.is_none() || self.has_waited_enough() {
            return Ok(());
        }
        self.keep(None).await
    }

    async fn keep(&mut self, throttled_since: Option<u64>) -> Result<(), StepError> {
        self.wait = FlexWait {
            version: VERSION,
            throttled_since,
        };
        documents::write(&*self.store, &self.at, &self.wait).await
    }
}
