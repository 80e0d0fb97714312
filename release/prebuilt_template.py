"""Makes infra/template-prebuilt.yaml, which deploys packed functions, from infra/template.yaml, which compiles them."""

import re

from bundle import ROOT

TEMPLATE = ROOT / "infra/template.yaml"
PREBUILT = ROOT / "infra/template-prebuilt.yaml"

HEAD = """\
# template.yaml for functions that are compiled already: prebuilt/ has a zip of each. docs/deploy.md, "Without a compiler",
# describes its use. `release/pack template` makes this file, so change template.yaml and not this one.
#
"""

BUILD_METHOD = re.compile(r"^ +BuildMethod: rust-cargolambda$")
BUILD_PROPERTIES = re.compile(r"^ +BuildProperties: \{Binary: ([-a-z]+)\}$")
BOTH = re.compile(r"^ +Metadata: \{BuildMethod: rust-cargolambda, BuildProperties: \{Binary: ([-a-z]+)\}\}$")
CODE = "CodeUri: .."


def packed(binary: str) -> str:
    """Returns the place of a function's zip, relative to the template."""
    return f"prebuilt/{binary}.zip"


def prebuilt(template: str) -> str:
    """Returns the template with the zips as code, and without what compiles them.

    Raises ValueError if a function's code is not compiled in the way that this module knows.
    """
    lines, binary = [HEAD.removesuffix("\n")], None
    for line in template.splitlines():
        if BUILD_METHOD.match(line):
            continue
        if found := BUILD_PROPERTIES.match(line) or BOTH.match(line):
            binary = found[1]
            continue
        if line.strip() == CODE:
            if binary is None:
                raise ValueError(f"{TEMPLATE.name}: no binary is named before {CODE!r}")
            line, binary = line.replace("..", packed(binary)), None
        lines.append(line)
    text = "\n".join(lines) + "\n"
    for left in ("BuildMethod", CODE):
        if left in text:
            raise ValueError(f"{TEMPLATE.name}: {left!r} stands in a form that release/prebuilt_template.py does not know")
    return text


def write() -> None:
    """Writes infra/template-prebuilt.yaml."""
    PREBUILT.write_text(prebuilt(TEMPLATE.read_text(encoding="utf-8")), encoding="utf-8")
