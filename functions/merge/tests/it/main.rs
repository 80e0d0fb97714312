//! Promise: a record that the service refuses permanently is not sent again, and a round that it
//! refuses as a whole fails the run once, with the service's words.

mod refused;
mod world;
