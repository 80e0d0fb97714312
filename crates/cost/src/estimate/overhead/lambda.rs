//! Calls of functions, and the time for which they work.
//!
//! A function with 512 MB moves some 75 MiB a second and has 0.29 of a core; a request to S3 takes some 30 ms to
//! its first byte.

use super::asked::{AskedSlices, parts};
use super::transitions::FurtherCalls;
use crate::charges;
use crate::estimate::Estimated;
use crate::usd::Usd;
use serde::Serialize;

/// Bytes that a function moves in a millisecond.
const BYTES_A_MS: u64 = (75 << 20) / 1_000;

/// The time of a request to S3 that is waited for, ms.
const ROUND_TRIP: u64 = 30;

/// The time of a call besides its work, ms: a start now and then, and the reading of the plan.
const START: u64 = 50;

/// The time of a call of Bedrock that creates a job or reads its status, ms.
const BEDROCK: u64 = 200;

/// Microseconds of 0.29 core for a row: scanned, written as a record, and merged.
const SCAN_US: u64 = 15;
const SPLIT_US: u64 = 20;
const MERGE_US: u64 = 25;

/// Documents that are read or written at the same time by plan and finish.
const DOCUMENTS_AT_ONCE: u64 = 32;

/// Parts that finish copies at the same time, and the time of such a copy, ms.
const COPIES_AT_ONCE: u64 = 4;
const COPY: u64 = 500;

/// The time until the first token of an answer on demand, and the tokens that come in a second after it.
const FIRST_TOKEN: u64 = 600;
const TOKENS_A_SECOND: u64 = 80;

/// The longest time for which one call of `plan` and `finish` works, ms.
const LONGEST_CALL: u64 = 840_000;

/// The longest time for which one call of `invoke` asks, ms: the last five minutes are kept for answers.
const LONGEST_ASKING: u64 = 600_000;

/// The functions, and the memory that the template gives each, MB.
const MEMORY: [(&str, u64); 7] = [
    ("plan", 512),
    ("split", 512),
    ("submit", 256),
    ("check", 128),
    ("invoke", 512),
    ("merge", 512),
    ("finish", 512),
];

/// What a function does in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FunctionTime {
    /// The function.
    pub function: &'static str,
    /// Its memory, MB.
    pub memory_mb: u64,
    /// Its calls.
    pub calls: Estimated<u64>,
    /// The time of all calls, ms.
    pub ms: Estimated<u64>,
}

/// What Lambda charges for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LambdaTime {
    /// Calls of all functions.
    pub calls: Estimated<u64>,
    /// Memory times time, in MB-seconds: 1,024 are a GB-second.
    pub mb_seconds: Estimated<u64>,
    /// What both cost.
    pub cost: Estimated<Usd>,
    /// The functions, in the order of the steps.
    pub functions: Vec<FunctionTime>,
}

impl LambdaTime {
    pub(super) fn of(asked: &AskedSlices, looks: Estimated<u64>) -> Self {
        let functions: Vec<FunctionTime> = MEMORY
            .into_iter()
            .map(|(function, memory_mb)| {
                let of = |looks| work(asked, looks, function);
                FunctionTime {
                    function,
                    memory_mb,
                    calls: looks.map(|looks| of(looks).calls),
                    ms: looks.map(|looks| of(looks).ms),
                }
            })
            .collect();
        let sum = |of: fn(&FunctionTime) -> Estimated<u64>| {
            let none = Estimated::default();
            functions.iter().map(of).fold(none, Estimated::plus)
        };
        let calls = sum(|one| one.calls);
        let mb_ms = sum(|one| one.ms.times(one.memory_mb));
        let time = mb_ms.map(|mb_ms| charges::of_function_time(mb_ms.into()));
        Self {
            calls,
            mb_seconds: mb_ms.map(|mb_ms| mb_ms / 1_000),
            cost: time.plus(calls.map(|calls| charges::CALL.times(calls))),
            functions,
        }
    }

    /// The calls of a function.
    pub(super) fn calls_of(&self, function: &str) -> u64 {
        let found = self.functions.iter().find(|one| one.function == function);
        found.map_or(0, |one| one.calls.expected)
    }

