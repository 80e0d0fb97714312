//! The checks, with one module for each subject.

mod access;
mod arrivals;
mod asking;
mod bucket;
mod concurrency;
mod features;
mod geography;
mod key;
mod life;
mod model;
mod profile;
mod quota;
mod request;
mod role;
mod stack;
mod unread;

use crate::facts::{Facts, Permission};
use crate::finding::Finding;
use crate::subject::Subject;

impl Subject {
    /// Returns what the role of jobs must be allowed to do, as far as the facts name the resources.
    pub fn permissions(&self, facts: &Facts) -> Vec<Permission> {
        role::permissions(self, facts)
    }

    /// Returns everything that is wrong, the worst first.
    pub fn findings(&self, facts: &Facts) -> Vec<Finding> {
        let mut found = self.found.clone();
        stack::check(self, &mut found);
        request::check(self, &mut found);
        bucket::check(self, facts, &mut found);
        arrivals::check(self, facts, &mut found);
        concurrency::check(self, facts, &mut found);
        role::check(self, facts, &mut found);
        key::check(self, facts, &mut found);
        model::check(self, facts, &mut found);
        asking::check(self, &mut found);
        features::check(self, &mut found);
        quota::check(self, facts, &mut found);
        unread::check(facts, &mut found);
        found.sorted()
    }
}
