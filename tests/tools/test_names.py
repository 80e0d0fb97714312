"""Which types names finds, and which shared names it reports."""

import tempfile
import unittest
from pathlib import Path

import names


def defined(**files: str) -> dict[str, list[str]]:
    """The types of a repository with these files; `a__b` is `a/b.rs`."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        paths = {f"{name.replace('__', '/')}.rs": text for name, text in files.items()}
        for path, text in paths.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        return names.places(list(paths), root)


class Finds(unittest.TestCase):
    def test_each_kind_of_type(self) -> None:
        for text in [
            "struct A;",
            "pub(crate) enum A {}",
            "pub union A { a: u8 }",
            "trait A {}",
            "pub unsafe trait A {}",
            "unsafe auto trait A {}",
            "pub type A<T> = Vec<T>;",
            "fn f() {\n    struct A;\n}",
            "impl B {\n    fn f() {\n        type A = u8;\n    }\n}",
        ]:
            with self.subTest(text):
                self.assertEqual(names.definitions(text), {"A"})

    def test_what_follows_tests(self) -> None:
        self.assertEqual(names.definitions("#[cfg(test)]\nmod tests {\n    struct T;\n}\nstruct A;"), {"A"})
        self.assertEqual(names.definitions("#[cfg(test)]\nmod tests;\nstruct A;"), {"A"})


class LeavesAlone(unittest.TestCase):
    def test_types_that_belong_to_a_trait(self) -> None:
        self.assertEqual(names.definitions("impl<T> B for C<T> {\n    type A = T;\n    fn f() {}\n    type D = T;\n}"), set())
        self.assertEqual(names.definitions("pub unsafe trait B {\n    type A;\n}"), {"B"})

    def test_comments_literals_and_tests(self) -> None:
        self.assertEqual(names.definitions('// struct A;\n/*\nstruct A;\n*/\nconst B: &str = "\nstruct A;";'), set())
        self.assertEqual(names.definitions("#[cfg(all(test, unix))]\nmod tests {\n    struct A;\n}"), set())

    def test_files_of_tests(self) -> None:
        texts = {"a__src__b": "#[cfg(test)]\nmod tests;\nstruct A;", "a__src__b__tests": "struct A;", "a__tests__it": "struct A;"}
        self.assertEqual(defined(**texts), {"A": ["a/src/b.rs"]})


class Reports(unittest.TestCase):
    def test_a_shared_name_without_a_reason(self) -> None:
        found = defined(a="struct A;\nstruct B;", b="type A = u8;\nstruct C;")
        self.assertEqual(
            names.problems(found, {}),
            ["A is defined in a.rs, b.rs; use another word, or give a reason in tests/tools/names.py"],
        )
        self.assertEqual(names.problems(found, {"A": "a reason"}), [])

    def test_a_reason_that_is_not_needed_any_more(self) -> None:
        for found in [defined(a="struct A;"), defined(a="struct B;")]:
            self.assertEqual(
                names.problems(found, {"A": "a reason"}),
                ["A is no longer defined in several files; remove it from tests/tools/names.py"],
            )


if __name__ == "__main__":
    unittest.main()
