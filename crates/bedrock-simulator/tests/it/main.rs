//! The simulator as its users see it: through the AWS SDK's clients and the edge's adapters, with
//! an S3 server over a folder.

mod faults;
mod jobs;
mod on_demand;
mod output;
mod support;
