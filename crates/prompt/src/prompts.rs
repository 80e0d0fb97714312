//! The prompts file.
//!
//! `prompts.json` has one of two forms. The flat form has `system_prompt`, `user_prompt_template`
//! and `input_placeholders`, all optional. The other form has both `ruleset` and `rules`: a
//! classification in which each row shows the model the rules that it selects.

use crate::error::PromptsError;
use crate::placeholders::word;
use crate::rules::Rules;
use crate::template::{ROUTED_RULES, Template};
use quarry_contract::json_document::read_document;
use quarry_contract::settings::nearest;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

const RULESET: &str = "ruleset";
const RULES: &str = "rules";
/// The key without which rows get a default prompt.
const TEMPLATE: &str = "user_prompt_template";
/// The keys of a flat file.
const FLAT_KEYS: [&str; 3] = [
    "system_prompt",
    "user_prompt_template",
    "input_placeholders",
];
/// The keys of a ruleset.
const RULESET_KEYS: [&str; 6] = [
    "system_prompt",
    "analysis_instructions",
    "classification_guidelines",
    "user_prompt_template",
    "input_placeholders",
    "output_schema",
];

/// The user prompt of a flat file that has none.
const DEFAULT_TEMPLATE: &str = "Analyze: {input_data}";
/// The heading before the rules of a row.
const RULES_HEADING: &str = "Applicable rules for this record:\n{routed_rules}\n\n";

/// The contents of a prompts file.
#[derive(Debug, Clone)]
pub struct Prompts {
    system: Option<String>,
    template: String,
    has_own_template: bool,
    placeholders: Vec<String>,
    output_schema: Option<Value>,
    rules: Arc<Rules>,
    warnings: Vec<String>,
}

impl Prompts {
    /// Reads the bytes of a prompts file as its author wrote it. Refuses keys that are probably
    /// misspelt, because the rows would be asked something else.
    pub fn checked(bytes: &[u8]) -> Result<Self, PromptsError> {
        let file = read_document(bytes).map_err(|source| PromptsError::NotJson { source })?;
        let keys = Keys::of(&file, "the file")?;
        keys.check_spelling(match (keys.has(RULESET), keys.has(RULES)) {
            (true, true) => &[RULESET, RULES],
            _ => &FLAT_KEYS,
        })?;
        if keys.has(RULESET)
            && keys.has(RULES)
            && let Some(ruleset @ Value::Object(_)) = keys.members.get(RULESET)
        {
            Keys::of(ruleset, RULESET)?.check_spelling(&RULESET_KEYS)?;
        }
        keys.check_meaning()?;
        Self::parse(bytes)
    }

    /// Reads the bytes of a prompts file. Keys without a meaning are [warnings](Self::warnings).
    pub fn parse(bytes: &[u8]) -> Result<Self, PromptsError> {
        let file = read_document(bytes).map_err(|source| PromptsError::NotJson { source })?;
        let file = Keys::of(&file, "the file")?;
        let mut prompts = match (file.members.get(RULESET), file.members.get(RULES)) {
            (Some(ruleset), Some(rules)) => Self::from_ruleset(&file, ruleset, rules)?,
            _ => Self::from_flat(&file)?,
        };
        prompts.warn_about_placeholders();
        Ok(prompts)
    }

    fn from_flat(file: &Keys<'_>) -> Result<Self, PromptsError> {
        let template = file.text("user_prompt_template")?;
        if template.is_some_and(|text| text.trim().is_empty()) {
            return Err(PromptsError::BlankTemplate {
                key: "user_prompt_template",
            });
        }
        Ok(Self {
            system: file
                .text("system_prompt")?
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            template: template.unwrap_or(DEFAULT_TEMPLATE).to_owned(),
            has_own_template: template.is_some(),
            placeholders: file.texts("input_placeholders")?,
            output_schema: None,
            rules: Arc::default(),
            warnings: file.unknown(&FLAT_KEYS).collect(),
        })
    }

    fn from_ruleset(file: &Keys<'_>, ruleset: &Value, rules: &Value) -> Result<Self, PromptsError> {
        let nothing = Value::Object(Map::new());
        let ruleset = Keys::of(if ruleset.is_null() { &nothing } else { ruleset }, RULESET)?;
        let mut warnings: Vec<String> = file.unknown(&[RULESET, RULES]).collect();
        warnings.extend(ruleset.unknown(&RULESET_KEYS));
        let placeholders = ruleset.texts("input_placeholders")?;
        let template = match ruleset
            .text("user_prompt_template")?
            .filter(|text| !text.is_empty())
        {
            None => RULES_HEADING.to_owned() + &evidence(&placeholders),
            Some(text) if text.contains("{routed_rules}") => text.to_owned(),
            Some(text) => RULES_HEADING.to_owned() + text,
        };
        Ok(Self {
            system: system_prompt(&ruleset)?,
            template,
            has_own_template: true,
            placeholders,
            output_schema: output_schema(&ruleset)?,
            rules: Arc::new(read_rules(rules, &mut warnings)?),
            warnings,
        })
    }

