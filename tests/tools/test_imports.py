"""Which imports are two groups for imports, and which are one."""

import unittest

import imports


class Sees(unittest.TestCase):
    def test_a_blank_line(self) -> None:
        self.assertEqual(imports.gaps("use a;\n\nuse b;\n"), [2])
        self.assertEqual(imports.gaps("//! A.\n\nuse a::{\n    b,\n};\n\n\nuse c;\nuse d;\n\nuse e;\n"), [6, 10])

    def test_a_comment_with_or_without_blank_lines(self) -> None:
        for between in ["// b\n", "\n// b\n", "// b\n\n", "\n/* b;\n use c; */\n\n"]:
            with self.subTest(between):
                self.assertEqual(imports.gaps(f"use a;\n{between}use d;\n"), [2])

    def test_what_follows_a_comment_behind_an_import(self) -> None:
        self.assertEqual(imports.gaps("use a; // b\n\nuse c;\n"), [2])
        self.assertEqual(imports.gaps("use a::{\n    b, // c;\n};\n\nuse d;\n"), [4])

    def test_an_import_with_an_attribute(self) -> None:
        self.assertEqual(imports.gaps("use a;\n\n#[cfg(unix)]\nuse b;\n"), [2])
        self.assertEqual(imports.gaps("use a;\n\n#[cfg(unix)] use b;\n"), [2])
        self.assertEqual(imports.gaps("#[cfg(unix)]\nuse a;\n\n#[cfg(any(\n    b,\n))]\nuse c;\n"), [3])

    def test_every_scope(self) -> None:
        self.assertEqual(imports.gaps("use a;\n\nfn f() {\n    use b;\n\n    use c;\n}\n"), [5])


class LeavesAlone(unittest.TestCase):
    def test_one_group(self) -> None:
        for text in [
            "use a;\nuse b::{\n    c,\n};\nuse d;\n",
            "use a; // b\nuse c;\n",
            "use a;\n#[cfg(unix)]\nuse b;\n",
            "use a::{\n    b,\n\n    // c\n    d,\n};\nuse e;\n",
        ]:
            with self.subTest(text):
                self.assertEqual(imports.gaps(text), [])

    def test_imports_of_different_scopes(self) -> None:
        self.assertEqual(imports.gaps("use a;\n\nmod b {\n    use c;\n}\n\nuse d;\n"), [])
        self.assertEqual(imports.gaps("use a;\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n"), [])

    def test_imports_that_an_item_divides(self) -> None:
        self.assertEqual(imports.gaps("use a;\n\n#[inline] fn f() {}\n\nuse b;\n"), [])
        self.assertEqual(imports.gaps("use a;\n\n#[inline]\nfn f() {\n    g()\n}\n\nuse b;\n"), [])
        self.assertEqual(imports.gaps("use a;\n\n#[inline] fn f() {\n    use b;\n    [b]\n}\n"), [])

    def test_re_exports(self) -> None:
        self.assertEqual(imports.gaps("use a;\n\npub use b;\n\nuse c;\n"), [])

    def test_literals(self) -> None:
        self.assertEqual(imports.gaps('const A: &str = "\nuse a;\n\nuse b;\n";\n'), [])


if __name__ == "__main__":
    unittest.main()
