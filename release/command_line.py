"""Packs the command line: as an archive, and as a Python wheel."""

import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from bundle import LICENCES, ROOT, tar, version

# `quarry` is another project's name on PyPI.
DISTRIBUTION = "quarry_bedrock"
SHELLS = {"bash": "quarry.bash", "zsh": "_quarry", "fish": "quarry.fish"}

METADATA = """\
Metadata-Version: 2.4
Name: {name}
Version: {version}
Summary: Batch LLM inference on Amazon Bedrock: a table and a prompt template in, the table with the answers out
License-Expression: MIT OR Apache-2.0
{licences}Requires-Python: >=3.8
Description-Content-Type: text/markdown

{description}"""

WHEEL = """\
Wheel-Version: 1.0
Generator: quarry
Root-Is-Purelib: false
Tag: py3-none-{platform}
"""


def archive(binary: Path, target: str, out: Path) -> Path:
    """Writes an archive with the program, its completions, the README and the licences."""
    files = {name: (ROOT / name).read_bytes() for name in ("README.md", "CHANGELOG.md", *LICENCES)}
    files["quarry"] = binary.read_bytes()
    if completed := _completions(binary):
        files |= completed
    made = out / f"quarry-{version()}-{target}.tar.gz"
    tar(made, files, programs=["quarry"])
    return made


def _completions(binary: Path) -> dict[str, bytes]:
    """Returns the completions, which the program writes. A program for another processor cannot, and has none."""
    try:
        return {
            f"completions/{name}": subprocess.run([binary, "completions", shell], check=True, capture_output=True).stdout
            for shell, name in SHELLS.items()
        }
    except OSError:
        print(f"{binary} does not run here: its archive has no completions", file=sys.stderr)
        return {}


def wheel(binary: Path, platform: str, out: Path) -> Path:
    """Writes a wheel that installs the program as a script.

    The tool `wheel` writes the zip and its list of hashes. maturin would compile the program itself, but what is packed
    has to be the program that was tested.
    """
    with tempfile.TemporaryDirectory() as folder:
        name = f"{DISTRIBUTION}-{version()}"
        scripts = Path(folder, name, f"{name}.data/scripts")
        scripts.mkdir(parents=True)
        program = scripts / "quarry"
        program.write_bytes(binary.read_bytes())
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        info = Path(folder, name, f"{name}.dist-info")
        (info / "licenses").mkdir(parents=True)
        for licence in LICENCES:
            (info / "licenses" / licence).write_bytes((ROOT / licence).read_bytes())
        metadata = METADATA.format(
            name=DISTRIBUTION.replace("_", "-"),
            version=version(),
            licences="".join(f"License-File: {licence}\n" for licence in LICENCES),
            description=(ROOT / "README.md").read_text(encoding="utf-8"),
        )
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        (info / "WHEEL").write_text(WHEEL.format(platform=platform), encoding="utf-8")
        subprocess.run(
            [sys.executable, "-m", "wheel", "pack", Path(folder, name), "--dest-dir", out], check=True, stdout=subprocess.DEVNULL
        )
    return out / f"{name}-py3-none-{platform}.whl"
