#!/usr/bin/env python3
"""Checks that the documents name only files and items that exist.

In the Markdown pages of the repository, a code span counts as

- a place, if it begins with a folder of the root (`crates/…`): the file or folder must exist, there or below a crate
- a file, if it is a name that ends as a source does (`table.rs`): a file of that name must exist

On the pages about the code, a span also counts as

- an item, if it is a path or a call (`Reading::is_good`, `is_good()`): its last name must be defined
- a word of the code, if it has an underscore or capitals within (`wait_seconds`, `StepError`): a file that is not a page
  must have it
- a part of a place, if it is followed by "in" and a file or folder (`` `Fact` in `facts.rs` ``): Rust sources there must
  define the item, other files must have the text, and a folder must have the file

In `lib.rs` of a function, a table lists its promises. The last column names the tests that hold each promise, as a module
of `tests/it` or as `module::test`. They must exist too.

Exits with 1 and lists what does not exist.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import core_sources

ROOT = Path(__file__).resolve().parents[2]
ABOUT_CODE = ("ARCHITECTURE.md", "CONTRIBUTING.md")
SPAN = re.compile(r"`([^`\n]+)`")
SOURCE = re.compile(r"[\w./-]+\.(?:rs|py|toml|sh)")
ITEM = re.compile(r"(?:\w+::)+(\w+)(?:\(\))?|(\w+)\(\)")
NAME = re.compile(r"(?:\w+::)*(\w+)(?:\(\))?")
WORD = re.compile(r"\w*(?:[A-Za-z0-9]_[A-Za-z0-9]|[a-z][A-Z])\w*")
# A list counts only with an "and", because a comma can also divide two statements.
PART = re.compile(r"((?:(?:`[^`\n]+`,\s+)*`[^`\n]+`,?\s+(?:and|or)\s+)?`[^`\n]+`)\s+in\s+`([^`\n]+)`")
PLACEHOLDER = re.compile(r"[<*{…\s]")
# Names of things that others define: the standard library, crates, and files that a user makes.
ELSEWHERE = re.compile(r"^(?:std|tokio|serde|aws_\w+|quarry_\w+)::|^(?:samconfig|pyproject)\.toml$|^bedrock_batch_processing\.py$")


def defines(code: str, name: str) -> bool:
    """Whether a Rust source without comments and literals defines an item, a field or a variant of this name."""
    item = rf"\b(?:fn|struct|enum|union|trait|const|static|type|mod|macro_rules!) {name}\b"
    part = rf"^ *{name}\b(?:[,({{]| [{{=])" if name[0].isupper() else rf"^ *(?:pub(?:\([^)]*\))? )?{name}: "
    return re.search(f"{item}|{part}", code, re.M) is not None


@dataclass
class Tree:
    """The files of a repository."""

    root: Path
    files: list[str]

    @cached_property
    def folders(self) -> set[str]:
        return {str(parent) for name in self.files for parent in Path(name).parents}

    @cached_property
    def top(self) -> set[str]:
        return {name.split("/")[0] for name in self.files if "/" in name}

    def text(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    def code_of(self, name: str) -> str:
        """The text of a Rust source without comments and literals."""
        return core_sources.without_literals(self.text(name))

    @cached_property
    def code(self) -> str:
        return "\n".join(self.code_of(name) for name in self.files if name.endswith(".rs"))

    @cached_property
    def words(self) -> set[str]:
        texts = (self.text(name) for name in self.files if not name.endswith(".md") and (self.root / name).is_file())
        return {word for text in texts for word in re.findall(r"\w+", text)}

    def named(self, place: str, among: list[str] | set[str]) -> list[str]:
        """Returns the files or folders that a place can mean."""
        return [name for name in among if name == place or name.endswith("/" + place)]


def exists(tree: Tree, span: str, is_about_code: bool) -> bool | None:
    """Whether what a span names exists; none if it names nothing that is checked."""
    place = span.rstrip("/")
    if ELSEWHERE.match(span):
        return None
    if "/" in place and place.split("/")[0] in tree.top and not PLACEHOLDER.search(place):
        return bool(tree.named(place, tree.files) or tree.named(place, tree.folders))
    if SOURCE.fullmatch(span):
        return bool(tree.named(span, tree.files))
    if is_about_code and (item := ITEM.fullmatch(span)):
        return defines(tree.code, item[1] or item[2])
    if is_about_code and WORD.fullmatch(span):
        return span in tree.words
    return None


def has(tree: Tree, place: str, part: str) -> bool | None:
    """Whether a place has a part; none if the place is none of the repository's, or the part is another file."""
    files = tree.named(place.rstrip("/"), tree.files)
    folders = tree.named(place.rstrip("/"), tree.folders)
    if SOURCE.fullmatch(part):
        return any(f"{folder}/{part}" in tree.files for folder in folders) if folders else None
    within = files or [name for name in tree.files for folder in folders if name.startswith(f"{folder}/") and name.endswith(".rs")]
    if not within or (part.split("/")[0] in tree.top and "/" in part):
        return None
    name = NAME.fullmatch(part)
    return any(
        defines(tree.code_of(file), name[1]) if name and file.endswith(".rs") else part in tree.text(file) for file in within
    )


def unknown(tree: Tree) -> tuple[int, list[str]]:
    """Returns how many things the pages name, and a text for each that does not exist."""
    count = 0
    missing = []
    for page in (name for name in tree.files if name.endswith(".md")):
        text = tree.text(page)
        for number, line in enumerate(text.splitlines(), 1):
            for span in SPAN.findall(line):
                found = exists(tree, span, page in ABOUT_CODE)
                count += found is not None
                if found is False:
                    missing.append(f"{page}:{number}: `{span}` does not exist")
        for parts in PART.finditer(text) if page in ABOUT_CODE else ():
            for part in SPAN.findall(parts[1]):
                found = has(tree, parts[2], part)
                count += found is not None
                if found is False:
                    number = text.count("\n", 0, parts.start()) + 1
                    missing.append(f"{page}:{number}: `{parts[2]}` has no `{part}`")
    return count, missing


def promises(folder: Path, named_from: Path) -> tuple[int, list[str]]:
    """Returns how many tests a function's promises name, and a text for each that does not exist."""
    page = folder / "src/lib.rs"
    table = re.findall(r"^//! \|.*\| ([^|]*`[^|]*) \|$", page.read_text(encoding="utf-8").partition("# What it promises")[2], re.M)
    named = [span for cell in table for span in SPAN.findall(cell) if not span.startswith("tests/")]
    missing = []
    for name in named:
        module, _, test = name.partition("::")
        source = folder / f"tests/it/{module}.rs"
        if not source.is_file() or f"fn {test}(" not in source.read_text(encoding="utf-8") and test:
            missing.append(f"{page.relative_to(named_from)}: there is no test `{name}`")
    if not named:
        missing.append(f"{page.relative_to(named_from)} names no test of a promise")
    return len(named), missing


def main() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    spans, missing = unknown(Tree(ROOT, listed.stdout.split()))
    tests = 0
    for folder in sorted((ROOT / "functions").iterdir()):
        named, without = promises(folder, ROOT)
        tests += named
        missing += without
    if missing:
        print("\n".join(missing))
    print(f"{spans} files and items and {tests} tests are named, {len(missing)} of them do not exist")
    if spans == 0:
        sys.exit("nothing was checked")
    sys.exit(bool(missing))


if __name__ == "__main__":
    main()
