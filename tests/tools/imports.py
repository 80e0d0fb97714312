#!/usr/bin/env python3
"""Checks that the imports of a scope are in one group.

rustfmt sorts imports within a group but never across a blank line or a comment on lines of its own, so one group means
one order in every file. Re-exports (`pub use`) are not imports. Prints each line that divides two imports, and exits with 1
if there is one.
"""

import re
import subprocess
import sys
from pathlib import Path

import core_sources

ROOT = Path(__file__).resolve().parents[2]
IMPORT = re.compile(r"\s*(?:#\[[^\]]*\]\s*)?use\s")
ATTRIBUTE = re.compile(r"\s*#\[(?:.*\]$|[^\]]*$)")


def gaps(text: str) -> list[int]:
    """Returns the numbers, from 1, of the first lines that divide two imports of a Rust source."""
    found = []
    # The line that divides the last import from what follows; 0 if none does, and none after anything but an import.
    gap: int | None = None
    # The character that ends the import or the attribute that the line belongs to.
    end = ""
    for number, line in enumerate(core_sources.without_literals(text).splitlines(), 1):
        line = line.rstrip()
        if not end:
            if IMPORT.match(line):
                if gap:
                    found.append(gap)
                end = ";"
            elif ATTRIBUTE.match(line):
                end = "]"
            elif line:
                gap = None
            elif gap == 0:
                gap = number
        if end and line.endswith(end):
            gap = 0 if end == ";" else gap
            end = ""
    return found


def main() -> None:
    listed = subprocess.run(["git", "ls-files", "*.rs"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    names = listed.stdout.split()
    problems = [
        f"{name}:{line}: this line divides the imports; remove it, or put a comment behind its import, and run `cargo fmt`"
        for name in names
        for line in gaps((ROOT / name).read_text(encoding="utf-8"))
    ]
    if not names:
        sys.exit("no Rust file was found")
    print("\n".join(problems) if problems else f"in {len(names)} files, the imports of each scope are in one group")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
