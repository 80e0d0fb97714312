#!/usr/bin/env python3
"""Checks that the modules of a crate do not use each other in a circle.

A module is a file. It uses another one where its text names something that the other file defines: in a `use`, or in a
path (`crate::a::B`, `super::B`, `child::B`). A name is followed through re-exports to the file that defines it, so
`use super::B` is about the file that `super` has `B` from. These do not count:

- a parent's `mod child;`, and its `pub use child::B` if the parent does not use `B` itself
- code for tests only
- methods: a call on a value names no file, and an `impl` block may stand in any

Prints each circle as a chain of files with the places where one uses the next. Exits with 1 when there is one.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import core_sources

ROOT = Path(__file__).resolve().parents[2]
ITEM = r"(?:struct|enum|union|trait|type|fn|const|static|mod|macro_rules!)\s+"
CHILD = re.compile(r"\bmod\s+(\w+)\s*;")
INLINE_MODULE = re.compile(r"\bmod\s+\w+\s*(?=\{)")
USE = re.compile(r"(?P<public>\bpub(?:\s*\([^)]*\))?\s+)?\buse\s+(?P<tree>[^;]*);")
VISIBILITY = re.compile(r"\bpub\s*\([^)]*\)")
PATH = re.compile(r"(?<![\w:$])(\w+(?:\s*::\s*\w+)+)")


@dataclass
class Module:
    """A source file in the tree of its crate."""

    file: Path
    text: str
    parent: "Module | None" = None
    children: dict[str, "Module"] = field(default_factory=dict)
    # The paths of each `use`, with where it stands and whether it re-exports.
    uses: list[tuple[int, str, bool]] = field(default_factory=list)
    # The text without any `use`.
    body: str = ""

    def __post_init__(self) -> None:
        self.body = self.text
        for use in USE.finditer(self.text):
            paths = core_sources.written_out(use["tree"])
            self.uses += [(use.start(), path, use["public"] is not None) for path in paths]
            self.body = core_sources.blank(self.body, use.start(), use.end())
        self.body = VISIBILITY.sub(lambda found: " " * len(found[0]), self.body)

    def line(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1

    def defines(self, name: str) -> bool:
        return re.search(rf"\b{ITEM}{re.escape(name)}\b", self.body) is not None

    def mentions(self, name: str) -> bool:
        return re.search(rf"\b{re.escape(name)}\b", self.body) is not None

    def inline_depth(self, position: int) -> int:
        """How many modules within this file a position lies in: `super` leads out of these first."""
        starts = [found.end() for found in INLINE_MODULE.finditer(self.text)]
        return sum(start <= position < core_sources.end_of_group(self.text, start) for start in starts)


def read(file: Path, parent: Module | None = None) -> Module:
    """The tree of modules that begins with a file."""
    text = core_sources.without_literals(file.read_text(encoding="utf-8"))
    text, _ = core_sources.without_tests(text)
    module = Module(file, text, parent)
    home = file.parent if file.stem in ("lib", "main", "mod") else file.with_suffix("")
    for name in CHILD.findall(text):
        for child in (home / f"{name}.rs", home / name / "mod.rs"):
            if child.exists():
                module.children[name] = read(child, module)
    return module


def all_modules(module: Module) -> Iterator[Module]:
    yield module
    for child in module.children.values():
        yield from all_modules(child)


def definer(module: Module, name: str, seen: frozenset[tuple[Path, str]] = frozenset()) -> Module | None:
    """The module from which `module` has a name: itself, or what it imports the name from."""
    if module.defines(name):
        return module
    if (module.file, name) in seen:
        return None
    seen |= {(module.file, name)}
    for position, path, _ in module.uses:
        last = path.rsplit("::", 1)[-1]
        if last == name and (found := target(module, position, path, seen)):
            return found
        if last == "*" and (source := target(module, position, path, seen)) and (found := definer(source, name, seen)):
            return found
    return None


def target(
    module: Module, position: int, path: str, seen: frozenset[tuple[Path, str]] = frozenset()
) -> Module | None:
    """The module whose file defines what a path in `module` names; none if that is outside the crate."""
    names = [name.strip() for name in path.split("::")]
    depth = module.inline_depth(position)
    current = module
    if names[0] == "crate":
        while current.parent:
            current = current.parent
    elif names[0] == "super":
        while names and names[0] == "super":
            if depth:
                depth -= 1
            elif current.parent:
                current = current.parent
            names.pop(0)
        names.insert(0, "super")
    elif names[0] in module.children:
        names.insert(0, "self")
    elif imported := imported_module(module, names[0], seen):
        current = imported
    elif names[0] != "self":
        return None
    for name in names[1:]:
        if name in ("*", "self"):
            return current
        if name in current.children:
            current = current.children[name]
            continue
        return definer(current, name, seen) or current
    return current


def imported_module(module: Module, name: str, seen: frozenset[tuple[Path, str]]) -> Module | None:
    """The module that a `use` gives a name in `module`, as in `use crate::checks;`."""
    for position, path, _ in module.uses:
        path = path.removesuffix("::self")
        if path.rsplit("::", 1)[-1] == name and path != name and (module.file, path) not in seen:
            found = target(module, position, path, seen | {(module.file, path)})
            if found and found.file.stem in (name, "mod"):
                return found
    return None


def edges(module: Module) -> dict[Path, list[str]]:
    """The files that a module uses, each with the places."""
    found: dict[Path, list[str]] = {}

    def add(position: int, path: str) -> None:
        other = target(module, position, path)
        if other and other is not module:
            found.setdefault(other.file, []).append(f"{module.line(position)}: {path}")

    for position, path, public in module.uses:
        if public and path.split("::")[0] in module.children and not module.mentions(path.rsplit("::", 1)[-1]):
            continue
        add(position, path)
    for path in PATH.finditer(module.body):
        add(path.start(), re.sub(r"\s+", "", path[1]))
    return found


def circles(graph: dict[Path, dict[Path, list[str]]]) -> list[list[Path]]:
    """The shortest circle through each group of files that all lead to each other."""

    def reachable(start: Path) -> dict[Path, Path]:
        """Every file that `start` leads to, with the one before it on the shortest way."""
        before: dict[Path, Path] = {}
        open_ends = [start]
        for file in open_ends:
            for following in sorted(graph.get(file, {})):
                if following not in before:
                    before[following] = file
                    open_ends.append(following)
        return before

    ways = {file: reachable(file) for file in sorted(graph)}
    shortest: dict[frozenset[Path], list[Path]] = {}
    for start, before in ways.items():
        if start not in before:
            continue
        group = frozenset(file for file in before if start in ways.get(file, {}))
        circle = [start]
        while (previous := before[circle[0]]) != start:
            circle.insert(0, previous)
        circle.insert(0, start)
        if group not in shortest or len(circle) < len(shortest[group]):
            shortest[group] = circle
    return list(shortest.values())


def problems(root: Path, named_from: Path) -> list[str]:
    """A text for each circle among the modules below a crate's `lib.rs` or `main.rs`."""
    graph = {module.file: edges(module) for module in all_modules(read(root))}
    texts = []
    for circle in circles(graph):
        lines = []
        for file, following in zip(circle, circle[1:]):
            places = "; ".join(graph[file][following][:3])
            lines.append(f"  {file.relative_to(named_from)}:{places}")
        texts.append("\n".join(lines))
    return texts


def main() -> None:
    command = ["git", "ls-files", "*/src/lib.rs", "*/src/main.rs"]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    if not listed:
        sys.exit("no crate was found")
    found = 0
    for name in listed:
        for circle in problems(ROOT / name, ROOT):
            found += 1
            print(f"{name} has modules that use each other:\n{circle}")
    print(f"{found} circles in {len(listed)} crates' libraries and programs")
    sys.exit(found > 0)


if __name__ == "__main__":
    main()
