//! The whole of Quarry in one process: an S3 server on a directory, a Bedrock simulator, the
//! state machine as it is deployed, and its functions, reached through the real AWS SDK
//! clients. Time is virtual: a day of waiting takes no time.

mod counts;
mod functions;
mod pause;
mod progress;
mod single_steps;
mod stack;
mod uses;
mod work;

pub use counts::MetricCount;
pub use functions::{CallLimit, Reach, Surround, Surrounded};
pub use progress::{ProgressSink, RunProgress};
pub use single_steps::SingleSteps;
pub use stack::{BUCKET, Finished, LocalStack, RunError, StackConfig, StackError};
pub use uses::FunctionUse;
pub use work::{Work, WorkRows};

/// The state machine's definition, as it is deployed.
pub const DEFINITION: &str = include_str!("../../../statemachine.asl.json");
