//! One module for each thing that is judged.

pub(crate) mod access;
pub(crate) mod arrivals;
pub(crate) mod asking;
pub(crate) mod bucket;
pub(crate) mod concurrency;
pub(crate) mod features;
pub(crate) mod geography;
pub(crate) mod key;
pub(crate) mod life;
pub(crate) mod model;
pub(crate) mod profile;
pub(crate) mod quota;
pub(crate) mod request;
pub(crate) mod role;
pub(crate) mod stack;
pub(crate) mod unread;
