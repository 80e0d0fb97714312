//! What `split` promises: a round's records are exactly its rows, each once and in order; records
//! that cannot be sent are named; and the round takes the route that its records allow.

mod forms;
mod records;
mod refusals;
mod repetitions;
mod routes;
mod support;
mod unsendable;