    /// The system prompt, if there is one; never empty.
    pub fn system(&self) -> Option<&str> {
        self.system.as_deref()
    }

    /// The user prompt with its placeholders, as it will be used.
    pub fn template_text(&self) -> &str {
        &self.template
    }

    /// Whether the file has its own user prompt. If not, [`template_text`](Self::template_text) is
    /// a default.
    pub fn has_own_template(&self) -> bool {
        self.has_own_template
    }

    /// The names of the placeholders. If there are none, every word in braces is a placeholder.
    pub fn placeholders(&self) -> &[String] {
        &self.placeholders
    }

    /// Returns the user prompt, ready to be rendered. Rows select rules in the column
    /// `routed_column`.
    pub fn template(&self, routed_column: &str) -> Template {
        Template::compile(&self.template, &self.placeholders)
            .with_rules(Arc::clone(&self.rules), routed_column)
    }

    /// The schema of an answer in `ruleset.output_schema`, if it has properties.
    pub fn output_schema(&self) -> Option<&Value> {
        self.output_schema.as_ref()
    }

    /// The rules; empty in the flat form.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Oddities of the file that do not prevent its use, as messages for its author.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn warn_about_placeholders(&mut self) {
        let template = Template::compile(&self.template, &self.placeholders)
            .with_rules(Arc::clone(&self.rules), ROUTED_RULES);
        let used = template.used();
        for name in &self.placeholders {
            if name != ROUTED_RULES && !used.contains(name.as_str()) {
                self.warnings.push(format!(
                    "input_placeholders lists {name:?}, but the prompt does not use it"
                ));
            }
        }
        if !self.placeholders.is_empty() {
            let mut known: HashSet<&str> = self.placeholders.iter().map(String::as_str).collect();
            let words = self.template.split('{').skip(1).filter_map(word);
            for name in words {
                if name != ROUTED_RULES && known.insert(name) {
                    self.warnings.push(format!(
                        "the prompt has {{{name}}}, which input_placeholders does not list: it stays as it is"
                    ));
                }
            }
        }
        if template.has_rules_slot() && self.rules.is_empty() {
            self.warnings.push(
                "the prompt has {routed_rules}, but there are no rules: it will be empty"
                    .to_owned(),
            );
        }
    }
}

/// Returns the prompt of a ruleset that has none: every placeholder under its name.
fn evidence(placeholders: &[String]) -> String {
    let mut text = "Evidence:\n".to_owned();
    if placeholders.is_empty() {
        text.push_str("Input:\n{input_data}");
    }
    for (index, name) in placeholders.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n\n" };
        // Writing to a string does not fail.
        let _ = write!(text, "{gap}{name}:\n{{{name}}}");
    }
    text
}

/// Returns the parts of a ruleset's system prompt, one below the other.
fn system_prompt(ruleset: &Keys<'_>) -> Result<Option<String>, PromptsError> {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(
        ruleset
            .text("system_prompt")?
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
    );
    for (key, heading) in [
        ("analysis_instructions", "## Analysis Instructions\n"),
        (
            "classification_guidelines",
            "## Classification Guidelines\n",
        ),
    ] {
        match ruleset.members.get(key) {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(Value::String(text)) if text.is_empty() => {}
            Some(Value::Array(items)) if items.is_empty() => {}
            Some(Value::Object(members)) if members.is_empty() => {}
            Some(Value::String(text)) => parts.push(heading.to_owned() + text),
            Some(other) => parts.push(heading.to_owned() + &indented(other)),
        }
    }
    let system = parts.join("\n\n").trim().to_owned();
    Ok((!system.is_empty()).then_some(system))
}

