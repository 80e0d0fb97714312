"""What circles sees as a use of another file, and what it leaves alone."""

import tempfile
import unittest
from pathlib import Path

import circles


def found(**files: str) -> list[str]:
    """The circles of a crate with these files; `a__b` is `a/b.rs`."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        for name, text in files.items():
            file = source / f"{name.replace('__', '/')}.rs"
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return circles.problems(source / "lib.rs", source)


class Sees(unittest.TestCase):
    def test_two_files_that_import_each_other(self) -> None:
        texts = found(lib="mod a; mod b;", a="use crate::b::B;\npub struct A;", b="pub struct B;\nuse crate::a::{A};")
        self.assertEqual(texts, ["  a.rs:1: crate::b::B\n  b.rs:2: crate::a::A"])

    def test_paths_where_they_are_used(self) -> None:
        for used in ["crate::b::B", "super :: b ::\n B"]:
            with self.subTest(used):
                texts = found(lib="mod a; mod b;", a=f"pub struct A({used});", b="use super::a::A; pub struct B;")
                self.assertEqual(len(texts), 1)

    def test_a_module_that_is_imported_by_its_name(self) -> None:
        using = "use crate::b; fn a() { b::c::go() }"
        texts = found(lib="mod a; mod b;", a=using, b="pub mod c;", b__c="use crate::a::X; fn go() {}")
        self.assertEqual(len(texts), 1)

    def test_a_parent_that_uses_what_its_child_has_and_the_reverse(self) -> None:
        texts = found(lib="mod a; use a::A; pub struct L(A);", a="use super::L; pub struct A(Box<L>);")
        self.assertEqual(len(texts), 1)

    def test_super_that_leads_out_of_a_file(self) -> None:
        root = "mod a; use a::A; pub struct L(A);"
        for uses in ["mod inner {} use super::L;", "mod inner { use super::super::L; }"]:
            with self.subTest(uses):
                texts = found(lib=root, a=f"pub struct A(Box<L>); {uses}")
                self.assertEqual(len(texts), 1)

    def test_names_through_re_exports(self) -> None:
        root = "mod a; mod b; pub use b::B;"
        texts = found(lib=root, a="use crate::B; pub struct A;", b="use crate::a::A; pub struct B;")
        self.assertEqual(texts, ["  a.rs:1: crate::B\n  b.rs:1: crate::a::A"])

    def test_a_long_circle_once(self) -> None:
        files = {file: f"use crate::{following}::x; fn x() {{}}" for file, following in ("ab", "bc", "ca")}
        texts = found(lib="mod a; mod b; mod c;", **files)
        self.assertEqual([text.count("\n") for text in texts], [2])


class LeavesAlone(unittest.TestCase):
    def test_a_parent_that_declares_and_re_exports(self) -> None:
        self.assertEqual(found(lib="mod a; pub use a::A; pub struct L;", a="use crate::L; pub struct A(L);"), [])

    def test_siblings_that_lead_one_way(self) -> None:
        self.assertEqual(found(lib="mod a; mod b;", a="use crate::b::B;", b="pub struct B;"), [])

    def test_code_for_tests_and_literals(self) -> None:
        text = "pub struct A; #[cfg(test)] mod tests { use super::*; use crate::b::B; }\n// crate::b::B\n"
        text += "const T: &str = \"crate::b::B\";"
        self.assertEqual(found(lib="mod a; mod b;", a=text, b="use crate::a::A; pub struct B;"), [])

    def test_other_crates(self) -> None:
        text = "use other::L; use crate::L; fn f() { std::fs::read() }"
        self.assertEqual(found(lib="mod a; pub struct L;", a=text), [])

    def test_super_within_a_file(self) -> None:
        self.assertEqual(found(lib="mod a; use a::A; struct L(A);", a="pub struct A; mod inner { use super::A; }"), [])

    def test_super_within_a_file_where_the_parent_has_the_same_name(self) -> None:
        root = "mod a; use a::A; pub struct B(A);"
        inner = "mod inner { mod c { use super::super::B; } use super::B; }"
        self.assertEqual(found(lib=root, a=f"pub struct A; struct B; {inner}"), [])


if __name__ == "__main__":
    unittest.main()
