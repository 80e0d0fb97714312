//! Prompts files are read as their author means them, and their mistakes are named.

use quarry_prompt::{Prompts, PromptsError};
use serde_json::{Value, json};

fn parse(file: &Value) -> Prompts {
    Prompts::parse(file.to_string().as_bytes()).unwrap()
}

#[test]
fn a_flat_file_may_leave_everything_out() {
    let prompts = parse(&json!({"system_prompt": "", "input_placeholders": null}));
    assert_eq!(
        (prompts.system(), prompts.template_text()),
        (None, "Analyze: {input_data}")
    );
    assert!(prompts.placeholders().is_empty() && prompts.warnings().is_empty());
    assert!(prompts.output_schema().is_none() && prompts.rules().is_empty());
}

#[test]
fn a_flat_file_is_taken_as_it_is() {
    let file =
        json!({"system_prompt": " S ", "user_prompt_template": "{a}", "input_placeholders": ["a"]});
    let with_mark = format!("\u{feff}{file}");
    let prompts = Prompts::parse(with_mark.as_bytes()).unwrap();
    assert_eq!(
        (prompts.system(), prompts.template_text()),
        (Some(" S "), "{a}")
    );
    assert_eq!(prompts.placeholders(), ["a"]);
    // One of the two keys alone does not make a ruleset.
    assert_eq!(
        parse(&json!({"rules": []})).template_text(),
        "Analyze: {input_data}"
    );
}

#[test]
fn a_rulesets_system_prompt_is_put_together() {
    let prompts = parse(&json!({
        "ruleset": {
            "system_prompt": "Base.",
            "analysis_instructions": ["a", {"ü\u{7f}": 1.0}, []],
            "classification_guidelines": "Guide.\n",
        },
        "rules": [],
    }));
    assert_eq!(
        prompts.system(),
        Some(
            "Base.\n\n## Analysis Instructions\n[\n  \"a\",\n  {\n    \"\\u00fc\\u007f\": 1.0\n  },\n  []\n]\n\n\
             ## Classification Guidelines\nGuide."
        )
    );
    let empty = json!({"ruleset": {"analysis_instructions": [], "classification_guidelines": ""}, "rules": null});
    assert_eq!(parse(&empty).system(), None);
}

#[test]
fn a_ruleset_shows_its_rules_before_the_prompt() {
    let template = |ruleset: Value| {
        let rules = json!([{"rule_name": "R"}]);
        parse(&json!({"ruleset": ruleset, "rules": rules}))
            .template_text()
            .to_owned()
    };
    let heading = "Applicable rules for this record:\n{routed_rules}\n\n";
    assert_eq!(
        template(json!({"user_prompt_template": "E: {d}"})),
        format!("{heading}E: {{d}}")
    );
    assert_eq!(
        template(json!({"user_prompt_template": "{d}{routed_rules}"})),
        "{d}{routed_rules}"
    );
    assert_eq!(
        template(json!({})),
        format!("{heading}Evidence:\nInput:\n{{input_data}}")
    );
    assert_eq!(
        template(Value::Null),
        format!("{heading}Evidence:\nInput:\n{{input_data}}")
    );
    assert_eq!(
        template(json!({"input_placeholders": ["a", "b c"]})),
        format!("{heading}Evidence:\na:\n{{a}}\n\nb c:\n{{b c}}")
    );
}

#[test]
fn only_an_output_schema_with_properties_counts() {
    let schema = |schema: Value| {
        parse(&json!({"ruleset": {"output_schema": schema}, "rules": []}))
            .output_schema()
            .cloned()
    };
    let full = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    assert_eq!(schema(full.clone()), Some(full));
    assert_eq!(schema(json!({"properties": {}})), None);
    assert_eq!(schema(json!({})), None);
    assert_eq!(schema(Value::Null), None);
}

#[test]
fn oddities_are_noted() {
    let prompts = parse(&json!({
        "user_prompt_template": "{a} {b} {\"k\"} {routed_rules}",
        "input_placeholders": ["a", "c"],
        "sytem_prompt": "typo",
    }));
    assert_eq!(
        prompts.warnings(),
        [
            "sytem_prompt has no meaning here and is ignored",
            "input_placeholders lists \"c\", but the prompt does not use it",
            "the prompt has {b}, which input_placeholders does not list: it stays as it is",
            "the prompt has {routed_rules}, but there are no rules: it will be empty",
        ]
    );
    let prompts = parse(&json!({
        "ruleset": {"model": "x"},
        "rules": [{"rule_name": "R"}, {"name": "S"}, {"rule_name": "R", "x": 1}],
        "more": 1,
    }));
    assert_eq!(prompts.rules().names().collect::<Vec<_>>(), ["R"]);
    assert_eq!(
        prompts.warnings(),
        [
            "more has no meaning here and is ignored",
            "ruleset.model has no meaning here and is ignored",
            "rules[1] has no rule_name and is left out",
            "rules[2] takes the place of an earlier rule \"R\"",
        ]
    );
}

