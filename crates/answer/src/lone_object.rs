//! An object that is not found in a text: the input of a tool call, or one that is nearly JSON.

use crate::announcement::Announcement;
use crate::candidate::{Found, Scan};
use std::borrow::Cow;

impl<'t> Found<'t> {
    /// Returns an object with nothing around it.
    pub(crate) fn alone(json: impl Into<Cow<'t, str>>) -> Self {
        Self {
            start: 0,
            json: json.into(),
            members: None,
            after: Cow::Borrowed(""),
            repaired: false,
            before: "",
            announcement: Announcement::Missing,
            in_list: false,
        }
    }
}

impl<'t> Scan<'t> {
    /// Returns the contents of a text with one object.
    pub(crate) fn of(object: Found<'t>) -> Self {
        Self {
            found: vec![object],
            ..Self::default()
        }
    }
}
