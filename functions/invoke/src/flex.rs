//! The service tier `flex`, which is cheaper and is throttled first. When it throttles for too
//! long, the rest of the round uses the default tier, so that every run ends.
//!
//! A throttled invocation ends, and the state machine waits. So the time at which throttling began
//! is stored in the round's folder.

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

/// The time since which `flex` has given no answer: `flex-wait.json`.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlexWait {
    version: u32,
    /// Seconds since 1970-01-01T00:00:00Z; `None` when `flex` has given an answer since.
    throttled_since: Option<u64>,
}

/// The tier that a round's calls request.
pub(crate) struct Tier {
    store: Arc<dyn ObjectStore>,
    clock: Arc<dyn Clock>,
    at: S3Uri,
    asked_for: ServiceTier,
    longest_wait: Duration,
    wait: FlexWait,
}

impl Tier {
    /// Returns the tier of the settings, with what earlier invocations found out about it.
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

    /// Returns the tier that calls request now; `None` leaves it to the service.
    pub(crate) fn now(&self) -> Option<&'static str> {
        match self.asked_for {
            ServiceTier::Default => None,
            // Named explicitly, so that the output lines say it.
            ServiceTier::Flex if self.has_waited_enough() => Some(ServiceTier::Default.as_str()),
            tier => Some(tier.as_str()),
        }
    }

    fn has_waited_enough(&self) -> bool {
        let since = self.wait.throttled_since.map(Duration::from_secs);
        since.is_some_and(|since| self.clock.now().saturating_sub(since) >= self.longest_wait)
    }

    /// Records that throttling left all of some records without an answer.
    pub(crate) async fn throttled(&mut self) -> Result<(), StepError> {
        if self.asked_for != ServiceTier::Flex || self.wait.throttled_since.is_some() {
            return Ok(());
        }
        self.keep(Some(self.clock.now().as_secs())).await
    }

    /// Records that records were answered.
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
