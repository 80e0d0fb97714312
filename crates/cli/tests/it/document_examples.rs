//! The first examples of the documents for users: they run in the top folder of a clone, and print what the page shows.
//!
//! `UPDATE_EXPECT=1` writes what they print today into the pages.

use crate::command::{Ran, Workplace};
use crate::documents::{CodeBlock, DocumentPage, FROM_THE_CLONE, NEED_A_DEPLOYMENT, pages, root};
use crate::table::Table;
use expect_test::expect_file;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::sync::Mutex;

/// The page that shows rows and members of the summary.
const OF_RESULTS: &str = "docs/results.md";

/// How many examples run at a time.
const AT_A_TIME: usize = 2;

#[test]
fn the_first_example_of_every_page_runs_when_it_is_pasted_and_prints_what_the_page_shows() {
    let mut by_example: BTreeMap<String, Vec<DocumentPage>> = BTreeMap::new();
    for page in pages() {
        let needs_none = !NEED_A_DEPLOYMENT.contains(&page.name.as_str());
        if needs_none && (page.name == "README.md" || page.name.starts_with("docs/")) {
            by_example.entry(page.example()).or_default().push(page);
        }
    }
    let examples = Mutex::new(by_example.into_iter());
    let next = || examples.lock().expect("the other thread is well").next();
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((example, pages)) = next() {
                    paste(&example, &pages);
                }
            });
        }
    });
}

/// Runs an example in a folder that has what it reads of a clone, and compares the pages that begin with it.
#[track_caller]
fn paste(example: &str, pages: &[DocumentPage]) {
    let name = &pages[0].name;
    assert!(
        !example.lines().any(|line| line.starts_with("quarry ")),
        "{name}: `quarry` may not be installed; write `{FROM_THE_CLONE}`"
    );
    let workplace = Workplace::new();
    std::os::unix::fs::symlink(root().join("examples"), workplace.path("examples"))
        .expect("a link");
    let configuration = "infra/samconfig.example.toml";
    let bytes = fs::read(root().join(configuration)).expect("the example of a configuration");
    workplace.file(configuration, bytes);
    let pasted = example.replace(FROM_THE_CLONE, "quarry ");
    let ran = workplace.shell(&format!("set -e\n{pasted}"));
    assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
    assert!(!ran.stdout.is_empty(), "{name}");
    // The page of the models is written by the command itself.
    for page in pages.iter().filter(|page| page.name != "docs/models.md") {
        let mut edits = page.changed_outputs(&workplace, &ran);
        if page.name == OF_RESULTS {
            edits.extend(page.changed_rows(&workplace));
            edits.extend(page.changed_summary(&workplace));
        }
        edits.sort_by_key(|(place, _)| place.start);
        let mut text = page.text.clone();
        for (place, today) in edits.into_iter().rev() {
            text.replace_range(place, &today);
        }
        expect_file![root().join(&page.name)].assert_eq(&text);
    }
}

/// A place on a page, and what it says when it is true.
type Edit = (Range<usize>, String);

impl DocumentPage {
    /// Returns the first block of shell commands.
    fn example(&self) -> String {
        let block = self.code().into_iter().find(|block| block.kind == "sh");
        let block = block.unwrap_or_else(|| panic!("{} has no example", self.name));
        self.text[block.place].to_owned()
    }

