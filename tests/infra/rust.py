"""Finds what the functions' sources do with AWS.

Rust is not parsed: the sources are searched as text, without comments and tests. Therefore the tests
also check that the search finds something where it must.

- An *adapter* is the type that implements one of the edges' traits with an SDK client
  (`impl ObjectStore for S3Store`). Its methods lead to operations of the SDK.
- A function's `main.rs` builds its adapters. Its other sources call their methods, directly or
  through modules of the edges (`quarry_edge::s3::writer`, `documents::read`).
"""

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from project import ROOT

EDGE = ROOT / "crates/edge/src"
FUNCTIONS = ROOT / "functions"

# A pseudo-operation of code that must distinguish a missing object from one that may not be read.
MISSING = "missing object"
# A pseudo-operation of code that reads a version of an object, which need not be the current one.
VERSION = "version of an object"


@functools.cache
def text_of(path: Path) -> str:
    """Returns a source without comments and unit tests."""
    text = path.read_text(encoding="utf-8").split("#[cfg(test)]")[0]
    return re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)


def bodies(text: str) -> Iterator[tuple[str, str]]:
    """Yields the names and bodies of the functions in a source."""
    for found in re.finditer(r"\bfn (\w+)", text):
        begin = text.find("{", found.end())
        if text.find(";", found.end(), begin) != -1 and "where" not in text[found.end() : begin]:
            continue  # A declaration.
        depth, at = 0, begin
        for at in range(begin, len(text)):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                break
        yield found[1], text[begin : at + 1]


def operations_in(text: str) -> set[str]:
    """Returns the operations that a text calls, of SDK clients and as signed requests."""
    found = set(re.findall(r"\bself\s*\.client\s*\.(\w+)\(", text))
    found |= set(re.findall(r"\bself\s*\.calls\s*\.\w+\(\s*\"(\w+)\"", text))
    return found | set(re.findall(r"\bself\s*(?:\.\w+)?\.call\(\s*\"(\w+)\"", text))


class Adapter:
    """A type that implements a trait of the edges with an SDK client."""

    def __init__(self, name: str, trait: str, text: str) -> None:
        self.name, self.trait = name, trait
        own = dict(bodies(text))
        implementation = re.search(rf"impl {trait} for {name} \{{(.*?)^\}}", text, re.DOTALL | re.MULTILINE)
        assert implementation, f"no impl {trait} for {name}"
        # Several implementations in one file may have different methods of the same name.
        methods = dict(bodies(implementation[1]))
        self.operations = {method: self._reached(body, own | methods) for method, body in methods.items()}

    @staticmethod
    def _reached(body: str, own: dict[str, str]) -> set[str]:
        """Returns the operations of a body and of the methods of `self` that it calls."""
        found, seen, waiting = set(), set(), [body]
        while waiting:
            text = waiting.pop()
            found |= operations_in(text)
            for name in re.findall(r"\bself\s*\.(\w+)\(", text):
                if name in own and name not in seen:
                    seen.add(name)
                    waiting.append(own[name])
        return found


@functools.cache
def adapters() -> dict[str, Adapter]:
    """Returns all adapters by name."""
    found = {}
    for path in sorted(EDGE.rglob("*.rs")):
        text = text_of(path)
        if not operations_in(text):
            continue
        for trait, name in re.findall(r"^impl (\w+) for (\w+) \{", text, re.MULTILINE):
            if f"pub struct {name}" in text:
                adapter = Adapter(name, trait, text)
                if any(adapter.operations.values()):
                    found[name] = adapter
    return found


def all_operations() -> set[str]:
    """Returns every SDK operation that the edges call."""
    return set().union(*(operations_in(text_of(path)) for path in EDGE.rglob("*.rs")))


def methods_in(text: str, value: str) -> set[str]:
    """Returns the methods that are called on values of a name: `store.get(`, `deps.store\n.get(`."""
    return set(re.findall(rf"\b{value}\s*\.(\w+)\(", text)) - {"as_ref", "clone", "send"}


def _module_file(path: str) -> Path | None:
    file = EDGE / (path.replace("::", "/") + ".rs")
    return file if file.is_file() else None


