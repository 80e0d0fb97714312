//! What `merge` promises: every row of a slice comes back once with the best answer that it got, a row
//! without a good answer is asked again as long as that is of use, and what is paid for is not lost.

mod answers;
mod parts;
mod receipts;
mod refusals;
mod refused;
mod repetitions;
mod rounds;
mod support;
