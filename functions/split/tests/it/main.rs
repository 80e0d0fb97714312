//! What `split` promises: a round's records are exactly the rows that it asks, each once and in order,
//! what cannot be sent is named, and the round goes the way that its records allow.

mod forms;
mod records;
mod refusals;
mod repetitions;
mod routes;
mod support;
mod unsendable;
