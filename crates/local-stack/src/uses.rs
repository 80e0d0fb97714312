//! What each function uses: calls of functions, and requests and bytes of the S3 server.
//!
//! Each function signs its requests as a user of its own. So the server can tell apart what the functions ask,
//! what the state machine reads, and what Bedrock's simulator and the callers of the stack do.

use quarry_edge::s3::client::S3Store;
use quarry_edge::sdk::Credentials;
use quarry_edge::store::ObjectStore;
use quarry_local_s3::{Credentials as UserCredentials, Direction, LocalS3, RequestCount};
use quarry_local_s3::{S3StartError, Traffic};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The functions of the state machine.
pub(crate) const FUNCTIONS: [&str; 7] = [
    "plan", "split", "submit", "check", "invoke", "merge", "finish",
];

/// The state machine itself, which reads the list of slices.
pub(crate) const STATE_MACHINE: &str = "state machine";

/// What a function used, or the state machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FunctionUse {
    /// Calls of the function, with those that are retries.
    pub calls: u64,
    /// Its requests to S3.
    pub requests: RequestCount,
    /// Bytes that it read from S3.
    pub bytes_read: u64,
    /// Bytes that it wrote to S3. Copies inside S3 are not among them.
    pub bytes_written: u64,
}

impl FunctionUse {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            requests: RequestCount {
                writes: self.requests.writes + other.requests.writes,
                reads: self.requests.reads + other.requests.reads,
                deletes: self.requests.deletes + other.requests.deletes,
            },
            bytes_read: self.bytes_read + other.bytes_read,
            bytes_written: self.bytes_written + other.bytes_written,
        }
    }
}

/// Counts calls and bytes while they happen.
#[derive(Debug, Default)]
pub(crate) struct UseCounts {
    calls: Mutex<BTreeMap<String, u64>>,
    /// The bytes read and written, by access key ids.
    bytes: Mutex<BTreeMap<String, (u64, u64)>>,
}

impl UseCounts {
    pub(crate) fn called(&self, function: &str) {
        *lock(&self.calls).entry(function.to_owned()).or_default() += 1;
    }

    pub(crate) fn traffic(&self, traffic: Traffic<'_>) {
        let mut bytes = lock(&self.bytes);
        let (read, written) = match bytes.get_mut(traffic.user) {
            Some(known) => known,
            None => bytes.entry(traffic.user.to_owned()).or_default(),
        };
        match traffic.direction {
            Direction::Read => *read += traffic.bytes,
            Direction::Written => *written += traffic.bytes,
        }
    }
}

fn lock<T>(counts: &Mutex<T>) -> MutexGuard<'_, T> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The stores of the functions, each with a user of its own.
pub(crate) struct FunctionStores(BTreeMap<&'static str, (UserCredentials, Arc<dyn ObjectStore>)>);

impl FunctionStores {
    /// Adds the users. The stores share the connections of `store`.
    pub(crate) fn new(s3: &LocalS3, store: &S3Store) -> Result<Self, S3StartError> {
        let names = FUNCTIONS.into_iter().chain([STATE_MACHINE]);
        let stores = names.map(|name| {
            let user = s3.add_user()?;
            let signed = store.signed_by(credentials(&user));
            Ok((name, (user, Arc::new(signed) as Arc<dyn ObjectStore>)))
        });
        Ok(Self(stores.collect::<Result<_, S3StartError>>()?))
    }

    /// Returns the store of a function, or of the state machine.
    pub(crate) fn of(&self, name: &str) -> Option<&Arc<dyn ObjectStore>> {
        self.0.get(name).map(|(_, store)| store)
    }

    /// Returns what each function used so far.
    pub(crate) fn uses(
        &self,
        s3: &LocalS3,
        counts: &UseCounts,
    ) -> BTreeMap<&'static str, FunctionUse> {
        let (calls, bytes) = (lock(&counts.calls), lock(&counts.bytes));
        let uses = self.0.iter().map(|(name, (user, _))| {
            let (bytes_read, bytes_written) =
                bytes.get(&user.access_key_id).copied().unwrap_or_default();
            let used = FunctionUse {
                calls: calls.get(*name).copied().unwrap_or_default(),
                requests: s3.requests(user),
                bytes_read,
                bytes_written,
            };
            (*name, used)
        });
        uses.collect()
    }
}

/// Returns a user's keys as the SDK takes them.
pub(crate) fn credentials(user: &UserCredentials) -> Credentials {
    Credentials::new(
        user.access_key_id.clone(),
        user.secret_access_key.clone(),
        None,
        None,
        "local stack",
    )
}
