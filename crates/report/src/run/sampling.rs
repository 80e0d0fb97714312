//! Of which rows a run over a sample consists, and what all rows would take.

use crate::page::{HtmlPage, Value};
use quarry_result::summary::SampleSummary;

/// Adds what the sample is, and what follows from it for the whole data.
pub(super) fn add(page: &mut HtmlPage, sample: &SampleSummary) {
    page.section("Sample");
    page.paragraph(&format!(
        "This run asked only some rows: {}. All figures below are those of the sample.",
        sample.in_words()
    ));
    let mut lines = vec![
        ("Rows asked", Value::figure(sample.rows, "/sample/rows")),
        (
            "Rows of the whole data",
            Value::figure(sample.of, "/sample/of"),
        ),
    ];
    if let Some(projection) = &sample.projection {
        let member = |name: &str| format!("/sample/projection/{name}");
        lines.extend([
            (
                "Records of the whole data",
                Value::figure(projection.records, &member("records")),
            ),
            (
                "Tokens in, for all records",
                Value::figure(projection.input_tokens, &member("input_tokens")),
            ),
            (
                "Tokens out, for all records",
                Value::figure(projection.output_tokens, &member("output_tokens")),
            ),
        ]);
        for (label, cost) in [
            ("Cost of all records in jobs", projection.in_jobs),
            ("Cost of all records on demand", projection.on_demand),
        ] {
            lines.extend(cost.map(|cost| (label, Value::number(cost.shown()))));
        }
    }
    page.table(
        "What the whole data would take, in proportion to the sample",
        &["", ""],
        lines
            .into_iter()
            .map(|(label, value)| vec![Value::heading(label), value]),
    );
}
