//! The simulator as its users see it: through the AWS SDK's clients and the adapters of
//! `quarry-edge`, with an S3 server on a folder.

mod faults;
mod jobs;
mod on_demand;
mod output;
mod support;
mod token_counts;
