"""Which files and lines sizes counts."""

import tempfile
import unittest
from pathlib import Path

import sizes

TESTS = "#[cfg(test)]\nmod tests {\n    // }\n\n    fn f() {}\n}\n"


def counted(files: dict[str, str]) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return sizes.sizes_of(list(files), root)


class Lines(unittest.TestCase):
    def test_comments_and_empty_lines_count(self) -> None:
        self.assertEqual(sizes.lines("//! A.\n\nfn a() {\n    // b\n}\n"), 5)

    def test_own_tests_do_not_count_wherever_they_are(self) -> None:
        self.assertEqual(sizes.lines(f"fn a() {{}}\n\n{TESTS}"), 1)
        self.assertEqual(sizes.lines(f"{TESTS}\nfn a() {{}}\n"), 1)
        self.assertEqual(sizes.lines("#[cfg(test)]\n#[allow(x)]\nuse b::{\n    c,\n};\nfn a() {}\n"), 1)

    def test_what_follows_a_module_of_tests_counts(self) -> None:
        for tests in ["#[cfg(test)]\nmod tests;\n", TESTS]:
            with self.subTest(tests):
                self.assertEqual(sizes.lines(tests + "fn a() {}\n" * 600), 600)

    def test_a_literal_that_looks_like_tests_counts(self) -> None:
        self.assertEqual(sizes.lines('const A: &str = "\n#[cfg(test)]\nmod tests {";\nfn a() {}\n'), 4)


class Files(unittest.TestCase):
    def test_files_that_only_tests_use_do_not_count(self) -> None:
        files = {
            "a/src/lib.rs": "mod b;\n",
            "a/src/b.rs": "#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod made;\nmod c;\n",
            "a/src/b/c.rs": "fn c() {}\n",
            "a/src/b/tests.rs": "mod d;\n",
            "a/src/b/tests/d.rs": "fn d() {}\n",
            "a/src/b/made.rs": "fn made() {}\n",
            "a/src/e.rs": "//! E.\n#![cfg(test)]\nmod f;\n",
            "a/src/e/f.rs": "fn f() {}\n",
            "a/tests/it/main.rs": "fn f() {}\n",
            "a/benches/g.rs": "fn g() {}\n",
        }
        self.assertEqual(counted(files), {"a/src/lib.rs": 1, "a/src/b.rs": 1, "a/src/b/c.rs": 1})


if __name__ == "__main__":
    unittest.main()
