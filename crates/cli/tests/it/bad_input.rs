//! Bad input is refused with exit code 3 (2 when the command line is wrong), and with one line that
//! names the place and the remedy. Nothing is left in the output folder.

use crate::command::Workplace;

/// Runs over `data` with more arguments and files, in addition to prompts, a schema and a good
/// table.
#[track_caller]
fn refused(data: &str, more: &str, files: &[(&str, &[u8])], words: &[&str]) {
    let workplace = Workplace::new();
    workplace.file("good.csv", "text,n\nletter,1\n");
    for (name, bytes) in files {
        workplace.file(name, bytes);
    }
    let ran = workplace.run(data, more);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(ran.stdout, "");
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.starts_with("quarry: "), "{}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "no {word:?} in {}", ran.stderr);
    }
    // The stack's own locations mean nothing to a user who gave files.
    assert!(!ran.stderr.contains("s3://"), "{}", ran.stderr);
    assert_eq!(workplace.files("out"), Vec::<String>::new());
}

/// Asserts that a table is refused.
#[track_caller]
fn table_refused(name: &str, bytes: &[u8], words: &[&str]) {
    refused(name, "", &[(name, bytes)], words);
}

/// Asserts that these arguments or files are refused with a good table.
#[track_caller]
fn arguments_refused(more: &str, files: &[(&str, &[u8])], words: &[&str]) {
    refused("good.csv", more, files, words);
}

/// Asserts that a folder is refused.
#[track_caller]
fn folder_refused(files: &[(&str, &[u8])], words: &[&str]) {
    refused("data", "", files, words);
}

#[test]
fn a_column_that_the_prompt_uses_and_the_table_lacks() {
    table_refused(
        "data.csv",
        b"txt,n\nletter,1\n",
        &[
            "data.csv",
            "\"text\"",
            "\"txt\", \"n\"",
            "Correct the prompt or the table",
        ],
    );
    table_refused(
        "data.jsonl",
        b"{\"txt\": 1}\n",
        &["data.jsonl", "\"text\"", "\"txt\""],
    );
}

#[test]
fn prompts_that_are_not_json() {
    arguments_refused(
        "",
        &[("prompts.json", b"{\n\"user_prompt_template\": ]")],
        &[
            "prompts.json",
            "not valid JSON",
            "line 2 column",
            "correct the file",
        ],
    );
}

#[test]
fn prompts_of_the_wrong_type() {
    arguments_refused(
        "",
        &[("prompts.json", b"{\"user_prompt_template\": 7}")],
        &["prompts.json", "user_prompt_template", "found"],
    );
}

#[test]
fn a_schema_that_is_not_json() {
    arguments_refused(
        "",
        &[("schema.json", b"{\"properties\": ")],
        &["schema.json", "not valid JSON", "line 1 column"],
    );
}

#[test]
fn a_schema_of_something_other_than_an_object_with_properties() {
    for schema in [
        &b"[]"[..],
        b"true",
        br#"{"type": "array"}"#,
        br##"{"$ref": "#/$defs/gone", "$defs": {"a": {"properties": {"b": {}}}}}"##,
        br#"{"properties": ["a"]}"#,
    ] {
        arguments_refused(
            "",
            &[("schema.json", schema)],
            &["schema.json", "`properties`", "result columns"],
        );
    }
}

#[test]
fn an_invalid_schema() {
    arguments_refused(
        "",
        &[(
            "schema.json",
            br#"{"type": "object", "properties": {"a": {"type": "strin"}}}"#,
        )],
        &[
            "not a valid JSON Schema at #/properties/a/type",
            "it has \"strin\", but must be \"string\"",
        ],
    );
}

#[test]
fn a_schema_of_another_document() {
    arguments_refused(
        "",
        &[(
            "schema.json",
            br#"{"properties": {"a": {"$ref": "https://example.com/a.json"}}}"#,
        )],
        &[
            "https://example.com/a.json",
            "#/properties/a/$ref",
            "`$defs`",
        ],
    );
}

#[test]
fn a_key_that_is_given_twice() {
    arguments_refused(
        "",
        &[(
            "schema.json",
            br#"{"properties": {"a": {}, "a": {"type": "string"}}}"#,
        )],
        &["schema.json", "`a` is given twice"],
    );
    arguments_refused(
        "",
        &[(
            "prompts.json",
            br#"{"user_prompt_template": "{text}", "user_prompt_template": "x {text}"}"#,
        )],
        &["prompts.json", "`user_prompt_template` is given twice"],
    );
}

