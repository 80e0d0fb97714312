"""What is tested: the binaries that `sam build` made, as they would be deployed."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/infra"))

from project import Template, resolve  # noqa: E402 - found by the line above

EMULATORS = ROOT / ".tools/emulators/bin"
SAM = ROOT / ".tools/infra/bin/sam"
# Lambda's own Runtime API, as SAM brings it along for its local containers.
RUNTIME_INTERFACE_EMULATOR = next((ROOT / ".tools/infra/lib").glob("python*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"))
# The command line, which `cargo test` has built.
QUARRY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "debug/quarry")

BUILD = ROOT / "infra/.aws-sam/build"
TEMPLATE = Template()
FUNCTIONS = sorted(TEMPLATE.functions())
# They call AWS and pass documents on; the others work on rows.
CONTROL_FUNCTIONS = {"trigger", "submit", "check", "settle"}


def binary(function: str) -> Path:
    """What is deployed as a function."""
    path = BUILD / TEMPLATE.logical_id(function) / "bootstrap"
    if not path.exists():
        raise FileNotFoundError(f"{path}: run tests/tools/build-functions")
    return path


def memory_mib(function: str) -> int:
    """How much memory the template gives a function."""
    return TEMPLATE.functions()[function]["MemorySize"]


def timeout_seconds(function: str) -> int:
    """How long the template lets a call of a function take."""
    return TEMPLATE.functions()[function]["Timeout"]


def variables(function: str) -> dict[str, str]:
    """The template's environment of a function, with samples for what a deployment fills in: the
    bucket is called `bucket`."""
    return {name: str(value) for name, value in resolve(TEMPLATE.functions()[function]["Environment"]["Variables"]).items()}