def _store_methods_of_module(module: str, seen: set[str]) -> set[str]:
    """Returns the methods of the store that a module of the edges calls, directly or through other modules."""
    file = _module_file(module)
    if file is None or module in seen or module in ("store", "s3/client"):
        return set()
    seen.add(module)
    text = text_of(file)
    found = methods_in(text, "store")
    if found and "StoreError::NotFound" in text:
        found.add(MISSING)
    for used in re.findall(r"\bcrate::(s3::\w+)", text):
        found |= _store_methods_of_module(used.replace("::", "/"), seen)
    for used in re.findall(r"use super::(\w+)", text):
        found |= _store_methods_of_module(f"s3/{used}", seen)
    return found


@functools.cache
def _store_methods_of_documents() -> dict[str, set[str]]:
    found = {}
    for name, body in bodies(text_of(EDGE / "documents.rs")):
        methods = methods_in(body, "store") | set(re.findall(r"\bstore\s*\n\s*\.(\w+)\(", body))
        if methods:
            found[name] = methods | ({MISSING} if "StoreError::NotFound" in body else set())
    return found


@functools.cache
def _store_methods_of_rows() -> set[str]:
    found = set()
    for path in (ROOT / "crates/rows/src").rglob("*.rs"):
        found |= _carried(text_of(path))
    return found


def _text_of_rows() -> str:
    return "\n".join(text_of(path) for path in sorted((ROOT / "crates/rows/src").rglob("*.rs")))


def _carried(text: str) -> set[str]:
    """Returns the methods of the store that a source calls, directly or through the edges."""
    found = methods_in(text, "store")
    if found and "StoreError::NotFound" in text:
        found.add(MISSING)
    for module in set(re.findall(r"\bquarry_edge::(s3::\w+)", text)):
        found |= _store_methods_of_module(module.replace("::", "/"), set())
    documents = _store_methods_of_documents()
    for name in set(re.findall(r"\bdocuments::(\w+)\(", text)):
        found |= documents[name]
    return found


class Function:
    """The sources of a function."""

    def __init__(self, name: str) -> None:
        self.name = name
        folder = FUNCTIONS / name / "src"
        self.main = text_of(folder / "main.rs")
        self.text = "\n".join(text_of(path) for path in sorted(folder.rglob("*.rs")) if path.name != "main.rs")

    def adapters(self) -> dict[str, str]:
        """Returns the adapters that main.rs builds, by the name of their value."""
        return dict(re.findall(r"\b(\w+): Arc::new\((?:\w+::)*(\w+)::new\(&sdk", self.main))

    def calls(self) -> dict[str, set[str]]:
        """Returns the methods that the function calls on each of its adapters' values."""
        found = {value: methods_in(self.text, value) for value in self.adapters()}
        if "store" in found:
            found["store"] = _carried(self.text)
            if "quarry_rows::" in self.text:
                found["store"] |= _store_methods_of_rows()
        return found

    @functools.cache
    def operations(self) -> set[str]:
        """Returns the SDK operations that the function may call."""
        known = adapters()
        found = set()
        for value, methods in self.calls().items():
            adapter = known[self.adapters()[value]]
            for method in methods:
                if method == MISSING:
                    found.add(MISSING)
                elif method in adapter.operations:
                    found |= adapter.operations[method]
        return found | ({VERSION} if self.reads_versions() else set())

    def reads_versions(self) -> bool:
        """Returns whether the function reads input files by version, directly or as rows."""
        pins = "Pin::new("
        reads_rows = re.search(r"use quarry_rows::[^;]*\bRows\b", self.text)
        return pins in self.text or bool(reads_rows) and pins in _text_of_rows()


class CommandLine(Function):
    """The sources of the command line that work with a deployment: a crate of its own, and the ways of files."""

    SOURCES = (
        *sorted((ROOT / "crates/remote/src").rglob("*.rs")),
        *(ROOT / f"crates/cli/src/staging/{name}.rs" for name in ("job", "results", "upload")),
        *sorted((ROOT / "crates/cli/src/staging/in_s3").rglob("*.rs")),
    )

    def __init__(self) -> None:
        self.name = "command line"
        self.main = self.text = "\n".join(text_of(path) for path in self.SOURCES)


@functools.cache
def function(name: str) -> Function:
    """Returns the sources of a function, which are read once."""
    return Function(name)


def functions() -> list[str]:
    """Returns the names of all functions: the folders with a crate."""
    return sorted(path.parent.name for path in FUNCTIONS.glob("*/Cargo.toml"))