#[test]
fn a_misspelt_key_of_the_prompts() {
    arguments_refused(
        "",
        &[("prompts.json", br#"{"user_prompt_tempalte": "Say {text}"}"#)],
        &["prompts.json", "did you mean user_prompt_template?"],
    );
}

#[test]
fn missing_files() {
    for (more, name) in [
        ("--prompts nowhere.json", "nowhere.json"),
        ("--schema nowhere.json", "nowhere.json"),
        ("--faults nowhere.json", "nowhere.json"),
        ("--answers nowhere.jsonl", "nowhere.jsonl"),
    ] {
        let workplace = Workplace::new();
        workplace.file("good.csv", "text\nletter\n");
        let prompts = if more.starts_with("--prompts") {
            ""
        } else {
            "--prompts prompts.json"
        };
        let ran = workplace.quarry(&format!("run good.csv {prompts} --out out {more}"));
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stderr.contains(name), "{}", ran.stderr);
        assert!(ran.stderr.contains("cannot be read"), "{}", ran.stderr);
    }
}

#[test]
fn missing_data() {
    refused(
        "nowhere.csv",
        "",
        &[],
        &["nowhere.csv does not exist", "give a table file"],
    );
}

#[test]
fn a_file_of_no_bytes() {
    table_refused("data.csv", b"", &["data.csv is empty", "header row"]);
    table_refused(
        "data.csv",
        b"\r\n\r\n",
        &["data.csv is empty", "header row"],
    );
}

#[test]
fn two_columns_of_one_name() {
    table_refused(
        "data.csv",
        b"text,n,text\na,1,b\n",
        &[
            "data.csv, header (line 1",
            "columns 1 and 3",
            "\"text\"",
            "its own name",
        ],
    );
}

#[test]
fn a_row_with_another_number_of_cells() {
    table_refused(
        "data.csv",
        b"text,n\na,1\nb,2,3\n",
        &[
            "data.csv, row 2 (line 3, byte 11)",
            "3 cells",
            "header has 2",
            "quote cells",
        ],
    );
    table_refused(
        "data.csv",
        b"text,n\n\"a\nb\",1\nb\n",
        &[
            "data.csv, row 2 (line 4, byte 15)",
            "1 cells",
            "header has 2",
        ],
    );
}

#[test]
fn a_quote_that_is_never_closed() {
    table_refused(
        "data.csv",
        b"text,n\na,1\nb,\"2\nc,3\n",
        &[
            "data.csv, row 2 (line 3, byte 13)",
            "never closed",
            "add the closing quote",
        ],
    );
}

#[test]
fn text_that_is_not_utf_8() {
    table_refused(
        "data.csv",
        b"text,n\na,1\nGr\xfc\xdfe,2\n",
        &[
            "data.csv, row 2 (line 3, byte 13)",
            "not UTF-8",
            "save the file as UTF-8",
        ],
    );
    table_refused(
        "data.csv",
        b"\xff\xfet\0e\0x\0t\0\n\0",
        &["data.csv", "UTF-16", "save the file as UTF-8"],
    );
}

#[test]
fn lines_that_are_not_json_objects() {
    table_refused(
        "data.jsonl",
        b"{\"text\": \"a\"}\n{\"text\": \n",
        &[
            "data.jsonl, row 2 (line 2",
            "not valid JSON",
            "one complete JSON object",
        ],
    );
    table_refused(
        "data.jsonl",
        b"{\"text\": \"a\"}\n[1]\n",
        &[
            "data.jsonl, row 2 (line 2, byte 14)",
            "an array, not a JSON object",
        ],
    );
    table_refused(
        "data.jsonl",
        b"{\"text\": \"a\", \"text\": \"b\"}\n",
        &["data.jsonl, row 1", "\"text\" appears twice"],
    );
}

#[test]
fn an_incomplete_gzip_file() {
    table_refused(
        "data.csv.gz",
        b"text\nletter\n",
        &["data.csv.gz", "not a whole gzip file"],
    );
}

#[test]
fn a_setting_out_of_range() {
    for (setting, allowed) in [
        ("BEDROCK_BATCH_TIMEOUT_HOURS=5", "24 to 168"),
        ("BEDROCK_TEMPERATURE=warm", "0 to 2"),
        ("BEDROCK_MAX_RETRIES=11", "0 to 10"),
        ("BEDROCK_BATCH_MODE=sometimes", "realtime"),
        ("BEDROCK_SKIP_ERROR_RECORDS=perhaps", "true"),
    ] {
        let (name, value) = setting.split_once('=').expect("a value");
        arguments_refused(
            &format!("--set {setting}"),
            &[],
            &[name, &format!("`{value}`"), "allowed: ", allowed],
        );
    }
}

#[test]
fn an_unknown_setting() {
    arguments_refused(
        "--set BEDROCK_MAX_TOKEN=5",
        &[],
        &[
            "`BEDROCK_MAX_TOKEN` is not a setting",
            "did you mean `BEDROCK_MAX_TOKENS`?",
        ],
    );
}

#[test]
fn a_result_column_that_the_table_has() {
    table_refused(
        "data.csv",
        b"text,llm_status\na,1\n",
        &[
            "data.csv",
            "`llm_status`",
            "rename it",
            "BEDROCK_OUTPUT_COLUMN_PREFIX",
            "BEDROCK_REPLACE_COLUMNS=true",
        ],
    );
}

#[test]
fn files_with_different_headers() {
    folder_refused(
        &[
            ("data/1.csv", b"text,n\na,1\n"),
            ("data/2.csv", b"text,m\nb,2\n"),
        ],
        &[
            "column 2 of 1.csv is \"n\"",
            "of 2.csv \"m\"",
            "the same columns",
        ],
    );
}

#[test]
fn files_of_two_formats() {
    folder_refused(
        &[
            ("data/1.csv", b"text\na\n"),
            ("data/2.jsonl", b"{\"text\": \"b\"}\n"),
        ],
        &["1.csv and 2.jsonl", "different formats", "another folder"],
    );
}

#[test]
fn a_folder_without_a_table() {
    folder_refused(
        &[("data/readme.txt", b"hello")],
        &["no table in data/", "*.csv", "found readme.txt"],
    );
    folder_refused(
        &[("data/train/1.csv", b"text\na\n")],
        &[
            "no table in data/",
            "found train/1.csv",
            "when the job type is training",
        ],
    );
}

#[test]
fn a_file_that_is_not_a_table() {
    table_refused("data.xlsx", b"PK", &["data.xlsx is not a table", "*.csv"]);
}

#[test]
fn a_request_file_that_cannot_be_used() {
    folder_refused(
        &[("data/request.json", b"{\"version\": 1, \"dat\": 3}")],
        &["request.json", "unknown field `dat`"],
    );
    folder_refused(
        &[("data/request.json", b"{\"sample\": {\"rows\": \"4\"}}")],
        &["request.json: `sample.rows`: found the text \"4\", expected a whole number"],
    );
    folder_refused(
        &[("data/request.json", b"")],
        &["request.json is empty: write a JSON object into it"],
    );
    folder_refused(
        &[(
            "data/request.json",
            br#"{"version": 9, "data": "d", "prompts": "p", "job_type": "validation"}"#,
        )],
        &["request.json has version 9", "version 1"],
    );
}

#[test]
fn faults_and_answers_that_cannot_be_read() {
    arguments_refused(
        "--faults faults.json",
        &[("faults.json", b"{\"record\": []}")],
        &["faults.json", "unknown field `record`"],
    );
    arguments_refused(
        "--answers answers.jsonl",
        &[("answers.jsonl", b"{\"text\": \"a\"}\n{\"txt\": \"a\"}\n")],
        &["answers.jsonl", "line 2", "unknown field `txt`"],
    );
}

#[test]
fn an_output_that_cannot_be_written() {
    for command in ["run", "merge --answers good.csv"] {
        let workplace = Workplace::new();
        workplace.file("good.csv", "text\nletter\n");
        workplace.file("file", "not a folder");
        let ran = workplace.quarry(&format!(
            "{command} --prompts prompts.json --out file/below -- good.csv"
        ));
        assert_eq!(ran.code, 3, "{ran:?}");
        for word in ["file/below cannot be written", "--out"] {
            assert!(ran.stderr.contains(word), "{}", ran.stderr);
        }
        assert_eq!(workplace.read("file"), b"not a folder");
    }
}

#[test]
fn preview_merge_and_parse_refuse_as_a_run_does() {
    let workplace = Workplace::new();
    workplace.file("bad.csv", "txt\nletter\n");
    workplace.file("good.csv", "text\nletter\n");
    workplace.file("bad.json", "{");
    for (command, word) in [
        (
            "preview bad.csv --prompts prompts.json",
            "bad.csv: the prompt uses \"text\"",
        ),
        ("preview good.csv --prompts bad.json", "bad.json: "),
        (
            "merge bad.csv --prompts prompts.json --answers good.csv --out out",
            "bad.csv: the prompt uses \"text\"",
        ),
        (
            "merge good.csv --prompts prompts.json --answers nowhere.out --out out",
            "nowhere.out cannot be read",
        ),
        ("parse --schema bad.json", "bad.json is not valid JSON"),
        ("parse --schema nowhere.json", "nowhere.json cannot be read"),
    ] {
        let ran = workplace.quarry(command);
        assert_eq!(ran.code, 3, "{command}: {ran:?}");
        assert!(ran.stderr.contains(word), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let workplace = Workplace::new();
    workplace.file("good.csv", "text\nletter\n");
    for (command, word) in [
        ("", "Usage"),
        ("dig", "unrecognized subcommand"),
        ("run", "<DATA>"),
        ("run good.csv --out out", "--prompts FILE"),
        ("preview good.csv", "--prompts FILE"),
        (
            "merge good.csv --prompts prompts.json --out out",
            "--answers",
        ),
        (
            "run good.csv --prompts prompts.json --set BEDROCK_MAX_TOKENS",
            "NAME=VALUE",
        ),
        (
            "run good.csv --prompts prompts.json --job-type trainig",
            "`trainig`",
        ),
        ("run good.csv --prompts prompts.json --nope", "--nope"),
        (
            "preview good.csv --prompts prompts.json --limit many",
            "many",
        ),
    ] {
        let ran = workplace.quarry(command);
        assert_eq!(ran.code, 2, "{command}: {ran:?}");
        assert!(ran.stderr.contains(word), "{command}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}
