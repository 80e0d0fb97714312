//! A prompt is the template and the row, each used once.

use crate::table::{for_each_row, names};
use proptest::prelude::*;
use quarry_prompt::{FieldLimit, MissingColumns, Prompts, RenderOptions, Template};
use quarry_table::{Cell, Cells, Format};
use serde_json::json;

/// A row with these cells.
struct Given(Vec<String>);

impl Cells for Given {
    fn cell(&self, index: usize) -> Cell<'_> {
        self.0
            .get(index)
            .map_or(Cell::Missing, |text| Cell::Text(text))
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{}");
    }
}

fn given(values: &[&str]) -> Given {
    Given(names(values))
}

fn render(template: &str, listed: &[&str], values: &[&str]) -> String {
    Template::compile(template, &names(listed)).render(&given(values), &RenderOptions::default())
}

fn columns(template: &str, listed: &[&str]) -> Vec<String> {
    Template::compile(template, &names(listed))
        .columns()
        .to_vec()
}

#[test]
fn braces_that_hold_no_placeholder_are_text() {
    let template = "a={a} lit={\"k\": {\"n\": 1}} dbl={{a}} sp={ a } up={A} open={a e={}";
    let prompt = "a=x lit={\"k\": {\"n\": 1}} dbl={x} sp={ a } up={A} open={a e={}";
    assert_eq!(render(template, &["a"], &["x"]), prompt);
    assert_eq!(render("{", &[], &[]), "{");
    assert_eq!(render("no slot", &["a"], &[]), "no slot");
}

/// Without a list, words of any script are placeholders, in the order of their first use.
#[test]
fn words_in_braces_are_placeholders_where_none_are_listed() {
    assert_eq!(
        columns("{b}{ä_1}{1}{b}{日本}{a-b}{ a }{}{{c}}", &[]),
        ["b", "ä_1", "1", "日本", "c"]
    );
}

#[test]
fn listed_names_may_hold_anything() {
    let listed = ["Cost Total $", "a", "a}{b"];
    assert_eq!(
        columns("{Cost Total $} {a}{b} {b}", &listed),
        ["Cost Total $", "a}{b"]
    );
    assert_eq!(render("{Cost Total $}", &listed, &["5"]), "5");
}

#[test]
fn the_place_for_rules_is_empty_without_rules() {
    assert_eq!(render("[{routed_rules}]", &[], &[]), "[]");
    assert_eq!(render("[{routed_rules}]", &["routed_rules"], &["x"]), "[]");
    assert_eq!(columns("{routed_rules}{a}", &[]), ["a"]);
}

#[test]
fn rules_are_shown_row_by_row() {
    let prompts = Prompts::parse(
        br#"{"ruleset": {"user_prompt_template": "{routed_rules}|{a}"},
             "rules": [{"rule_name": "R1", "about": "one"}, {"rule_name": "R2", "about": "two"}]}"#,
    )
    .unwrap();
    let template = prompts.template("chosen");
    assert_eq!(template.columns(), ["a", "chosen"]);
    assert_eq!(template.routed_column(), Some("chosen"));
    assert_eq!(template.missing(&names(&["a"])), [""; 0]);
    let table = b"a,chosen\nx,\"R1, R3\"\ny,\"[\"\"R2\"\"]\"\nz,\n";
    let mut rendered = Vec::new();
    for_each_row(Format::Csv, table, template.columns(), |row| {
        rendered.push(template.render(row, &RenderOptions::default()));
    });
    let r1 = "=== RULE: R1 ===\nabout: one\n=== END RULE ===";
    let r2 = "=== RULE: R2 ===\nabout: two\n=== END RULE ===";
    let r3 = "=== RULE: R3 ===\n(definition unavailable)\n=== END RULE ===";
    let none =
        "No specific rules were routed for this record; classify using the general guidance above.";
    assert_eq!(
        rendered,
        [
            format!("{r1}\n\n{r3}|x"),
            format!("{r2}|y"),
            format!("{none}|z")
        ]
    );
}

