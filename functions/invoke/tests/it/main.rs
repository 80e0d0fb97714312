//! What `invoke` promises: answers are stored and their records never sent again, refusals by the
//! service cost little, and calls keep to the configured limits.

mod answers;
mod copies;
mod errors;
mod lost_replies;
mod pace;
mod refusals;
mod repetitions;
mod support;
mod tiers;
mod time;
