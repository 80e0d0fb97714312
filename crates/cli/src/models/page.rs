//! The page docs/models.md.

use super::words::{enforcement, thinking, usd};
use quarry_model::{FactGroup, Model, Price, TokenPrice};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The part of a model's name with which the page shows the command.
pub(super) const EXAMPLE: &str = "haiku-4-5";

const BEGIN: &str = "\
# Models

This page is for you if you choose a model. For each model on Amazon Bedrock, it says how Quarry calls it, what it costs, since
when it is available and until when. The command shows the same in the terminal, with the sources of each fact:
";

const NOTES: &str = "\
The page is generated from [the table of models](../crates/model/models.toml). To change the page, change the table and run
`UPDATE_EXPECT=1 cargo test -p quarry --test it models`. If a model is not in the table, Quarry treats it as an unlisted model of its
provider: there is no ceiling, and the request has nothing that one of the provider's models refuses.

- **Schema enforced by** is the first means that Quarry uses when a run has a schema. If the service refuses it for every
  record of a job, or for the first 20 calls, Quarry uses the next one. [Settings](settings.md) describes the means.
- **Context** and **answer** are in tokens. Without `BEDROCK_MAX_TOKENS`, a request allows at most the lower of 32,768 and
  the answer's ceiling.
- Prices are **USD per million tokens**, of requests / of answers. They are for an id without a geography, or for the first
  geography that the table has. If they differ from the service's price list, the price list is right.
- **Until** is the last day on which the service accepts calls and jobs, with the model to move to.
";

/// Writes the page. `shown` is what the command prints for [`EXAMPLE`].
pub(super) fn page(shown: &str) -> String {
    let mut text = format!(
        "{BEGIN}\n\
         ```sh\ncargo run -p quarry -- models {EXAMPLE}\n```\n\n\
         ```text\n{shown}```\n\n\
         {NOTES}"
    );
    let mut by_provider: BTreeMap<&str, Vec<&Model>> = BTreeMap::new();
    for model in Model::all() {
        by_provider.entry(model.provider).or_default().push(model);
    }
    for (provider, models) in by_provider {
        let _ = write!(
            text,
            "\n## {provider}\n\n\
             | model | id | called through | schema enforced by | thinking | context | answer | batch jobs | on demand | batch | flex | since | until |\n\
             |---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
        );
        for model in models {
            text.push_str(&row(model));
        }
    }
    text.push_str(&sources());
    text
}

fn row(model: &Model) -> String {
    let takes = &model.capabilities;
    let ids: Vec<String> = model.ids.iter().map(|id| format!("`{id}`")).collect();
    let name = match model.refused {
        Some(why) => format!("{} (not supported: {why})", model.listing().name),
        None => model.listing().name.to_owned(),
    };
    let is_text = model.refused.is_none() && !takes.body.is_embedding();
    let price = model.listing().prices.first();
    let cells = [
        name,
        ids.join(", "),
        takes.invocation.as_str().to_owned(),
        match enforcement(takes).first() {
            Some(way) if is_text => way.clone(),
            _ => String::new(),
        },
        if is_text {
            thinking(takes.thinking).to_owned()
        } else {
            String::new()
        },
        count(takes.max_input_tokens),
        count(takes.max_output_tokens),
        if takes.batch { "yes" } else { "no" }.to_owned(),
        money(price, |price| price.on_demand),
        money(price, |price| price.batch),
        money(price, |price| price.flex),
        model
            .listing()
            .since
            .map_or_else(String::new, |date| date.to_string()),
        match (model.end_of_life, model.successor) {
            (Some(end), Some(successor)) => format!("{end}, then `{successor}`"),
            (Some(end), None) => end.to_string(),
            (None, _) => String::new(),
        },
    ];
    format!("| {} |\n", cells.join(" | "))
}

fn count(tokens: Option<u64>) -> String {
    tokens.map_or_else(String::new, |tokens| tokens.to_string())
}

fn money(price: Option<&Price>, tier: impl Fn(&Price) -> Option<TokenPrice>) -> String {
    price.and_then(tier).map_or_else(String::new, usd)
}

/// Returns the sources of the facts, each one once.
fn sources() -> String {
    let mut facts_of: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (facts, words) in [
        (FactGroup::Names, "names"),
        (FactGroup::QuotaNames, "names in quotas"),
        (FactGroup::Since, "since"),
        (FactGroup::EndOfLife, "until"),
        (FactGroup::Successor, "successors"),
        (FactGroup::Limits, "tokens"),
        (FactGroup::Prices, "prices"),
        (FactGroup::Batch, "batch jobs"),
        (FactGroup::Takes, "what is accepted"),
        (FactGroup::StructuredOutput, "structured output"),
        (FactGroup::Thinking, "thinking and effort"),
        (FactGroup::Tiers, "service tiers"),
    ] {
        for source in Model::all().map(|model| model.listing().source(facts)) {
            let place = format!("{}; read on {}", source.what, source.checked);
            let of_place = facts_of.entry(place).or_default();
            if !of_place.contains(&words) {
                of_place.push(words);
            }
        }
    }
    let mut text =
        "\n## Sources\n\nThe table names the source of each fact about a model.\n\n".to_owned();
    for (place, facts) in facts_of {
        let _ = writeln!(text, "- {place}: {}", facts.join(", "));
    }
    text
}
