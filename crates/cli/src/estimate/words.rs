//! The estimate as text and as JSON.

use super::planned::PlannedCost;
use quarry_cost::Usd;
use quarry_cost::Way;
use quarry_cost::estimate::Estimated;
use quarry_runs::{counted, grouped, size};
use serde_json::{Value, json};
use std::fmt::Write as _;

impl PlannedCost {
    /// Returns the estimate in several lines.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<14}{value}");
        };
        line("model", self.model.clone());
        line("records", self.total.in_words());
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
        line("tokens in", format!("{}, {how}", tokens(self.tokens.input)));
        let limit = if self.reaches_limit {
            format!("at most {} an answer", grouped(self.max_tokens))
        } else {
            "from the schema".to_owned()
        };
        line(
            "tokens out",
            format!("{}, {limit}", tokens(self.tokens.output)),
        );
        line("cost", format!("{}, as planned", cost(self.planned)));
        for way in &self.ways {
            let assumed = way
                .assumed
                .map_or_else(String::new, |assumed| format!(", assumed: {assumed}"));
            line(
                &format!("  {}", name(way.way)),
                format!("{}{assumed}", cost(way.cost)),
            );
        }
        for (name, value) in self.overhead_lines() {
            line(name, value);
        }
        let when = match self.rates.checked.as_str() {
            "" => String::new(),
            day => format!("of {day}: "),
        };
        line("prices", format!("{when}{}", self.rates.source));
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
                format!("{}, prices of {}", cost(overhead.total), overhead.checked),
            ),
            (
                "  steps",
                format!(
                    "{}, {} state transitions",
                    cost(transitions.cost),
                    tokens(transitions.number)
                ),
            ),
            (
                "  functions",
                format!(
                    "{}, {} GB-seconds in {} calls",
                    cost(lambda.cost),
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

    /// Returns the cost in one line, with its range and what the same would cost on demand.
    pub(crate) fn in_a_line(&self) -> String {
        let on_demand = self.ways.iter().find(|way| way.way == Way::OnDemand);
        let on_demand = on_demand.map_or_else(String::new, |way| {
            format!("; on demand {}", way.cost.expected.shown())
        });
        format!("{}{on_demand}", cost(self.planned))
    }

    /// Returns the estimate for programs. Amounts are texts in USD.
    pub(super) fn json(&self) -> Value {
        let ways: Vec<Value> = self
            .ways
            .iter()
            .map(|way| json!({"way": way.way, "assumed": way.assumed, "cost": way.cost}))
            .collect();
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
            "cost": self.planned,
            "by_way": ways,
            "aws": self.overhead,
            "prices": self.rates,
            "notes": self.notes,
        })
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
    range(tokens, grouped)
}

fn cost(cost: Estimated<Usd>) -> String {
    range(cost, Usd::shown)
}

fn range<T>(of: Estimated<T>, shown: impl Fn(T) -> String) -> String {
    format!(
        "{} ({} to {})",
        shown(of.expected),
        shown(of.low),
        shown(of.high)
    )
}