#[test]
fn a_key_that_is_probably_misspelt_is_refused() {
    for (file, message) in [
        (
            json!({"user_prompt_tempalte": "{a}"}),
            "\"user_prompt_tempalte\" has no meaning; did you mean user_prompt_template?",
        ),
        (
            json!({"system": "S", "user_prompt": "{a}"}),
            "\"user_prompt\" has no meaning; did you mean user_prompt_template?",
        ),
        (
            json!({"user_prompt_template": "{a}", "System_Promt": "S"}),
            "\"System_Promt\" has no meaning; did you mean system_prompt?",
        ),
        (
            json!({"system_prompt": "S", "prompt": "{a}"}),
            "\"prompt\" has no meaning; did you mean user_prompt_template?",
        ),
        (
            json!({"ruleset": {"output_shema": {}, "user_prompt_template": "{a}"}, "rules": []}),
            "\"ruleset.output_shema\" has no meaning; did you mean ruleset.output_schema?",
        ),
        (
            json!({"question": "{a}", "model": "x"}),
            "none of its keys (\"question\", \"model\") has a meaning",
        ),
        (
            json!({"ruleset": {"user_prompt_template": "{a}"}}),
            "ruleset counts only beside rules, which is missing",
        ),
        (
            json!({"rulset": {}, "rules": []}),
            "rules counts only beside ruleset, which is missing",
        ),
    ] {
        let bytes = file.to_string();
        let error = Prompts::checked(bytes.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
        // A run that began with such a file still reads it.
        assert!(Prompts::parse(bytes.as_bytes()).is_ok());
    }
}

#[test]
fn other_keys_without_a_meaning_are_only_noted() {
    for file in [
        json!({}),
        json!({"user_prompt_template": "{a}", "user_prompt_template_old": "{b}", "version": 3}),
        json!({"system_prompt": "S", "author": "x"}),
        json!({"ruleset": null, "rules": null}),
        json!({"rules": [], "user_prompt_template": "{a}"}),
    ] {
        assert!(
            Prompts::checked(file.to_string().as_bytes()).is_ok(),
            "{file}"
        );
    }
}

#[test]
fn a_key_that_is_given_twice_is_refused() {
    let file = b"{\"user_prompt_template\": \"{a}\",\n \"user_prompt_template\": \"{b}\"}";
    let error = Prompts::checked(file).unwrap_err().to_string();
    assert!(
        error.contains("`user_prompt_template` is given twice"),
        "{error}"
    );
    assert!(error.contains("line 2"), "{error}");
}

#[test]
fn broken_json_is_named_with_line_and_column() {
    let error = Prompts::parse(b"{\n  \"user_prompt_template\": \"x\",\n}").unwrap_err();
    assert!(matches!(error, PromptsError::NotJson { .. }));
    assert_eq!(
        error.to_string(),
        "not valid JSON: trailing comma at line 3 column 1; correct the file at that line and column"
    );
    assert!(Prompts::parse(b"\"\xff\"").is_err());
    assert!(Prompts::parse(b"").is_err());
}

#[test]
fn wrong_types_are_named_with_their_key() {
    for (file, message) in [
        (json!([]), "the file must be an object, found a list"),
        (
            json!({"system_prompt": 1}),
            "system_prompt must be a string, found a number",
        ),
        (
            json!({"user_prompt_template": " \n"}),
            "user_prompt_template is blank",
        ),
        (
            json!({"input_placeholders": "a"}),
            "input_placeholders must be a list of strings, found a string",
        ),
        (
            json!({"input_placeholders": ["a", null]}),
            "input_placeholders[1] must be a string, found null",
        ),
        (
            json!({"ruleset": [], "rules": []}),
            "ruleset must be an object, found a list",
        ),
        (
            json!({"ruleset": {}, "rules": {}}),
            "rules must be a list, found an object",
        ),
        (
            json!({"ruleset": {}, "rules": [true]}),
            "rules[0] must be an object, found true or false",
        ),
        (
            json!({"ruleset": {}, "rules": [{"rule_name": 1}]}),
            "rules[0].rule_name must be a string, found a number",
        ),
        (
            json!({"ruleset": {"output_schema": {"properties": []}}, "rules": []}),
            "ruleset.output_schema.properties must be an object, found a list",
        ),
    ] {
        let error = Prompts::parse(file.to_string().as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(message), "{error}");
    }
}
