//! Inputs that are not regular files: pipes, devices, broken links, names that are not UTF-8, and
//! standard input.

use crate::command::{PROMPTS, Workplace};
use crate::table::Table;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

fn with_table() -> Workplace {
    let workplace = Workplace::new();
    workplace.file("data/a.csv", "text\nletter\n");
    workplace
}

fn answer(row: u32) -> String {
    format!(
        "{{\"recordId\":\"record_{row}\",\"modelOutput\":{{\"content\":[{{\"type\":\"text\",\
         \"text\":\"{{\\\"kind\\\":\\\"bill\\\"}}\"}}],\"usage\":{{}}}}}}\n"
    )
}

#[test]
fn what_is_not_a_table_is_never_opened_and_is_noted() {
    let workplace = with_table();
    let odd = workplace
        .path("data")
        .join(OsStr::from_bytes(b"caf\xe9.txt"));
    std::fs::write(odd, "x").unwrap();
    workplace.shell("mkfifo data/pipe.txt").good();
    symlink("nowhere", workplace.path("data/link.txt")).unwrap();
    symlink("/dev/zero", workplace.path("data/zero.log")).unwrap();
    let _socket = UnixListener::bind(workplace.path("data/s.sock")).unwrap();
    let ran = workplace
        .shell("timeout 60 bash -c 'true'; quarry run data --prompts prompts.json --out out")
        .good();
    for name in ["pipe.txt", "link.txt", "zero.log", "s.sock", "caf"] {
        assert!(ran.stdout.contains(name), "{}", ran.stdout);
    }
    assert_eq!(
        Table::csv(&workplace.read("out/validation_processed_data.csv"))
            .rows
            .len(),
        1
    );
}

#[test]
fn special_files_with_the_name_of_a_table_are_refused_by_name() {
    for (make, name, word) in [
        ("mkfifo data/b.csv", "b.csv", "a pipe"),
        ("ln -s nowhere data/b.csv", "b.csv", "a link to nowhere"),
        ("ln -s /dev/zero data/b.csv.gz", "b.csv.gz", "a device"),
        ("touch $'data/b\\xe9.csv'", "data/b", "not UTF-8"),
        (
            "mkdir data/train; mkfifo data/train/b.csv",
            "train/b.csv",
            "a pipe",
        ),
    ] {
        let workplace = with_table();
        workplace.shell(make).good();
        let ran = workplace.quarry("run data --prompts prompts.json --out out");
        assert_eq!(ran.code, 3, "{make}: {ran:?}");
        assert!(ran.stderr.contains(name), "{make}: {}", ran.stderr);
        assert!(ran.stderr.contains(word), "{make}: {}", ran.stderr);
    }
    let workplace = with_table();
    let ran = workplace.shell("quarry run <(cat data/a.csv) --prompts prompts.json --out out");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("is a pipe"), "{}", ran.stderr);
}

#[test]
fn answers_may_come_through_pipes_and_standard_input() {
    let workplace = Workplace::new();
    workplace.file("data.csv", "text\na\nb\nc\n");
    for row in 0..3 {
        workplace.file(&format!("{row}.out"), answer(row));
    }
    let merge =
        "quarry merge data.csv --prompts prompts.json --schema schema.json --out out --answers";
    for answers in [
        "<(cat 0.out) <(cat 1.out 2.out)",
        "- < <(cat 0.out 1.out 2.out)",
        "0.out - 2.out < 1.out",
    ] {
        workplace.shell(&format!("{merge} {answers}")).good();
        let result = Table::csv(&workplace.read("out/validation_processed_data.csv"));
        assert_eq!(result.column("llm_kind"), ["bill"; 3], "{answers}");
        assert_eq!(
            workplace
                .files("out")
                .iter()
                .filter(|name| name.starts_with('.'))
                .count(),
            0
        );
    }
    let ran = workplace.shell(&format!("{merge} 0.out /dev/zero"));
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains("/dev/zero is a device"),
        "{}",
        ran.stderr
    );
}

#[test]
fn prompts_and_schema_may_come_through_pipes_and_standard_input() {
    let workplace = with_table();
    workplace
        .quarry_reading(
            "run data --prompts - --schema schema.json --out out",
            PROMPTS.as_bytes(),
        )
        .good();
    workplace
        .shell(
            "quarry run data --prompts <(cat prompts.json) --schema <(cat schema.json) --out out2",
        )
        .good();
    let columns = |folder: &str| {
        Table::csv(&workplace.read(&format!("{folder}/validation_processed_data.csv"))).columns
    };
    assert_eq!(columns("out"), columns("out2"));
    let ran = workplace.quarry("run data --prompts /dev/zero --out out3");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("/dev/zero"), "{}", ran.stderr);
}

#[test]
fn where_standard_input_cannot_be_it_is_refused_by_name() {
    let workplace = with_table();
    for (command, word) in [
        ("run - --prompts prompts.json", "save it as a file"),
        (
            "run data --prompts prompts.json --out -",
            "--out - is not possible",
        ),
        (
            "merge data --prompts prompts.json --answers a.out --out -",
            "--out - is not possible",
        ),
        (
            "run data --prompts - --schema -",
            "standard input can be read once",
        ),
        ("parse --schema -", "standard input can be read once"),
    ] {
        let ran = workplace.quarry_reading(command, b"{}");
        assert_eq!(ran.code, 2, "{command}: {ran:?}");
        assert!(ran.stderr.contains(word), "{command}: {}", ran.stderr);
    }
    assert!(!workplace.path("-").exists());
}

#[test]
fn two_runs_do_not_write_to_one_folder() {
    let workplace = with_table();
    std::fs::create_dir(workplace.path("out")).unwrap();
    // The lock is held by another process.
    let ran = workplace.shell(
        "exec 9> out/.quarry.lock; flock 9; echo 12345 >&9; \
         quarry run data --prompts prompts.json --out out 9>&-",
    );
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("process 12345"), "{}", ran.stderr);
    workplace
        .quarry("run data --prompts prompts.json --out out")
        .good();
    assert_eq!(workplace.files("out").len(), 3);
}
