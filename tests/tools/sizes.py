#!/usr/bin/env python3
"""Checks that no source file of the product is longer than MOST_LINES, so that each has one reason to change.

The lines of a file count up to its own tests (`#[cfg(test)]` before a `mod`). Files that only have tests or benches
are left out. Prints the longest files and every file that is too long, and exits with 1 if there is one.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 500
SHOWN = 5
TESTS = re.compile(r"^#\[cfg\(test\)\]\n(?:#\[[^\n]*\n)*(?:pub(?:\([^)]*\))? )?mod ", re.MULTILINE)
NO_PRODUCT = re.compile(r"(^|/)(tests|benches|fuzz)/")


def lines(text: str) -> int:
    """Returns the number of lines of a source before its own tests."""
    tests = TESTS.search(text)
    return text.count("\n", 0, tests.start() if tests else len(text))


def main() -> None:
    listed = subprocess.run(["git", "ls-files", "*.rs"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    sizes = {
        name: lines((ROOT / name).read_text(encoding="utf-8"))
        for name in listed.stdout.split()
        if not NO_PRODUCT.search(name)
    }
    if not sizes:
        sys.exit("no source was found")
    longest = sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0]))
    too_long = sum(size > MOST_LINES for size in sizes.values())
    for name, size in longest[: max(SHOWN, too_long)]:
        print(f"{size:4} {name}")
    print(f"{too_long} of {len(sizes)} files are too long (at most {MOST_LINES} lines, each without its own tests)")
    sys.exit(too_long > 0)


if __name__ == "__main__":
    main()
