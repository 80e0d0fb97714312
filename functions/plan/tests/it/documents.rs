//! The content of the plan, and the output of `plan`.

use crate::support::{CELL, WHOLE, plan_in, rows, run, slice_in};
use quarry_contract::file_format::{FileFormat, LineEnding};
use quarry_contract::payload::{ManifestItem, ObjectPointer, PlanOutput};
use quarry_edge::clock::Unlimited;
use quarry_edge::metrics::Metric;
use quarry_edge::store::ObjectStore;
use quarry_planned_run::{Emitted, MODEL, RunInput, STARTED};
use std::sync::Arc;

#[tokio::test]
async fn the_output_points_to_a_manifest_with_one_item_a_slice() {
    let input = rows(6)
        .await
        .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
        .set("BEDROCK_MAX_RECORDS_PER_JOB", "2")
        .set("BEDROCK_MAX_CONCURRENT_BATCH_JOBS", "2");
    let output = input.planned().await.unwrap();
    let expected = PlanOutput {
        version: 1,
        done: true,
        turn: 1,
        run: "s3://bucket/work/run".parse().unwrap(),
        manifest: ObjectPointer {
            bucket: "bucket".to_owned(),
            key: "work/run/manifest.json".to_owned(),
        },
        slices: 3,
        max_concurrency: 2,
        empty: false,
    };
    assert_eq!(output, expected);
    let body = input.store.get(&run().manifest(), u64::MAX).await.unwrap();
    let items: Vec<ManifestItem> = serde_json::from_slice(&body).unwrap();
    assert_eq!(items, [0, 1, 2].map(|slice| ManifestItem { slice }));
}

#[tokio::test]
async fn a_run_works_on_no_more_slices_at_once_than_it_has() {
    for (count, at_once) in [(0, 1), (1, 1), (4, 4), (30, 20)] {
        let input = rows(count)
            .await
            .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
            .set("BEDROCK_MAX_RECORDS_PER_JOB", "1");
        let output = input.planned().await.unwrap();
        assert_eq!(output.max_concurrency, at_once, "{count} slices");
    }
}

/// The prices are in the plan because no other function has the table of models. A model without one is
/// named in a note, because the summary then has no cost.
#[tokio::test]
async fn the_plan_has_the_prices_of_its_models() {
    let haiku = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
    let input = rows(2)
        .await
        .set("BEDROCK_PRIMARY_MODEL_ID", haiku)
        .set("BEDROCK_FALLBACK_MODEL_ID", "my-own-name");
    let plan = input.plan().await.unwrap();
    let rates = plan.rates.unwrap();
    assert_eq!(rates.primary.model, haiku);
    let batch = rates.primary.batch.unwrap();
    let on_demand = rates.primary.on_demand.unwrap();
    let prices = [batch.input, batch.output, on_demand.input, on_demand.output];
    let texts = prices.map(|price| price.to_string());
    assert_eq!(texts, ["0.550000", "2.750000", "1.100000", "5.500000"]);
    assert!(rates.primary.source.contains("litellm") && rates.primary.checked.starts_with("2026-"));
    assert!(!rates.fallback.unwrap().has_price());
    let note = "no price is known for my-own-name; if this fallback model answers, the summary has no cost";
    assert!(
        plan.notes.iter().any(|text| text == note),
        "{:?}",
        plan.notes
    );
}

/// The limits are the account's, and the slices run at the same time.
#[tokio::test]
async fn the_limits_of_calls_are_divided_among_the_slices() {
    let input = rows(8)
        .await
        .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
        .set("BEDROCK_MAX_RECORDS_PER_JOB", "2")
        .set("BEDROCK_RATE_LIMIT_PER_SECOND", "10")
        .set("BEDROCK_MAX_CONCURRENT_WORKERS", "6");
    let plan = input.plan().await.unwrap();
    assert_eq!(plan.slices, 4);
    assert!((plan.on_demand_rate - 2.5).abs() < 1e-9);
    assert_eq!(plan.on_demand_workers, 1, "6 of 4 slices, and at least one");
}

