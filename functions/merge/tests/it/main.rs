//! What `merge` promises: every row of a slice comes back once with the best answer that it got; a
//! row without a good answer is sent again as long as that can help; and no answer that is paid for
//! is lost.

mod answers;
mod cost_cap;
mod lateness;
mod outages;
mod parts;
mod receipts;
mod refusals;
mod refused;
mod repetitions;
mod rounds;
mod support;
