//! Checks `models.toml` and writes it as Rust, so that no function reads TOML when it starts or carries a parser for it.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// What `takes` may hold: the members of `Capabilities` that are true or false.
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

/// Where prices can hold: an id without a geography, and the geographies of inference profiles.
const GEOGRAPHIES: [&str; 9] = [
    "region", "global", "us", "eu", "apac", "jp", "au", "in", "us-gov",
];

const EFFORTS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
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
    prices: Vec<Price>,
    #[serde(default)]
    sources: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    at: Vec<String>,
    on_demand: Option<[f64; 2]>,
    batch: Option<[f64; 2]>,
    flex: Option<[f64; 2]>,
    priority: Option<[f64; 2]>,
}

fn main() {
    println!("cargo::rerun-if-changed=models.toml");
    if let Err(problem) = generate() {
        println!("cargo::error=crates/model/models.toml: {problem}");
    }
}

fn generate() -> Result<(), String> {
    let folder = env::var("CARGO_MANIFEST_DIR").map_err(|error| error.to_string())?;
    let text = fs::read_to_string(Path::new(&folder).join("models.toml"))
        .map_err(|error| error.to_string())?;
    let document: Document = toml::from_str(&text).map_err(|error| error.to_string())?;
    document.check()?;
    let out = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    fs::write(Path::new(&out).join("models.rs"), document.rust()?)
        .map_err(|error| error.to_string())
}

impl Document {
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
                    return Err(format!("`{id}`: `*` may only stand at the end"));
                }
                if !ids.insert(id.as_str()) {
                    return Err(format!("`{id}` stands in two rows"));
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
            if !self.groups.contains_key(group) {
                return Err(format!("sources: `{group}` is not in [groups]"));
            }
            self.source(source)?;
        }
        Ok(())
    }

    fn source(&self, name: &str) -> Result<&Source, String> {
        self.sources
            .get(name)
            .ok_or_else(|| format!("`{name}` is not in [sources]"))
    }

    fn rust(&self) -> Result<String, String> {
        let mut text = String::from("// Made of models.toml by build.rs.\n");
        let providers: Vec<&str> = self.provider.iter().map(Row::provider).collect();
        let _ = writeln!(
            text,
            "pub(crate) static PROVIDERS: [&str; {}] = {providers:?};",
            providers.len()
        );
        let _ = writeln!(
            text,
            "pub(crate) static UNKNOWN: Model = {};",
            self.row(&self.unknown)?
        );
        for (name, rows) in [("OF_PROVIDERS", &self.provider), ("MODELS", &self.model)] {
            let _ = writeln!(
                text,
                "pub(crate) static {name}: [Model; {}] = [",
                rows.len()
            );
            for row in rows {
                let _ = writeln!(text, "    {},", self.row(row)?);
            }
            text.push_str("];\n");
        }
        Ok(text)
    }

    fn row(&self, row: &Row) -> Result<String, String> {
        let prices: Vec<String> = row.prices.iter().map(Price::rust).collect();
        let fields = [
            ("ids", format!("&{:?}", row.ids)),
            ("provider", format!("{:?}", row.provider())),
            ("name", format!("{:?}", row.name)),
            ("quota_name", format!("{:?}", row.quota_name)),
            ("since", date(row.since.as_deref())?),
            ("refused", format!("{:?}", row.refused)),
            ("capabilities", row.capabilities()?),
            ("structured_output", row.operations()),
            ("effort", format!("&{:?}", row.effort)),
            ("end_of_life", date(row.end_of_life.as_deref())?),
            ("successor", format!("{:?}", row.successor)),
            ("note", format!("{:?}", row.note)),
            ("prices", format!("&[{}]", prices.join(", "))),
            ("sources", self.sources_of(row)?),
        ];
        Ok(structure("Model", &fields))
    }

    fn sources_of(&self, row: &Row) -> Result<String, String> {
        let mut all = Vec::new();
        for (group, default) in &self.groups {
            let source = self.source(row.sources.get(group).unwrap_or(default))?;
            let fields = [
                ("facts", format!("FactGroup::{}", camel(group))),
                ("what", format!("{:?}", source.what)),
                ("checked", checked(&source.checked)?),
            ];
            all.push(structure("Source", &fields));
        }
        Ok(format!("&[{}]", all.join(", ")))
    }
}

impl Row {
    /// The provider's id: a provider's own, or what a model's ids begin with.
    fn provider(&self) -> &str {
        let id = self.id.as_ref().or_else(|| self.ids.first());
        id.and_then(|id| id.split('.').next()).unwrap_or_default()
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
            ("max_input_tokens", format!("{:?}", self.max_input_tokens)),
            ("max_output_tokens", format!("{:?}", self.max_output_tokens)),
        ];
        if self.takes.contains("effort") {
            return Err(format!("`{}`: effort is a list of its own", self.name));
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

impl Price {
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

fn date(text: Option<&str>) -> Result<String, String> {
    match text {
        Some(text) => Ok(format!("Some({})", checked(text)?)),
        None => Ok("None".to_owned()),
    }
}

/// `2026-11-28` as a `Date`; the type itself is held to the calendar by a test over all rows.
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

/// `titan_embedding` is `TitanEmbedding`.
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