#[tokio::test]
async fn the_plan_keeps_the_request_and_the_requests_settings_over_the_deployments() {
    let mut input = rows(1).await.set("BEDROCK_MAX_TOKENS", "100");
    for (name, value) in [("BEDROCK_MAX_TOKENS", "50"), ("BEDROCK_MAX_RETRIES", "7")] {
        let deployment = &mut input.deployment;
        deployment.insert(name.to_owned(), value.to_owned());
    }
    let plan = input.plan().await.unwrap();
    assert_eq!(plan.version, 1);
    assert_eq!((&*plan.execution, &*plan.started), ("run", STARTED));
    assert_eq!(plan.request, input.payload.request);
    for (name, value) in [
        ("BEDROCK_MAX_TOKENS", "100"),
        ("BEDROCK_MAX_RETRIES", "7"),
        ("BEDROCK_PRIMARY_MODEL_ID", MODEL),
    ] {
        assert_eq!(plan.settings[name], value);
    }
    assert_eq!(
        plan.prompts.to_string(),
        CELL.replace(": ", ":").replace(", ", ",")
    );
}

#[tokio::test]
async fn the_work_prefix_is_the_requests_or_else_the_deployments() {
    let mut input = rows(1).await;
    input.work = Some("s3://deployment/runs/".parse().unwrap());
    assert_eq!(input.planned().await.unwrap().run, *run().location());
    input.payload.request.work = None;
    let output = input.planned().await.unwrap();
    assert_eq!(output.run.to_string(), "s3://deployment/runs/run");
}

#[tokio::test]
async fn a_table_is_described_as_its_files_have_it() {
    let files = [
        ("b.csv", &b"row,n\r\nr2,3\r\n"[..]),
        ("a.csv", b"row,n\r\nr0,1\r\nr1,2\r\n"),
    ];
    let input = RunInput::new(WHOLE, &files).await;
    let plan = input.plan().await.unwrap();
    let table = &plan.tables[0];
    assert_eq!((table.rows, table.slices, table.first_slice), (3, 1, 0));
    assert_eq!(
        (table.format, table.newline, table.gzip),
        (FileFormat::Csv, LineEnding::CrLf, false)
    );
    assert_eq!(
        (&*table.header, &table.columns[..]),
        ("row,n", &["row".to_owned(), "n".to_owned()][..])
    );
    let files: Vec<(&str, u64)> = table.files.iter().map(|f| (&*f.name, f.rows)).collect();
    assert_eq!(files, [("a.csv", 2), ("b.csv", 1)], "in name order");
    for file in &table.files {
        let stored = input.store.head(&file.location).await.unwrap();
        assert_eq!((file.size, &file.etag), (stored.size, &stored.etag));
    }
}

#[tokio::test]
async fn a_slices_document_counts_its_rows_records_and_bytes() {
    let input = rows(3).await;
    input.planned().await.unwrap();
    let slice = slice_in(&input.store, 0).await;
    assert_eq!((slice.version, slice.slice, slice.table), (1, 0, 0));
    assert_eq!((slice.first_row, slice.rows, slice.records), (0, 3, 3));
    let deps = quarry_plan::Deps {
        store: Arc::new(input.store.clone()),
        settings: std::collections::BTreeMap::new(),
        work: None,
        metrics: Arc::new(Emitted::default()),
    };
    // A record's planned size is the size that is sent: rendering the rows again gives the same
    // bytes.
    quarry_plan::handle(&deps, input.payload.clone(), &Unlimited)
        .await
        .unwrap();
    assert_eq!(slice_in(&input.store, 0).await, slice);
    assert!(slice.bytes > 3 * 50, "{}", slice.bytes);
}

#[tokio::test]
async fn the_planned_rows_and_slices_are_emitted_once() {
    let input = rows(3).await;
    let metrics = Arc::new(Emitted::default());
    let deps = quarry_plan::Deps {
        store: Arc::new(input.store.clone()),
        settings: std::collections::BTreeMap::new(),
        work: None,
        metrics: Arc::<Emitted>::clone(&metrics),
    };
    quarry_plan::handle(&deps, input.payload.clone(), &Unlimited)
        .await
        .unwrap();
    let expected = [(Metric::RowsPlanned, 3), (Metric::SlicesPlanned, 1)];
    assert_eq!(metrics.values(), expected);
    assert_eq!(plan_in(&input.store).await.slices, 1);
}
