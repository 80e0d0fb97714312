//! Who uses a server: the keys with which each user signs, and how many requests each one made.
//!
//! Several users tell a server's clients apart, so that the requests of one of them can be counted.

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The keys with which a client must sign its requests, random for each user. Every program of a
/// machine reaches its loopback address, so the keys protect the objects from others.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
}

impl Credentials {
    fn random() -> io::Result<Self> {
        Ok(Self {
            access_key_id: random_hex::<10>()?.to_uppercase(),
            secret_access_key: random_hex::<20>()?,
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// Returns `BYTES` random bytes of the system as hexadecimal digits.
fn random_hex<const BYTES: usize>() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// The requests of a user, by the classes in which S3 charges them. Those with a wrong signature are not
/// among them.
///
/// Source: <https://aws.amazon.com/s3/pricing/>, "Requests & data retrievals".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestCount {
    /// PUT, COPY, POST and LIST: the dear ones. Each part of an upload is one.
    pub writes: u64,
    /// GET, HEAD and all others.
    pub reads: u64,
    /// DELETE, also of an upload that is given up: free of charge.
    pub deletes: u64,
}

struct KnownUser {
    secret_access_key: String,
    requests: RequestCount,
}

/// The users by their access key ids.
#[derive(Default)]
pub(crate) struct Users(Mutex<BTreeMap<String, KnownUser>>);

/// Without the keys.
impl fmt::Debug for Users {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Users").finish_non_exhaustive()
    }
}

impl Users {
    /// Adds a user with random keys.
    pub(crate) fn add(&self) -> io::Result<Credentials> {
        let credentials = Credentials::random()?;
        let known = KnownUser {
            secret_access_key: credentials.secret_access_key.clone(),
            requests: RequestCount::default(),
        };
        self.known()
            .insert(credentials.access_key_id.clone(), known);
        Ok(credentials)
    }

    /// Returns the requests of a user.
    pub(crate) fn requests(&self, access_key_id: &str) -> RequestCount {
        let known = self.known();
        known
            .get(access_key_id)
            .map_or_else(RequestCount::default, |user| user.requests)
    }

    /// Counts a request whose signature is right.
    pub(crate) fn count(&self, request: &S3AccessContext<'_>) {
        let Some(by) = request.credentials() else {
            return;
        };
        let mut known = self.known();
        let Some(user) = known.get_mut(&by.access_key) else {
            return;
        };
        let requests = &mut user.requests;
        match request.method().as_str() {
            "PUT" | "POST" => requests.writes += 1,
            "DELETE" => requests.deletes += 1,
            _ if request.s3_op().name().starts_with("List") => requests.writes += 1,
            _ => requests.reads += 1,
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, KnownUser>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shares the users with the service that checks signatures.
pub(crate) struct SignedByUsers(pub(crate) Arc<Users>);

#[async_trait::async_trait]
impl S3Auth for SignedByUsers {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let known = self.0.known();
        known
            .get(access_key)
            .map(|user| SecretKey::from(user.secret_access_key.as_str()))
            .ok_or_else(|| s3_error!(InvalidAccessKeyId, "no user has this access key"))
    }
}

/// Counts each request of a user, and refuses requests that nobody signed.
pub(crate) struct CountedRequests(pub(crate) Arc<Users>);

#[async_trait::async_trait]
impl S3Access for CountedRequests {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        if request.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "the request is not signed"));
        }
        self.0.count(request);
        Ok(())
    }
}
