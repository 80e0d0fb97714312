//! Promise: what the service refuses for good is not asked again, and a round that it refuses as a whole
//! fails the run once, with the service's words.

mod refused;
mod world;
