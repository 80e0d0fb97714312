"""The tools that read the table of models."""

import importlib.machinery
import importlib.util
import tomllib
import unittest
from pathlib import Path

from models import TABLE, row_of, rows


def script(name: str):
    """Loads a tool that is a program as a module."""
    path = str(Path(__file__).resolve().parent / name)
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), path)
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


class Models(unittest.TestCase):
    def test_a_model_is_found_by_its_whole_id_before_a_pattern(self) -> None:
        table = [{"ids": ["a.b-*"], "name": "all"}, {"ids": ["a.b-1"], "name": "one"}]
        self.assertEqual(row_of("a.b-1", table)["name"], "one")
        self.assertEqual(row_of("a.b-1:200k", table)["name"], "one")
        self.assertEqual(row_of("a.b-12", table)["name"], "all")
        self.assertIsNone(row_of("a.c", table))

    def test_every_row_is_read(self) -> None:
        text = TABLE.read_text(encoding="utf-8")
        self.assertEqual(len(rows()), text.count("\n[[model]]\n"))
        self.assertEqual(len(rows()), len(tomllib.loads(text)["model"]))

    def test_models_in_a_text_are_found_with_and_without_a_geography(self) -> None:
        pattern = script("models-that-end").MODEL
        text = "`us.anthropic.claude-sonnet-4-5-20250929-v1:0`, zai.glm-4.7. and us-gov.amazon.nova-lite-v1:0,"
        found = [match.group(1) for match in pattern.finditer(text)]
        self.assertEqual(
            found, ["anthropic.claude-sonnet-4-5-20250929-v1:0", "zai.glm-4.7", "amazon.nova-lite-v1:0"]
        )

    def test_a_difference_names_both_values(self) -> None:
        compare = script("compare-models")
        row = {"max_output_tokens": 10, "prices": [{"at": ["us"], "on_demand": [1.0, 2.0]}]}
        facts = {
            "mode": "chat",
            "max_output_tokens": 12,
            "input_cost_per_token": 1e-6,
            "output_cost_per_token": 3e-6,
            "deprecation_date": "2027-01-01",
        }
        found = compare.differences("us.a.b", facts, row)
        self.assertEqual(
            found,
            [
                "max_output_tokens: 10 here, 12 there",
                "on_demand in us: [1.0, 2.0] here, [1.0, 3.0] there",
                "end_of_life: None here, 2027-01-01 there",
            ],
        )


if __name__ == "__main__":
    unittest.main()
