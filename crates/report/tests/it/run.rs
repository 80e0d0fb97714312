//! The page about a run.

use crate::page::assert_stands_alone;
use expect_test::expect_file;
use quarry_report::{
    AskedTexts, DistributionTally, RowFailures, RunReport, SampleRow, TableFindings, run_page,
};
use quarry_result::summary::Summary;
use serde_json::{Value, json};

const MARKUP: &str = "</td></style></script><script>alert(1)</script><img src=x onerror='x'>\"";

fn summary() -> Value {
    serde_json::from_str(include_str!("../summaries/strikes.json")).expect("JSON")
}

fn page(summary: &Value, asked: &AskedTexts, table: Option<&TableFindings>) -> String {
    let typed: Summary = serde_json::from_value(summary.clone()).expect("a summary");
    run_page(&RunReport {
        summary: &typed,
        asked,
        table,
    })
}

fn asked() -> AskedTexts {
    AskedTexts {
        prompts: Some("{\"user_prompt_template\": \"Letter: {text}\"}".to_owned()),
        schema: Some("{\n  \"type\": \"object\"\n}".to_owned()),
        settings: vec![("BEDROCK_MAX_TOKENS".to_owned(), "512".to_owned())],
    }
}

fn findings() -> TableFindings {
    let mut kind = DistributionTally::new("kind");
    let mut score = DistributionTally::new("score");
    let mut reason = DistributionTally::new("reason");
    for number in 0..200_u32 {
        kind.add(Some(if number % 3 == 0 { "praise" } else { "bill" }));
        score.add(Some(&format!("{}", f64::from(number) / 200.0)));
        reason.add((number % 10 > 0).then_some(&*format!("reason {number}")));
    }
    let cell = |column: &str, cell: &str| (column.to_owned(), Some(cell.to_owned()));
    TableFindings {
        distributions: [kind, score, reason].map(DistributionTally::finish).into(),
        failures: vec![RowFailures {
            text: "400: the record is refused".to_owned(),
            answered: false,
            rows: 9,
            table: "validation_processed_data.csv".to_owned(),
            first_row: 17,
        }],
        sample: vec![SampleRow {
            table: "validation_processed_data.csv".to_owned(),
            row: 1,
            before: vec![
                cell("text", "Dear Sir,\nthank you"),
                ("note".to_owned(), None),
            ],
            after: vec![cell("llm_kind", "praise"), cell("llm_status", "success")],
        }],
    }
}

#[test]
fn a_run_is_a_page_with_what_was_asked_and_what_came_back() {
    let page = page(&summary(), &asked(), Some(&findings()));
    assert_stands_alone(&page);
    expect_file!["../expected/run.html"].assert_eq(&page);
}

/// Returns the JSON Pointer and the text of each figure of a page.
fn figures(page: &str) -> Vec<(String, String)> {
    let parts = page.split("data-member=\"").skip(1);
    parts
        .map(|part| {
            let (member, rest) = part.split_once("\">").expect("an attribute");
            let (text, _) = rest.split_once("</td>").expect("a cell");
            (member.to_owned(), text.to_owned())
        })
        .collect()
}

#[test]
fn every_figure_of_the_page_is_that_of_the_summary_and_none_is_missing() {
    let summary = summary();
    let figures = figures(&page(&summary, &AskedTexts::default(), None));
    for (member, text) in &figures {
        let number = summary.pointer(member).and_then(Value::as_u64);
        let shown = text.replace(',', "").parse().ok();
        assert_eq!(number, shown, "{member}: {text}");
    }
    let has = |member: &str| figures.iter().any(|(known, _)| known == member);
    for list in ["/rows", "/tokens", "/answers"] {
        let members = summary
            .pointer(list)
            .and_then(Value::as_object)
            .expect("members");
        for (name, _) in members
            .iter()
            .filter(|(name, value)| value.is_u64() && *name != "lines")
        {
            assert!(has(&format!("{list}/{name}")), "{list}/{name}");
        }
    }
    for member in [
        "/failed_records",
        "/files_processed/1/failed",
        "/rounds/2/good",
        "/batch_job_info/jobs/1/seconds",
        "/refusals/1/lines",
    ] {
        assert!(has(member), "{member}");
    }
}

fn cost() -> Value {
    json!({
        "total": "6.430000", "input": "5.100000", "output": "1.330000", "on_demand_would_be": null,
        "per_row": "0.032150", "per_valid_answer": null, "by_table": [], "by_round": [], "by_way": [],
        "by_model": [{"model": "m", "input_tokens": 7, "output_tokens": 3, "total": "6.430000"}],
        "prices": [{
            "model": "m", "way": "job", "input": "0.550000", "output": "2.750000", "assumed": "a price",
            "source": "a list", "checked": "2026-11-28"
        }],
    })
}

/// The cost has the members that the summary has for it, whatever they are.
#[test]
fn the_cost_is_shown_as_the_summary_has_it() {
    let mut summary = summary();
    assert!(!page(&summary, &AskedTexts::default(), None).contains("<h2>Cost</h2>"));
    summary["cost"] = cost();
    let page = page(&summary, &AskedTexts::default(), None);
    for part in ["<h2>Cost</h2>", "6.430000", "by model", "a price"] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_page_without_the_table_has_no_cells_of_rows() {
    let page = page(&summary(), &AskedTexts::default(), None);
    assert_stands_alone(&page);
    assert!(!page.contains("Values of the answers") && !page.contains("Rows before and after"));
}

/// Puts markup behind every text of a document that may be any text.
fn spoil(value: &mut Value) {
    match value {
        Value::String(text) if text == "batch" || text == "job" || text.parse::<f64>().is_ok() => {}
        Value::String(text) => text.push_str(MARKUP),
        Value::Array(elements) => elements.iter_mut().for_each(spoil),
        Value::Object(members) => members.values_mut().for_each(spoil),
        _ => {}
    }
}

#[test]
fn markup_in_any_text_stays_text() {
    let mut summary = summary();
    summary["cost"] = cost();
    spoil(&mut summary);
    let mut findings = findings();
    let mut kind = DistributionTally::new(MARKUP);
    (0..9).for_each(|_| kind.add(Some("<b>bold</b>")));
    findings.distributions.push(kind.finish());
    findings.failures[0].text.push_str(MARKUP);
    findings.failures[0].table.push_str(MARKUP);
    findings.sample[0].table.push_str(MARKUP);
    let cell = (MARKUP.to_owned(), Some(MARKUP.to_owned()));
    findings.sample[0].before.push(cell.clone());
    findings.sample[0].after.push(cell);
    let asked = AskedTexts {
        prompts: Some(MARKUP.to_owned()),
        schema: Some(MARKUP.to_owned()),
        settings: vec![(MARKUP.to_owned(), MARKUP.to_owned())],
    };
    let page = page(&summary, &asked, Some(&findings));
    assert!(page.matches("&lt;script&gt;alert(1)").count() > 30);
    for part in ["<script", "<img", "<b>", "onerror='", "</style></script>"] {
        assert!(!page.contains(part), "{part}");
    }
    assert_eq!(page.matches("</style>").count(), 1);
    for element in [
        "table", "tr", "td", "th", "svg", "figure", "h2", "h3", "pre", "li",
    ] {
        let opened = page.matches(&format!("<{element}>")).count()
            + page.matches(&format!("<{element} ")).count();
        assert_eq!(
            opened,
            page.matches(&format!("</{element}>")).count(),
            "{element}"
        );
    }
}
