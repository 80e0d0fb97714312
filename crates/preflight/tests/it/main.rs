//! Every kind of finding, with its whole text.

mod findings;
mod world;
