//! Random runs: a table, settings, a script of faults and fates for single calls, all from one seed.

use crate::fated::NthCall;
use quarry_bedrock_simulator::{CallFaultKind, Faults, Operation, RecordFaultKind};
use quarry_contract::request::SampleRequest;
use quarry_contract::settings::MAX_COST;
use quarry_edge::fates::{ClockFault, Fate, InjectedError, OutsideOperation};
use quarry_edge::s3::faults::StoreOperation;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    /// Returns a number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn of<'t, T>(&mut self, choices: &'t [T]) -> &'t T {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap();
        &choices[index]
    }
}

/// Everything about a random run.
#[derive(Debug, Clone)]
pub(crate) struct RandomRun {
    seed: u64,
    /// The files of the table, as CSV.
    pub(crate) files: Vec<String>,
    pub(crate) settings: Vec<(&'static str, String)>,
    /// The fewest records of a job.
    pub(crate) fewest: u64,
    pub(crate) faults: Faults,
    /// Whether the bucket keeps versions.
    pub(crate) keeps_versions: bool,
    /// The number of pieces of work that a call may do, if it is limited.
    pub(crate) pieces: Option<u32>,
    /// How many of 1,000 calls meet a fate.
    fates: u64,
    /// The number of the side effect at which the run is stopped, if it is.
    pub(crate) stop_at: Option<u64>,
    /// Whether the jobs of a run that failed are stopped before it is redriven.
    pub(crate) settles: bool,
    /// The rows that are asked, if not all are.
    pub(crate) sample: Option<SampleRequest>,
    /// The functions whose clocks are off.
    pub(crate) clocks: Vec<(&'static str, ClockFault)>,
}

/// What a row is expected to cost in a job, in millionths of a USD: a cap of as much for each row is near
/// the least that a run is begun with.
const COST_OF_A_ROW: u64 = 1_700;

/// The most jobs that work one after the other in a run, for planning: one a day for 25 days.
const MOST_TURNS: u64 = 25;

const CELLS: [&str; 7] = [
    "plain",
    "\"with \"\"quotes\"\"\"",
    "\"two\r\nlines, a comma and a\ttab\"",
    "{id} {text}",
    "„Straße“ 😀",
    "00123",
    "NA",
];

const CODES: [u64; 5] = [400, 429, 500, 503, 529];
const ENDS: [&str; 5] = [
    "Completed",
    "PartiallyCompleted",
    "Failed",
    "Stopped",
    "Expired",
];

impl RandomRun {
    pub(crate) fn of_seed(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let fewest = 1 + dice.below(4);
        let mut run = Self {
            seed,
            files: files(&mut dice),
            settings: settings(&mut dice, fewest),
            fewest,
            faults: faults(&mut dice),
            keeps_versions: dice.one_in(2),
            pieces: dice
                .one_in(3)
                .then(|| u32::try_from(1 + dice.below(3)).unwrap()),
            fates: if dice.one_in(2) { 0 } else { dice.below(40) },
            stop_at: dice.one_in(3).then(|| dice.below(60)),
            settles: dice.one_in(2),
            sample: None,
            clocks: Vec::new(),
        };
        run.end_in_time();
        // The dice are thrown last, so that the rest of a run does not depend on what follows.
        run.sample = dice.one_in(4).then(|| SampleRequest {
            rows: 1 + dice.below(30),
            seed: dice
                .one_in(2)
                .then(|| u32::try_from(dice.below(1_000)).unwrap()),
        });
        if dice.one_in(3) {
            // A table may be empty, and no cap may be zero.
            let cap = run.cost_of_rows().max(100) * *dice.of(&[50, 60, 70, 85, 100, 150]) / 100;
            let cap = format!("{}.{:06}", cap / 1_000_000, cap % 1_000_000);
            run.settings.push((MAX_COST, cap));
        }
        if dice.one_in(3) {
            run.clocks = ["check", "invoke", "merge"]
                .into_iter()
                .filter_map(|function| Some((function, clock_fault(&mut dice)?)))
                .collect();
        }
        run
    }

    /// Lets as many jobs work at once as an execution needs to end within its 30 days: planning reckons a day for
    /// each job and refuses a run that may take longer.
    fn end_in_time(&mut self) {
        let most = self.setting("BEDROCK_MAX_RECORDS_PER_JOB").unwrap_or(1);
        let jobs = (self.rows().len() as u64).div_ceil(most) + 1;
        let name = "BEDROCK_MAX_CONCURRENT_BATCH_JOBS";
        let needed = jobs.div_ceil(MOST_TURNS);
        if let Some((_, at_once)) = self.settings.iter_mut().find(|(given, _)| *given == name)
            && at_once.parse::<u64>().unwrap() < needed
        {
            *at_once = needed.to_string();
        }
    }

    /// Returns what the rows are expected to cost, roughly, in millionths of a USD.
    fn cost_of_rows(&self) -> u64 {
        let rows = self.rows().len() as u64;
        let is_realtime = self
            .settings
            .contains(&("BEDROCK_BATCH_MODE", "realtime".to_owned()));
        let on_demand = is_realtime || self.sample.is_some();
        rows * COST_OF_A_ROW * (1 + u64::from(on_demand))
    }

    /// Returns the fault of a function's clock.
    pub(crate) fn clock_fault(&self, function: &str) -> Option<ClockFault> {
        let found = self.clocks.iter().find(|(name, _)| *name == function);
        found.map(|(_, fault)| *fault)
    }

    /// Whether the run may cost no more than a cap.
    pub(crate) fn has_cap(&self) -> bool {
        self.settings.iter().any(|(name, _)| *name == MAX_COST)
    }

    pub(crate) fn setting(&self, name: &str) -> Option<u64> {
        let found = self.settings.iter().find(|(given, _)| *given == name);
        found.and_then(|(_, value)| value.parse().ok())
    }

    /// Whether the script has a fault of this kind in a list.
    pub(crate) fn has_fault(&self, list: &str, kind: &str) -> bool {
        let script = serde_json::to_value(&self.faults).unwrap();
        let faults = script[list].as_array().cloned().unwrap_or_default();
        faults.iter().any(|fault| fault["kind"] == kind)
    }

    /// Returns how many answers on demand the script loses on their way.
    pub(crate) fn cut_questions(&self) -> u64 {
        let calls = self.faults.calls.iter();
        let cuts = calls
            .filter(|call| call.operation == Operation::Invoke && call.kind == CallFaultKind::Cut);
        cuts.filter_map(|call| call.first).sum()
    }

    /// Returns the fate of a call. It depends only on the seed and the call, and not on the order of
    /// calls.
    pub(crate) fn fate(&self, call: &NthCall) -> Fate {
        let mut hasher = DefaultHasher::new();
        (self.seed, call).hash(&mut hasher);
        let mut dice = Dice(hasher.finish());
        if dice.below(1_000) >= self.fates {
            return Fate::Made;
        }
        let mut choices = vec![
            Fate::Fails(InjectedError::Throttled),
            Fate::Fails(InjectedError::Unavailable),
            Fate::DiesBefore,
            Fate::DiesAfter,
            Fate::MemoryUsedUp,
        ];
        if !matches!(
            call.call.operation,
            // The function that reads an object again has the same bytes.
            OutsideOperation::Store(StoreOperation::GetRange)
        ) {
            choices.push(Fate::ResponseLost);
        }
        if call.call.operation == OutsideOperation::CreateJob {
            choices.push(Fate::Fails(InjectedError::Quota));
        }
        *dice.of(&choices)
    }
}

fn clock_fault(dice: &mut Dice) -> Option<ClockFault> {
    let off = Duration::from_mins(1 + dice.below(20));
    match dice.below(5) {
        0 => None,
        1 => Some(ClockFault::Ahead(off)),
        2 => Some(ClockFault::Behind(off)),
        3 => Some(ClockFault::JumpsBack(off)),
        _ => Some(ClockFault::StandsStill),
    }
}

fn files(dice: &mut Dice) -> Vec<String> {
    let mut number = 0;
    let newline = if dice.one_in(4) { "\r\n" } else { "\n" };
    (0..=dice.below(3))
        .map(|_| {
            let mut text = format!("id,text{newline}");
            for _ in 0..dice.below(20) {
                let _ = write!(text, "{number},{}{newline}", dice.of(&CELLS));
                number += 1;
            }
            text
        })
        .collect()
}

fn settings(dice: &mut Dice, fewest: u64) -> Vec<(&'static str, String)> {
    let mode = if dice.one_in(3) { "realtime" } else { "batch" };
    vec![
        ("BEDROCK_BATCH_MODE", mode.to_owned()),
        ("BEDROCK_MIN_RECORDS_PER_JOB", fewest.to_string()),
        (
            "BEDROCK_MAX_RECORDS_PER_JOB",
            (fewest + dice.below(20)).to_string(),
        ),
        ("BEDROCK_MAX_RETRIES", dice.below(4).to_string()),
        ("BEDROCK_BATCH_SIZE", (1 + dice.below(8)).to_string()),
        (
            "BEDROCK_MAX_CONCURRENT_BATCH_JOBS",
            (1 + dice.below(4)).to_string(),
        ),
    ]
}

fn faults(dice: &mut Dice) -> Faults {
    let records: Vec<Value> = (0..dice.below(5)).map(|_| record_fault(dice)).collect();
    let jobs: Vec<Value> = (0..dice.below(4)).map(|_| job_fault(dice)).collect();
    let calls: Vec<Value> = (0..dice.below(3))
        .map(|_| {
            json!({
                "operation": dice.of(&["create", "get", "list", "invoke"]),
                "kind": dice.of(&["throttle", "unavailable", "cut"]),
                "first": 1 + dice.below(3),
            })
        })
        .collect();
    let script = json!({"records": records, "jobs": jobs, "calls": calls});
    Faults::from_json(script.to_string().as_bytes()).unwrap()
}

fn record_fault(dice: &mut Dice) -> Value {
    let kind = *dice.of(&RecordFaultKind::ALL);
    let every = 1 + dice.below(9);
    let mut fault = json!({
        "kind": kind, "every": every, "offset": dice.below(9), "times": 1 + dice.below(4),
    });
    if kind == RecordFaultKind::ErrorLine {
        fault["code"] = json!(dice.of(&CODES));
    }
    if dice.one_in(4) {
        fault["on_demand"] = json!(false);
    }
    fault
}

fn job_fault(dice: &mut Dice) -> Value {
    let mut fault = json!({"job": dice.below(6)});
    match dice.below(8) {
        0..2 => {
            fault["kind"] = json!("end");
            fault["status"] = json!(dice.of(&ENDS));
            fault["answered"] = json!(dice.of(&[0.0, 0.3, 0.5, 0.9, 1.0]));
        }
        2 => fault["kind"] = json!("throttle_create"),
        3 => fault["kind"] = json!("quota_create"),
        4 => fault["kind"] = json!("lost_create_response"),
        5 => fault["kind"] = json!("throttle_get"),
        kind => {
            fault["kind"] = json!(if kind == 6 {
                "late_output"
            } else {
                "no_manifest"
            });
            // Output that is later than an hour is not waited for.
            fault["minutes"] = json!(1 + dice.below(45));
        }
    }
    fault
}
