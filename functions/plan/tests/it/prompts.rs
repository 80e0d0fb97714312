//! Prompts that do not fit the table.

use crate::support::refusal;
use quarry_planned_run::RunInput;

const FIXED: &str = r#"{"user_prompt_template": "Classify {{ text }}."}"#;

#[tokio::test]
async fn a_prompt_that_shows_no_column_is_refused_in_every_format() {
    for (name, data) in [
        ("data.csv", &b"text,n\nhello,1\n"[..]),
        ("data.jsonl", b"{\"text\": \"hello\", \"n\": 1}\n"),
    ] {
        let error = refusal(&RunInput::new(FIXED, &[(name, data)]).await).await;
        for words in [
            name,
            "its columns are \"text\", \"n\". Did you mean `{text}`?",
        ] {
            assert!(error.contains(words), "{error}");
        }
    }
}

#[tokio::test]
async fn a_prompt_that_shows_no_column_can_be_allowed() {
    let data = [("data.csv", &b"text,n\nhello,1\n"[..])];
    let case = RunInput::new(FIXED, &data).await;
    let plan = case
        .set("BEDROCK_PROMPT_WITHOUT_COLUMNS", "allow")
        .plan()
        .await;
    assert_eq!(plan.unwrap().tables[0].rows, 1);
}
