#!/usr/bin/env python3
"""Checks that one word means one thing: each name of a type is defined in one file of the product.

Lists every name of a struct, enum, union or trait that is defined in several files other than tests. Their share of
all names may be at most MOST_SHARED; a name in MEANT_TO_REPEAT has the same role everywhere and does not count.
Exits with 1 if the share is larger.
"""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_SHARED = 0.03
MEANT_TO_REPEAT = {
    "Deps": "the dependencies of a function's handler: one in each function, always written with its crate's name",
}
TYPE = re.compile(r"^\s*(?:pub(?:\([^)]*\))? )?(?:struct|enum|trait|union) (\w+)", re.MULTILINE)
NO_PRODUCT = re.compile(r"(^|/)(tests|benches|fuzz)/")


def definitions(text: str) -> set[str]:
    """Returns the types that a source defines, without those of its tests."""
    product, _, _ = text.partition("#[cfg(test)]\nmod tests")
    return set(TYPE.findall(product))


def main() -> None:
    listed = subprocess.run(["git", "ls-files", "*.rs"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    places = defaultdict(list)
    for name in listed.stdout.split():
        if not NO_PRODUCT.search(name):
            for found in definitions((ROOT / name).read_text(encoding="utf-8")):
                places[found].append(name)
    unknown = MEANT_TO_REPEAT.keys() - places.keys()
    if not places or unknown:
        sys.exit(f"no types were found, or these were not: {sorted(unknown)}")
    shared = {name: files for name, files in places.items() if len(files) > 1 and name not in MEANT_TO_REPEAT}
    for name, files in sorted(shared.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        print(f"{name}: {', '.join(sorted(files))}")
    share = len(shared) / len(places)
    print(f"{len(shared)} of {len(places)} names of types are defined in several files ({share:.1%}, at most {MOST_SHARED:.0%})")
    sys.exit(share > MOST_SHARED)


if __name__ == "__main__":
    main()
