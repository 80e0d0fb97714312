//! What the tokens cost.

use crate::page::{HtmlPage, Value};
use quarry_result::digits::grouped;
use quarry_result::summary::CostSummary;
use serde_json::Value as Json;

/// The most lines of a table.
const MOST_LINES: usize = 100;

/// Adds the cost in total, by its parts, and the prices. Without a schema, any answered row has a valid answer.
pub(super) fn add(page: &mut HtmlPage, cost: &CostSummary, has_schema: bool) {
    page.section("Cost");
    let amounts = Amounts(serde_json::json!(cost));
    add_totals(page, &amounts, has_schema);
    let models = cost.by_model.iter();
    let models = models.map(|one| {
        (
            one.model.clone(),
            Some((one.input_tokens, one.output_tokens)),
        )
    });
    let ways = cost.by_way.iter().map(|one| {
        let tokens = (one.input_tokens, one.output_tokens);
        (way_in_words(one.way.as_str()), Some(tokens))
    });
    let rounds = cost.by_round.iter();
    let rounds = rounds.map(|one| (one.round.to_string(), None));
    let tables = cost.by_table.iter().map(|one| {
        let split = one.split.clone();
        (split.unwrap_or_else(|| "the table".to_owned()), None)
    });
    amounts.add_parts(page, "Table", "by_table", tables);
    amounts.add_parts(page, "Model", "by_model", models);
    amounts.add_parts(page, "Round", "by_round", rounds);
    amounts.add_parts(page, "Way", "by_way", ways);
    add_prices(page, cost, &amounts);
}

fn add_totals(page: &mut HtmlPage, amounts: &Amounts, has_schema: bool) {
    let per_answer = if has_schema {
        "For each valid answer"
    } else {
        "For each answered row"
    };
    let totals = [
        ("Total", "total"),
        ("For tokens that were read", "input"),
        ("For tokens that were written", "output"),
        ("The same tokens on demand", "on_demand_would_be"),
        ("For each input row", "per_row"),
        (per_answer, "per_valid_answer"),
    ];
    let lines = totals
        .into_iter()
        .map(|(label, name)| vec![Value::heading(label), amounts.value(name)]);
    page.table("Cost in US dollars", &["", ""], lines);
}

fn add_prices(page: &mut HtmlPage, cost: &CostSummary, amounts: &Amounts) {
    let prices = cost.prices.iter().enumerate().take(MOST_LINES);
    let lines: Vec<Vec<Value>> = prices
        .map(|(index, price)| {
            vec![
                Value::heading(&price.model),
                Value::text(way_in_words(price.way.as_str())),
                amounts.value(&format!("prices/{index}/input")),
                amounts.value(&format!("prices/{index}/output")),
                Value::text(&price.source),
                Value::text(
                    price
                        .checked
                        .as_deref()
                        .filter(|day| !day.is_empty())
                        .unwrap_or("–"),
                ),
                Value::text(price.assumed.clone().unwrap_or_default()),
            ]
        })
        .collect();
    if !lines.is_empty() {
        let headings = [
            "Model", "Way", "Read", "Written", "Source", "Checked", "Assumed",
        ];
        page.table(
            "Prices in US dollars for a million tokens",
            &headings,
            lines,
        );
    }
}

fn way_in_words(way: &str) -> String {
    way.replace('_', " ")
}

/// The cost as the summary has it, in which amounts are texts.
struct Amounts(Json);

impl Amounts {
    /// Returns the amount with this name, a JSON Pointer without its first slash.
    fn value(&self, name: &str) -> Value {
        match self.0.pointer(&format!("/{name}")) {
            Some(Json::String(text)) => Value::Figure {
                text: text.clone(),
                member: format!("/cost/{name}"),
            },
            _ => Value::number("not known"),
        }
    }

    /// Adds the cost by `heading`: for each part its label, and the tokens read and written, if they are known.
    fn add_parts(
        &self,
        page: &mut HtmlPage,
        heading: &str,
        list: &str,
        parts: impl ExactSizeIterator<Item = (String, Option<(u64, u64)>)>,
    ) {
        let count = parts.len();
        if count == 0 {
            return;
        }
        let mut headings = vec![heading, "US dollars"];
        let mut lines = Vec::new();
        for (index, (label, tokens)) in parts.enumerate().take(MOST_LINES) {
            let member = |name: &str| format!("{list}/{index}/{name}");
            let mut line = vec![Value::heading(label), self.value(&member("total"))];
            if let Some((read, written)) = tokens {
                headings = vec![heading, "US dollars", "Tokens in", "Tokens out"];
                for (count, name) in [(read, "input_tokens"), (written, "output_tokens")] {
                    line.push(Value::figure(count, &format!("/cost/{}", member(name))));
                }
            }
            lines.push(line);
        }
        let by = heading.to_lowercase();
        let caption = if count > MOST_LINES {
            format!(
                "Cost by {by}, the first {MOST_LINES} of {}",
                grouped(count as u64)
            )
        } else {
            format!("Cost by {by}")
        };
        page.table(&caption, &headings, lines);
    }
}
