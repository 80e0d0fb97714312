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

/// A name with a blank is no placeholder unless it is listed, and every row would be asked without it.
#[tokio::test]
async fn a_column_in_braces_that_would_stay_as_it_is_is_refused_or_noted() {
    let table = [("t.csv", &b"text,Release Date\nhello,2020\n"[..])];
    let prompt = r#"{"user_prompt_template": "Released: {Release Date} {text}"}"#;
    assert_eq!(
        refusal(&RunInput::new(prompt, &table).await).await,
        "t.csv: the prompt has `{Release Date}`, which is a column of the table but would stay as it is: without \
         input_placeholders only letters, digits and underscores in braces are placeholders. List \"Release Date\" in \
         input_placeholders, with the others"
    );
    let listed = r#"{"user_prompt_template": "Released: {Release Date} {text}", "input_placeholders": ["text"]}"#;
    let plan = RunInput::new(listed, &table).await.plan().await.unwrap();
    let note = "the prompt has {Release Date}, a column that input_placeholders does not list: it stays as it is";
    assert!(
        plan.notes.iter().any(|found| found == note),
        "{:?}",
        plan.notes
    );
    let filled = r#"{"user_prompt_template": "{Release Date} {text}", "input_placeholders": ["text", "Release Date"]}"#;
    let plan = RunInput::new(filled, &table).await.plan().await.unwrap();
    assert_eq!(
        plan.notes
            .iter()
            .filter(|note| note.contains("stays"))
            .count(),
        0
    );
    let other = r#"{"user_prompt_template": "Answer as {\"a\": 1} or {no column}: {text}"}"#;
    RunInput::new(other, &table).await.plan().await.unwrap();
}
