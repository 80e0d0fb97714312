//! A finding and its remedy.

use serde::Serialize;
use std::fmt;

/// The severity of a finding, in the order of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Runs would fail, or make calls that cannot succeed.
    Error,
    /// Runs may fail or wait, or a fact could not be read.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// Returns the word in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A finding, which is displayed as one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its severity.
    pub severity: Severity,
    /// The kind of finding: a stable word for programs.
    pub code: &'static str,
    /// The subject, such as `bucket acme-quarry`.
    pub subject: String,
    /// What is wrong.
    pub problem: String,
    /// How to correct it.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{:<8} {}: {}; remedy: {}",
            self.severity.as_str(),
            self.subject,
            self.problem,
            self.remedy
        )
    }
}

/// The findings collected so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        subject: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Error, code, subject, problem, remedy);
    }

    pub(crate) fn warning(
        &mut self,
        code: &'static str,
        subject: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Warning, code, subject, problem, remedy);
    }

    pub(crate) fn note(
        &mut self,
        code: &'static str,
        subject: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Note, code, subject, problem, remedy);
    }

    pub(crate) fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        subject: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.0.push(Finding {
            severity,
            code,
            subject: subject.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }

    /// Returns the findings without repetitions, the worst first, and otherwise in the order in
    /// which they were found.
    pub(crate) fn sorted(self) -> Vec<Finding> {
        let mut found: Vec<Finding> = Vec::with_capacity(self.0.len());
        for finding in self.0 {
            if !found.contains(&finding) {
                found.push(finding);
            }
        }
        found.sort_by_key(|finding| finding.severity);
        found
    }
}
