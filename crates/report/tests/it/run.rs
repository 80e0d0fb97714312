//! The page about a run.

use crate::page::assert_stands_alone;
use expect_test::expect_file;
use quarry_report::{AskedTexts, RowFailures, RunReport, SampleRow, TableFindings, run_page};
use quarry_result::summary::{PropertySummary, Summary, ValueRows};
use serde_json::Value;

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

/// A property of a table whose summary has no profile.
fn property(name: &str) -> PropertySummary {
    let value = |value: &str, rows| ValueRows {
        value: value.to_owned(),
        rows,
    };
    PropertySummary {
        property: name.to_owned(),
        values: 200,
        distinct: Some(2),
        most_frequent: vec![value("praise", 133), value("<b>bill</b>", 67)],
        ..PropertySummary::default()
    }
}

fn findings() -> TableFindings {
    let cell = |column: &str, cell: &str| (column.to_owned(), Some(cell.to_owned()));
    TableFindings {
        properties: vec![property("kind")],
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
            let (text, _) = rest.split_once('<').expect("an element");
            (member.to_owned(), text.to_owned())
        })
        .collect()
}

/// Whether a figure of the page is this member of the summary. A page counts rows from 1.
fn is_shown(member: &str, value: &Value, text: &str) -> bool {
    if let Value::String(known) = value {
        return known == text;
    }
    let shown: f64 = text.replace(',', "").parse().expect("a number");
    let from = f64::from(u8::from(member.ends_with("/example_row")));
    let known = value.as_f64().expect("a number") + from;
    (shown - known).abs() <= 5e-7
}

