//! Writing a page to a file.

use crate::failure::Failure;
use crate::staging::temporary_in;
use std::io::Write as _;
use std::path::Path;

/// Refuses a name that is not that of a page, so that a page never replaces a table.
pub(crate) fn check(file: &Path) -> Result<(), Failure> {
    let extension = file.extension().unwrap_or_default();
    if extension.eq_ignore_ascii_case("html") || extension.eq_ignore_ascii_case("htm") {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--out {} is not the name of a page; give a name that ends with .html",
        file.display()
    )))
}

/// Writes a page beside its place and renames it, so that no half of it is left.
pub(crate) fn write(file: &Path, page: &str) -> Result<(), Failure> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let written = || -> std::io::Result<()> {
        let mut temporary = temporary_in(folder)?;
        temporary.write_all(page.as_bytes())?;
        temporary.persist(file)?;
        Ok(())
    };
    written().map_err(|error| {
        Failure::input(format!(
            "{} cannot be written: {error}; choose another place with --out",
            file.display()
        ))
    })
}
