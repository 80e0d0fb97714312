"""What core_sources finds and what it ignores."""

import tempfile
import unittest
from pathlib import Path

import core_sources


def seen(text: str, **other_files: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        (source / "lib.rs").write_text(text, encoding="utf-8")
        for name, content in other_files.items():
            (source / f"{name}.rs").write_text(content, encoding="utf-8")
        return core_sources.problems(source, source)


class Sees(unittest.TestCase):
    def test_a_path_where_it_is_used(self) -> None:
        self.assertEqual(seen("fn f() {\n    std::env::var(\"A\");\n}"), ["lib.rs:2: std::env::var"])
        self.assertEqual(seen("type T = std :: time ::\n Instant;"), ["lib.rs:1: std::time::Instant"])

    def test_imports_in_any_form(self) -> None:
        for text, path in {
            "use std::fs;": "std::fs",
            "use ::std::fs::File;": "::std::fs::File",
            "use std::{io, fs::{self, File}};": "std::fs::self",
            "use std::time::{Duration, SystemTime as Now};": "std::time::SystemTime",
            "use std::time;": "std::time",
            "use std::{time::*, io};": "std::time::*",
            "use std as s;": "std",
            "pub(crate) use std::net::TcpStream;": "std::net::TcpStream",
        }.items():
            with self.subTest(text):
                self.assertIn(f"lib.rs:1: {path}", seen(text))

    def test_what_follows_tests_and_literals(self) -> None:
        text = "#[cfg(test)]\nmod tests { fn f() { \"}\"; '{'; } }\nuse std::fs;"
        self.assertEqual(seen(text), ["lib.rs:3: std::fs"])
        self.assertEqual(seen("/* /* */ */ use std::fs; // use std::env;"), ["lib.rs:1: std::fs"])
        self.assertEqual(seen("#[cfg(any(test, unix))]\nuse std::fs;"), ["lib.rs:2: std::fs"])

    def test_every_file(self) -> None:
        self.assertEqual(seen("mod a;", a="use std::env;"), ["a.rs:1: std::env"])


class LeavesAlone(unittest.TestCase):
    def test_the_rest_of_the_library(self) -> None:
        self.assertEqual(seen("use std::{io, time::Duration, fmt::{self, Write}};\nuse my::std_fs;"), [])
        self.assertEqual(seen("fn f() -> std::time::Duration { env!(\"A\"); mystd::fs() }"), [])

    def test_comments_and_literals(self) -> None:
        self.assertEqual(seen("//! std::fs\n/* std::env */\nconst A: &str = r#\"std::net \" \"#;"), [])
        self.assertEqual(seen("fn f<'a>(c: &'a u8) { '\"'; b'\\''; \"use std::fs;\"; '\\u{1F600}'; }"), [])

    def test_code_for_tests_only(self) -> None:
        self.assertEqual(seen("#[cfg(test)]\n#[allow(x)]\nmod tests { mod a { use std::fs; } }"), [])
        self.assertEqual(seen("#[cfg(all(test, unix))]\nuse std::{fs, env};\nuse a::b;"), [])
        self.assertEqual(seen("#[cfg(test)]\nmod tests;", tests="use std::fs;"), [])
        self.assertEqual(seen("#![cfg(test)]\nuse std::fs;"), [])


if __name__ == "__main__":
    unittest.main()
