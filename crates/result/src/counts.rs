//! The counts of the lines that came back for the records of a round.

use crate::outcome::Outcome;
use crate::refusals::Refusals;
use quarry_cost::{TokensSpent, Way};
use quarry_model::Usage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The counts of a round's lines: `counts.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Records sent.
    pub asked: u64,
    /// Lines read.
    pub lines: u64,
    /// Rows that got an answer which counts: not those whose answers contradict each other.
    pub answered: u64,
    /// Rows whose answer is good.
    pub good: u64,
    /// Rows whose answer parsed only after quote repair.
    pub repaired: u64,
    /// Rows whose answer does not parse or does not match the schema.
    pub invalid: u64,
    /// Rows whose answer was cut off at the token limit.
    pub cut_off: u64,
    /// Of `answered`, the rows whose answer is no answer of the model: a guardrail's message, a
    /// refusal, an empty response. By the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_answers: BTreeMap<String, u64>,
    /// Rows for which the service returned an error.
    pub errors: u64,
    /// Rows without any line.
    pub missing: u64,
    /// Lines of records that have another line, which counts: repetitions, and the answers of
    /// further calls.
    pub duplicates: u64,
    /// Lines that contradict an earlier line of their record.
    pub contradictions: u64,
    /// Rows that have answers of which none counts, because they contradict each other.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub contradicted: u64,
    /// Lines with an id that was not sent.
    pub unknown_ids: u64,
    /// Lines that are not an answer at all.
    pub malformed: u64,
    /// Rows that the fallback model answered.
    #[serde(default)]
    pub by_fallback: u64,
    /// Calls on demand whose reply broke off or did not come in time. The service may charge them,
    /// and their tokens are not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost_replies: u64,
    /// Tokens that the model read, according to the lines, whether or not a row can use them. A line
    /// that only repeats an earlier one of its output adds none.
    pub input_tokens: u64,
    /// Tokens that the model wrote, according to the answers.
    pub output_tokens: u64,
    /// Tokens read from the prompt cache; the input tokens do not include them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_read_tokens: u64,
    /// Tokens written to the prompt cache; the input tokens do not include them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_tokens: u64,
    /// Output tokens that were spent on reasoning, if the answers tell.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning_tokens: u64,
    /// The first few lines that could not be used, for the summary.
    pub examples: Vec<String>,
    /// The records that the service refused, grouped by its words.
    #[serde(default, skip_serializing_if = "Refusals::is_empty")]
    pub refusals: Refusals,
    /// Answers given on demand, by the service tier that the service reports.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub service_tiers: BTreeMap<String, u64>,
    /// The tokens of answers that have another price than the rest of the round: those of the fallback
    /// model, and those in another service tier than `default`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spent_apart: Vec<SpentApart>,
}

/// Tokens of a round that have a price of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpentApart {
    /// Whether the fallback model answered.
    pub by_fallback: bool,
    /// How they are paid for, if that is not the round's usual way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Way>,
    /// The tokens, with those of the prompt cache.
    pub tokens: TokensSpent,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
pub(crate) fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// How many unusable lines are quoted.
const MAX_EXAMPLES: usize = 5;

/// How many reasons of [`Counts::not_answers`] are kept apart.
const MAX_REASONS: usize = 20;

/// The reason of all further ones.
const OTHER_REASONS: &str = "other reasons";

/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;

