//! Checks `models.toml` and writes it as Rust, so that no function parses TOML at start or contains
//! a parser for it.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// The allowed values of `takes`: the boolean members of `Capabilities`.
const TAKES: [&str; 11] = [
    "batch",
    "prefill",
    "sampling",
    "temperature_with_top_p",
    "tools",
    "forced_tool",
    "forced_tool_with_thinking",
    "effort",
    "flex",
    "priority",
    "images",
];

/// The allowed values of a price's `at`: `region` for an id without a geography, and the
/// geographies of inference profiles.
const GEOGRAPHIES: [&str; 9] = [
    "region", "global", "us", "eu", "apac", "jp", "au", "in", "us-gov",
];

/// The groups of facts, in the order of `FactGroup`.
const GROUPS: [&str; 12] = [
    "names",
    "quota_names",
    "since",
    "end_of_life",
    "successor",
    "limits",
    "prices",
    "batch",
    "takes",
    "structured_output",
    "thinking",
    "tiers",
];

const EFFORTS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableDocument {
    sources: BTreeMap<String, Source>,
    groups: BTreeMap<String, String>,
    unknown: Row,
    provider: Vec<Row>,
    model: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    what: String,
    checked: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Option<String>,
    #[serde(default)]
    ids: Vec<String>,
    name: String,
    quota_name: Option<String>,
    since: Option<String>,
    refused: Option<String>,
    invocation: String,
    body: String,
    takes: BTreeSet<String>,
    #[serde(default)]
    structured_output: Vec<String>,
    thinking: String,
    #[serde(default)]
    effort: Vec<String>,
    max_input_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
    end_of_life: Option<String>,
    successor: Option<String>,
    note: Option<String>,
    #[serde(default)]
    prices: Vec<PriceRow>,
    #[serde(default)]
    sources: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceRow {
    at: Vec<String>,
    on_demand: Option<[f64; 2]>,
    batch: Option<[f64; 2]>,
    flex: Option<[f64; 2]>,
    priority: Option<[f64; 2]>,
}

/// The first line of generated code.
const GENERATED: &str = "// Generated from models.toml by build.rs.\n";

fn main() {
    println!("cargo::rerun-if-changed=models.toml");
    if let Err(problem) = generate() {
        println!("cargo::error=crates/model/models.toml: {problem}");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script its folder in the environment"
)]
fn generate() -> Result<(), String> {
    // A build script runs in the folder of its package.
    let text = fs::read_to_string("models.toml").map_err(|error| error.to_string())?;
    let document: TableDocument = toml::from_str(&text).map_err(|error| error.to_string())?;
    document.check()?;
    let out = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    let write = |name: &str, text: String| {
        fs::write(Path::new(&out).join(name), text).map_err(|error| error.to_string())
    };
    write("providers.rs", document.providers())?;
    write("models.rs", document.rust()?)
}

impl TableDocument {
    fn check(&self) -> Result<(), String> {
        let mut ids = BTreeSet::new();
        for row in &self.model {
            if row.ids.is_empty() || row.id.is_some() {
                return Err(format!("`{}` needs `ids`", row.name));
            }
            for id in &row.ids {
                let provider = id.split('.').next().unwrap_or_default();
                if !self.provider.iter().any(|row| row.provider() == provider) {
                    return Err(format!("`{id}` has no [[provider]] `{provider}`"));
                }
                if id.find('*').is_some_and(|at| at + 1 != id.len()) {
                    return Err(format!("`{id}`: `*` is allowed only at the end"));
                }
                if !ids.insert(id.as_str()) {
                    return Err(format!("`{id}` is in two rows"));
                }
            }
        }
        for row in &self.provider {
            if row.provider().is_empty() || !row.ids.is_empty() {
                return Err(format!("the provider `{}` needs `id`", row.name));
            }
        }
        for row in self.rows() {
            self.check_row(row)
                .map_err(|problem| format!("`{}`: {problem}", row.name))?;
            if let Some(successor) = &row.successor
                && !ids.contains(successor.as_str())
            {
                return Err(format!(
                    "`{}`: the successor `{successor}` has no row",
                    row.name
                ));
            }
        }
        Ok(())
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        std::iter::once(&self.unknown)
            .chain(&self.provider)
            .chain(&self.model)
    }

    fn check_row(&self, row: &Row) -> Result<(), String> {
        one_of("invocation", &row.invocation, &["InvokeModel", "Converse"])?;
        for take in &row.takes {
            one_of("takes", take, &TAKES)?;
        }
        for operation in &row.structured_output {
            one_of("structured_output", operation, &["InvokeModel", "Converse"])?;
        }
        for effort in &row.effort {
            one_of("effort", effort, &EFFORTS)?;
        }
        for price in &row.prices {
            for geography in &price.at {
                one_of("prices.at", geography, &GEOGRAPHIES)?;
            }
            let all = [price.on_demand, price.batch, price.flex, price.priority];
            let sound = |usd: &f64| usd.is_finite() && *usd >= 0.0;
            if !all.iter().flatten().flatten().all(sound) {
                return Err("prices: a price is negative or not finite".to_owned());
            }
        }
        for (group, source) in &row.sources {
            one_of("sources", group, &GROUPS)?;
            if !self.sources.contains_key(source) {
                return Err(format!("`{source}` is not in [sources]"));
            }
        }
        Ok(())
    }

    /// The providers' names, for the reader of model ids.
    fn providers(&self) -> String {
        let mut text = String::from(GENERATED);
        let providers: Vec<&str> = self.provider.iter().map(Row::provider).collect();
        array(&mut text, "", "PROVIDERS", "&str", &quoted(&providers));
        text
    }

    fn rust(&self) -> Result<String, String> {
        let mut text = String::from(GENERATED);
        // The rows are in this order: the unknown model, providers, models.
        let mut rows = Vec::new();
        for (listing, row) in self.rows().enumerate() {
            rows.push(row.rust(listing)?);
        }
        let of_models = rows.split_off(1 + self.provider.len());
        let of_providers = rows.split_off(1);
        let _ = writeln!(text, "static UNKNOWN: Model = {};", rows.concat());
        array(&mut text, "", "OF_PROVIDERS", "Model", &of_providers);
        array(&mut text, "", "MODELS", "Model", &of_models);
        let listings: Result<Vec<String>, String> =
            self.rows().map(|row| self.listing(row)).collect();
        array(&mut text, "", "LISTINGS", "Listing", &listings?);
        let sources: Result<Vec<String>, String> =
            self.sources.values().map(Source::rust).collect();
        array(&mut text, "", "SOURCES", "Source", &sources?);
        Ok(text)
    }

    /// Returns the part of a row that only people read.
    fn listing(&self, row: &Row) -> Result<String, String> {
        let prices: Vec<String> = row.prices.iter().map(PriceRow::rust).collect();
        let fields = [
            ("name", format!("{:?}", row.name)),
            ("quota_name", format!("{:?}", row.quota_name)),
            ("since", date(row.since.as_deref())?),
            ("note", format!("{:?}", row.note)),
            ("prices", format!("&[{}]", prices.join(", "))),
            ("sources", self.sources_of(row)?),
        ];
        Ok(structure("Listing", &fields))
    }

    /// The number of the source for each group of facts.
    fn sources_of(&self, row: &Row) -> Result<String, String> {
        let mut all = Vec::new();
        for group in GROUPS {
            let default = self.groups.get(group);
            let name = row.sources.get(group).or(default);
            let name = name.ok_or_else(|| format!("groups: `{group}` is missing"))?;
            let number = self.sources.keys().position(|source| source == name);
            all.push(number.ok_or_else(|| format!("`{name}` is not in [sources]"))?);
        }
        Ok(format!("{all:?}"))
    }
}

impl Source {
    fn rust(&self) -> Result<String, String> {
        let fields = [
            ("what", format!("{:?}", self.what)),
            ("checked", checked(&self.checked)?),
        ];
        Ok(structure("Source", &fields))
    }
}

impl Row {
    /// The provider's id, or the start of a model's ids.
    fn provider(&self) -> &str {
        let id = self.id.as_ref().or_else(|| self.ids.first());
        id.and_then(|id| id.split('.').next()).unwrap_or_default()
    }

    /// Returns the part of a row that decides how a model is called. `listing` is the number of the part
    /// that only people read.
    fn rust(&self, listing: usize) -> Result<String, String> {
        let fields = [
            ("ids", format!("&{:?}", self.ids)),
            ("provider", format!("{:?}", self.provider())),
            ("refused", format!("{:?}", self.refused)),
            ("capabilities", self.capabilities()?),
            ("structured_output", self.operations()),
            ("effort", format!("&{:?}", self.effort)),
            ("end_of_life", date(self.end_of_life.as_deref())?),
            ("successor", format!("{:?}", self.successor)),
            ("listing", listing.to_string()),
        ];
        Ok(structure("Model", &fields))
    }

    fn capabilities(&self) -> Result<String, String> {
        let mut fields = vec![
            ("invocation", format!("Invocation::{}", self.invocation)),
            ("body", format!("BodyForm::{}", camel(&self.body))),
            ("thinking", format!("Thinking::{}", camel(&self.thinking))),
            (
                "structured_output",
                self.structured_output
                    .contains(&self.invocation)
                    .to_string(),
            ),
            ("max_input_tokens", count(self.max_input_tokens)),
            ("max_output_tokens", count(self.max_output_tokens)),
        ];
        if self.takes.contains("effort") {
            return Err(format!(
                "`{}`: list the values of effort in `effort`, not in `takes`",
                self.name
            ));
        }
        for take in TAKES {
            let has = match take {
                "effort" => !self.effort.is_empty(),
                _ => self.takes.contains(take),
            };
            fields.push((take, has.to_string()));
        }
        Ok(structure("Capabilities", &fields))
    }

    fn operations(&self) -> String {
        let names: Vec<String> = self
            .structured_output
            .iter()
            .map(|operation| format!("Invocation::{operation}"))
            .collect();
        format!("&[{}]", names.join(", "))
    }
}

impl PriceRow {
    fn rust(&self) -> String {
        let tier = |price: Option<[f64; 2]>| {
            price.map_or_else(
                || "None".to_owned(),
                |[input, output]| {
                    format!("Some(TokenPrice {{ input: {input:?}, output: {output:?} }})")
                },
            )
        };
        structure(
            "Price",
            &[
                ("at", format!("&{:?}", self.at)),
                ("on_demand", tier(self.on_demand)),
                ("batch", tier(self.batch)),
                ("flex", tier(self.flex)),
                ("priority", tier(self.priority)),
            ],
        )
    }
}

fn quoted(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| format!("{text:?}")).collect()
}

