//! Reading the receipts of all slices.

use futures::stream::{FuturesOrdered, TryStreamExt};
use quarry_contract::layout::RunFolder;
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::store::ObjectStore;
use quarry_result::profile::ProfileTally;
use quarry_result::receipt::Receipt;

/// The number of receipts that are read at the same time.
const READS_IN_FLIGHT: usize = 32;

/// The receipts of a run.
pub(crate) struct AllReceipts {
    /// In the order of the slices, without their profiles, which would take too much memory together.
    pub(crate) receipts: Vec<Receipt>,
    /// The sum of the profiles; `None` if a slice has none, because an earlier version of Quarry merged it.
    pub(crate) profile: Option<ProfileTally>,
}

/// Returns the receipts of slices 0 to `slices`, in order. A missing one is an error that names the
/// slice. The answers have these properties.
pub(crate) async fn read_all(
    store: &dyn ObjectStore,
    run: &RunFolder,
    slices: u32,
    properties: &[String],
) -> Result<AllReceipts, StepError> {
    let mut all = AllReceipts {
        receipts: Vec::with_capacity(slices as usize),
        profile: Some(ProfileTally::new(properties)),
    };
    let mut under_way = FuturesOrdered::new();
    for slice in 0..slices {
        if under_way.len() >= READS_IN_FLIGHT
            && let Some(receipt) = under_way.try_next().await?
        {
            all.add(receipt);
        }
        under_way.push_back(read(store, run, slice));
    }
    while let Some(receipt) = under_way.try_next().await? {
        all.add(receipt);
    }
    Ok(all)
}

impl AllReceipts {
    fn add(&mut self, mut receipt: Receipt) {
        let of_slice = receipt.profile.take();
        self.profile = self
            .profile
            .take()
            .zip(of_slice)
            .map(|(mut sum, of_slice)| {
                sum.merge(&of_slice);
                sum
            });
        self.receipts.push(receipt);
    }
}

async fn read(store: &dyn ObjectStore, run: &RunFolder, slice: u32) -> Result<Receipt, StepError> {
    let at = run.slice(slice).receipt();
    let found: Option<Receipt> = documents::read_if_there(store, &at).await?;
    found.ok_or_else(|| StepError::inconsistent(format!("slice {slice} left no receipt at {at}")))
}
