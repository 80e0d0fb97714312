//! Reading the receipts of all slices.

use futures::stream::{FuturesOrdered, TryStreamExt};
use quarry_contract::layout::RunFolder;
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::store::ObjectStore;
use quarry_result::receipt::Receipt;

/// The number of receipts that are read at the same time.
const READS_IN_FLIGHT: usize = 32;

/// Returns the receipts of slices 0 to `slices`, in order. A missing one is an error that names the
/// slice.
pub(crate) async fn read_all(
    store: &dyn ObjectStore,
    run: &RunFolder,
    slices: u32,
) -> Result<Vec<Receipt>, StepError> {
    let mut receipts = Vec::with_capacity(slices as usize);
    let mut under_way = FuturesOrdered::new();
    for slice in 0..slices {
        if under_way.len() >= READS_IN_FLIGHT {
            receipts.extend(under_way.try_next().await?);
        }
        under_way.push_back(read(store, run, slice));
    }
    while let Some(receipt) = under_way.try_next().await? {
        receipts.push(receipt);
    }
    Ok(receipts)
}

async fn read(store: &dyn ObjectStore, run: &RunFolder, slice: u32) -> Result<Receipt, StepError> {
    let at = run.slice(slice).receipt();
    let found: Option<Receipt> = documents::read_if_there(store, &at).await?;
    found.ok_or_else(|| StepError::inconsistent(format!("slice {slice} left no receipt at {at}")))
}