    /// The calls that continue the work of an earlier one.
    pub(super) fn further_calls(&self, asked: &AskedSlices) -> FurtherCalls {
        let of_the_run = self.calls_of("plan") + self.calls_of("finish");
        FurtherCalls {
            of_the_run: of_the_run.saturating_sub(2),
            of_slices: self
                .calls_of("invoke")
                .saturating_sub(asked.on_demand.slices),
        }
    }
}

/// Calls of one function and their time.
struct FunctionWork {
    calls: u64,
    ms: u64,
}

fn work(asked: &AskedSlices, looks: u64, function: &str) -> FunctionWork {
    let (jobs, slices) = (asked.in_jobs.slices, asked.slices());
    let of_calls = |calls: u64, ms: u64| FunctionWork {
        calls,
        ms: calls * START + ms,
    };
    match function {
        "plan" => of_the_run(plan_ms(asked)),
        "split" => {
            let moved = asked.data_bytes + asked.bytes();
            let rows = asked.records() * SPLIT_US / 1_000;
            of_calls(slices, slices * 6 * ROUND_TRIP + moved / BYTES_A_MS + rows)
        }
        "submit" => of_calls(jobs, jobs * (5 * ROUND_TRIP + BEDROCK)),
        "check" => of_calls(jobs * looks, jobs * (looks * BEDROCK + ROUND_TRIP)),
        "invoke" => invoke(asked),
        "merge" => {
            let moved = asked.data_bytes + asked.answer_bytes() + asked.result_bytes();
            let rows = asked.records() * MERGE_US / 1_000;
            // Small objects are read 16 at a time.
            let objects = asked.answer_objects() * ROUND_TRIP / 16;
            let waits = slices * 12 * ROUND_TRIP + objects;
            of_calls(slices, waits + moved / BYTES_A_MS + rows)
        }
        _ => of_the_run(finish_ms(asked)),
    }
}

/// Returns the calls of a function that works until its time is used up and is then called again.
fn of_the_run(ms: u64) -> FunctionWork {
    let calls = ms.div_ceil(LONGEST_CALL).max(1);
    FunctionWork {
        calls,
        ms: calls * START + ms,
    }
}

fn plan_ms(asked: &AskedSlices) -> u64 {
    let documents = asked.slices().div_ceil(DOCUMENTS_AT_ONCE);
    let waits = (20 + asked.files + documents) * ROUND_TRIP;
    waits + asked.data_bytes / BYTES_A_MS + asked.records() * SCAN_US / 1_000
}

fn finish_ms(asked: &AskedSlices) -> u64 {
    let documents = asked.slices().div_ceil(DOCUMENTS_AT_ONCE);
    let copies = parts(asked.result_bytes(), asked.slices()).min(asked.slices());
    (10 + documents) * ROUND_TRIP + copies.div_ceil(COPIES_AT_ONCE) * COPY
}

/// Returns the work of `invoke`, which waits for each answer: as long as the slowest of the calls that are made
/// together, and as long as the rate of calls demands.
fn invoke(asked: &AskedSlices) -> FunctionWork {
    let slices = asked.on_demand.slices;
    if slices == 0 {
        return FunctionWork { calls: 0, ms: 0 };
    }
    let call = FIRST_TOKEN + asked.answer_tokens * 1_000 / TOKENS_A_SECOND;
    let interval = asked.call_interval_ms.max(call / asked.workers.max(1));
    let asking = asked.on_demand.records * interval;
    let calls = slices * (asking / slices).div_ceil(LONGEST_ASKING).max(1);
    let ms = asking + asked.answer_objects() * ROUND_TRIP;
    FunctionWork {
        calls,
        ms: calls * (START + 5 * ROUND_TRIP) + ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The template decides, and this table follows it.
    #[test]
    fn functions_have_the_memory_of_the_template() {
        let template = include_str!("../../../../../infra/template.yaml");
        for (function, memory) in MEMORY {
            let name = format!("FunctionName: !Sub ${{AWS::StackName}}-{function}\n");
            let (_, after) = template.split_once(&name).unwrap();
            let (_, after) = after.split_once("MemorySize: ").unwrap();
            let given = after.lines().next().unwrap();
            assert_eq!(given, memory.to_string(), "{function}");
        }
    }
}