fn array(text: &mut String, visibility: &str, name: &str, of: &str, values: &[String]) {
    let _ = writeln!(
        text,
        "{visibility} static {name}: [{of}; {}] = [",
        values.len()
    );
    for value in values {
        let _ = writeln!(text, "    {value},");
    }
    text.push_str("];\n");
}

fn one_of(member: &str, value: &str, allowed: &[&str]) -> Result<(), String> {
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(format!(
        "`{member}` has `{value}`; allowed: {}",
        allowed.join(", ")
    ))
}

fn structure(name: &str, fields: &[(&str, String)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(field, value)| format!("{field}: {value}"))
        .collect();
    format!("{name} {{ {} }}", fields.join(", "))
}

/// A number in the form in which a person writes it: `Some(100_000)`.
fn count(number: Option<u64>) -> String {
    let Some(number) = number else {
        return "None".to_owned();
    };
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    format!("Some({grouped})")
}

fn date(text: Option<&str>) -> Result<String, String> {
    match text {
        Some(text) => Ok(format!("Some({})", checked(text)?)),
        None => Ok("None".to_owned()),
    }
}

/// Turns `2026-11-28` into a `Date`. A test over all rows checks the type against the calendar.
fn checked(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else {
        return Err(format!("`{text}` is not a date; write it as 2026-11-28"));
    };
    let number = |part: &str, length: usize| {
        (part.len() == length)
            .then(|| part.parse::<u16>().ok())
            .flatten()
            .ok_or_else(|| format!("`{text}` is not a date; write it as 2026-11-28"))
    };
    Ok(format!(
        "Date::new({}, {}, {})",
        number(year, 4)?,
        number(month, 2)?,
        number(day, 2)?
    ))
}

/// Turns `titan_embedding` into `TitanEmbedding`.
fn camel(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_uppercase().chain(letters).collect()
            })
        })
        .collect()
}
