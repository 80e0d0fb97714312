//! Runs the command in a separate folder.

use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Prompts about the column `text`.
pub(crate) const PROMPTS: &str = r#"{"system_prompt": "You sort letters.",
    "user_prompt_template": "Letter: {text}", "input_placeholders": ["text"]}"#;

/// The schema of an answer with a text and a number.
pub(crate) const SCHEMA: &str = r#"{"type": "object", "properties": {
    "kind": {"type": "string", "enum": ["bill", "praise"]},
    "score": {"type": "number", "minimum": 0, "maximum": 1}}, "required": ["kind"]}"#;

/// The outcome of the command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().expect("an exit code"),
            stdout: String::from_utf8(output.stdout.clone()).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr.clone()).expect("UTF-8"),
        }
    }

    /// Panics unless the command succeeded.
    #[track_caller]
    pub(crate) fn good(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// Returns standard output, each line of which must be JSON.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }

    /// Returns the report, which is the last line with `--json`.
    #[track_caller]
    pub(crate) fn report(&self) -> Value {
        self.json_lines().pop().expect("a report")
    }
}

/// A folder with prompts, a schema, and the files of a test. Commands run in it.
pub(crate) struct Workplace {
    folder: TempDir,
}

impl Workplace {
    pub(crate) fn new() -> Self {
        let workplace = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        workplace.file("prompts.json", PROMPTS);
        workplace.file("schema.json", SCHEMA);
        workplace
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("a folder");
        }
        fs::write(path, bytes).expect("a file");
    }

    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Returns the command with arguments separated by spaces, to be run in the folder.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarry"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path());
        command
    }

    /// Runs a shell command line in the folder, with `quarry` as a command.
    pub(crate) fn shell(&self, line: &str) -> Ran {
        let script = format!(
            "quarry() {{ '{}' \"$@\"; }}\n{line}",
            env!("CARGO_BIN_EXE_quarry")
        );
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("bash starts");
        Ran::of(&output)
    }

    /// Runs the command with arguments separated by spaces.
    pub(crate) fn quarry(&self, arguments: &str) -> Ran {
        self.quarry_reading(arguments, b"")
    }

    /// Runs the command with this standard input.
    pub(crate) fn quarry_reading(&self, arguments: &str, stdin: &[u8]) -> Ran {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut pipe = child.stdin.take().expect("a pipe");
        let stdin = stdin.to_vec();
        let writer = std::thread::spawn(move || pipe.write_all(&stdin));
        let output = child.wait_with_output().expect("the command ends");
        // A command that does not read its input closes the pipe.
        let _ = writer.join();
        Ran::of(&output)
    }

    /// Runs `quarry run DATA` with prompts and schema into `out`.
    pub(crate) fn run(&self, data: &str, more: &str) -> Ran {
        self.quarry(&format!(
            "run {data} --prompts prompts.json --schema schema.json --out out {more}"
        ))
    }

    /// Returns the summary in `out`, of which there must be exactly one.
    #[track_caller]
    pub(crate) fn summary(&self) -> Value {
        let mut found: Vec<PathBuf> = fs::read_dir(self.path("out"))
            .expect("the folder out")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with("processing_summary_"))
            })
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        let text = fs::read(found.remove(0)).expect("the summary");
        serde_json::from_slice(&text).expect("the summary is JSON")
    }

    /// Returns the files below a folder, relative to it, sorted, including hidden ones.
    pub(crate) fn files(&self, folder: &str) -> Vec<String> {
        fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    walk(&path, root, found);
                } else {
                    let name = path.strip_prefix(root).expect("below the folder");
                    found.push(name.to_string_lossy().into_owned());
                }
            }
        }
        let root = self.path(folder);
        let mut found = Vec::new();
        if root.exists() {
            walk(&root, &root, &mut found);
        }
        found.sort();
        found
    }
}
