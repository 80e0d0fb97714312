//! The prompts file, and templates with placeholders.

use crate::target::FuzzTarget;
use quarry_prompt::{Prompts, RecordEncoder, RenderOptions, Template};
use quarry_table::{Cell, Cells};
use serde_json::{Value, json};

pub(crate) const PROMPTS: FuzzTarget = FuzzTarget {
    name: "prompts",
    check: check_prompts,
    words: &[
        "\"user_prompt_template\"",
        "\"system_prompt\"",
        "\"input_placeholders\"",
        "\"ruleset\"",
        "\"rules\"",
        "\"rule_name\"",
        "\"output_schema\"",
        "{routed_rules}",
        "{input_data}",
        "{a}",
        "null",
        "[]",
        "{}",
    ],
};

pub(crate) const TEMPLATE: FuzzTarget = FuzzTarget {
    name: "template",
    check: check_template,
    words: &[
        "{",
        "}",
        "{{",
        "}}",
        "{a}",
        "{ä_1}",
        "{routed_rules}",
        "{input_data}",
        "{routed_{a}rules}",
        " ",
    ],
};

/// The column in which rows select rules.
const ROUTED: &str = "selected_rule_names";

/// A text that stands for a cell's value. No template of an input holds it.
const MARK: &str = "\u{2042}value\u{2042}";

/// What a cell would have to hold to pull other things into the prompt.
const HOSTILE: &str = "{routed_rules}{input_data}{a}{{b}}";

/// A row that has every column of a template.
struct FullRow(Vec<String>);

impl Cells for FullRow {
    fn cell(&self, index: usize) -> Cell<'_> {
        self.0
            .get(index)
            .map_or(Cell::Missing, |cell| Cell::Text(cell))
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{}");
    }
}

/// A file is read, or refused for a reason. Its prompt is the template and the cells, each used
/// once, and arrives in the record as it is.
fn check_prompts(input: &[u8]) {
    let checked = Prompts::checked(input);
    let prompts = match Prompts::parse(input) {
        Ok(prompts) => prompts,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "{error:?}");
            assert!(
                checked.is_err(),
                "refused only when it is not checked: {error}"
            );
            return;
        }
    };
    if let Err(error) = checked {
        assert!(!error.to_string().is_empty(), "{error:?}");
    }
    let template = prompts.template(ROUTED);
    if String::from_utf8_lossy(input).contains("2042") || prompts.template_text().contains(MARK) {
        return;
    }
    let rules: Vec<&str> = prompts.rules().names().take(3).collect();
    let selected = json!(rules).to_string();
    let filled = |value: &str| {
        let cell = |name: &String| {
            let routed = template.routed_column() == Some(name);
            if routed {
                selected.clone()
            } else {
                value.to_owned()
            }
        };
        FullRow(template.columns().iter().map(cell).collect())
    };
    let options = RenderOptions::default();
    let marked = template.render(&filled(MARK), &options);
    let hostile = template.render(&filled(HOSTILE), &options);
    assert_eq!(hostile, marked.replace(MARK, HOSTILE));
    check_record(template.clone(), &filled(HOSTILE), &hostile);
}

/// A template whose placeholders have their own names as values comes out as it is written,
/// whether the names are listed or found.
fn check_template(input: &[u8]) {
    let text = &*String::from_utf8_lossy(input);
    let template = Template::compile(text, &[]);
    let names = template.columns().to_vec();
    let row = FullRow(names.iter().map(|name| format!("{{{name}}}")).collect());
    let written = text.replace("{routed_rules}", "");
    let options = RenderOptions::default();
    assert_eq!(template.render(&row, &options), written);
    let listed = Template::compile(text, &names);
    assert_eq!(listed.columns(), names);
    assert_eq!(listed.render(&row, &options), written);
    check_record(template, &row, &written);
}

/// The prompt in a record is the one that was rendered.
fn check_record(template: Template, row: &FullRow, prompt: &str) {
    let body = json!({"messages": [{"role": "user", "content": "SLOT"}]});
    let encoder = RecordEncoder::new(&body, "SLOT", template, RenderOptions::default());
    let Ok(mut encoder) = encoder else {
        panic!("a body with a slot is refused");
    };
    let mut record = Vec::new();
    encoder.encode(&mut record, "r", row, None);
    let record: Value = match serde_json::from_slice(&record) {
        Ok(record) => record,
        Err(error) => panic!("a record is not JSON: {error}"),
    };
    let sent = record.pointer("/modelInput/messages/0/content");
    assert_eq!(sent.and_then(Value::as_str), Some(prompt));
}
