#!/usr/bin/env python3
"""Checks that no source file of the product is longer than MOST_LINES, so that each has one reason to change.

The items of a file that are only for its tests (`#[cfg(test)]`) do not count, wherever they stand. Files that only have
tests or benches are left out. Prints the longest files and every file that is too long, and exits with 1 if there is one.
"""

import re
import subprocess
import sys
from pathlib import Path

import core_sources

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 500
SHOWN = 5
NO_PRODUCT = re.compile(r"(^|/)(tests|benches|fuzz)/")


def lines(text: str) -> int:
    """Returns the number of lines of a source without the items that are only for its tests."""
    items, _ = core_sources.tests_in(core_sources.without_literals(text))
    for start, end in reversed(items):
        text = text[:start].rstrip() + "\n" + text[end:].lstrip()
    return len(text.strip().splitlines())


def sizes_of(names: list[str], root: Path) -> dict[str, int]:
    """Returns the number of lines of each file of the product."""
    files = core_sources.product(root / name for name in names if not NO_PRODUCT.search(name))
    return {str(file.relative_to(root)): lines(file.read_text(encoding="utf-8")) for file in files}


def main() -> None:
    listed = subprocess.run(["git", "ls-files", "*.rs"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    sizes = sizes_of(listed.stdout.split(), ROOT)
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
