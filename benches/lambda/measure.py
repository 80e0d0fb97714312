"""How long the data functions take in Lambda: with the share of a core and the network that a function has there.

Usage: benches/run lambda [--rows ROWS] [--times TIMES] [--before FOLDER]

With --before, the functions of another build are called in turns with those of this one. FOLDER is a copy of the
infra/.aws-sam/build of that build. The times are medians, and the processor times are the least.

A function with 512 MB has 0.29 of a core, moves 75 MiB a second each way, and S3 takes 30 ms until the first byte of a
response. Here the release functions run as processes under a control group with that share, against an S3 server behind
a network with that rate and that delay. The figure that counts is the time of a call over that of its transfer: the
bytes of the busier direction at 75 MiB a second.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests/elsewhere")]

from function import Called, call  # noqa: E402 - found by the line above
from network import Network  # noqa: E402
from processes import environment, free_ports  # noqa: E402
from release import BUILD  # noqa: E402
from servers import Bedrock, SeaweedFs, client  # noqa: E402
from tables import PROMPTS, files  # noqa: E402

EXAMPLE = ROOT / "examples/wildlife-strikes"
MIB_PER_SECOND = 75
FIRST_BYTE = 0.030
MEMORIES = [256, 512, 1_024, 1_769]
PARTS, ROWS_OF_A_PART = 500, 100
# The bucket of the local stack, so that what it leaves can be copied.
BUCKET = "quarry-local"
MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
# What Lambda charges for a second with 1 GB on x86-64, and for a call.
USD_OF_A_GB_SECOND, USD_OF_A_CALL = 0.0000166667, 0.0000002


class Folder:
    """The objects below a prefix, which a repeated call must find as the first call found them."""

    def __init__(self, s3: Any, prefix: str) -> None:
        self._s3, self._prefix = s3, prefix
        self._before = dict(self._objects())

    def _objects(self) -> Iterator[tuple[str, str]]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=self._prefix):
            for one in page.get("Contents", []):
                yield one["Key"], one["ETag"]

    def restore(self) -> None:
        """Deletes what a call has written."""
        for key, tag in list(self._objects()):
            if key not in self._before:
                self._s3.delete_object(Bucket=BUCKET, Key=key)
            elif self._before[key] != tag:
                raise SystemExit(f"{key} was replaced, so the call cannot be repeated")


@dataclass
class Bench:
    """The servers, and how they are reached."""

    folder: Path
    s3: Any
    network: Network
    direct: dict[str, str]
    # The folders of the builds, by the names of their columns. The last one is the build that runs the other steps.
    builds: dict[str, Path]
    times: int

    @property
    def shaped(self) -> dict[str, str]:
        """The variables with which a function has the network of Lambda."""
        return self.direct | {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{self.network.port}"}

    def print_header(self) -> None:
        """Prints the header of the table."""
        columns = ["call", "MB", "read, MB", "written, MB", "responses", "transfer, s"]
        columns += [column for name in self.builds for column in (f"{name}, s", f"{name} / transfer")]
        columns += [f"processor {name}, s" for name in self.builds]
        columns += ["peak, MiB", "millionths of a USD"]
        print(f"| {' | '.join(columns)} |")
        print("|---" * len(columns) + "|", flush=True)

    def measure(self, what: str, function: str, event: Any, prefix: str) -> None:
        """Calls a function with each memory size, and prints a line for each. The last two columns are of the last build."""
        before = Folder(self.s3, prefix)
        for memory in MEMORIES:
            called: dict[str, list[Called]] = {name: [] for name in self.builds}
            for _ in range(self.times):
                for name, build in self.builds.items():
                    self.network.reset()
                    called[name].append(call(function, event, self.shaped, memory, build))
                    before.restore()
            print(self._line(what, function, memory, list(called.values())), flush=True)

    def _line(self, what: str, function: str, memory: int, called: list[list[Called]]) -> str:
        read, written = self.network.received.passed, self.network.sent.passed
        floor = max(read, written) / (MIB_PER_SECOND << 20)
        seconds = [statistics.median(one.seconds for one in calls) for calls in called]
        processor = [min(one.processor_seconds for one in calls) for calls in called]
        peak = max(one.peak_mib for one in called[-1])
        usd = seconds[-1] * memory / 1_024 * USD_OF_A_GB_SECOND + USD_OF_A_CALL
        cells = [f"{function}, {what}", f"{memory:,}", f"{read / 1e6:.0f}", f"{written / 1e6:.0f}"]
        cells += [f"{self.network.responses:,}", f"{floor:.2f}"]
        cells += [cell for time in seconds for cell in (f"{time:.2f}", f"{time / floor:.2f}")]
        cells += [f"{time:.2f}" for time in processor]
        cells += [f"{peak:.0f}", f"{usd * 1e6:.1f}"]
        return f"| {' | '.join(cells)} |"


def a_slice(bench: Bench, name: str, table: bytes) -> None:
    """Goes through a run of one slice, and measures split and merge."""
    run = f"bench-{name.replace('.', '-')}"
    bench.s3.put_object(Bucket=BUCKET, Key=f"inbox/{run}/table.{name}", Body=table)
    request = {
        "version": 1,
        "data": f"s3://{BUCKET}/inbox/{run}/",
        "prompts": f"s3://{BUCKET}/pipelines/bench/prompts.json",
        "schema": f"s3://{BUCKET}/pipelines/bench/schema.json",
        "output": f"s3://{BUCKET}/results/{run}/",
        "job_type": "validation",
        "settings": {"BEDROCK_MAX_RECORDS_PER_JOB": "100000", "BEDROCK_MAX_BYTES_PER_JOB": "1000000000"},
    }
    event = {"version": 1, "execution": run, "started": "2026-01-02T03:04:05.678Z", "turn": 0, "request": request}
    planned = call("plan", event, bench.direct).result
    if planned["slices"] != 1:
        raise SystemExit(f"the table of {name} has {planned['slices']} slices, and the benchmark needs one")
    state = {"version": 1, "run": planned["run"], "slice": 0, "round": 0, "next": "split"}
    bench.measure(name, "split", state, f"runs/{run}/")
    for function in ("split", "submit"):
        state = call(function, state, bench.direct).result
    while state["next"] == "wait":
        time.sleep(1)
        state = call("check", state, bench.direct).result
    bench.measure(name, "merge", state, f"runs/{run}/")


def many_parts(bench: Bench, table: bytes) -> None:
    """Makes a run of many slices in the local stack, and measures finish."""
    data, out = bench.folder / "table.csv", bench.folder / "out"
    data.write_bytes(table)
    command = [
        ROOT / "target/debug/quarry", "run", data, "--prompts", bench.folder / "prompts.json",
        "--schema", EXAMPLE / "schema.json", "--out", out, "--keep",
        "--set", f"BEDROCK_MAX_RECORDS_PER_JOB={ROWS_OF_A_PART}",
    ]  # fmt: skip
    subprocess.run(command, check=True, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    [bucket] = out.glob(f".quarry-*/{BUCKET}")
    for file in sorted(bucket.rglob("*"), key=lambda file: file.name == "receipt.json"):
        key = file.relative_to(bucket).as_posix()
        if not file.is_file() or key.startswith("results/"):
            continue
        body = file.read_bytes()
        if file.name == "receipt.json":
            # A receipt has the ETag of its part, and this server makes ETags in another way.
            part = bench.s3.head_object(Bucket=BUCKET, Key=f"{key.rpartition('/')[0]}/part")
            body = json.dumps(json.loads(body) | {"part_etag": part["ETag"]}).encode()
        bench.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    event = {"version": 1, "run": f"s3://{BUCKET}/work/local-run", "turn": 0}
    bench.measure(f"{PARTS} parts", "finish", event, "")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benches/run lambda")
    parser.add_argument("--rows", type=int, default=45_000)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--before", type=Path)
    given = parser.parse_args()
    builds = ({"before": given.before.resolve()} if given.before else {}) | {"now": BUILD}
    with ExitStack() as ends:
        folder = Path(tempfile.mkdtemp())
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        server = SeaweedFs(folder)
        ends.callback(server.kill)
        bedrock = Bedrock(folder, server.endpoint, free_ports(1)[0])
        ends.callback(bedrock.kill)
        s3 = client("s3", server.endpoint)
        s3.create_bucket(Bucket=BUCKET)
        network = Network(int(server.endpoint.rpartition(":")[2]), MIB_PER_SECOND, FIRST_BYTE)
        direct = {
            "AWS_ENDPOINT_URL_S3": server.endpoint,
            "QUARRY_S3_PATH_STYLE": "true",
            "QUARRY_WORK": f"s3://{BUCKET}/runs",
            "AWS_ENDPOINT_URL_BEDROCK": bedrock.endpoint,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock.endpoint,
            "BEDROCK_PRIMARY_MODEL_ID": MODEL,
            "BEDROCK_BATCH_ROLE_ARN": "arn:aws:iam::123456789012:role/QuarryBatchRole",
            "BEDROCK_OUTPUT_KMS_KEY": "",
        }
        bench = Bench(folder, s3, network, direct, builds, given.times)
        prompts = json.dumps(PROMPTS).encode()
        (folder / "prompts.json").write_bytes(prompts)
        s3.put_object(Bucket=BUCKET, Key="pipelines/bench/prompts.json", Body=prompts)
        s3.put_object(Bucket=BUCKET, Key="pipelines/bench/schema.json", Body=(EXAMPLE / "schema.json").read_bytes())
        bench.print_header()
        data = EXAMPLE / "data/wildlife-strikes.csv"
        for name, table in files(data, given.rows).items():
            a_slice(bench, name, table)
        many_parts(bench, files(data, PARTS * ROWS_OF_A_PART)["csv"])


if __name__ == "__main__":
    main()
