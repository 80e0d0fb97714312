//! The time by the clocks of the services, so that all functions have the same time, however far the
//! clocks of their machines are off.
//!
//! Each response says when it was made (`Date`). The machine's clock is corrected by how far it is
//! off.
//!
//! The SDK's own clients correct the time of their signatures themselves: they compare `Date` with the
//! machine's clock, and sign a call that was refused for its time again. So they have that clock. If they had
//! the corrected time, they would correct it twice.

use crate::bare_refusal::SignedHead;
use crate::clock::{Clock, SystemClock};
use aws_config::SdkConfig;
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A difference that is not corrected: `Date` has whole seconds, and a response takes some time.
const SAME_TIME_MILLIS: u64 = 5_000;

/// Returns the machine's clock, for the SDK's own clients.
pub fn machine_time() -> SharedTimeSource {
    SharedTimeSource::new(MachineTime)
}

#[derive(Debug)]
struct MachineTime;

impl TimeSource for MachineTime {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + SystemClock.now()
    }
}

/// [`Clock`] with the time of the services that a configuration's clients call: until the first
/// response, that of the machine.
#[derive(Debug, Clone)]
pub struct ServiceClock(SharedTimeSource);

impl ServiceClock {
    /// Uses the time that the clients of this configuration hear.
    pub fn of(config: &SdkConfig) -> Self {
        Self(config.time_source().unwrap_or_default())
    }
}

impl Clock for ServiceClock {
    fn now(&self) -> Duration {
        let now = self.0.now();
        now.duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// How far the machine's clock is behind those of the services, in milliseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceTime {
    behind: Arc<AtomicI64>,
}

impl TimeSource for ServiceTime {
    fn now(&self) -> SystemTime {
        let machine = MachineTime.now();
        let behind = self.behind.load(Ordering::Relaxed);
        let difference = Duration::from_millis(behind.unsigned_abs());
        let corrected = if behind < 0 {
            machine.checked_sub(difference)
        } else {
            machine.checked_add(difference)
        };
        corrected.unwrap_or(machine)
    }
}

impl ServiceTime {
    /// Learns the time from a response that was made at `theirs`.
    fn hear(&self, theirs: Duration) {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let behind = millis(theirs).saturating_sub(millis(SystemClock.now()));
        let behind = if behind.unsigned_abs() < SAME_TIME_MILLIS {
            0
        } else {
            behind
        };
        let before = self.behind.swap(behind, Ordering::Relaxed);
        if before.abs_diff(behind) >= SAME_TIME_MILLIS {
            tracing::warn!(
                seconds = behind / 1_000,
                "the clock of this machine is behind that of the services by this time (ahead, if it is negative)"
            );
        }
    }
}

/// Returns when a response was made, since 1970-01-01T00:00:00Z, if it says so.
fn said_by(response: &HttpResponse) -> Option<Duration> {
    let date = response.headers().get("date")?;
    let date = DateTime::from_str(date, Format::HttpDate).ok()?;
    SystemTime::try_from(date)
        .ok()?
        .duration_since(UNIX_EPOCH)
        .ok()
}

/// Hears the time in all responses.
#[derive(Debug)]
struct Hearing<T> {
    inner: T,
    time: ServiceTime,
}

/// Returns a client whose responses tell the time.
pub(crate) fn hearing(client: SharedHttpClient, time: ServiceTime) -> SharedHttpClient {
    SharedHttpClient::new(Hearing {
        inner: client,
        time,
    })
}

impl HttpClient for Hearing<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Hearing {
            inner: self.inner.http_connector(settings, components),
            time: self.time.clone(),
        })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

impl HttpConnector for Hearing<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let head = SignedHead::of(&request);
        let call = self.inner.call(request);
        let time = self.time.clone();
        HttpConnectorFuture::new(async move {
            let mut response = call.await?;
            if let Some(made) = said_by(&response) {
                time.hear(made);
                if let Some(head) = head {
                    head.explain(&mut response, made);
                }
            }
            Ok(response)
        })
    }
}
