//! Replays the corpus, and changed forms of its inputs.

use crate::changes::{Numbers, changed};
use quarry_fuzz_targets::{FuzzTarget, TARGETS};
use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// The changed inputs of each parser. `QUARRY_LONG_TESTS` makes them a hundred times as many.
const CHANGED: usize = 400;

/// The most memory that this program may have had, in bytes. The inputs are a few KB long.
const MOST_MEMORY: u64 = 512 << 20;

fn fuzz() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// Returns the names of the files in a folder, in order.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Returns the most memory that this process has had, in bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line
        .and_then(|line| line.split_whitespace().next())
        .unwrap();
    kib.parse::<u64>().unwrap() << 10
}

/// Checks an input. If a promise is broken, the input is kept in a file.
fn check(target: &FuzzTarget, input: &[u8], what: &str) {
    let (promise, before) = (target.check, memory());
    let kept = catch_unwind(|| promise(input)).is_ok();
    if kept && memory() <= MOST_MEMORY {
        return;
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.input", target.name));
    std::fs::write(&file, input).unwrap();
    panic!(
        "{}: {what} breaks a promise ({} bytes of memory before, {} after); the input is in {}: put it into \
         fuzz/corpus/{0} under a name with an ending",
        target.name,
        before,
        memory(),
        file.display()
    );
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let folder = fuzz().join("corpus").join(name);
    let inputs: Vec<(String, Vec<u8>)> = names(&folder)
        .into_iter()
        .map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap()))
        .collect();
    for (name, input) in &inputs {
        check(target, input, name);
    }
    let times = if std::env::var_os("QUARRY_LONG_TESTS").is_some() {
        CHANGED * 100
    } else {
        CHANGED
    };
    let mut numbers = Numbers::new(name.len() as u64);
    for number in 0..times {
        let (name, input) = &inputs[number % inputs.len()];
        let (_, other) = &inputs[numbers.below(inputs.len())];
        let changed = changed(input, other, target.words, &mut numbers);
        check(target, &changed, &format!("change {number}, of {name},"));
    }
}

/// A parser without inputs would not be tested, and one without a program could not be fuzzed.
#[test]
fn every_parser_has_a_corpus_and_a_program_for_the_fuzzer() {
    let targets: BTreeSet<String> = TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    assert_eq!(names(&fuzz().join("corpus")), targets);
    let programs = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&fuzz().join("fuzz_targets")), programs);
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in &targets {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        assert!(
            names(&fuzz().join("corpus").join(name)).len() >= 5,
            "{name}"
        );
    }
}

#[test]
fn any_line_of_output_is_read_or_refused_with_its_place() {
    replay("answer_line");
}

#[test]
fn any_answer_has_a_whole_reading_and_no_part_of_an_object_passes() {
    replay("answer_text");
}

#[test]
fn any_event_starts_runs_in_its_own_folders_or_fails_by_name() {
    replay("event");
}

#[test]
fn any_input_of_an_execution_is_read_or_a_bad_request() {
    replay("execution_input");
}

#[test]
fn any_parquet_file_is_refused_by_name_or_its_rows_pass_through() {
    replay("parquet");
}

#[test]
fn any_parquet_footer_is_read_or_refused_by_name() {
    replay("parquet_footer");
}

#[test]
fn any_prompts_file_is_refused_or_shows_each_cell_once() {
    replay("prompts");
}

#[test]
fn any_request_file_is_read_or_refused_by_name() {
    replay("request_file");
}

#[test]
fn any_schema_is_refused_by_its_place_or_reads_its_answers() {
    replay("schema");
}

#[test]
fn any_table_has_the_same_rows_however_it_is_cut_and_with_results() {
    replay("table");
}

#[test]
fn any_template_is_rendered_as_it_is_written() {
    replay("template");
}
