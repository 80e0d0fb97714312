"""What every package needs to know of the project, and how files get into an archive."""

import gzip
import hashlib
import io
import tarfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LICENCES = ("LICENSE-APACHE", "LICENSE-MIT")


def version() -> str:
    """Returns the one version of the project."""
    with (ROOT / "Cargo.toml").open("rb") as file:
        return tomllib.load(file)["workspace"]["package"]["version"]


def sums(files: Iterable[Path]) -> str:
    """Returns the lines that `sha256sum --check` reads in the folder of the files."""
    lines = (f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    return "".join(lines)


def tar(archive: Path, files: dict[str, bytes], programs: Iterable[str] = ()) -> None:
    """Writes a .tar.gz with one folder that is called like it. `programs` are the files that can be executed. The time
    and the owner of a file are left out, so that the same files give the same bytes."""
    folder = archive.name.removesuffix(".tar.gz")
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as out,
    ):
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size = len(content)
            entry.mode = 0o755 if name in programs else 0o644
            out.addfile(entry, io.BytesIO(content))
