use super::*;

/// A million reports of the example in `examples/wildlife-strikes`.
fn million() -> AskedSlices {
    AskedSlices {
        in_jobs: SliceSums {
            slices: 23,
            records: 1_000_000,
            bytes: 1_630_000_000,
        },
        tables: 1,
        files: 1,
        data_bytes: 122_300_000,
        workers: 1,
        call_interval_ms: 2_000,
        batch_size: 50,
        answer_tokens: 104,
        job_hours: 24,
        ..AskedSlices::default()
    }
}

#[test]
fn a_job_is_looked_at_more_rarely_the_longer_it_takes() {
    assert_eq!(
        [2_070, 4_320, 86_400, 604_800].map(looks),
        [26, 36, 75, 147]
    );
}

#[test]
fn a_million_rows_in_jobs_cost_less_than_a_dollar_of_aws_itself() {
    let overhead = Overhead::of(&million());
    assert!(overhead.total.high < Usd::whole(1), "{overhead:?}");
    assert!(overhead.total.low > "0.1".parse().unwrap(), "{overhead:?}");
}

/// The total has each part once.
#[test]
fn the_parts_add_up_to_the_total() {
    let overhead = Overhead::of(&million());
    let fixed = overhead.requests.cost + overhead.storage.cost;
    let parts = overhead.transitions.cost.plus(overhead.lambda.cost);
    assert_eq!(overhead.total, parts.map(|parts| parts + fixed));
    let functions = &overhead.lambda.functions;
    let mb_ms: u64 = functions
        .iter()
        .map(|one| one.memory_mb * one.ms.expected)
        .sum();
    assert_eq!(overhead.lambda.mb_seconds.expected, mb_ms / 1_000);
    let calls: u64 = functions.iter().map(|one| one.calls.expected).sum();
    assert_eq!(overhead.lambda.calls.expected, calls);
}

/// A run on demand waits for every answer with a function, and stores answers as often as they are together.
#[test]
fn on_demand_the_waiting_costs_most_and_larger_batches_are_fewer_requests() {
    let jobs = million();
    let calls = AskedSlices {
        in_jobs: SliceSums::default(),
        on_demand: jobs.in_jobs,
        ..jobs
    };
    let overhead = Overhead::of(&calls);
    assert!(overhead.lambda.cost.expected > overhead.requests.cost);
    assert!(overhead.lambda.cost.expected > overhead.transitions.cost.expected);
    let together = Overhead::of(&AskedSlices {
        batch_size: 10,
        ..calls
    });
    let [few, many] = [&overhead, &together].map(|overhead| overhead.requests.writes);
    assert!((79_000..81_000).contains(&(many - few)), "{many} {few}");
}

/// A run of nothing has the states, the calls and the requests of plan and finish.
#[test]
fn an_empty_run_costs_next_to_nothing() {
    let overhead = Overhead::of(&AskedSlices {
        tables: 1,
        job_hours: 24,
        ..AskedSlices::default()
    });
    assert_eq!(overhead.transitions.number.high, 8);
    assert_eq!(overhead.lambda.calls.high, 2);
    assert!(
        overhead.total.high < "0.001".parse().unwrap(),
        "{overhead:?}"
    );
}

/// The template's rule decides how long the run's folder is kept.
#[test]
fn the_folder_is_kept_as_long_as_the_template_says() {
    let template = include_str!("../../../../../infra/template.yaml");
    let (_, after) = template.split_once("\n  WorkDays:\n").unwrap();
    let (_, after) = after.split_once("Default: ").unwrap();
    assert_eq!(after.lines().next().unwrap(), KEPT_DAYS.to_string());
}

/// `docs/cost.md` has these figures.
#[test]
fn a_million_rows_have_the_figures_of_the_document() {
    let overhead = Overhead::of(&million());
    let requests = overhead.requests;
    assert_eq!(
        (
            overhead.transitions.number.expected,
            requests.writes,
            requests.reads
        ),
        (4_079, 609, 927)
    );
    assert_eq!(overhead.lambda.calls.expected, 1_382);
    let total = overhead.total.map(Usd::shown);
    assert_eq!(
        [total.low, total.expected, total.high],
        ["0.50 USD", "0.54 USD", "0.57 USD"]
    );
}
