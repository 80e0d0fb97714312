//! Policy documents, as far as the checks need them.

use serde_json::Value;
use wildmatch::WildMatch;

/// One statement.
#[derive(Debug)]
pub(crate) struct Statement<'a>(&'a Value);

/// One condition, such as `StringEquals` on `aws:SourceAccount`, with its values.
#[derive(Debug)]
pub(crate) struct Condition<'a> {
    pub(crate) operator: &'a str,
    pub(crate) key: &'a str,
    pub(crate) values: Vec<&'a str>,
}

/// Returns the statements of a document.
pub(crate) fn statements(document: &Value) -> Vec<Statement<'_>> {
    one_or_many(document.get("Statement"))
        .map(Statement)
        .collect()
}

impl<'a> Statement<'a> {
    pub(crate) fn allows(&self) -> bool {
        self.0.get("Effect").and_then(Value::as_str) == Some("Allow")
    }

    /// Whether the statement includes an action.
    pub(crate) fn names_action(&self, action: &str) -> bool {
        texts(self.0.get("Action"))
            .any(|pattern| WildMatch::new_case_insensitive(pattern).matches(action))
    }

    /// Returns the principals of a kind: `Service`, `AWS`. A bare `*` means everyone.
    pub(crate) fn principals(&self, kind: &str) -> Vec<&'a str> {
        match self.0.get("Principal") {
            Some(Value::String(all)) => vec![all.as_str()],
            Some(by_kind) => texts(by_kind.get(kind)).collect(),
            None => Vec::new(),
        }
    }

    pub(crate) fn conditions(&self) -> Vec<Condition<'a>> {
        let Some(operators) = self.0.get("Condition").and_then(Value::as_object) else {
            return Vec::new();
        };
        operators
            .iter()
            .flat_map(|(operator, keys)| {
                keys.as_object()
                    .into_iter()
                    .flatten()
                    .map(move |(key, values)| Condition {
                        operator,
                        key,
                        values: texts(Some(values)).collect(),
                    })
            })
            .collect()
    }
}

impl Condition<'_> {
    /// Whether the condition is on a key. Key names are not case-sensitive.
    pub(crate) fn is_on(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }

    /// Whether a value meets the condition; `None` for operators that are not checked here.
    pub(crate) fn holds_for(&self, value: &str) -> Option<bool> {
        let operator = self
            .operator
            .strip_suffix("IfExists")
            .unwrap_or(self.operator);
        let like = |pattern: &&str| WildMatch::new(pattern).matches(value);
        match operator {
            "StringEquals" => Some(self.values.contains(&value)),
            "StringLike" | "ArnLike" | "ArnEquals" => Some(self.values.iter().any(like)),
            _ => None,
        }
    }
}

/// Whether a resource matches one of the ARNs, which may have wildcards.
pub(crate) fn covered(resource: &str, arns: &[String]) -> bool {
    arns.iter()
        .any(|pattern| WildMatch::new(pattern).matches(resource))
}

fn one_or_many(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let many = value.and_then(Value::as_array).map(Vec::as_slice);
    let one = value.filter(|value| !value.is_array());
    many.unwrap_or_default().iter().chain(one)
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    one_or_many(value).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_thing_and_a_list_of_one_are_the_same() {
        for document in [
            json!({"Statement": {"Effect": "Allow", "Action": "sts:*", "Principal": {"Service": "a"}}}),
            json!({"Statement": [{"Effect": "Allow", "Action": ["STS:AssumeRole"], "Principal": {"Service": ["a"]}}]}),
        ] {
            let statements = statements(&document);
            assert_eq!(statements.len(), 1);
            assert!(statements[0].allows() && statements[0].names_action("sts:AssumeRole"));
            assert_eq!(statements[0].principals("Service"), ["a"]);
        }
    }

    #[test]
    fn a_condition_that_is_not_evaluated_is_neither_met_nor_failed() {
        let document = json!({"Statement": [{"Effect": "Allow", "Condition": {
            "StringEquals": {"aws:SourceAccount": "1"},
            "ArnLikeIfExists": {"aws:SourceArn": "arn:x:*"},
            "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
        }}]});
        let statements = statements(&document);
        let conditions = statements[0].conditions();
        assert_eq!(conditions[0].holds_for("1"), Some(true));
        assert_eq!(conditions[0].holds_for("2"), Some(false));
        assert!(conditions[1].is_on("AWS:SourceArn"));
        assert_eq!(conditions[1].holds_for("arn:x:y"), Some(true));
        assert_eq!(conditions[2].holds_for("10.0.0.1"), None);
    }
}
