//! Prompts that do not fit the table.

use crate::support::Case;

const FIXED: &str = r#"{"user_prompt_template": "Classify {{ text }}."}"#;

#[tokio::test]
async fn a_prompt_that_shows_no_column_is_refused_in_every_format() {
    for (name, data) in [
        ("data.csv", &b"text,n\nhello,1\n"[..]),
        ("data.jsonl", b"{\"text\": \"hello\", \"n\": 1}\n"),
    ] {
        let error = Case::new(FIXED, &[(name, data)])
            .await
            .plan()
            .await
            .unwrap_err();
        for words in [
            name,
            "its columns are \"text\", \"n\". Did you mean `{text}`?",
        ] {
            assert!(error.contains(words), "{error}");
        }
    }
}

#[tokio::test]
async fn a_prompt_that_shows_no_column_can_be_meant_so() {
    let data = [("data.csv", &b"text,n\nhello,1\n"[..])];
    let case = Case::new(FIXED, &data).await;
    let plan = case
        .set("BEDROCK_PROMPT_WITHOUT_COLUMNS", "allow")
        .plan()
        .await;
    assert_eq!(plan.unwrap().tables[0].rows, 1);
}
