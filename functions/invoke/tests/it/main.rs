//! What `invoke` promises: what is answered is kept and never asked again, what the service refuses costs
//! little, and calls keep to the limits that are set.

mod answers;
mod errors;
mod pace;
mod refusals;
mod repetitions;
mod support;
mod tiers;
mod time;
