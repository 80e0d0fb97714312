//! Why settings cannot be used.

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The name is not a setting.
    #[error("`{name}` is not a setting{}", suggestion.as_ref().map(|s| format!("; did you mean `{s}`?")).unwrap_or_default())]
    Unknown {
        /// The name.
        name: String,
        /// The nearest name that is one.
        suggestion: Option<String>,
    },
    /// The value is not allowed.
    #[error("{name} is `{value}`; allowed: {allowed}")]
    Value {
        /// The name.
        name: &'static str,
        /// The value.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A setting without a default is missing.
    #[error("{name} is not set; {remedy}")]
    Missing {
        /// The name.
        name: &'static str,
        /// What to set it to.
        remedy: &'static str,
    },
}

impl SettingError {
    /// The setting's name, as it was given.
    pub fn name(&self) -> &str {
        match self {
            Self::Unknown { name, .. } => name,
            Self::Value { name, .. } | Self::Missing { name, .. } => name,
        }
    }
}
