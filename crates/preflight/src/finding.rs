//! What was found, and what to do about it.

use serde::Serialize;
use std::fmt;

/// How bad a finding is. The order is that of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Runs would fail, or ask what nobody answers.
    Error,
    /// Runs may fail or wait, or something could not be looked at.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// The word in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One finding. Shown as one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The kind of finding: a word for programs, which stays.
    pub code: &'static str,
    /// What it is about: `bucket acme-quarry`.
    pub subject: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
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

/// Findings as they come together.
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

    /// The worst first, else in the order in which they were found; the same one once.
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
