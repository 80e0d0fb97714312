//! The commands in the documents for users: they can be pasted.

use crate::command::Workplace;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The pages whose first example needs a deployment, which the page says before the example.
pub(crate) const NEED_A_DEPLOYMENT: [&str; 3] = [
    "docs/command-line.md",
    "docs/operations.md",
    "docs/telemetry.md",
];

/// What a document writes in place of `quarry` as long as it is not installed.
pub(crate) const FROM_THE_CLONE: &str = "cargo run -p quarry -- ";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A page, with its name below the root.
pub(crate) struct DocumentPage {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A block of code on a page.
pub(crate) struct CodeBlock<'a> {
    /// What the page says that the code is, such as `sh`.
    pub(crate) kind: &'a str,
    /// Where its lines are in the text of the page.
    pub(crate) place: Range<usize>,
}

/// Returns the pages for users.
pub(crate) fn pages() -> Vec<DocumentPage> {
    let mut files = vec![root().join("README.md")];
    for folder in [
        "docs",
        "examples/wildlife-strikes",
        "examples/sagemaker-pipeline",
    ] {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        let entries = entries.map(|entry| entry.expect("an entry").path());
        files.extend(entries.filter(|file| file.extension().is_some_and(|ending| ending == "md")));
    }
    files.sort();
    files
        .into_iter()
        .map(|file| DocumentPage {
            text: fs::read_to_string(&file).expect("UTF-8"),
            name: file
                .strip_prefix(root())
                .expect("below the root")
                .display()
                .to_string(),
        })
        .collect()
}

impl DocumentPage {
    /// Returns the blocks of code.
    pub(crate) fn code(&self) -> Vec<CodeBlock<'_>> {
        let mut blocks = Vec::new();
        let mut open = None;
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            let next = at + line.len();
            match (line.trim().strip_prefix("```"), open) {
                (Some(kind), None) => open = Some((kind, next)),
                (Some(""), Some((kind, begin))) => {
                    let place = begin..at;
                    blocks.push(CodeBlock { kind, place });
                    open = None;
                }
                _ => {}
            }
            at = next;
        }
        blocks
    }

    /// Returns the command lines. A line that ends with a backslash goes on. In a block with output, the lines with
    /// commands begin with `$`.
    fn lines(&self) -> Vec<String> {
        let mut commands = Vec::new();
        for block in self.code() {
            let text = self.text[block.place].replace("\\\n", " ");
            let lines = text.lines().map(str::trim);
            match block.kind {
                "sh" => commands.extend(lines.map(str::to_owned)),
                "console" => commands.extend(
                    lines
                        .filter_map(|line| line.strip_prefix("$ "))
                        .map(str::to_owned),
                ),
                _ => {}
            }
        }
        commands
    }

    /// Returns the code within sentences that begins like a call of the command.
    fn spans(&self) -> impl Iterator<Item = &str> {
        let outside = self.text.split("```").step_by(2);
        let spans = outside.flat_map(|part| part.split('`').skip(1).step_by(2));
        spans.filter(|span| span.starts_with("quarry "))
    }
}

/// Returns the arguments of a call of the command, without a remark, and without what the shell does with its output.
fn arguments(line: &str) -> Option<&str> {
    let call = line
        .strip_prefix("quarry ")
        .or_else(|| line.strip_prefix(FROM_THE_CLONE))?;
    let end = [" #", " | ", " < ", " > ", " && "]
        .iter()
        .filter_map(|one| call.find(one))
        .min();
    Some(call[..end.unwrap_or(call.len())].trim())
}

/// Returns the name of the subcommand.
fn subcommand(arguments: &str) -> &str {
    arguments.split_whitespace().next().unwrap_or_default()
}

#[test]
fn every_command_line_of_the_documents_is_understood() {
    let workplace = Workplace::new();
    let mut count = 0;
    for page in pages() {
        for line in &page.lines() {
            let Some(arguments) = arguments(line) else {
                continue;
            };
            count += 1;
            // A request for help takes precedence over everything except invalid arguments.
            let ran = workplace.shell(&format!("quarry {arguments} --help"));
            assert_eq!(ran.code, 0, "{}: {line}\n{}", page.name, ran.stderr);
        }
    }
    assert!(count > 40, "only {count} command lines were found");
}

#[test]
fn every_command_and_option_within_the_sentences_of_the_documents_exists() {
    let workplace = Workplace::new();
    let mut helps: BTreeMap<String, String> = BTreeMap::new();
    let mut count = 0;
    for page in pages() {
        for span in page.spans() {
            let Some(arguments) = arguments(span) else {
                continue;
            };
            let name = subcommand(arguments);
            if !name.starts_with(|one: char| one.is_ascii_lowercase()) {
                continue;
            }
            count += 1;
            let help = helps.entry(name.to_owned()).or_insert_with(|| {
                let ran = workplace.quarry(&format!("{name} --help"));
                assert_eq!(ran.code, 0, "{}: `{span}`: {}", page.name, ran.stderr);
                ran.stdout
            });
            for option in arguments
                .split_whitespace()
                .filter(|word| word.starts_with("--"))
            {
                let known = help.split([' ', ',', '\n']).any(|word| word == option);
                assert!(known, "{}: `{span}`: {option}", page.name);
            }
        }
    }
    assert!(count > 40, "only {count} calls were found");
}

#[test]
fn every_page_begins_with_what_it_is_for_and_an_example() {
    for page in pages() {
        if !page.name.starts_with("docs/") {
            continue;
        }
        let name = &page.name;
        let code = page.code();
        let example = code.iter().find(|block| block.kind == "sh");
        let example = example.unwrap_or_else(|| panic!("{name} has no example"));
        let begin = page.text[..example.place.start].split("```").step_by(2);
        let begin: String = begin.collect();
        let (title, words) = begin.split_once('\n').expect("a title");
        assert!(title.starts_with("# "), "{name}: {title}");
        for line in words.lines() {
            let is_prose = !["#", "|", "- ", "1. ", "!["]
                .iter()
                .any(|mark| line.starts_with(mark));
            assert!(is_prose, "{name}: before the first example: {line}");
        }
        let words_at_an_end = words.split_whitespace().filter(|word| word.ends_with('.'));
        let sentences = words_at_an_end.count();
        assert!(
            (1..=2).contains(&sentences),
            "{name}: {sentences} sentences before the first example"
        );
        let needs_a_deployment = NEED_A_DEPLOYMENT.contains(&name.as_str());
        assert!(
            !needs_a_deployment || words.contains("need") && words.contains("deployment"),
            "{name} does not say that its first example needs a deployment"
        );
    }
}
