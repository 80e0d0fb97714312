//! One module for each thing that is judged.

pub(crate) mod asking;
pub(crate) mod bucket;
pub(crate) mod key;
pub(crate) mod model;
pub(crate) mod quota;
pub(crate) mod request;
pub(crate) mod role;
pub(crate) mod stack;
pub(crate) mod unread;
