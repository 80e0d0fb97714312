"""What a release consists of: it is made here from the programs that the other tests built, installed, and used."""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import venv
import zipfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "release"))

import functions  # noqa: E402 - found by the line above
import prebuilt_template  # noqa: E402
from bundle import version  # noqa: E402

PACK = ROOT / "release/pack"
# The command line, which `cargo test` builds.
QUARRY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "debug/quarry")


def pack(*arguments: object) -> str:
    done = subprocess.run([sys.executable, PACK, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stdout)
    return done.stdout


class Prebuilt(unittest.TestCase):
    def test_the_prebuilt_template_is_what_the_template_gives(self) -> None:
        made = prebuilt_template.prebuilt(prebuilt_template.TEMPLATE.read_text(encoding="utf-8"))
        written = prebuilt_template.PREBUILT.read_text(encoding="utf-8")
        self.assertEqual(written, made, "run `release/pack template`")

    def test_the_prebuilt_template_names_a_zip_of_every_function(self) -> None:
        written = prebuilt_template.PREBUILT.read_text(encoding="utf-8")
        binaries = set(functions.binaries().values())
        self.assertEqual(len(binaries), 9)
        for binary in binaries:
            self.assertEqual(written.count(f"CodeUri: {prebuilt_template.packed(binary)}\n"), 1, binary)
        self.assertEqual(written.count("CodeUri: "), len(binaries))

    def test_a_function_that_is_compiled_in_another_way_is_refused(self) -> None:
        for template in ("    Metadata: {BuildMethod: makefile}\n      CodeUri: ..\n", "      CodeUri: ..\n"):
            with self.assertRaises(ValueError):
                prebuilt_template.prebuilt(template)


class Functions(unittest.TestCase):
    def test_the_same_programs_give_the_same_archive_with_true_checksums(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            build = Path(folder, "build")
            for logical_id in functions.binaries():
                (build / logical_id).mkdir(parents=True)
                (build / logical_id / "bootstrap").write_bytes(logical_id.encode() * 1000)
            archives = []
            for name in ("first", "second"):
                pack("functions", "--build", build, "--out", Path(folder, name))
                archives.append(Path(folder, name, f"quarry-functions-{version()}-x86_64.tar.gz").read_bytes())
            self.assertEqual(*archives)
            with tarfile.open(fileobj=io.BytesIO(archives[0])) as archive:
                content = {entry.name.split("/", 1)[1]: archive.extractfile(entry).read() for entry in archive}
        listed = content["infra/prebuilt/SHA256SUMS"].decode().splitlines()
        self.assertEqual(len(listed), 9)
        for line in listed:
            digest, name = line.split("  ")
            self.assertEqual(hashlib.sha256(content[f"infra/prebuilt/{name}"]).hexdigest(), digest)
        for logical_id, binary in functions.binaries().items():
            with zipfile.ZipFile(io.BytesIO(content[f"infra/prebuilt/{binary}.zip"])) as zipped:
                self.assertEqual(zipped.read("bootstrap"), logical_id.encode() * 1000)
                self.assertEqual(zipped.getinfo("bootstrap").external_attr >> 16, 0o100755, "Lambda starts it")
        self.assertIn("infra/template-prebuilt.yaml", content)
        self.assertIn("statemachine.asl.json", content)

    def test_a_function_that_is_not_built_is_named(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(RuntimeError, "PlanFunction/bootstrap does not exist; run `sam build`"):
                pack("functions", "--build", folder, "--out", folder)


class CommandLine(unittest.TestCase):
    def test_the_archive_has_the_program_with_its_completions(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            pack("archive", "--binary", QUARRY, "--target", "test", "--out", folder)
            with tarfile.open(Path(folder, f"quarry-{version()}-test.tar.gz")) as archive:
                archive.extractall(folder, filter="data")
            there = Path(folder, f"quarry-{version()}-test")
            shown = subprocess.run([there / "quarry", "--version"], check=True, capture_output=True, text=True).stdout
            self.assertTrue(shown.startswith(f"quarry {version()}"), shown)
            for completions in ("quarry.bash", "_quarry", "quarry.fish"):
                self.assertIn("retry-failed", (there / "completions" / completions).read_text(encoding="utf-8"))

    def test_from_pip_install_to_the_report_of_the_demonstration(self) -> None:
        """As a user without this repository, a compiler or a network."""
        with tempfile.TemporaryDirectory() as folder:
            pack("wheel", "--binary", QUARRY, "--platform", "linux_x86_64", "--out", folder)
            [wheel] = Path(folder).glob("*.whl")
            environment = Path(folder, "environment")
            venv.create(environment, with_pip=True)
            home = Path(folder, "home")
            home.mkdir()
            only = {"PATH": str(environment / "bin"), "HOME": str(home), "LANG": "C.UTF-8"}

            def run(*command: str) -> str:
                done = subprocess.run(
                    command, cwd=home, env=only, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
                )
                self.assertEqual(done.returncode, 0, done.stdout)
                return done.stdout

            begun = time.monotonic()
            run(str(environment / "bin/pip"), "install", "--no-index", "--disable-pip-version-check", str(wheel))
            quarry = str(environment / "bin/quarry")
            self.assertTrue(run(quarry, "--version").startswith(f"quarry {version()}"))
            run(quarry, "demo", "--out", "demo")
            took = time.monotonic() - begun
            self.assertEqual(len(list(home.glob("demo/results/*.html"))), 1)
            run(str(environment / "bin/pip"), "uninstall", "--yes", "quarry-bedrock")
            self.assertFalse(Path(quarry).exists())
        print(f"from `pip install` to the report with a program that is not optimised: {took:.1f} s")


class Workflow(unittest.TestCase):
    def test_the_release_workflow_calls_programs_of_this_repository_that_exist(self) -> None:
        workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
        commands = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
        called = {word for command in commands for word in command.split() if word.startswith(("release/", "tests/", ".ci/"))}
        self.assertLessEqual({".ci/run", "release/build", "release/pack", "release/sbom"}, called)
        for program in called:
            self.assertTrue(os.access(ROOT / program, os.X_OK), program)


if __name__ == "__main__":
    unittest.main()
