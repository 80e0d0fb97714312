//! The table of models in the terminal and as a page.

use crate::command::Workplace;
use expect_test::expect_file;

#[test]
fn the_page_of_models_is_made_from_the_table() {
    let page = Workplace::new().quarry("models --markdown").good().stdout;
    expect_file!["../../../../docs/models.md"].assert_eq(&page);
}

#[test]
fn a_model_is_found_by_a_part_of_its_name_and_by_the_id_of_a_profile() {
    let workplace = Workplace::new();
    let by_name = workplace.quarry("models haiku-4-5").good().stdout;
    for part in [
        "Claude Haiku 4.5\n",
        "anthropic.claude-haiku-4-5-20251001-v1:0",
        "answers of at most 64000",
        "by a forced tool call, then structured output",
        "batch 0.5 / 2.5",
    ] {
        assert!(by_name.contains(part), "{by_name}");
    }
    let profile = "models us.anthropic.claude-haiku-4-5-20251001-v1:0";
    assert_eq!(workplace.quarry(profile).good().stdout, by_name);
}

#[test]
fn many_models_are_listed_a_line_each() {
    let listed = Workplace::new().quarry("models anthropic").good().stdout;
    let lines: Vec<&str> = listed
        .lines()
        .filter(|line| line.starts_with("anthropic."))
        .collect();
    assert!(lines.len() > 10, "{listed}");
    assert!(listed.starts_with("MODEL"), "{listed}");
    let all = Workplace::new().quarry("models").good().stdout;
    for line in listed.lines().chain(all.lines()) {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn the_table_as_json_has_every_group_of_facts_with_its_source() {
    let all = Workplace::new().quarry("models --json").good().report();
    let all = all.as_array().expect("a list").clone();
    assert!(all.len() > 100);
    for model in all {
        for member in [
            "ids",
            "provider",
            "name",
            "capabilities",
            "prices",
            "sources",
        ] {
            assert!(!model[member].is_null(), "{model}");
        }
        let takes = &model["capabilities"];
        for fact in [
            "prefill",
            "forced_tool",
            "thinking",
            "flex",
            "images",
            "batch",
        ] {
            assert!(!takes[fact].is_null(), "{model}");
        }
        let sources = model["sources"].as_object().expect("sources");
        assert_eq!(sources.len(), 12, "{model}");
        assert!(
            sources
                .values()
                .all(|source| source["what"].is_string() && source["checked"].is_string()),
            "{model}"
        );
    }
}

#[test]
fn a_model_that_is_not_listed_is_reported_as_unknown() {
    let workplace = Workplace::new();
    let ran = workplace.quarry("models anthropic.claude-opus-9");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr
            .contains("a model of Anthropic that is not listed"),
        "{ran:?}"
    );
    let ran = workplace.quarry("models nothing-like-it");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("`quarry models` lists all"), "{ran:?}");
}