/// Adds the JSON Pointers of all numbers of a document, and of the texts that are numbers or times.
fn numbers(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(at.to_owned()),
        Value::String(text) if text.parse::<f64>().is_ok() || text.ends_with('Z') => {
            found.push(at.to_owned());
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                numbers(element, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                numbers(member, &format!("{at}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// Whether the page leaves a number of the summary out on purpose: it says the number in words, or another number says
/// the same.
fn is_left_out(member: &str) -> bool {
    let in_words = [
        "/answers/lines",
        "/slice",
        "/round",
        "/from",
        "/to",
        "/value",
        "/objects",
        "/profile/rows",
    ];
    // These numbers are few, and shown one by one.
    member.starts_with("/profile/properties/2/numbers/ranges/")
        || in_words.iter().any(|name| member.ends_with(name))
}

#[test]
fn every_figure_of_the_page_is_that_of_the_summary_and_none_is_missing() {
    let summary = summary();
    let figures = figures(&page(&summary, &AskedTexts::default(), None));
    for (member, text) in &figures {
        let value = summary.pointer(member).unwrap_or(&Value::Null);
        assert!(
            is_shown(member, value, text),
            "{member}: {text} and not {value}"
        );
    }
    let mut expected = Vec::new();
    for list in [
        "/rows",
        "/tokens",
        "/answers",
        "/rounds",
        "/batch_job_info/jobs",
        "/refusals",
        "/cost",
        "/profile",
    ] {
        numbers(
            summary.pointer(list).expect("a member"),
            list,
            &mut expected,
        );
    }
    expected.retain(|member| !is_left_out(member));
    assert!(expected.len() > 150, "{expected:?}");
    for member in expected {
        assert!(
            figures.iter().any(|(known, _)| *known == member),
            "{member}"
        );
    }
}

/// The bar of a job begins and ends where the job does.
#[test]
fn jobs_are_shown_over_time_or_if_their_times_are_not_known_by_how_long_they_took() {
    let mut summary = summary();
    let with_times = page(&summary, &AskedTexts::default(), None);
    assert_eq!(with_times.matches("data-start=").count(), 3);
    for place in [
        "x=\"200\" y=\"4\" width=\"10\"",
        "x=\"200\" y=\"28\" width=\"419\"",
        "x=\"620\" y=\"52\" width=\"10\"",
        "class=\"bad\" x=\"200\" y=\"28\"",
    ] {
        assert!(with_times.contains(place), "{place}: {with_times}");
    }
    let jobs = summary["batch_job_info"]["jobs"].as_array_mut();
    for job in jobs.expect("jobs") {
        job["submitted"] = Value::Null;
        job["ended"] = Value::Null;
    }
    let without = page(&summary, &AskedTexts::default(), None);
    assert!(!without.contains("data-start=") && without.contains("Seconds from submission to end"));
}

#[test]
fn a_cost_that_is_not_known_has_no_section() {
    let mut summary = summary();
    assert!(page(&summary, &AskedTexts::default(), None).contains("<h2>Cost</h2>"));
    summary["cost"] = Value::Null;
    assert!(!page(&summary, &AskedTexts::default(), None).contains("<h2>Cost</h2>"));
}

/// So the page that a function writes beside the summary has charts too.
#[test]
fn the_values_of_the_summary_are_shown_and_those_of_the_table_only_if_it_has_none() {
    let mut summary = summary();
    for table in [None, Some(&findings())] {
        let page = page(&summary, &AskedTexts::default(), table);
        assert!(page.contains("<h3>species_group</h3>") && !page.contains("<h3>kind</h3>"));
        assert!(page.contains("aria-label=\"Rows by confidence\""), "{page}");
        // Nearly all of these are different.
        assert!(!page.contains("aria-label=\"Rows by remark\""), "{page}");
        assert!(
            !page.contains("validation_processed_data.csv</td>"),
            "{page}"
        );
    }
    summary["profile"] = Value::Null;
    let page = page(&summary, &AskedTexts::default(), Some(&findings()));
    assert!(page.contains("<h3>kind</h3>") && page.contains("aria-label=\"Rows by kind\""));
    assert!(
        page.contains("validation_processed_data.csv</td>"),
        "{page}"
    );
    assert!(!page.contains("/profile"), "{page}");
}

/// Without a schema no answer is checked, so none can be good or valid.
#[test]
fn without_a_schema_the_page_speaks_of_answers_and_not_of_good_ones() {
    let mut summary = summary();
    let words = [
        "good answer",
        "Good answer",
        ">Valid<",
        "valid answer",
        "not good",
    ];
    let with_schema = page(&summary, &AskedTexts::default(), None);
    for word in words {
        assert!(with_schema.contains(word), "{word}");
    }
    summary["schema_source"] = Value::Null;
    summary["validation_passed_records"] = 0.into();
    let failures = &mut summary["profile"]["failures"];
    let failures = failures.as_array_mut().expect("failures");
    failures.retain(|one| one["answered"] == false);
    assert!(!failures.is_empty());
    let without = page(&summary, &AskedTexts::default(), None);
    for word in words {
        assert!(!without.contains(word), "{word}: {without}");
    }
    for word in [
        "rows with an answer.",
        "Answers by round",
        "Rows without an answer, by reason",
        "For each answered row",
    ] {
        assert!(without.contains(word), "{word}: {without}");
    }
}

#[test]
fn a_value_that_cannot_be_seen_has_a_label_in_the_chart_and_in_the_table() {
    let mut summary = summary();
    for (value, label) in [
        ("", "(empty text)"),
        (" ", "(a blank)"),
        ("\t", "(a tab)"),
        ("\n", "(a line break)"),
        ("\t\t", "(2 tabs)"),
    ] {
        summary["profile"]["properties"][0]["most_frequent"][0]["value"] = value.into();
        let page = page(&summary, &AskedTexts::default(), None);
        assert!(
            page.contains(&format!("<th scope=\"row\">{label}</th>")),
            "{page}"
        );
        assert!(
            page.contains(&format!("text-anchor=\"end\">{label}</text>")),
            "{page}"
        );
    }
}

/// The summary of an earlier version has the narrowest range around it.
#[test]
fn numbers_that_are_all_the_same_are_shown_as_that_number() {
    let mut summary = summary();
    for to in [7.0, 7.000_000_953_674_316] {
        let numbers = &mut summary["profile"]["properties"][1]["numbers"];
        for name in ["minimum", "mean", "maximum"] {
            numbers[name] = 7.0.into();
        }
        numbers["ranges"] = serde_json::json!([{"from": 7.0, "to": to, "rows": 2925}]);
        let page = page(&summary, &AskedTexts::default(), None);
        assert!(page.contains("<th scope=\"row\">7</th>"), "{page}");
        assert!(!page.contains("7 to 7"), "{page}");
    }
}

/// The user gave the price, so nobody read it on any day.
#[test]
fn a_price_without_a_day_has_no_empty_cell() {
    let mut summary = summary();
    for day in [Value::Null, "".into()] {
        summary["cost"]["prices"][0]["checked"] = day;
        summary["cost"]["prices"][0]["source"] = "BEDROCK_PRICE_IN and BEDROCK_PRICE_OUT".into();
        let page = page(&summary, &AskedTexts::default(), None);
        assert!(
            page.contains("<td>BEDROCK_PRICE_IN and BEDROCK_PRICE_OUT</td><td>–</td>"),
            "{page}"
        );
    }
}

#[test]
fn a_page_without_the_table_has_no_cells_of_rows() {
    let page = page(&summary(), &AskedTexts::default(), None);
    assert_stands_alone(&page);
    assert!(!page.contains("Rows before and after"));
}

/// Puts markup behind every text of a document that may be any text.
fn spoil(value: &mut Value) {
    match value {
        Value::String(text)
            if ["batch", "job", "on_demand"].contains(&text.as_str())
                || text.parse::<f64>().is_ok() => {}
        Value::String(text) => text.push_str(MARKUP),
        Value::Array(elements) => elements.iter_mut().for_each(spoil),
        Value::Object(members) => members.values_mut().for_each(spoil),
        _ => {}
    }
}

#[test]
fn markup_in_any_text_stays_text() {
    let mut summary = summary();
    spoil(&mut summary);
    let mut findings = findings();
    findings.properties.push(property(MARKUP));
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
    assert_is_text(&page(&summary, &asked, Some(&findings)));
    summary["profile"] = Value::Null;
    assert_is_text(&page(&summary, &asked, Some(&findings)));
}

#[track_caller]
fn assert_is_text(page: &str) {
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

/// A profile and the service's errors count the rows of the input; the result has other numbers then.
#[test]
fn numbers_of_rows_say_whether_the_input_or_the_result_counts_them_if_rows_are_left_out() {
    let mut summary = summary();
    let whole = page(&summary, &AskedTexts::default(), Some(&findings()));
    assert!(
        whole.contains("an example of each, counted from 1</caption>"),
        "{whole}"
    );
    assert!(!whole.contains("counted from 1 in the"), "{whole}");
    summary["rows"]["left_out_as_errors"] = 12.into();
    let page_of = |summary: &Value| page(summary, &AskedTexts::default(), Some(&findings()));
    let of_input = "an example of each, counted from 1 in the input, of which the result leaves rows out</caption>";
    let of_result = "counted from 1 in the result, which leaves rows of the input out";
    let left_out = page_of(&summary);
    assert_eq!(left_out.matches(of_input).count(), 2, "{left_out}");
    assert_eq!(left_out.matches(of_result).count(), 1, "{left_out}");
    // The table's own reasons.
    summary["profile"] = Value::Null;
    let of_table = page_of(&summary);
    assert_eq!(of_table.matches(of_input).count(), 1, "{of_table}");
    assert_eq!(of_table.matches(of_result).count(), 2, "{of_table}");
}

/// The bucket of the local stack is gone when the run has ended.
#[test]
fn a_schema_of_this_machine_is_named_as_a_file() {
    let mut summary = summary();
    summary["schema_source"] = "s3://quarry-local/pipeline/schema.json".into();
    summary["notes"] = serde_json::json!(["s3://quarry-local/data/b.csv has no rows"]);
    let page = page(&summary, &AskedTexts::default(), None);
    assert!(page.contains("Schema</th><td>schema.json</td>"), "{page}");
    assert!(page.contains("<li>b.csv has no rows</li>"), "{page}");
    assert!(!page.contains("quarry-local"), "{page}");
}
