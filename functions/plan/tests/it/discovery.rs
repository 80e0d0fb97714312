//! Which files make a table, and what the notes say about the others.

use crate::support::{WHOLE, packed, refusal};
use quarry_contract::plan::Plan;
use quarry_planned_run::RunInput;

const TABLE: &[u8] = b"row\nr0\n";

fn files_of(plan: &Plan) -> Vec<Vec<&str>> {
    plan.tables
        .iter()
        .map(|table| table.files.iter().map(|file| &*file.name).collect())
        .collect()
}

async fn training(files: &[(&str, &[u8])]) -> RunInput {
    let mut input = RunInput::new(WHOLE, files).await;
    input.payload.request.job_type = "training".parse().unwrap();
    input
}

#[tokio::test]
async fn the_table_files_of_the_data_folder_are_one_table_and_the_rest_is_noted() {
    let files = [
        ("b.csv", TABLE),
        ("a.csv", TABLE),
        ("notes.txt", b"x"),
        (".a.csv.crc", b"x"),
        ("deeper/c.csv", TABLE),
        ("", b""),
    ];
    let plan = RunInput::new(WHOLE, &files).await.plan().await.unwrap();
    assert_eq!(files_of(&plan), [["a.csv", "b.csv"]]);
    for note in [
        "left out, in folders below the data folder: deeper/c.csv",
        "left out, names that begin with a dot: .a.csv.crc",
        "left out, not CSV, TSV, JSON Lines or Parquet: notes.txt",
    ] {
        assert!(
            plan.notes.iter().any(|text| text == note),
            "{:?}",
            plan.notes
        );
    }
}

#[tokio::test]
async fn a_note_names_ten_files_and_the_number_of_the_others() {
    let names: Vec<String> = (10..22).map(|number| format!("{number}.txt")).collect();
    let mut files = vec![("a.csv", TABLE)];
    files.extend(names.iter().map(|name| (&**name, &b"x"[..])));
    let plan = RunInput::new(WHOLE, &files).await.plan().await.unwrap();
    assert!(
        plan.notes
            .iter()
            .any(|note| note.ends_with(": 10.txt, 11.txt, 12.txt, 13.txt, 14.txt, 15.txt, 16.txt, 17.txt, 18.txt, 19.txt and 2 more")),
        "{:?}",
        plan.notes
    );
}

#[tokio::test]
async fn a_request_may_name_one_file() {
    let mut input = RunInput::new(WHOLE, &[("a.csv", TABLE), ("b.csv", TABLE)]).await;
    input.payload.request.data = "s3://bucket/in/b.csv".parse().unwrap();
    let plan = input.plan().await.unwrap();
    assert_eq!(files_of(&plan), [["b.csv"]]);
}

#[tokio::test]
async fn a_training_run_has_a_table_for_each_split_in_the_order_train_val_test() {
    let files = [
        ("test/t.csv", TABLE),
        ("train/t.csv", TABLE),
        ("val/readme.md", b"x"),
        ("outside.csv", TABLE),
    ];
    let plan = training(&files).await.plan().await.unwrap();
    let splits: Vec<Option<&str>> = plan.tables.iter().map(|t| t.split.as_deref()).collect();
    assert_eq!(splits, [Some("train"), Some("val"), Some("test")]);
    let empty = &plan.tables[1];
    assert_eq!((empty.rows, empty.slices, &*empty.header), (0, 0, "row"));
    let notes = plan.notes.join("\n");
    for words in [
        "the folder val/ has no table file",
        "outside train/, val/ and test/: outside.csv",
    ] {
        assert!(notes.contains(words), "{notes}");
    }
}

#[tokio::test]
async fn a_training_run_without_splits_has_one_table() {
    let plan = training(&[("a.csv", TABLE)]).await.plan().await.unwrap();
    assert_eq!(
        (plan.tables.len(), plan.tables[0].split.as_deref()),
        (1, None)
    );
}

#[tokio::test]
async fn a_folder_without_a_table_is_refused_with_its_content() {
    let empty = RunInput::new(WHOLE, &[]).await;
    let text = refusal(&empty).await;
    assert!(
        text.contains("there is no table in s3://bucket/in/") && text.ends_with("found nothing"),
        "{text}"
    );
    let other = RunInput::new(WHOLE, &[("a.xlsx", b"x")]).await;
    let text = refusal(&other).await;
    assert!(
        text.contains("put files named ") && text.ends_with("found a.xlsx"),
        "{text}"
    );
    let splits = RunInput::new(WHOLE, &[("train/a.csv", TABLE)]).await;
    let text = refusal(&splits).await;
    assert!(
        text.ends_with("train/, val/ and test/ are read when the job type is training"),
        "{text}"
    );
}

#[tokio::test]
async fn a_file_that_is_missing_or_not_a_table_is_refused_by_its_name() {
    let mut input = RunInput::new(WHOLE, &[("a.xlsx", b"x")]).await;
    input.payload.request.data = "s3://bucket/in/b.csv".parse().unwrap();
    let text = refusal(&input).await;
    assert_eq!(
        text,
        "there is no file s3://bucket/in/b.csv; correct `data`"
    );
    input.payload.request.data = "s3://bucket/in/a.xlsx".parse().unwrap();
    let text = refusal(&input).await;
    assert!(
        text.starts_with("s3://bucket/in/a.xlsx is not a table: use a file named "),
        "{text}"
    );
}

#[tokio::test]
async fn files_of_two_formats_in_one_folder_are_refused_with_the_remedy() {
    let files = [("a.csv", TABLE), ("b.jsonl", b"{}\n")];
    let text = refusal(&RunInput::new(WHOLE, &files).await).await;
    for words in [
        "a.csv and b.jsonl are of different formats",
        "put it in another folder",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn a_table_is_compressed_if_all_of_its_files_are() {
    let gzip = packed(std::str::from_utf8(TABLE).unwrap());
    let mixed = [("a.csv", TABLE), ("b.csv.gz", &*gzip)];
    let plan = RunInput::new(WHOLE, &mixed).await.plan().await.unwrap();
    assert!(!plan.tables[0].gzip);
    let packed = RunInput::new(WHOLE, &[("b.csv.gz", &gzip)]).await;
    let plan = packed.plan().await.unwrap();
    assert!(plan.tables[0].gzip);
    let file = &plan.tables[0].files[0];
    let at = file.location.to_string();
    assert!(at.starts_with("s3://bucket/work/run/staged/0/000000-"));
    let unpacked = quarry_edge::store::ObjectStore::get(&packed.store, &file.location, 99).await;
    assert_eq!(unpacked.unwrap(), TABLE);
}
