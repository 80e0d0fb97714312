//! Requests to S3, by the classes in which it charges them.

use super::asked::{AskedSlices, puts, puts_of_known_size, reads};
use crate::charges;
use crate::usd::Usd;
use serde::Serialize;

/// The writes that every run makes. plan: an upload that proves that results can be written, the owner of the
/// run's folder, the scan, the list of slices, the plan. finish: report and summary.
const FIXED_WRITES: u64 = 7;

/// The reads that every run makes. plan: prompts, schema, and what copies of the call may have written. The
/// state machine: the list of slices. finish: the plan.
const FIXED_READS: u64 = 10;

/// The writes of a slice besides records and part. plan: its document. split: the counts of its records. merge:
/// the list and the counts of its answers, and its receipt.
const WRITES_OF_A_SLICE: u64 = 5;

/// The writes of a job. submit: its intent and its name. check: its end.
const WRITES_OF_A_JOB: u64 = 3;

/// The writes of a slice on demand besides its answers: merge lists given answers too.
const WRITES_OF_A_SLICE_ON_DEMAND: u64 = 1;

/// The writes of a call of invoke besides the answers: twice the list of stored answers, the list of notes of
/// calls at work, and its own note at its beginning and at its end.
const WRITES_OF_INVOKE: u64 = 5;

/// The reads of a slice besides its rows and answers. split: the plan, its document, the form of requests, and
/// twice the counts of its records. merge: the plan, its document, the counts of its records, the end of its
/// job, and what other copies of the call may have written: the counts of its answers, the list of the next
/// round, the part, the receipt. finish: its receipt.
const READS_OF_A_SLICE: u64 = 14;

/// The reads of a job. submit: three documents. merge: Bedrock's manifest.
const READS_OF_A_JOB: u64 = 4;

/// The reads of a call of invoke besides the records: three documents.
const READS_OF_INVOKE: u64 = 3;

/// The least bytes of a part that S3 copies.
const LEAST_COPY: u64 = 5 << 20;

/// The most bytes that finish lets S3 copy at once.
const MOST_COPY: u64 = 1 << 30;

/// Requests to S3.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct S3Requests {
    /// PUT, COPY, POST and LIST.
    pub writes: u64,
    /// GET, HEAD and all others.
    pub reads: u64,
    /// What they cost.
    pub cost: Usd,
}

impl S3Requests {
    /// `invokes` are the calls of invoke.
    pub(super) fn of(asked: &AskedSlices, invokes: u64) -> Self {
        let (jobs, on_demand) = (asked.in_jobs, asked.on_demand);
        let slices = asked.slices();
        let (finish_writes, finish_reads) = of_finish(asked);
        let split_writes = puts_of_known_size(jobs.bytes, jobs.slices)
            + puts_of_known_size(on_demand.bytes, on_demand.slices);
        let merge_writes = puts_of_known_size(asked.result_bytes(), slices);
        let writes = FIXED_WRITES
            + asked.tables
            + slices * WRITES_OF_A_SLICE
            + jobs.slices * WRITES_OF_A_JOB
            + on_demand.slices * WRITES_OF_A_SLICE_ON_DEMAND
            + invokes * WRITES_OF_INVOKE
            + asked.answer_objects()
            + split_writes
            + merge_writes
            + finish_writes;
        // plan reads the whole files, split and merge the rows of their slice.
        let data_reads = reads(asked.data_bytes, asked.files) + 2 * reads(asked.data_bytes, slices);
        let answer_reads = reads(asked.lines_of(jobs), jobs.slices) + asked.answer_objects();
        let reads = FIXED_READS
            + asked.files
            + slices * READS_OF_A_SLICE
            + jobs.slices * READS_OF_A_JOB
            + invokes * READS_OF_INVOKE
            + reads(on_demand.bytes, on_demand.slices)
            + data_reads
            + answer_reads
            + finish_reads;
        Self {
            writes,
            reads,
            cost: charges::WRITE.times(writes) + charges::READ.times(reads),
        }
    }
}

/// The writes and reads with which finish makes the results from the parts: S3 copies large ones, small ones
/// are read and written together.
fn of_finish(asked: &AskedSlices) -> (u64, u64) {
    let (bytes, slices) = (asked.result_bytes(), asked.slices());
    let part = bytes / slices.max(1);
    // The result's size is compared in the end.
    let reads = asked.tables;
    if part > LEAST_COPY {
        let copies = slices * part.div_ceil(MOST_COPY);
        // The header is gathered with the first bytes of a part.
        return (copies + asked.tables * 3, reads + asked.tables);
    }
    (puts(bytes, asked.tables), reads + slices)
}
