"""A release function as a process of its own, with Lambda's Runtime API for one call."""

import http.server
import json
import queue
import re
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processes import LOOPBACK, environment
from quota import Quota
from release import BUILD, binary, timeout_seconds, variables

PREFIX = "/2018-06-01/runtime/"


@dataclass
class Called:
    """What a call of a function returned and took."""

    result: Any
    seconds: float
    processor_seconds: float
    peak_mib: float


class _RuntimeApi:
    """Gives one event, and receives its result."""

    def __init__(self, event: Any, timeout: int) -> None:
        self.begun = 0.0
        self.ended: queue.Queue[tuple[float, str, Any]] = queue.Queue()
        given: queue.Queue[bytes] = queue.Queue()
        given.put(json.dumps(event).encode())
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = given.get()  # After the first event, this waits until the process ends.
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000000")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + timeout) * 1_000)))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:f")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                api.begun = time.perf_counter()
                self.wfile.write(body)

            def do_POST(self) -> None:
                now = time.perf_counter()
                body = self.rfile.read(int(self.headers["Content-Length"])) if "Content-Length" in self.headers else self._chunks()
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                api.ended.put((now, self.path.removeprefix(PREFIX), json.loads(body)))

            def _chunks(self) -> bytes:
                body = b""
                while length := int(self.rfile.readline(), 16):
                    body += self.rfile.read(length)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *_: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """The function is killed while it waits for its next event, which is no fault."""

        self._server = Server((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self.address = f"{LOOPBACK}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def call(function: str, event: Any, given: dict[str, str], memory_mib: int | None = None, build: Path = BUILD) -> Called:
    """Calls a function of a build in a new process. With `memory_mib` it has the share of a core that Lambda gives such a
    function, and without it has all cores. The start of the process is not in the time."""
    quota = Quota(memory_mib) if memory_mib else None
    api = _RuntimeApi(event, timeout_seconds(function))
    settings = environment(
        AWS_LAMBDA_RUNTIME_API=api.address,
        AWS_LAMBDA_FUNCTION_NAME=function,
        AWS_LAMBDA_FUNCTION_VERSION="$LATEST",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE=str(memory_mib or 512),
        **(variables(function) | given),
    )
    process = subprocess.Popen(
        [binary(function, build)],
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=quota.enter if quota else None,
    )
    try:
        ended, path, result = api.ended.get(timeout=timeout_seconds(function))
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text()).group(1)) / 1_024
        used = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        processor = (int(used[11]) + int(used[12])) / 100
    finally:
        process.kill()
        process.wait()
        api.close()
        if quota:
            quota.remove()
    if not path.endswith("/response"):
        raise SystemExit(f"{function} failed: {json.dumps(result)}")
    return Called(result, ended - api.begun, processor, peak)