/// Returns JSON over several lines, in ASCII. Prompts with such parts are then identical to those
/// of the Python program that introduced them.
fn indented(value: &Value) -> String {
    let mut text = String::new();
    for char in format!("{value:#}").chars() {
        if char.is_ascii() && char != '\u{7f}' {
            text.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

fn output_schema(ruleset: &Keys<'_>) -> Result<Option<Value>, PromptsError> {
    let Some(schema) = ruleset
        .members
        .get("output_schema")
        .filter(|schema| !schema.is_null())
    else {
        return Ok(None);
    };
    let members = Keys::of(schema, "ruleset.output_schema")?.members;
    let has_properties = match members.get("properties") {
        None | Some(Value::Null) => false,
        Some(properties) => !Keys::of(properties, "ruleset.output_schema.properties")?
            .members
            .is_empty(),
    };
    Ok(has_properties.then(|| schema.clone()))
}

fn read_rules(rules: &Value, warnings: &mut Vec<String>) -> Result<Rules, PromptsError> {
    let mut read = Rules::default();
    let list = match rules {
        Value::Null => return Ok(read),
        Value::Array(list) => list,
        other => return Err(wrong_type("rules".to_owned(), "a list", other)),
    };
    for (index, rule) in list.iter().enumerate() {
        let rule = Keys::of(rule, &format!("rules[{index}]"))?;
        match rule.text("rule_name")? {
            None | Some("") => {
                warnings.push(format!("rules[{index}] has no rule_name and is left out"));
            }
            Some(name) => {
                if !read.add(name, rule.members) {
                    warnings.push(format!(
                        "rules[{index}] takes the place of an earlier rule {name:?}"
                    ));
                }
            }
        }
    }
    Ok(read)
}

/// An object of the file, with its path.
struct Keys<'a> {
    path: String,
    members: &'a Map<String, Value>,
}

impl<'a> Keys<'a> {
    fn of(value: &'a Value, path: &str) -> Result<Self, PromptsError> {
        let Value::Object(members) = value else {
            return Err(wrong_type(path.to_owned(), "an object", value));
        };
        Ok(Self {
            path: path.to_owned(),
            members,
        })
    }

    fn path_of(&self, key: &str) -> String {
        if self.path == "the file" {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Returns a text; null counts as missing.
    fn text(&self, key: &str) -> Result<Option<&'a str>, PromptsError> {
        match self.members.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(self.path_of(key), "a string", other)),
        }
    }

    /// Returns a list of texts; null counts as missing.
    fn texts(&self, key: &str) -> Result<Vec<String>, PromptsError> {
        let list = match self.members.get(key) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(wrong_type(self.path_of(key), "a list of strings", other)),
        };
        let texts = list.iter().enumerate().map(|(index, item)| match item {
            Value::String(text) => Ok(text.clone()),
            other => Err(wrong_type(
                format!("{}[{index}]", self.path_of(key)),
                "a string",
                other,
            )),
        });
        texts.collect()
    }

    fn has(&self, key: &str) -> bool {
        self.members.contains_key(key)
    }

    /// Refuses a key without a meaning that is nearly one of the known keys, if the object lacks
    /// that one.
    fn check_spelling(&self, known: &[&str]) -> Result<(), PromptsError> {
        let missing: Vec<&str> = known.iter().copied().filter(|key| !self.has(key)).collect();
        let misspelt = self
            .members
            .keys()
            .filter(|key| !known.contains(&key.as_str()))
            .filter_map(|key| meant_by(&key.to_lowercase(), &missing).map(|meant| (key, meant)))
            // Without it, every row would be asked something else.
            .min_by_key(|(_, meant)| *meant != TEMPLATE);
        match misspelt {
            None => Ok(()),
            Some((key, meant)) => Err(PromptsError::Misspelt {
                key: self.path_of(key),
                meant: self.path_of(meant),
            }),
        }
    }

    /// Refuses a file of which no key has a meaning: the rows would get a default prompt.
    fn check_meaning(&self) -> Result<(), PromptsError> {
        if self.members.is_empty() || FLAT_KEYS.iter().any(|key| self.has(key)) {
            return Ok(());
        }
        match (self.has(RULESET), self.has(RULES)) {
            (true, true) => Ok(()),
            (true, false) => Err(PromptsError::HalfARuleset {
                has: RULESET,
                lacks: RULES,
            }),
            (false, true) => Err(PromptsError::HalfARuleset {
                has: RULES,
                lacks: RULESET,
            }),
            (false, false) => Err(PromptsError::NoMeaning {
                keys: self.members.keys().cloned().collect(),
            }),
        }
    }

    /// Returns a warning for each key that has no meaning.
    fn unknown(&self, known: &'static [&'static str]) -> impl Iterator<Item = String> {
        let unknown = self
            .members
            .keys()
            .filter(move |key| !known.contains(&key.as_str()));
        unknown.map(|key| format!("{} has no meaning here and is ignored", self.path_of(key)))
    }
}

/// Returns the missing key that an unknown one probably stands for.
fn meant_by<'n>(key: &str, missing: &[&'n str]) -> Option<&'n str> {
    // Half of a name says more than a few letters that differ.
    let begins = missing.iter().copied().find(|name| {
        let rest = name.strip_prefix(key);
        rest.is_some_and(|rest| rest.starts_with('_'))
    });
    begins.or_else(|| nearest(key, missing)).or_else(|| {
        let is_a_prompt = ["prompt", "template"].iter().any(|word| key.contains(word));
        missing
            .iter()
            .copied()
            .find(|name| is_a_prompt && *name == TEMPLATE)
    })
}

fn wrong_type(key: String, expected: &'static str, found: &Value) -> PromptsError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    PromptsError::WrongType {
        key,
        expected,
        found,
    }
}
