#!/usr/bin/env python3
"""Checks that dependencies point inwards: shells to edges to core, never the other way.

`[workspace.metadata.rings]` in the root Cargo.toml assigns each crate to a ring:

- core: bytes and values in, values out. It depends only on core. Its dependency tree has no async
  runtime, SDK or HTTP, and its sources use no environment, files, clock or network.
- edges: the connection between the core and the outside. They depend on core and edges.
- shells: programs and the local stack. A function (a crate under functions/) depends only on core
  and edges, so that nothing of the local stack is deployed, and has one HTTP and TLS stack.

The dependencies of tests are not restricted. Only they may turn on the feature `testing` of quarry-edge, and have the
crates in FOR_TESTS: nothing that is deployed has fakes. Prints every problem, and exits with 1 if there is one.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import core_sources

ROOT = Path(__file__).resolve().parents[2]
RINGS = ("core", "edges", "shells")
MAY_DEPEND_ON = {"core": {"core"}, "edges": {"core", "edges"}, "shells": {"core", "edges", "shells"}}
WITH_FAKES = "quarry-edge"
FAKES = "testing"
# Crates that exist only for the tests of others, so that they may have fakes.
FOR_TESTS = {"quarry-fuzz-targets", "quarry-planned-run"}
# In the form of `cargo tree`: name, space, v, version.
NOT_IN_CORE = re.compile(r"(?:tokio|hyper)\b|aws[-_]")
NOT_IN_FUNCTIONS = re.compile(r"hyper v0\.|reqwest v|openssl-sys v|aws-lc-sys v")


def cargo(*arguments: str) -> str:
    done = subprocess.run(["cargo", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"cargo {arguments[0]} failed")
    return done.stdout


def ring_of_each(rings: dict[str, list[str]], members: set[str]) -> Iterator[str]:
    """Yields problems with the table: every member must be in one ring, and rings must have only members."""
    if set(rings) != set(RINGS):
        yield f"[workspace.metadata.rings] must have exactly {', '.join(RINGS)}; it has {', '.join(rings) or 'nothing'}"
    for member in sorted(members):
        its = [ring for ring, crates in rings.items() for crate in crates if crate == member]
        if len(its) != 1:
            yield f"{member} is in {' and '.join(its) or 'no ring'}; it must be in exactly one ring"
    for ring, crates in rings.items():
        for crate in crates:
            if crate not in members:
                yield f"{crate} is in {ring} but is not a member of the workspace"


def direct(package: dict, ring: dict[str, str], is_function: bool) -> Iterator[str]:
    """Yields problems with the workspace crates that a crate depends on."""
    allowed = {"core", "edges"} if is_function else MAY_DEPEND_ON[ring[package["name"]]]
    what = "a function" if is_function else ring[package["name"]]
    for dependency in package["dependencies"]:
        name = dependency["name"]
        if dependency["kind"] != "dev" and name in ring and ring[name] not in allowed:
            yield f"{package['name']} ({what}) depends on {name} ({ring[name]})"


def features_with_fakes(features: dict[str, list[str]]) -> set[str]:
    """Returns the features of the crate WITH_FAKES that turn its fakes on: FAKES, and each that leads to it."""
    found = {FAKES}
    while more := {name for name, leads_to in features.items() if not found.isdisjoint(leads_to)} - found:
        found |= more
    return found


def fakes(package: dict, with_fakes: set[str]) -> Iterator[str]:
    """Yields what gives a crate fakes outside of its tests: a dependency, or a feature of its own."""
    if package["name"] in FOR_TESTS:
        return
    names = set()
    for dependency in package["dependencies"]:
        name = dependency["name"]
        if name == WITH_FAKES:
            names.add(dependency["rename"] or name)
        if dependency["kind"] == "dev":
            continue
        if name in FOR_TESTS:
            yield f"{package['name']} depends on {name}, which is for tests only; make it a dev-dependency"
        on = {*dependency["features"], *(["default"] if dependency["uses_default_features"] else [])}
        if name == WITH_FAKES and not with_fakes.isdisjoint(on):
            feature = ", ".join(sorted(with_fakes & on))
            yield f"{package['name']} depends on {name} with {feature}, which is for tests only; make that a dev-dependency"
    turns_on = {f"{name}{mark}/{feature}" for name in names for mark in ("", "?") for feature in with_fakes}
    for own, leads_to in package["features"].items():
        for feature in sorted(turns_on.intersection(leads_to)):
            yield f"{package['name']} turns on {feature} with its feature {own}; only a dev-dependency may do that"


def whole_tree(name: str, unwanted: re.Pattern[str]) -> Iterator[str]:
    """Yields problems with any direct or indirect dependency of a crate, on any platform."""
    tree = cargo(
        "tree", "--locked", "--package", name, "--edges", "normal", "--target", "all",
        "--all-features", "--prefix", "none", "--format", "{p}",
    )
    for line in sorted({line.removesuffix(" (*)") for line in tree.splitlines()}):
        if unwanted.match(line):
            yield f"{name} is built with {line}: `cargo tree -p {name} -e normal -i {line.split()[0]}` shows why"


def main() -> None:
    metadata = json.loads(cargo("metadata", "--locked", "--no-deps", "--format-version", "1"))
    rings = (metadata["metadata"] or {}).get("rings", {})
    packages = {package["name"]: package for package in metadata["packages"]}

    problems = list(ring_of_each(rings, set(packages)))
    if problems:
        sys.exit("\n".join(problems))

    ring = {crate: name for name, crates in rings.items() for crate in crates}
    if FAKES not in packages[WITH_FAKES]["features"]:
        problems.append(f"{WITH_FAKES} has no feature {FAKES}, so the check for fakes checks nothing")
    problems += [f"{name} is in FOR_TESTS but is not a member of the workspace" for name in sorted(FOR_TESTS - set(packages))]
    with_fakes = features_with_fakes(packages[WITH_FAKES]["features"])
    functions = 0
    for name, package in sorted(packages.items()):
        home = Path(package["manifest_path"]).parent
        is_function = home.parent.name == "functions"
        functions += is_function
        problems += direct(package, ring, is_function)
        problems += fakes(package, with_fakes)
        if ring[name] == "core":
            problems += whole_tree(name, NOT_IN_CORE)
            problems += core_sources.problems(home / "src", ROOT)
        if is_function:
            problems += whole_tree(name, NOT_IN_FUNCTIONS)
    if functions == 0:
        problems.append("no crate was found under functions/, so the check for functions checks nothing")

    if problems:
        sys.exit("\n".join(problems))
    counts = ", ".join(f"{len(rings[name])} {name}" for name in RINGS)
    print(f"dependencies point inwards: {counts} ({functions} of them functions)")


if __name__ == "__main__":
    main()
