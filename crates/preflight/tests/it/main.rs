//! Every kind of finding, in its whole text.

mod findings;
mod world;
