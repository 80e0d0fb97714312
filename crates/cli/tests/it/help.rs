//! Help, completions and the list of settings.

use crate::command::{Ran, Workplace};
use serde_json::Value;

const COMMANDS: [&str; 22] = [
    "demo",
    "init",
    "run",
    "preview",
    "estimate",
    "parse",
    "merge",
    "report",
    "compare",
    "deploy-check",
    "submit",
    "runs",
    "status",
    "watch",
    "stop",
    "redrive",
    "retry-failed",
    "results",
    "simulate-bedrock",
    "settings",
    "models",
    "completions",
];

/// Returns the subcommands that the help names.
fn listed(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_help_fits_100_columns_and_has_an_example() {
    let workplace = Workplace::new();
    let top = workplace.quarry("--help").good().stdout;
    let commands = listed(&top);
    for command in COMMANDS {
        assert!(commands.iter().any(|listed| listed == command), "{command}");
    }
    let mut pages = vec![(String::new(), top)];
    for command in commands {
        for flag in ["--help", "-h"] {
            let page = workplace.quarry(&format!("{command} {flag}")).good().stdout;
            pages.push((command.clone(), page));
        }
    }
    for (command, page) in pages {
        for line in page.lines() {
            assert!(line.chars().count() <= 100, "{command}: {line}");
        }
        let example = page.split("Example:\n  quarry").nth(1);
        assert!(example.is_some(), "{command} has no example:\n{page}");
        assert!(example.is_some_and(|text| text.trim_start().starts_with(&command)));
    }
}

#[test]
fn help_is_readable_also_where_the_shell_says_a_width_of_nothing() {
    let workplace = Workplace::new();
    for columns in ["0", "1"] {
        let mut command = workplace.command("run --help");
        let ran = command
            .env("COLUMNS", columns)
            .output()
            .expect("the command runs");
        let page = Ran::of(&ran).good().stdout;
        let longest = page.lines().map(|line| line.chars().count()).max();
        assert!((60..=100).contains(&longest.unwrap_or(0)), "{page}");
    }
}

#[test]
fn help_explains_itself_and_each_command() {
    let workplace = Workplace::new();
    let top = workplace.quarry("--help").good().stdout;
    assert_eq!(workplace.quarry("help --help").good().stdout, top);
    let run = workplace.quarry("run --help").good().stdout;
    assert_eq!(workplace.quarry("help run --help").good().stdout, run);
}

#[test]
fn an_option_that_a_command_lacks_is_answered_with_what_leads_to_the_same_end() {
    let workplace = Workplace::new();
    for (line, tip) in [
        ("run a.csv --max-cost 5", "--set BEDROCK_MAX_COST=USD"),
        ("preview a.csv --max-cost 5", "--set BEDROCK_MAX_COST=USD"),
        (
            "estimate a.csv --sample 5",
            "`\"sample\": {\"rows\": 50}` in a request.json",
        ),
        (
            "estimate a.csv --sample-seed 5",
            "\"seed\": 7}` in a request.json",
        ),
        ("run a.csv --nonsense", "unexpected argument '--nonsense'"),
    ] {
        let ran = workplace.quarry(line);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains(tip), "{line}: {}", ran.stderr);
        assert!(!ran.stderr.contains("use '-- "), "{line}: {}", ran.stderr);
    }
}

#[test]
fn a_number_below_the_least_is_refused_with_the_range() {
    let workplace = Workplace::new();
    for (line, range) in [
        ("run a.csv --sample -1", "1..=10000"),
        ("report out --rows -1", "0..=100"),
        ("runs --limit -1", "1..=1000"),
        ("compare a b --rows -1", "0..=1000"),
    ] {
        let ran = workplace.quarry(line);
        assert_eq!(ran.code, 2, "{ran:?}");
        let expected = format!("-1 is not in {range}");
        assert!(ran.stderr.contains(&expected), "{line}: {}", ran.stderr);
    }
    let ran = workplace.quarry("preview a.csv --limit -1");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.stderr.contains("invalid value '-1' for '--limit"),
        "{}",
        ran.stderr
    );
}

