#!/usr/bin/env python3
"""Checks that one word means one thing: each name of a type is defined in one file of the product.

A type is a struct, enum, union, trait or alias (`type A = …`); tests are left out. A name that several files define must
be in SHARED, with the reason why it may be. The share of these names may be at most MOST_SHARED; a name in MEANT_TO_REPEAT
has the same role everywhere and does not count. Prints what is wrong, and exits with 1 if something is.
"""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import core_sources

ROOT = Path(__file__).resolve().parents[2]
MOST_SHARED = 0.03
MEANT_TO_REPEAT = {
    "Deps": "the dependencies of a function's handler: one in each function, always written with its crate's name",
    "Result": "the standard library's `Result` with the file's own error filled in, private to that file",
}
SHARED = {
    "no crate exports it, so it has one meaning wherever it can be used": ["Entry", "Found", "Line", "Members", "Shared", "State"],
    "one crate exports it, and the others keep theirs to themselves": [
        "Counts", "Decision", "Failure", "Kind", "Lines", "Listing", "Question", "Step",
    ],
    "a row of a table in the form that each crate has it in; the models' tables, which serde reads, have rows too": ["Row"],
    "a position in what each crate reads or writes: a file, the marks of a table, the spool, an answer": ["Place"],
    "where something comes from: a fact, an error, settings, the rows of a file": ["Source"],
    "one thing before and after it is written into a document of the plan": ["Slice", "Unsendable"],
    "the setting, and the same choice for the crate of prompts, which knows no settings": ["MissingColumns"],
    "a model as the product's table, an AWS account, and the simulator's separate list have it": ["Model"],
    "the local stack imitates two services; each has its own statuses and its own observer": ["Observer", "Status"],
}
TYPE = re.compile(
    r"^ *(?:pub(?:\([^)]*\))? )?(?:(?:struct|enum|union|(?:unsafe )?(?:auto )?trait) (\w+)|(?P<alias>type) (\w+))", re.MULTILINE
)
# A `type` that stands directly in one of these belongs to it, and is no name of its own.
ASSOCIATING = re.compile(r"^ *(?:pub(?:\([^)]*\))? )?(?:unsafe )?(?:impl|(?:auto )?trait)\b[^;{]*\{", re.MULTILINE)
NO_PRODUCT = re.compile(r"(^|/)(tests|benches|fuzz)/")


def opening(text: str, position: int) -> int:
    """Returns the index of the brace around a position, or -1."""
    depth = 1
    while depth and position > 0:
        position -= 1
        depth += (text[position] == "}") - (text[position] == "{")
    return position if depth == 0 else -1


def definitions(text: str) -> set[str]:
    """Returns the types that a source defines, without those of its tests."""
    product, _ = core_sources.without_tests(core_sources.without_literals(text))
    associating = {found.end() - 1 for found in ASSOCIATING.finditer(product)}
    return {
        found[1] or found[3]
        for found in TYPE.finditer(product)
        if not found["alias"] or opening(product, found.start("alias")) not in associating
    }


def places(names: list[str], root: Path) -> dict[str, list[str]]:
    """Returns the files of the product that define each type."""
    defined = defaultdict(list)
    for file in core_sources.product(root / name for name in names if not NO_PRODUCT.search(name)):
        for found in definitions(file.read_text(encoding="utf-8")):
            defined[found].append(str(file.relative_to(root)))
    return {name: sorted(files) for name, files in defined.items()}


def problems(defined: dict[str, list[str]], reasons: dict[str, str]) -> list[str]:
    """Returns what is wrong with the names that several files define: without a reason, or a reason without such a name."""
    shared = {name: files for name, files in defined.items() if len(files) > 1}
    here = "tests/tools/names.py"
    return [
        f"{name} is defined in {', '.join(files)}; use another word, or give a reason in {here}"
        for name, files in sorted(shared.items())
        if name not in reasons
    ] + [
        f"{name} is no longer defined in several files; remove it from {here}"
        for name in sorted(reasons.keys() - shared.keys())
    ]


def main() -> None:
    listed = subprocess.run(["git", "ls-files", "*.rs"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    defined = places(listed.stdout.split(), ROOT)
    if not defined:
        sys.exit("no type was found")
    reasons = {name: reason for reason, names in SHARED.items() for name in names}
    found = problems(defined, reasons | MEANT_TO_REPEAT)
    shared = sum(len(files) > 1 and name not in MEANT_TO_REPEAT for name, files in defined.items())
    share = shared / len(defined)
    if found:
        print("\n".join(found))
    print(f"{shared} of {len(defined)} names of types are defined in several files ({share:.2%}, at most {MOST_SHARED:.0%})")
    sys.exit(bool(found) or share > MOST_SHARED)


if __name__ == "__main__":
    main()
