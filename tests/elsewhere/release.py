"""Finds the binaries under test, which `sam build` built as they would be deployed."""

import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
sys.path += [str(ROOT / "tests/infra"), str(ROOT / "release")]

from functions import zip_all  # noqa: E402 - found by the line above
from project import Template, load, resolve  # noqa: E402

EMULATORS = ROOT / ".tools/emulators/bin"
SAM = ROOT / ".tools/infra/bin/sam"
# Lambda's own Runtime API, which SAM contains for its local containers.
RUNTIME_INTERFACE_EMULATOR = next((ROOT / ".tools/infra/lib").glob("python*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"))
# The command line, which `cargo test` builds.
QUARRY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "debug/quarry")

BUILD = INFRA / ".aws-sam/build"
TEMPLATE = Template()
FUNCTIONS = sorted(TEMPLATE.functions())
# These functions call AWS and pass documents on; the others process rows.
CONTROL_FUNCTIONS = {"trigger", "submit", "check", "settle"}


def binary(function: str, build: Path = BUILD) -> Path:
    """Returns the binary that is deployed as a function, from this build or from another folder with its form."""
    path = build / TEMPLATE.logical_id(function) / "bootstrap"
    if not path.exists():
        raise FileNotFoundError(f"{path}: run tests/tools/build-functions")
    return path


def pack_functions() -> None:
    """Packs the binaries to where the prebuilt template has them."""
    zip_all(BUILD, INFRA / "prebuilt")


def prebuilt_template() -> dict[str, Any]:
    """Returns the template that deploys packed functions."""
    return load("template-prebuilt.yaml")


def memory_mib(function: str) -> int:
    """Returns a function's memory according to the template."""
    return TEMPLATE.functions()[function]["MemorySize"]


def timeout_seconds(function: str) -> int:
    """Returns the timeout of a function's calls according to the template."""
    return TEMPLATE.functions()[function]["Timeout"]


def variables(function: str) -> dict[str, str]:
    """Returns a function's environment according to the template, with samples for the values of a
    deployment: the bucket is called `bucket`."""
    return {name: str(value) for name, value in resolve(TEMPLATE.functions()[function]["Environment"]["Variables"]).items()}
