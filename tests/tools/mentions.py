#!/usr/bin/env python3
"""Checks that the documents name only files and items that exist.

In the Markdown pages of the repository, a code span counts as

- a place, if it begins with a folder of the root (`crates/…`): the file or folder must exist, there or below a crate
- a file, if it is a name that ends as a source does (`table.rs`): a file of that name must exist
- an item, on the pages about the code, if it is a path (`Reading::is_good`): its last name must be defined

In `lib.rs` of a function, a table lists its promises. The last column names the tests that hold each promise, as a module
of `tests/it` or as `module::test`. They must exist too.

Exits with 1 and lists what does not exist.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ABOUT_CODE = ("ARCHITECTURE.md", "CONTRIBUTING.md")
SPAN = re.compile(r"`([^`\n]+)`")
SOURCE = re.compile(r"[\w./-]+\.(?:rs|py|toml|sh)")
ITEM = re.compile(r"(?:\w+::)+(\w+)(?:\(\))?")
# Names of things that others define: the standard library, crates, and files that a user makes.
ELSEWHERE = re.compile(r"^(?:std|tokio|serde|aws_\w+|quarry_\w+)::|^(?:samconfig|pyproject)\.toml$|^bedrock_batch_processing\.py$")


def promises(folder: Path) -> tuple[int, list[str]]:
    """Returns how many tests a function's promises name, and those that do not exist."""
    page = folder / "src/lib.rs"
    table = re.findall(r"^//! \|.*\| ([^|]*`[^|]*) \|$", page.read_text(encoding="utf-8").partition("# What it promises")[2], re.M)
    named = [span for cell in table for span in SPAN.findall(cell) if not span.startswith("tests/")]
    missing = []
    for name in named:
        module, _, test = name.partition("::")
        source = folder / f"tests/it/{module}.rs"
        if not source.is_file() or f"fn {test}(" not in source.read_text(encoding="utf-8") and test:
            missing.append(f"{page.relative_to(ROOT)}: there is no test `{name}`")
    return len(named), missing


def main() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    files = listed.stdout.split()
    folders = {str(parent) for name in files for parent in Path(name).parents}
    roots = {name.split("/")[0] for name in files if "/" in name}
    code = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in files if name.endswith(".rs"))
    missing = []
    spans = 0
    for page in (name for name in files if name.endswith(".md")):
        text = (ROOT / page).read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            for span in SPAN.findall(line):
                if ELSEWHERE.match(span):
                    continue
                place = span.rstrip("/")
                found = True
                if "/" in place and place.split("/")[0] in roots and not re.search(r"[<*{…\s]", place):
                    found = any(name == place or name.endswith("/" + place) for name in (*files, *folders))
                elif SOURCE.fullmatch(span):
                    found = any(name == span or name.endswith("/" + span) for name in files)
                elif page in ABOUT_CODE and (item := ITEM.fullmatch(span)):
                    found = re.search(rf"\b(?:fn|struct|enum|trait|const|static|type|mod) {item[1]}\b|^\s*{item[1]}\b[,( {{]", code, re.M)
                else:
                    continue
                spans += 1
                if not found:
                    missing.append(f"{page}:{number}: `{span}` does not exist")
    tests = 0
    for folder in sorted((ROOT / "functions").iterdir()):
        named, unknown = promises(folder)
        if named == 0:
            missing.append(f"{folder.relative_to(ROOT)}/src/lib.rs names no test of a promise")
        tests += named
        missing += unknown
    print("\n".join(missing))
    print(f"{spans} files and items and {tests} tests are named, {len(missing)} of them do not exist")
    if spans == 0:
        sys.exit("nothing was checked")
    sys.exit(bool(missing))


if __name__ == "__main__":
    main()
