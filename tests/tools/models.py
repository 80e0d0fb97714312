"""Reads the table of models for the tools: the rows of crates/model/models.toml by the ids of foundation models."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "crates/model/models.toml"


def rows() -> list[dict]:
    """Returns every row that names models."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))["model"]


def row_of(model: str, table: list[dict]) -> dict | None:
    """Returns the row of a foundation model, by the product's rule: whole ids first, then the longest pattern."""
    best: tuple[bool, int] | None = None
    found = None
    for row in table:
        for name in row["ids"]:
            begin = name.removesuffix("*")
            rest = model.removeprefix(begin)
            if name.endswith("*"):
                fits = model.startswith(begin)
            else:
                fits = model.startswith(begin) and (rest == "" or rest.startswith(":"))
            fit = (not name.endswith("*"), len(begin))
            if fits and (best is None or fit > best):
                best, found = fit, row
    return found
