"""Which names of the documents mentions looks up, and which it leaves alone."""

import tempfile
import unittest
from pathlib import Path

import mentions

SOURCE = """//! The type Told.
pub struct Row {
    pub wait_seconds: u64,
}

pub enum Kind {
    Text,
}

fn check_all() {
    let text = "fn quoted() {}";
    absent(1);
}
"""


def unknown(text: str, page: str = "ARCHITECTURE.md") -> list[str]:
    """What does not exist of the names on a page, in a repository with one crate and a workflow."""
    files = {
        "crates/a/src/row.rs": SOURCE,
        "crates/b/src/row.rs": "pub struct Other;\n",
        "crates/b/src/lib.rs": "mod row;\n",
        "flow.json": '{"Retry": "StepFault"}\n',
        page: text,
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content, encoding="utf-8")
        return mentions.unknown(mentions.Tree(root, list(files)))[1]


class Sees(unittest.TestCase):
    def test_files_and_places_on_every_page(self) -> None:
        self.assertEqual(unknown("`gone.rs`", "docs/a.md"), ["docs/a.md:1: `gone.rs` does not exist"])
        self.assertEqual(unknown("a\n`crates/a/gone/`", "docs/a.md"), ["docs/a.md:2: `crates/a/gone/` does not exist"])

    def test_items_that_are_not_defined(self) -> None:
        for span in ["Row::gone", "gone()", "Row::absent", "row::Told", "quoted()", "a::quoted()"]:
            with self.subTest(span):
                self.assertEqual(unknown(f"`{span}`"), [f"ARCHITECTURE.md:1: `{span}` does not exist"])

    def test_words_that_no_code_has(self) -> None:
        for span in ["wait_minutes", "StepError", "WAIT_SECONDS", "byFault"]:
            with self.subTest(span):
                self.assertEqual(unknown(f"`{span}`"), [f"ARCHITECTURE.md:1: `{span}` does not exist"])

    def test_items_that_are_somewhere_else(self) -> None:
        for text, missing in {
            "`Other` in `crates/a/src/row.rs`": "`crates/a/src/row.rs` has no `Other`",
            "`check_all` in\n`crates/b`": "`crates/b` has no `check_all`",
            "`Row::Text`, `Other` and `Row` in `crates/b`": "`crates/b` has no `Row`",
            "`gone` in `row.rs`": "`row.rs` has no `gone`",
            "`Catch` in `flow.json`": "`flow.json` has no `Catch`",
            "`row.rs` and `lib.rs` in `crates/a/src`": "`crates/a/src` has no `lib.rs`",
        }.items():
            with self.subTest(text):
                self.assertIn(f"ARCHITECTURE.md:1: {missing}", unknown(text))


class LeavesAlone(unittest.TestCase):
    def test_what_exists(self) -> None:
        for text in [
            "`row.rs`, `a/src/row.rs`, `crates/a`, `crates/a/`",
            "`Row::wait_seconds`, `check_all()`, `Kind::Text`, `wait_seconds`, `StepFault`",
            "`Row`, `Row::wait_seconds` and `Kind` in `crates/a`; `Other` in `row.rs`",
            "`Text` in `row.rs`; `Retry` in `flow.json`; `row.rs` in `crates/a/src`",
        ]:
            with self.subTest(text):
                self.assertEqual(unknown(text), [])

    def test_what_is_not_of_this_repository(self) -> None:
        self.assertEqual(unknown("`std::fs::read`, `aws_sdk_s3::Client`, `inbox/<name>/`, `crates/<name>/gone.rs`"), [])
        self.assertEqual(unknown("`--flag-name`, `plain`, `gone` in `elsewhere`"), [])

    def test_two_statements_that_a_comma_divides(self) -> None:
        self.assertEqual(unknown("`Row`, `Other` in `crates/b`"), [])

    def test_items_and_words_on_other_pages(self) -> None:
        self.assertEqual(unknown("`Row::gone`, `gone()`, `wait_minutes`, `gone` in `row.rs`", "docs/a.md"), [])


class Promises(unittest.TestCase):
    def test_tests_that_do_not_exist(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in {
                "src/lib.rs": "//! # What it promises\n//!\n//! | `x` | `one`, `one::works`, `one::gone`, `two` |\n",
                "tests/it/one.rs": "fn works() {}\n",
            }.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            count, missing = mentions.promises(root, root)
        self.assertEqual(count, 4)
        self.assertEqual(missing, [f"src/lib.rs: there is no test `{name}`" for name in ["one::gone", "two"]])


if __name__ == "__main__":
    unittest.main()