impl Counts {
    /// Adds another round's or slice's counts.
    pub fn add(&mut self, other: &Self) {
        self.asked += other.asked;
        self.lines += other.lines;
        self.answered += other.answered;
        self.good += other.good;
        self.repaired += other.repaired;
        self.invalid += other.invalid;
        self.cut_off += other.cut_off;
        for (reason, rows) in &other.not_answers {
            self.add_not_answers(reason, *rows);
        }
        self.errors += other.errors;
        self.missing += other.missing;
        self.duplicates += other.duplicates;
        self.contradictions += other.contradictions;
        self.contradicted += other.contradicted;
        self.unknown_ids += other.unknown_ids;
        self.malformed += other.malformed;
        self.by_fallback += other.by_fallback;
        self.lost_replies += other.lost_replies;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cache_read_tokens += other.cache_read_tokens;
        self.cache_write_tokens += other.cache_write_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
        self.refusals.extend(&other.refusals);
        for (tier, answers) in &other.service_tiers {
            *self.service_tiers.entry(tier.clone()).or_default() += answers;
        }
        for other in &other.spent_apart {
            self.add_apart(other.by_fallback, other.tier, other.tokens);
        }
        let room = MAX_EXAMPLES.saturating_sub(self.examples.len());
        self.examples
            .extend(other.examples.iter().take(room).cloned());
    }

    /// Whether a model answered a record, whatever the answer is worth.
    pub fn is_answered_by_a_model(&self) -> bool {
        self.answered > self.not_answers.values().sum()
    }

    /// Counts an answer that is none of the model's. `outcome` is that of its row.
    pub(crate) fn not_answer(&mut self, outcome: &Outcome) {
        self.add_not_answers(&reason_of(outcome), 1);
    }

    fn add_not_answers(&mut self, reason: &str, rows: u64) {
        let has_room =
            self.not_answers.len() < MAX_REASONS || self.not_answers.contains_key(reason);
        let reason = if has_room { reason } else { OTHER_REASONS };
        *self.not_answers.entry(reason.to_owned()).or_default() += rows;
    }

    /// Takes an answer back that [`Self::not_answer`] counted with this outcome.
    pub(crate) fn take_not_answer_back(&mut self, outcome: &Outcome) {
        let reason = reason_of(outcome);
        let counted = if self.not_answers.contains_key(&reason) {
            reason.as_str()
        } else {
            OTHER_REASONS
        };
        if let Some(rows) = self.not_answers.get_mut(counted) {
            *rows -= 1;
            if *rows == 0 {
                self.not_answers.remove(counted);
            }
        }
    }

    pub(crate) fn spend(&mut self, usage: &Usage) {
        self.input_tokens += usage.input_tokens;
        self.output_tokens += usage.output_tokens;
        self.cache_read_tokens += usage.cache_read_tokens;
        self.cache_write_tokens += usage.cache_write_tokens;
        self.reasoning_tokens += usage.reasoning_tokens;
    }

    /// All tokens that are paid for. The prompt cache's count as input: Quarry sets no cache points.
    pub(crate) fn tokens_spent(&self) -> TokensSpent {
        TokensSpent {
            input: self.input_tokens + self.cache_read_tokens + self.cache_write_tokens,
            output: self.output_tokens,
        }
    }

    /// Counts tokens once more, with what makes their price another. `tier` is the service tier that
    /// answered, if there is one.
    pub(crate) fn spend_apart(&mut self, by_fallback: bool, tier: Option<&str>, usage: &Usage) {
        let tier = Some(Way::of_tier(tier)).filter(|way| *way != Way::OnDemand);
        if by_fallback || tier.is_some() {
            let mut spent = Self::default();
            spent.spend(usage);
            self.add_apart(by_fallback, tier, spent.tokens_spent());
        }
    }

    fn add_apart(&mut self, by_fallback: bool, tier: Option<Way>, tokens: TokensSpent) {
        let known = self
            .spent_apart
            .iter_mut()
            .find(|known| (known.by_fallback, known.tier) == (by_fallback, tier));
        match known {
            Some(known) => known.tokens += tokens,
            None => self.spent_apart.push(SpentApart {
                by_fallback,
                tier,
                tokens,
            }),
        }
    }

    pub(crate) fn example(&mut self, text: impl FnOnce() -> String) {
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(text());
        }
    }
}

fn reason_of(outcome: &Outcome) -> String {
    let error = outcome.error.as_deref().unwrap_or_default();
    error.chars().take(LONGEST_REASON).collect()
}
