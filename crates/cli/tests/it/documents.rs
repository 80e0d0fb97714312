//! The commands in the documents for users: they can be pasted.

use crate::command::Workplace;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The commands that need neither AWS nor a server.
const LOCAL: [&str; 9] = [
    "run", "preview", "estimate", "merge", "report", "compare", "models", "settings", "init",
];

/// What a document writes in place of `quarry` as long as it is not installed.
const FROM_THE_CLONE: &str = "cargo run -p quarry -- ";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A page, with its name below the root.
struct DocumentPage {
    name: String,
    text: String,
}

/// Returns the pages for users.
fn pages() -> Vec<DocumentPage> {
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
    /// Returns the blocks of shell commands, each as its command lines. A line that ends with a backslash goes on. In a
    /// block with output, the lines with commands begin with `$`.
    fn blocks(&self) -> Vec<Vec<String>> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        while let Some(begin) = lines.next() {
            let Some(kind) = begin.trim().strip_prefix("```") else {
                continue;
            };
            let block = lines.by_ref().take_while(|line| line.trim() != "```");
            let block = block.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
            let commands = block.lines().map(str::trim);
            match kind {
                "sh" => blocks.push(commands.map(str::to_owned).collect()),
                "console" => blocks.push(
                    commands
                        .filter_map(|line| line.strip_prefix("$ "))
                        .map(str::to_owned)
                        .collect(),
                ),
                _ => {}
            }
        }
        blocks
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
        for line in page.blocks().iter().flatten() {
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

/// The first block of a page is what a reader tries. It runs in the top folder of the clone.
#[test]
fn the_first_example_of_a_page_that_needs_no_aws_runs_when_it_is_pasted() {
    let mut ran = Vec::new();
    for page in pages() {
        let Some(block) = page.blocks().into_iter().next() else {
            continue;
        };
        let is_local = |line: &String| {
            arguments(line).is_some_and(|arguments| LOCAL.contains(&subcommand(arguments)))
        };
        if block.is_empty() || !block.iter().all(is_local) {
            continue;
        }
        let workplace = Workplace::new();
        std::os::unix::fs::symlink(root().join("examples"), workplace.path("examples"))
            .expect("a link");
        let pasted = block.join("\n").replace(FROM_THE_CLONE, "quarry ");
        let pasted = workplace.shell(&format!("set -e\n{pasted}"));
        assert_eq!(pasted.code, 0, "{}: {}", page.name, pasted.stderr);
        assert!(!pasted.stdout.is_empty(), "{}", page.name);
        ran.push(page.name);
    }
    for name in ["docs/cost.md", "docs/local-stack.md", "docs/report.md"] {
        assert!(
            ran.iter().any(|page| page == name),
            "{name} is not in {ran:?}"
        );
    }
}
