//! Tests of the state machine interpreter through its public API.

mod cases;
mod clock;
mod inspection;
mod limits;
mod maps;
mod redriving;
mod refusals;
mod stopping;
mod time;
mod world;