/// Each example is a valid command line.
#[test]
fn the_examples_of_the_help_are_command_lines_that_are_understood() {
    let workplace = Workplace::new();
    for command in listed(&workplace.quarry("--help").good().stdout) {
        let page = workplace.quarry(&format!("{command} --help")).good().stdout;
        let (_, examples) = page.split_once("Example:\n").expect("an example");
        for example in examples.lines().filter(|line| !line.trim().is_empty()) {
            let line = example.strip_prefix("  quarry ").expect("a command");
            let arguments = line.split(['<', '>']).next().expect("arguments");
            // A request for help takes precedence over everything except invalid arguments.
            workplace.quarry(&format!("{arguments} --help")).good();
        }
    }
}

#[test]
fn shells_get_completions_that_they_can_read() {
    let workplace = Workplace::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = workplace
            .quarry(&format!("completions {shell}"))
            .good()
            .stdout;
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
        assert!(
            script.contains("max_term_width") || script.contains("prompts"),
            "{shell}"
        );
    }
    workplace
        .shell("source <(quarry completions bash) && complete -p quarry")
        .good();
    let ran = workplace.quarry("completions csh");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("bash, zsh, fish"), "{}", ran.stderr);
}

#[test]
fn a_shell_offers_the_names_that_an_argument_takes() {
    let workplace = Workplace::new();
    for (words, value) in [
        ("quarry init --task cl", "classify"),
        ("quarry run --job-type tr", "training"),
        ("quarry run --set BEDROCK_MAX_TOK", "BEDROCK_MAX_TOKENS="),
        ("quarry settings BEDROCK_MAX_TOK", "BEDROCK_MAX_TOKENS"),
        (
            "quarry models anthropic.claude-haiku-4-5",
            "anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
    ] {
        let parts: Vec<&str> = words.split(' ').collect();
        let [.., before, word] = parts.as_slice() else {
            panic!("{words}");
        };
        let script = format!(
            "source <(quarry completions bash)\nCOMP_WORDS=({words})\nCOMP_CWORD={}\n\
             _quarry quarry '{word}' '{before}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
            parts.len() - 1
        );
        let offered = workplace.shell(&script).good().stdout;
        assert!(
            offered.lines().any(|line| line == value),
            "{words}: {offered}"
        );
    }
}

#[test]
fn settings_are_listed_with_default_range_and_meaning() {
    let workplace = Workplace::new();
    let all = workplace.quarry("settings --json").good().report();
    let all = all.as_array().expect("a list");
    assert!(all.len() >= 32);
    for setting in all {
        for member in ["name", "allowed", "effect"] {
            assert!(
                setting[member]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{setting}"
            );
        }
    }
    let one = workplace.quarry("settings max_retries").good().stdout;
    assert_eq!(
        one,
        "BEDROCK_MAX_RETRIES\n  rounds after the first, for rows without a good answer\n\
         \u{20} default: 3\n  allowed: 0 to 10\n"
    );
    for line in workplace.quarry("settings").good().stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let found = workplace.quarry("settings --json batch_ ").good().report();
    let names: Vec<&Value> = found
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert!(
        names.iter().any(|name| *name == "BEDROCK_BATCH_SIZE"),
        "{names:?}"
    );
    let ran = workplace.quarry("settings max_token_s");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains("did you mean `BEDROCK_MAX_TOKENS`"),
        "{}",
        ran.stderr
    );
}

/// The commit follows the number where it is known: a clone has it, an archive of the sources has not.
#[test]
fn the_version_is_one_number_and_the_commit_that_was_built() {
    let shown = Workplace::new().quarry("--version").good().stdout;
    let number = concat!("quarry ", env!("CARGO_PKG_VERSION"));
    let rest = shown.trim_end().strip_prefix(number).expect("the number");
    let commit = rest
        .strip_prefix(" (")
        .and_then(|rest| rest.strip_suffix(')'));
    let is_commit = commit.is_some_and(|commit| {
        commit.len() == 12 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    assert!(rest.is_empty() || is_commit, "{shown}");
}
