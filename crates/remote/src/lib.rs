//! A deployment and its runs, from the machine of a user: everything that the command line asks AWS
//! about a deployment, except for `quarry deploy-check`; and the counts of tokens for an estimate.
//!
//! The permissions of these calls are the stack's `CommandLinePolicy`. An error of a denied call names
//! the permission.

mod data;
mod deployment;
mod ends;
mod error;
mod facts;
mod list;
mod results;
mod retry;
mod start;
mod token_counts;

pub use data::{DataObjects, unread};
pub use deployment::RemoteDeployment;
pub use error::RemoteError;
pub use facts::RunReader;
pub use results::ResultFile;
pub use token_counts::TokenCounts;