/// A rule is part of the prompt, so its placeholders are filled. A value or the name of an unknown
/// rule is data, so its placeholders are not.
#[test]
fn placeholders_are_filled_in_rules_and_never_in_values_of_rows() {
    let file = |listed: &str| {
        Prompts::parse(
            format!(
                r#"{{"ruleset": {{"user_prompt_template": "{{routed_rules}}|{{a}}", "input_placeholders": {listed}}},
                    "rules": [{{"rule_name": "R", "text": "{{a}} {{b}} {{routed_rules}} {{\"k\": 1}}"}}]}}"#
            )
            .as_bytes(),
        )
        .unwrap()
        .template("chosen")
    };
    let options = RenderOptions::default();
    let block = |text: &str| format!("=== RULE: R ===\ntext: {text}\n=== END RULE ===");

    // If no names are listed, every word in braces is a placeholder, also in rules.
    let found = file("[]");
    assert_eq!(found.columns(), ["a", "chosen"]);
    assert_eq!(
        found.render(&given(&["{b}", "R"]), &options),
        block("{b} {b} {routed_rules} {\"k\": 1}") + "|{b}"
    );
    let unknown = found.render(&given(&["x", "{a}"]), &options);
    assert!(unknown.starts_with("=== RULE: {a} ==="), "{unknown}");

    // Listed names are placeholders everywhere, and a table must have them.
    let listed = file(r#"["a", "b"]"#);
    assert_eq!(listed.columns(), ["a", "chosen", "b"]);
    assert_eq!(listed.missing(&names(&["a", "chosen"])), ["b"]);
    assert_eq!(
        listed.render(&given(&["1", "R", "2"]), &options),
        block("1 2 {routed_rules} {\"k\": 1}") + "|1"
    );
}

#[test]
fn missing_columns_are_refused_by_name_or_marked() {
    let template = Template::compile("{a}{b c}{d}{a}", &names(&["a", "b c", "d"]));
    let table = names(&["x", "a"]);
    assert_eq!(template.missing(&table), ["b c", "d"]);
    let error = template
        .check_columns(&table, MissingColumns::Refuse)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the prompt uses \"b c\", \"d\" which the table does not have; its columns are \"x\", \"a\". Correct the prompt \
         or the table, or set BEDROCK_MISSING_COLUMNS to `mark`"
    );
    let error = Template::compile("{Wildlife species}", &names(&["Wildlife species"]))
        .check_columns(&names(&["x", "wildlife_species"]), MissingColumns::Refuse)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("Did you mean `{wildlife_species}`? Correct"),
        "{error}"
    );
    template
        .check_columns(&table, MissingColumns::Mark)
        .unwrap();
    let mark = RenderOptions {
        missing: MissingColumns::Mark,
        ..RenderOptions::default()
    };
    assert_eq!(
        template.render(&given(&["1"]), &mark),
        "1[Missing: b c][Missing: d]1"
    );
    assert_eq!(
        template.render(&given(&["1"]), &RenderOptions::default()),
        "11"
    );
}

/// The same prompt for every row would cost as much as the right prompt.
#[test]
fn a_prompt_that_shows_no_column_is_refused_with_the_columns() {
    let table = names(&["text", "n"]);
    let refused = |prompt: &str| {
        let template = Template::compile(prompt, &[]);
        template.check_differs(&table).unwrap_err().to_string()
    };
    let words = |remedy: &str| {
        format!(
            "the prompt shows no column of the table, so every row would be asked the same; its columns are \"text\", \
             \"n\". {remedy}; if the prompt is meant so, set BEDROCK_PROMPT_WITHOUT_COLUMNS to `allow`"
        )
    };
    let meant = words("Did you mean `{n}`? A placeholder is a column's name in single braces");
    for prompt in [
        "Is {{ n }} odd?",
        "{% if x %}{{ n }}",
        "{ n }",
        "{\"k\": 1} { n }",
    ] {
        assert_eq!(refused(prompt), meant, "{prompt}");
    }
    let none = words(
        "Write a column's name in single braces where its value belongs, such as `{text}`, or `{input_data}` for the \
         whole row",
    );
    for prompt in ["Say yes.", "Answer as {\"label\": 1}.", "{}"] {
        assert_eq!(refused(prompt), none, "{prompt}");
    }
    for prompt in ["{n}", "{{n}}", "{input_data}", "{gone}"] {
        assert!(
            Template::compile(prompt, &[]).check_differs(&table).is_ok(),
            "{prompt}"
        );
    }
    let rules =
        br#"{"ruleset": {"user_prompt_template": "Judge."}, "rules": [{"rule_name": "a"}]}"#;
    let by_rules = Prompts::parse(rules).unwrap().template("chosen");
    assert!(by_rules.check_differs(&table).is_ok());
}