    /// Returns the outputs that the page does not show as they are: of its first example, if a block of text follows it in
    /// the same section, and of the commands in blocks with output.
    fn changed_outputs(&self, workplace: &Workplace, ran: &Ran) -> Vec<Edit> {
        let code = self.code();
        let mut code = code.iter().skip_while(|block| block.kind != "sh");
        let example = code.next().expect("an example");
        let mut edits = Vec::new();
        let mut compare = |block: &CodeBlock<'_>, output: &str, command: &str| {
            let shown = &self.text[block.place.clone()];
            let shown = shown.strip_prefix(command).expect("the command");
            if !shows(shown, output) {
                edits.push((block.place.clone(), format!("{command}{output}")));
            }
        };
        let code: Vec<&CodeBlock<'_>> = code.collect();
        if let Some(block) = code.first().filter(|block| block.kind == "text") {
            let between = &self.text[example.place.end..block.place.start];
            if !between.contains("\n#") {
                compare(block, &ran.stdout, "");
            }
        }
        // Those of README.md are about files that the reader has.
        if self.name == "README.md" {
            return edits;
        }
        for block in code {
            if block.kind == "console" {
                let (command, _) = self.text[block.place.clone()]
                    .split_once('\n')
                    .expect("a line");
                let line = command.strip_prefix("$ ").expect("a command");
                let ran = workplace.shell(line).good();
                compare(block, &ran.stdout, &format!("{command}\n"));
            }
        }
        edits
    }

    /// Returns the rows of the table with rows of the result that are not as they are in the result.
    fn changed_rows(&self, workplace: &Workplace) -> Vec<Edit> {
        let input = fs::read(root().join("examples/wildlife-strikes/data/wildlife-strikes.csv"));
        let input = Table::csv(&input.expect("the data of the example"));
        let result = Table::csv(&workplace.read("quarry-out/validation_processed_data.csv"));
        let begin = self.text.find("| | column | row ").expect("the table");
        let table = &self.text[begin..];
        let table = &table[..table.find("\n\n").expect("the end of the table")];
        let mut lines = table.lines();
        let numbers: Vec<usize> = lines
            .next()
            .expect("the heading")
            .split(" | ")
            .filter_map(|cell| cell.strip_prefix("row "))
            .map(|number| number.trim_end_matches(" |").parse().expect("a number"))
            .collect();
        assert!(numbers.len() >= 3, "{numbers:?}");
        let mut after = Vec::new();
        let mut today = Vec::new();
        for line in lines.skip(1) {
            let column = line.split('`').nth(1).expect("a column");
            let (when, cells) = if input.columns.iter().any(|one| one == column) {
                assert_eq!(result.column(column), input.column(column));
                ("before", input.column(column))
            } else {
                after.push(column.to_owned());
                ("after", result.column(column))
            };
            let cells = numbers.iter().map(|number| cells[number - 1]);
            let cells: Vec<String> = cells.map(|cell| cell.replace('|', "\\|")).collect();
            today.push(format!("| {when} | `{column}` | {} |", cells.join(" | ")));
        }
        assert_eq!(after, result.columns[input.columns.len()..]);
        let rows_begin = begin + table.match_indices('\n').nth(1).expect("two lines").0 + 1;
        vec![(rows_begin..begin + table.len(), today.join("\n"))]
    }

    /// Returns the members of the summary that the page shows, as they are in the summary.
    fn changed_summary(&self, workplace: &Workplace) -> Vec<Edit> {
        let mut files = workplace.files("quarry-out").into_iter();
        let file = files.find(|file| file.starts_with("processing_summary_"));
        let summary = workplace.read(&format!("quarry-out/{}", file.expect("a summary")));
        let summary: Value = serde_json::from_slice(&summary).expect("JSON");
        let block = self.code().into_iter().find(|block| block.kind == "json");
        let place = block.expect("the summary").place;
        let shown: Value = serde_json::from_str(&self.text[place.clone()]).expect("JSON");
        let today = members(&shown, &summary);
        let today = serde_json::to_string_pretty(&today).expect("JSON");
        vec![(place, format!("{today}\n"))]
    }
}

/// Returns the members of `whole` that `part` has too.
fn members(part: &Value, whole: &Value) -> Value {
    let Value::Object(part) = part else {
        return whole.clone();
    };
    part.iter()
        .map(|(name, part)| (name.clone(), members(part, &whole[name])))
        .collect()
}

/// Returns whether a page shows this output. On the page, `…` at the end of a line stands for the rest of the line, and a
/// line `…` for any number of lines.
fn shows(page: &str, output: &str) -> bool {
    let mut output = output.lines();
    let mut skips = false;
    for line in page.lines() {
        if line == "…" {
            skips = true;
            continue;
        }
        let found = if skips {
            output.any(|one| is_line(line, one))
        } else {
            output.next().is_some_and(|one| is_line(line, one))
        };
        if !found {
            return false;
        }
        skips = false;
    }
    skips || output.next().is_none()
}

/// Returns whether a page shows this line of an output. How long a run takes and the time in the names of its files are
/// different each time.
fn is_line(page: &str, output: &str) -> bool {
    for word in ["time ", "wrote "] {
        if page.starts_with(word) {
            let lasting = |line: &str| line.replace(|one: char| one.is_ascii_digit(), "0");
            return output.starts_with(word)
                && (word == "time " || lasting(page) == lasting(output));
        }
    }
    match page.strip_suffix('…') {
        Some(begin) => output.starts_with(begin),
        None => page == output,
    }
}

#[test]
fn what_a_page_leaves_out_is_marked() {
    let output =
        "rows in    3\nvirtual time   1.2 h\ntime   2.1 s\nwrote out/report_20261122.html\n";
    for page in [
        output,
        "rows in    3\n…\n",
        "…\nvirtual …\n…\n",
        "…\ntime   9.9 s\nwrote out/report_20270101.html\n",
    ] {
        assert!(shows(page, output), "{page}");
    }
    for page in [
        "",
        "rows in    3\n",
        "rows in    4\n…\n",
        "…\nvirtual time   1.3 h\n…\n",
        "…\nwrote out/summary_20261122.html\n",
        "…\nrows in    3\nwrote out/report_20261122.html\n",
    ] {
        assert!(!shows(page, output), "{page}");
    }
}
