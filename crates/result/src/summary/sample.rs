//! The part of the summary about a sample.

use crate::digits::grouped;
use quarry_cost::Usd;
#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A run that asked only some rows of each table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct SampleSummary {
    /// The rows of all tables that the run has.
    pub rows: u64,
    /// The rows that the tables have.
    pub of: u64,
    /// The seed by which random rows were chosen; null for the first rows.
    pub seed: Option<u32>,
    /// The tables, in the order of `tables`.
    pub tables: Vec<SampledTable>,
    /// What the whole tables would take, in proportion to the sample; null if none of the sample's records
    /// could be sent.
    pub projection: Option<ProjectionSummary>,
}

/// One table of which a sample was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct SampledTable {
    /// The training split; null if there are none.
    pub split: Option<String>,
    /// Its rows that the run has.
    pub rows: u64,
    /// Its rows.
    pub of: u64,
}

/// What the whole tables would take: the tokens of all rounds of the sample for each of its records, times
/// all records, table by table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ProjectionSummary {
    /// The rows of the whole tables whose record can be sent, which planning has counted.
    pub records: u64,
    /// Tokens that the models would read, with those of the prompt cache.
    pub input_tokens: u64,
    /// Tokens that the models would write.
    pub output_tokens: u64,
    /// What the tokens cost in jobs, and those of the fallback model as in the sample, USD; null if jobs do
    /// not take the model or a price is not known.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub in_jobs: Option<Usd>,
    /// What they cost with calls in the service tier of the sample, USD; null if a price is not known.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub on_demand: Option<Usd>,
}

impl SampleSummary {
    /// Says which rows were asked, such as `50 of 10,000 rows, the first ones`.
    pub fn in_words(&self) -> String {
        let which = match self.seed {
            _ if self.rows == self.of => "all there are".to_owned(),
            None => "the first ones".to_owned(),
            Some(seed) => format!("random ones with the seed {seed}"),
        };
        format!(
            "{} of {} rows, {which}",
            grouped(self.rows),
            grouped(self.of)
        )
    }
}

impl ProjectionSummary {
    /// Says what all records would take, in one line.
    pub fn in_words(&self) -> String {
        let ways = [(self.in_jobs, "in jobs"), (self.on_demand, "on demand")];
        let costs: Vec<String> = ways
            .into_iter()
            .filter_map(|(cost, way)| Some(format!("{} {way}", cost?.shown())))
            .collect();
        let cost = match &costs[..] {
            [] => String::new(),
            costs => format!(": {}", costs.join(", ")),
        };
        format!(
            "{} records, {} tokens in, {} out{cost}",
            grouped(self.records),
            grouped(self.input_tokens),
            grouped(self.output_tokens)
        )
    }
}
