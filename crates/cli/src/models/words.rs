//! The table of models in words: each model in full, or in one line.

use quarry_model::{Capabilities, FactGroup, Model, Price, Thinking, TokenPrice, ways};
use std::fmt::Write as _;

/// Describes a model in full.
pub(super) fn in_full(model: &Model) -> String {
    let takes = &model.capabilities;
    let mut text = format!("{}\n", model.listing().name);
    for id in model.ids {
        let _ = writeln!(text, "  {id}");
    }
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "  {label:<18}{value}");
    };
    if let Some(why) = model.refused {
        line("cannot be asked", &format!("because {why}"));
    }
    line("asked through", takes.invocation.as_str());
    line("batch jobs", if takes.batch { "yes" } else { "no" });
    line("tokens", &tokens(takes));
    if !takes.body.is_embedding() {
        line(
            "held to a schema",
            &format!("by {}", enforcement(takes).join(", then ")),
        );
        line("accepts", &accepts(takes));
        line("thinking", thinking(takes.thinking));
        line("effort", &or_none(&model.effort.join(", ")));
    }
    line("service tiers", &tiers(takes));
    for price in model.listing().prices {
        line("USD per million", &prices(price));
    }
    line(
        "there since",
        &model
            .listing()
            .since
            .map_or_else(unknown, |date| date.to_string()),
    );
    line("there until", &until(model));
    if let Some(note) = model.listing().note {
        line("note", note);
    }
    for (facts, label, has_facts) in [
        (FactGroup::Limits, "source of tokens", true),
        (
            FactGroup::Prices,
            "source of prices",
            !model.listing().prices.is_empty(),
        ),
        (FactGroup::Takes, "source of forms", true),
        (
            FactGroup::EndOfLife,
            "source of its end",
            model.end_of_life.is_some(),
        ),
    ] {
        if has_facts {
            let source = model.listing().source(facts);
            line(label, &format!("{} ({})", source.what, source.checked));
        }
    }
    text
}

/// Lists models, one on each line. Each column is as wide as its longest cell.
pub(super) fn listed(models: &[&Model]) -> String {
    let mut lines = vec![
        [
            "MODEL",
            "BATCH",
            "CONTEXT",
            "ANSWER",
            "USD IN / OUT",
            "UNTIL",
        ]
        .map(str::to_owned),
    ];
    lines.extend(models.iter().map(|model| cells(model)));
    let width = |column: usize| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let [id, batch, context, answer, price] = [0, 1, 2, 3, 4].map(width);
    let mut text = String::new();
    for line in &lines {
        let _ = writeln!(
            text,
            "{:<id$} {:<batch$} {:>context$} {:>answer$} {:>price$} {}",
            line[0], line[1], line[2], line[3], line[4], line[5]
        );
    }
    text.push_str(
        "\nContext and answer are in tokens; USD are per million tokens, on demand.\n`quarry models <ID>` says more.\n",
    );
    text
}

/// Returns what the list says about a model.
fn cells(model: &Model) -> [String; 6] {
    let takes = &model.capabilities;
    let prices = model.listing().prices.first();
    let tokens = |most: Option<u64>| most.map_or_else(dash, |most| most.to_string());
    [
        model.ids.first().copied().unwrap_or_default().to_owned(),
        if takes.batch { "yes" } else { "no" }.to_owned(),
        tokens(takes.max_input_tokens),
        tokens(takes.max_output_tokens),
        prices
            .and_then(|price| price.on_demand)
            .map_or_else(dash, usd),
        model.end_of_life.map_or_else(dash, |date| date.to_string()),
    ]
}

/// Returns the means that make an answer keep to a schema, the preferred one first.
pub(super) fn enforcement(takes: &Capabilities) -> Vec<String> {
    let thinks = matches!(takes.thinking, Thinking::OnByDefault | Thinking::Always);
    ways(takes, true, thinks)
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Returns when a model thinks.
pub(super) fn thinking(thinking: Thinking) -> &'static str {
    match thinking {
        Thinking::None => "none",
        Thinking::OffByDefault => "off by default",
        Thinking::OnByDefault => "on by default",
        Thinking::Always => "always",
    }
}

/// Returns the price in USD per million tokens of requests and of answers.
pub(super) fn usd(price: TokenPrice) -> String {
    format!("{} / {}", price.input, price.output)
}

fn prices(price: &Price) -> String {
    let tiers = [
        ("on demand", price.on_demand),
        ("batch", price.batch),
        ("flex", price.flex),
        ("priority", price.priority),
    ];
    let known: Vec<String> = tiers
        .into_iter()
        .filter_map(|(tier, price)| Some(format!("{tier} {}", usd(price?))))
        .collect();
    format!("{} ({})", known.join(", "), price.at.join(", "))
}

fn tokens(takes: &Capabilities) -> String {
    let context = takes
        .max_input_tokens
        .map_or_else(unknown, |most| most.to_string());
    match takes.max_output_tokens {
        Some(most) => format!("a context of {context}, answers of at most {most}"),
        None => format!("a context of {context}"),
    }
}

fn accepts(takes: &Capabilities) -> String {
    let mut all = Vec::new();
    match (takes.sampling, takes.temperature_with_top_p) {
        (true, true) => all.push("temperature and top_p"),
        (true, false) => all.push("temperature or top_p"),
        (false, _) => {}
    }
    if takes.images {
        all.push("images");
    }
    or_none(&all.join(", "))
}

fn tiers(takes: &Capabilities) -> String {
    let mut all = vec!["default"];
    if takes.flex {
        all.push("flex");
    }
    if takes.priority {
        all.push("priority");
    }
    all.join(", ")
}

fn until(model: &Model) -> String {
    match (model.end_of_life, model.successor) {
        (Some(end), Some(successor)) => format!("{end}; then {successor}"),
        (Some(end), None) => end.to_string(),
        (None, Some(successor)) => format!("not said; its successor is {successor}"),
        (None, None) => "not said".to_owned(),
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() {
        "none".to_owned()
    } else {
        text.to_owned()
    }
}

fn unknown() -> String {
    "not known".to_owned()
}

fn dash() -> String {
    "-".to_owned()
}
