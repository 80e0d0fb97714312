//! Compresses the example into the program, so that `quarry demo` needs no clone, and finds the commit that
//! `quarry --version` names.

use flate2::{Compression, write::GzEncoder};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The example, from the folder of this package, in which a build script runs.
const EXAMPLE: &str = "../../examples/wildlife-strikes";

/// The root of the project.
const ROOT: &str = "../..";

/// The number of digits of a commit.
const DIGITS: usize = 12;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={EXAMPLE}");
    if let Err(problem) = compress_example() {
        println!("cargo::error={EXAMPLE}: {problem}");
    }
    let commit = commit().map_or_else(String::new, |commit| format!(" ({commit})"));
    println!("cargo::rustc-env=QUARRY_BUILT_FROM={commit}");
}

/// Writes `example.rs`: an array of the files' names and of their compressed bytes.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script its folder in the environment"
)]
fn compress_example() -> Result<(), String> {
    let out = PathBuf::from(env::var("OUT_DIR").map_err(|error| error.to_string())?);
    let mut files = Vec::new();
    find_files(Path::new(EXAMPLE), &mut files).map_err(|error| error.to_string())?;
    files.sort();
    let mut code = String::from("[\n");
    for (number, file) in files.iter().enumerate() {
        let name = file
            .strip_prefix(EXAMPLE)
            .map_err(|error| error.to_string())?;
        let name = name.to_str().ok_or("a file's name is not UTF-8")?;
        let compressed = format!("example-{number}.gz");
        let bytes = fs::read(file).and_then(|bytes| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(&bytes)?;
            encoder.finish()
        });
        bytes
            .and_then(|bytes| fs::write(out.join(&compressed), bytes))
            .map_err(|error| format!("{name}: {error}"))?;
        let _ = writeln!(
            code,
            "    ({name:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), {:?}))),",
            format!("/{compressed}")
        );
    }
    code.push_str("]\n");
    fs::write(out.join("example.rs"), code).map_err(|error| error.to_string())
}

fn find_files(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_files(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// Returns the commit that is built: `QUARRY_COMMIT` if it is set, else what git has checked out. An archive of the
/// sources has neither.
#[expect(
    clippy::disallowed_methods,
    reason = "the one who builds says the commit in the environment"
)]
fn commit() -> Option<String> {
    println!("cargo::rerun-if-env-changed=QUARRY_COMMIT");
    let named = env::var("QUARRY_COMMIT").ok();
    let commit = named
        .filter(|commit| !commit.is_empty())
        .or_else(checked_out)?;
    let is_commit = commit.len() >= DIGITS && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_commit {
        println!("cargo::warning=QUARRY_COMMIT is no commit, and is left out: {commit}");
        return None;
    }
    Some(commit[..DIGITS].to_owned())
}

/// Asks git, and has cargo run this script again when another commit is checked out.
fn checked_out() -> Option<String> {
    // In an archive that is unpacked inside of another project, git would name that project's commit.
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if fs::canonicalize(top).ok()? != fs::canonicalize(ROOT).ok()? {
        return None;
    }
    // A commit on the same branch changes only the log of HEAD.
    for file in ["HEAD", "logs/HEAD"] {
        let place = git(&["rev-parse", "--git-path", file])?;
        // Cargo would run the script each time if the file did not exist.
        if Path::new(&place).exists() {
            println!("cargo::rerun-if-changed={place}");
        }
    }
    git(&["rev-parse", "HEAD"])
}

/// Returns what git prints; `None` if there is no git, or if it fails.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