/// `{input_data}` is the column of that name or, without one, the whole row.
#[test]
fn input_data_is_the_whole_row_unless_it_is_a_column() {
    let template = Template::compile("{input_data}", &[]);
    template
        .check_columns(&names(&["id"]), MissingColumns::Refuse)
        .unwrap();
    let rendered = |format, table: &[u8]| {
        let mut rendered = Vec::new();
        for_each_row(format, table, template.columns(), |row| {
            rendered.push(template.render(row, &RenderOptions::default()));
        });
        rendered
    };
    assert_eq!(
        rendered(Format::Csv, b"id,t\n007,\"a\nb\"\n"),
        [r#"{"id":"007","t":"a\nb"}"#]
    );
    assert_eq!(rendered(Format::Csv, b"id,input_data\n007,x\n"), ["x"]);
    assert_eq!(
        rendered(
            Format::JsonLines,
            b"{\"id\": 1.0}\n{\"input_data\": [1]}\n{\"input_data\": null}\n"
        ),
        ["{\"id\": 1.0}", "[1]", ""]
    );
}

proptest! {
    /// Values are filled in one pass: the prompt is the template's text and the values, whatever
    /// they contain.
    #[test]
    fn values_are_never_expanded(
        pieces in prop::collection::vec(("[a{} ]{0,3}", 0_usize..3), 0..8),
        values in prop::collection::vec("(\\{(a|b|c|routed_rules|input_data)\\}|[{}abc\"\\\\\n]){0,4}", 3),
    ) {
        let listed = ["a", "b", "c"];
        let mut template = String::new();
        let mut expected = String::new();
        for (text, place) in &pieces {
            // A closing brace would turn the text before it into a placeholder.
            let text = text.replace('}', ")");
            template.extend([&text, "{", listed[*place], "}"]);
            expected.push_str(&text);
            expected.push_str(&values[*place]);
        }
        let template = Template::compile(&template, &names(&listed));
        let row = template.columns().iter().map(|name| {
            values[listed.iter().position(|listed| listed == name).unwrap()].clone()
        });
        prop_assert_eq!(template.render(&Given(row.collect()), &RenderOptions::default()), expected);
    }

    /// No value is longer than the limit, and a value within the limit does not change.
    #[test]
    fn values_keep_the_limit(text in "[aé😀\n]{0,120}", limit in FieldLimit::MIN..130) {
        let template = Template::compile("{a}", &[]);
        let field_limit = Some(FieldLimit::new(limit).unwrap());
        let options = RenderOptions { field_limit, ..RenderOptions::default() };
        let prompt = template.render(&given(&[&text]), &options);
        if text.chars().count() <= limit {
            prop_assert_eq!(prompt, text);
        } else {
            prop_assert_eq!(prompt.chars().count(), limit);
            let head = prompt.strip_suffix("\n... [TRUNCATED DUE TO LENGTH]").unwrap();
            prop_assert!(text.starts_with(head));
        }
    }

    /// Any text is a template, and without placeholders it is the prompt.
    #[test]
    fn every_text_is_a_template(text in "[{}a_é ]{0,20}") {
        let template = Template::compile(&text, &[]);
        let row: Vec<String> = template.columns().iter().map(|name| format!("{{{name}}}")).collect();
        prop_assert_eq!(template.render(&Given(row), &RenderOptions::default()), text);
    }
}

/// A search through all names at each brace would take hours.
#[test]
fn the_work_for_a_prompt_grows_with_its_length_only() {
    let names: Vec<String> = (0..300_000).map(|number| format!("c{number}")).collect();
    let shown = format!("{{{}}}", names.join("}{"));
    for listed in [&names[..], &[]] {
        let template = Template::compile(&shown, listed);
        assert_eq!(template.columns(), names);
        assert_eq!(template.missing(&[]), names);
        assert!(template.missing(&names).is_empty());
    }
    let file = json!({"user_prompt_template": shown, "input_placeholders": names});
    let prompts = Prompts::parse(file.to_string().as_bytes()).unwrap();
    assert!(prompts.warnings().is_empty());
    let one = [names[0].clone()];
    let template = Template::compile(&shown, &one);
    assert_eq!(template.unfilled(&names).count(), names.len() - 1);
    let spaced = format!("{{ {}x }}", names.join("x }{ "));
    let template = Template::compile(&spaced, &[]);
    template.check_differs(&names).unwrap_err();
}
