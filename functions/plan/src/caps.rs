//! The caps of a run: how much data it may have. What is above a cap is refused while it is
//! counted, so that a small file that unpacks to a large one costs no more than the cap.

use crate::table_scan::TableScan;
use quarry_contract::settings::{SENDS_OF_MOST_ROWS, Settings};
use quarry_edge::error::StepError;

/// What one table of a run may have beside the other tables.
pub(crate) struct Caps<'a> {
    settings: &'a Settings,
    rows: u64,
    bytes: u64,
}

impl<'a> Caps<'a> {
    /// Returns what is left for table `number`.
    pub(crate) fn left(settings: &'a Settings, tables: &[TableScan], number: usize) -> Self {
        let others = || {
            let numbered = tables.iter().enumerate();
            numbered.filter(|(other, _)| *other != number)
        };
        let rows: u64 = others().map(|(_, table)| table.rows).sum();
        let bytes: u64 = others().map(|(_, table)| table.bytes()).sum();
        Self {
            settings,
            rows: settings.most_rows().saturating_sub(rows),
            bytes: settings.max_data_bytes.saturating_sub(bytes),
        }
    }

    /// Refuses a table that has more than is left, as far as it is known.
    pub(crate) fn check(&self, table: &TableScan) -> Result<(), StepError> {
        if table.rows > self.rows {
            return Err(self.too_many_rows());
        }
        if table.bytes() > self.bytes {
            return Err(too_many_bytes(self.settings.max_data_bytes));
        }
        Ok(())
    }

    /// Returns the limit for the unpacked bytes of a file, whose packed bytes are counted in the
    /// table.
    pub(crate) fn unpacked(&self, table: &TableScan, packed: u64) -> UnpackedLimit {
        UnpackedLimit {
            left: self.bytes.saturating_sub(table.bytes() - packed),
            cap: self.settings.max_data_bytes,
        }
    }

    fn too_many_rows(&self) -> StepError {
        let Settings {
            max_rows,
            max_retries,
            ..
        } = self.settings;
        let most = self.settings.most_rows();
        let because = if most < *max_rows {
            format!(
                ": with BEDROCK_MAX_RETRIES {max_retries}, a row may be sent {} times, and a run sends at most \
                 {SENDS_OF_MOST_ROWS} times BEDROCK_MAX_ROWS",
                max_retries + 1
            )
        } else {
            String::new()
        };
        StepError::bad_request(format!(
            "the data has more than {most} rows, as many as a run may have with BEDROCK_MAX_ROWS {max_rows}{because}; \
             split the data, or raise BEDROCK_MAX_ROWS in the pipeline's request.json or in the deployment"
        ))
    }
}

/// How many bytes a file may have when it is unpacked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnpackedLimit {
    left: u64,
    cap: u64,
}

impl UnpackedLimit {
    /// Refuses a file that has more.
    pub(crate) fn check(self, unpacked: u64) -> Result<(), StepError> {
        if unpacked > self.left {
            return Err(too_many_bytes(self.cap));
        }
        Ok(())
    }
}

fn too_many_bytes(cap: u64) -> StepError {
    StepError::bad_request(format!(
        "the data has more than {cap} bytes when it is unpacked, as many as BEDROCK_MAX_DATA_BYTES allows; split the \
         data, or raise BEDROCK_MAX_DATA_BYTES in the pipeline's request.json or in the deployment"
    ))
}
