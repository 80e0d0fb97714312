"""Packs the functions, so that an account can get them without a compiler."""

import io
import zipfile
from pathlib import Path

import yaml

from prebuilt_template import PREBUILT, TEMPLATE, packed
from bundle import LICENCES, ROOT, sums, tar, version

# Lambda starts the program of this name.
PROGRAM = "bootstrap"
# The earliest time that a zip can name. The bytes must not depend on the time of packing.
NO_TIME = (1980, 1, 1, 0, 0, 0)


class _Loader(yaml.SafeLoader):
    """Reads YAML with CloudFormation's short forms, whose values do not matter here."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def binaries() -> dict[str, str]:
    """Returns the name of each function's binary, by its logical id."""
    resources = yaml.load(TEMPLATE.read_text(encoding="utf-8"), _Loader)["Resources"]
    return {
        logical_id: resource["Metadata"]["BuildProperties"]["Binary"]
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def zipped(program: bytes) -> bytes:
    """Returns a function's zip."""
    entry = zipfile.ZipInfo(PROGRAM, NO_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o100755 << 16
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(entry, program, compresslevel=9)
    return made.getvalue()


def zip_all(build: Path, out: Path) -> list[Path]:
    """Writes the zips of all functions that `sam build` left in `build` to `out`, with their checksums in SHA256SUMS.

    Raises FileNotFoundError if a function is not built.
    """
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for logical_id, binary in binaries().items():
        program = build / logical_id / PROGRAM
        if not program.exists():
            raise FileNotFoundError(f"{program} does not exist; run `sam build` in infra")
        path = out / Path(packed(binary)).name
        path.write_bytes(zipped(program.read_bytes()))
        made.append(path)
    (out / "SHA256SUMS").write_text(sums(made), encoding="utf-8")
    return made


def pack(build: Path, architecture: str, out: Path) -> Path:
    """Writes an archive of all that a deployment needs: the zips, the template and the state machine."""
    zips = out / "prebuilt"
    made = [*zip_all(build, zips), zips / "SHA256SUMS"]
    files = {f"infra/prebuilt/{path.name}": path.read_bytes() for path in made}
    named = [f"infra/{PREBUILT.name}", "statemachine.asl.json", "docs/deploy.md", "docs/security.md", *LICENCES]
    files |= {name: (ROOT / name).read_bytes() for name in named}
    archive = out / f"quarry-functions-{version()}-{architecture}.tar.gz"
    tar(archive, files)
    return archive
