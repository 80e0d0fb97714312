//! Data that is in S3 already: whether runs of the deployment may read it, and which objects it has.

use crate::deployment::RemoteDeployment;
use crate::error::{Calling, RemoteError, denied_or_failed};
use quarry_contract::arn_prefix::ArnPrefix;
use quarry_contract::location::S3Uri;
use quarry_edge::error::StepError;
use quarry_edge::store::{ObjectInfo, StoreError};

/// The folder of the deployment's bucket from which runs read data.
const DATA: &str = "inbox/";

/// The parameter of the template that lists data in other places.
const READABLE: &str = "ReadableArns";

/// The objects at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataObjects {
    /// The place is one object.
    One(ObjectInfo),
    /// The objects below the place, in key order.
    Folder(Vec<ObjectInfo>),
}

/// Returns the error of an object that cannot be read.
pub fn unread(error: StoreError) -> RemoteError {
    denied_or_failed(error, "s3:GetObject")
}

impl RemoteDeployment {
    /// Refuses data that the deployment's runs may not read.
    pub fn check_readable(&self, data: &S3Uri) -> Result<(), RemoteError> {
        let listed = self.about().parameters.get(READABLE);
        let listed = ArnPrefix::list(listed.map_or("", String::as_str));
        let listed = listed
            .map_err(|invalid| StepError::bad_request(format!("{READABLE} has {invalid}")))?;
        let inbox = self.bucket.join(DATA);
        let is_readable = |place: &S3Uri| {
            let in_inbox = place.bucket() == inbox.bucket() && place.key().starts_with(inbox.key());
            in_inbox || listed.iter().any(|prefix| prefix.holds(place))
        };
        if is_readable(data) || is_readable(&data.join("")) {
            return Ok(());
        }
        Err(RemoteError::Unreadable {
            data: data.clone(),
            stack: self.name().to_owned(),
            uploads: self.uploads(),
        })
    }

    /// Returns the objects of data in S3: the object of this key if `is_object`, or else those below it.
    ///
    /// # Errors
    ///
    /// There is nothing, or a call is denied.
    pub async fn data(&self, at: &S3Uri, is_object: bool) -> Result<DataObjects, RemoteError> {
        if is_object {
            let found = self.store.head(at).await;
            return existing(at, found).map(DataObjects::One);
        }
        let folder = at.join("");
        let listed = self.store.list(&folder).await;
        let objects = existing(&folder, listed)?;
        if objects.is_empty() {
            // Only to say what is there instead.
            if !at.key().is_empty()
                && let Ok(object) = self.store.head(at).await
            {
                return Ok(DataObjects::One(object));
            }
            return Err(RemoteError::NoData(folder));
        }
        Ok(DataObjects::Folder(objects))
    }
}

fn existing<T>(at: &S3Uri, found: Result<T, StoreError>) -> Result<T, RemoteError> {
    match found {
        Err(StoreError::NotFound(_)) => Err(RemoteError::NoData(at.clone())),
        other => other.calling(if at.key().ends_with('/') || at.key().is_empty() {
            "s3:ListBucket"
        } else {
            "s3:GetObject"
        }),
    }
}
