"""Finds where a core crate's sources use the environment, files, the clock or the network.

The text is searched, not the compiled program: comments, literals and code for tests only are left
out, and `use` trees are expanded. Paths that macros build are not found; `cargo tree` (see rings.py)
and clippy's `disallowed-methods` complement this check.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

OUTSIDE = re.compile(
    r"std::(?:env|fs|net|process)\b|std::time::(?:SystemTime|Instant)\b"
    # After a glob or a renaming import, later uses cannot be recognised by their path.
    r"|std::time(?:::\*|::self)?$|std(?:::\*|::self)?$"
)
LITERALS = re.compile(
    r"""
      //[^\n]*
    | \b(?:b|c)?r(?P<hashes>\#*)".*?"(?P=hashes)
    | (?:\b[bc])?"(?:\\.|[^"\\])*"
    | (?:\bb)?'(?:\\(?:x[0-9a-fA-F]{2}|u\{[^}]*\}|.)|[^'\\\n])'
    | /\*
    """,
    re.VERBOSE | re.DOTALL,
)
BLOCK_EDGE = re.compile(r"/\*|\*/")
TEST_ATTRIBUTE = re.compile(r"#(?P<inner>!?)\[\s*cfg\s*\(\s*(?:all\s*\(\s*)?test\s*[,)]")
USE = re.compile(r"\buse\s+([^;]*);")
PATH = re.compile(r"\bstd\s*::\s*\w+(?:\s*::\s*\w+)*")
CLOSING = {"(": ")", "[": "]", "{": "}"}


def blank(text: str, start: int, end: int) -> str:
    """Returns the text with a part of it replaced by spaces; line ends stay."""
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def without_literals(text: str) -> str:
    """Returns the text with comments, strings and characters replaced by spaces."""
    kept = []
    position = 0
    while found := LITERALS.search(text, position):
        end = found.end()
        if found.group() == "/*":
            depth = 1
            while depth and (edge := BLOCK_EDGE.search(text, end)):
                depth += 1 if edge.group() == "/*" else -1
                end = edge.end()
            if depth:
                end = len(text)
        kept += [text[position : found.start()], re.sub(r"[^\n]", " ", text[found.start() : end])]
        position = end
    return "".join(kept) + text[position:]


def end_of_group(text: str, start: int) -> int:
    """Returns the index after the bracket that closes the one at `start`."""
    depth = 0
    for position in range(start, len(text)):
        if text[position] in CLOSING:
            depth += 1
        elif text[position] in CLOSING.values():
            depth -= 1
            if depth == 0:
                return position + 1
    return len(text)


def end_of_item(text: str, start: int) -> int:
    """Returns the index after the item that begins at `start` with its attributes."""
    position = start
    is_use = False
    while position < len(text):
        if text.startswith("#[", position):
            position = end_of_group(text, position + 1)
        elif text[position] == ";":
            return position + 1
        elif text[position] in CLOSING:
            closes_item = text[position] == "{" and not is_use
            position = end_of_group(text, position)
            if closes_item:
                return position
        else:
            is_use = is_use or re.match(r"use\b", text[position:]) is not None
            position += 1
    return position


def tests_in(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    """Returns where the items for tests only stand, and the names of those that are modules in other files.

    The text has no literals. Each item is its start and its end.
    """
    items: list[tuple[int, int]] = []
    modules = []
    while found := TEST_ATTRIBUTE.search(text, items[-1][1] if items else 0):
        if found["inner"]:
            return [(0, len(text))], modules
        end = end_of_item(text, found.start())
        if module := re.search(r"\bmod\s+(\w+)\s*;$", text[found.start() : end]):
            modules.append(module[1])
        items.append((found.start(), end))
    return items, modules


def without_tests(text: str) -> tuple[str, list[str]]:
    """Returns the text without items for tests only, and the names of those that are modules in other files."""
    items, modules = tests_in(text)
    for start, end in items:
        text = blank(text, start, end)
    return text, modules


def product(files: Iterable[Path]) -> list[Path]:
    """Returns the files without those that only tests use: `#[cfg(test)] mod a;` elsewhere, or `#![cfg(test)]` in the file."""
    files = list(files)
    tests_only = set()
    for file in files:
        text = without_literals(file.read_text(encoding="utf-8"))
        items, modules = tests_in(text)
        home = file.parent if file.stem in ("lib", "main", "mod") else file.with_suffix("")
        tests_only.update(home / module for module in modules)
        if items == [(0, len(text))]:
            tests_only.add(home)
    return [file for file in files if tests_only.isdisjoint((file.with_suffix(""), *file.parents))]


def written_out(tree: str) -> Iterator[str]:
    """Yields the single paths of a `use` tree: `a::{b, c::d}` gives `a::b` and `a::c::d`."""
    tree = re.sub(r"\s+", " ", tree).strip()
    opening = tree.find("{")
    if opening < 0:
        yield re.sub(r" as .*", "", tree).replace(" ", "")
        return
    stem = tree[:opening].replace(" ", "")
    depth, branch = 0, ""
    for character in tree[opening + 1 : end_of_group(tree, opening) - 1] + ",":
        depth += (character == "{") - (character == "}")
        if character == "," and depth == 0:
            if branch.strip():
                yield from written_out(stem + branch.strip())
            branch = ""
        else:
            branch += character


def outside_paths(text: str) -> list[tuple[int, str]]:
    """Returns the lines and paths that lead outside, in a text without literals and tests."""
    found = []
    for use in USE.finditer(text):
        line = text.count("\n", 0, use.start()) + 1
        found += [(line, path) for path in written_out(use[1]) if OUTSIDE.match(path.removeprefix("::"))]
    for path in PATH.finditer(USE.sub(lambda use: blank(use[0], 0, len(use[0])), text)):
        name = re.sub(r"\s+", "", path[0])
        if OUTSIDE.match(name):
            found.append((text.count("\n", 0, path.start()) + 1, name))
    return sorted(found)


def problems(source: Path, named_from: Path) -> list[str]:
    """Returns every place under a `src` folder that leads outside, as `file:line: path`."""
    return [
        f"{file.relative_to(named_from)}:{line}: {path}"
        for file in product(sorted(source.rglob("*.rs")))
        for line, path in outside_paths(without_tests(without_literals(file.read_text(encoding="utf-8")))[0])
    ]
