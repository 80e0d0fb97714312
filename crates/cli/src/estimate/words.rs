//! The estimate as text and as JSON.

use super::planned::{ExpectedWork, MissingPrice, PlannedCost};
use quarry_cost::Way;
use quarry_cost::estimate::Estimated;
use quarry_runs::{counted, grouped, size};
use serde_json::{Value, json};
use std::fmt::Write as _;

impl MissingPrice {
    /// Returns what is known without a price, in several lines.
    pub(super) fn text(&self) -> String {
        self.0
            .text(&[("cost".to_owned(), format!("unknown: {self}"))], None)
    }

    /// Returns the same for programs.
    pub(super) fn json(&self) -> Value {
        self.0.json(&Value::Null, &[], &Value::Null)
    }
}

impl ExpectedWork {
    /// Returns the estimate in several lines, with these lines about its cost.
    fn text(&self, costs: &[(String, String)], prices: Option<String>) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<14}{value}");
        };
        line("model", &self.model);
        line("records", &self.total.in_words());
        let from = if self.counted == self.total.records {
            "all records".to_owned()
        } else {
            counted(self.counted, "record")
        };
        let how = if self.is_counted {
            format!("counted by Bedrock for {from}")
        } else {
            format!("from the texts of {from}")
        };
        line(
            "tokens in",
            &format!("{}, {how}", tokens(self.tokens.input)),
        );
        let limit = if self.reaches_limit {
            format!("at most {} an answer", grouped(self.max_tokens))
        } else {
            "from the schema".to_owned()
        };
        line(
            "tokens out",
            &format!("{}, {limit}", tokens(self.tokens.output)),
        );
        for (name, value) in costs {
            line(name, value);
        }
        for (name, value) in self.overhead_lines() {
            line(name, &value);
        }
        if let Some(prices) = prices {
            line("prices", &prices);
        }
        text
    }

    /// Returns what AWS charges for the run itself, with its parts.
    fn overhead_lines(&self) -> [(&'static str, String); 5] {
        let overhead = &self.overhead;
        let (transitions, requests) = (&overhead.transitions, &overhead.requests);
        let lambda = &overhead.lambda;
        let gb_seconds = lambda.mb_seconds.map(|mb| mb.div_ceil(1_024));
        [
            (
                "AWS's own",
                format!("{}, prices of {}", overhead.total.shown(), overhead.checked),
            ),
            (
                "  steps",
                format!(
                    "{}, {} state transitions",
                    transitions.cost.shown(),
                    tokens(transitions.number)
                ),
            ),
            (
                "  functions",
                format!(
                    "{}, {} GB-seconds in {} calls",
                    lambda.cost.shown(),
                    tokens(gb_seconds),
                    tokens(lambda.calls)
                ),
            ),
            (
                "  requests",
                format!(
                    "{}, {} writes and {} reads of S3",
                    requests.cost.shown(),
                    grouped(requests.writes),
                    grouped(requests.reads)
                ),
            ),
            (
                "  storage",
                format!(
                    "{}, {} of the run's folder for {} days",
                    overhead.storage.cost.shown(),
                    size(overhead.storage.bytes),
                    overhead.storage.days
                ),
            ),
        ]
    }

    /// Returns the estimate for programs. Amounts are texts in USD.
    fn json(&self, cost: &Value, ways: &[Value], prices: &Value) -> Value {
        json!({
            "model": self.model,
            "rows": self.total.rows,
            "records": self.total.records,
            "bytes": self.total.bytes,
            "jobs": self.total.jobs,
            "calls": self.total.on_demand,
            "records_counted": self.counted,
            "counted_by_bedrock": self.is_counted,
            "tokens": self.tokens,
            "cost": cost,
            "by_way": ways,
            "aws": self.overhead,
            "prices": prices,
            "notes": self.notes,
        })
    }
}

impl PlannedCost {
    /// Returns the estimate in several lines.
    pub(super) fn text(&self) -> String {
        let planned = format!("{}, as planned", self.planned.shown());
        let mut costs = vec![("cost".to_owned(), planned)];
        for way in &self.ways {
            let assumed = way
                .assumed
                .map_or_else(String::new, |assumed| format!(", assumed: {assumed}"));
            let cost = format!("{}{assumed}", way.cost.shown());
            costs.push((format!("  {}", name(way.way)), cost));
        }
        let when = match self.rates.checked.as_str() {
            "" => String::new(),
            day => format!("of {day}: "),
        };
        let prices = format!("{when}{}", self.rates.source);
        self.work.text(&costs, Some(prices))
    }

    /// Returns the cost in one line, with its range and what the same would cost on demand.
    pub(crate) fn in_a_line(&self) -> String {
        let on_demand = self.ways.iter().find(|way| way.way == Way::OnDemand);
        let on_demand = on_demand.map_or_else(String::new, |way| {
            format!("; on demand {}", way.cost.expected.shown())
        });
        format!("{}{on_demand}", self.planned.shown())
    }

    /// Returns the estimate for programs. Amounts are texts in USD.
    pub(super) fn json(&self) -> Value {
        let ways = self
            .ways
            .iter()
            .map(|way| json!({"way": way.way, "assumed": way.assumed, "cost": way.cost}));
        let ways: Vec<Value> = ways.collect();
        self.work
            .json(&json!(self.planned), &ways, &json!(self.rates))
    }
}

fn name(way: Way) -> &'static str {
    match way {
        Way::Job => "in jobs",
        Way::OnDemand => "on demand",
        Way::Flex => "flex",
        Way::Priority => "priority",
    }
}

fn tokens(tokens: Estimated<u64>) -> String {
    tokens.in_words(grouped)
}
