#!/usr/bin/env python3
"""Checks that the imports of a scope are in one group.

rustfmt sorts imports within a group but never across a blank line, so one group means one order in
every file. Prints each blank line between two imports, and exits with 1 if there is one.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMPORT = re.compile(r"\s*use ")


def gaps(lines: list[str]) -> list[int]:
    """Returns the numbers, from 1, of the blank lines that divide two imports."""
    found = []
    is_within = is_after = False
    for index, line in enumerate(lines):
        if is_within or IMPORT.match(line):
            is_after = line.rstrip().endswith(";")
            is_within = not is_after
        elif not line.strip() and is_after and index + 1 < len(lines) and IMPORT.match(lines[index + 1]):
            found.append(index + 1)
        else:
            is_after = False
    return found


def main() -> None:
    listed = subprocess.run(["git", "ls-files", "*.rs"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    names = listed.stdout.split()
    problems = [
        f"{name}:{line}: a blank line divides the imports; remove it and run `cargo fmt`"
        for name in names
        for line in gaps((ROOT / name).read_text(encoding="utf-8").splitlines())
    ]
    if not names:
        sys.exit("no Rust file was found")
    print("\n".join(problems) if problems else f"in {len(names)} files, the imports of each scope are in one group")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
