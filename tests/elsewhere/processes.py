"""Starts the processes that a test needs, each with its own log, waits for them and kills them."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

LOOPBACK = "127.0.0.1"
REGION = "eu-central-1"


def free_ports(count: int) -> list[int]:
    """Returns different ports on which nothing listens."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def wait_until(what: str, holds: Callable[[], object], seconds: float, pause: float = 0.2) -> object:
    """Returns the first true result of `holds`; fails after this number of seconds."""
    end = time.monotonic() + seconds
    while True:
        if answer := holds():
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(pause)


def environment(**variables: str) -> dict[str, str]:
    """Returns a process's environment: the machine's without AWS's and Quarry's variables, plus the given ones."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "BEDROCK_", "QUARRY_", "SAM_"))
    }
    return kept | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        # The profiles of the person who runs the tests must not be found.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    } | variables


class Process:
    """A process and all processes that it starts."""

    def __init__(self, name: str, command: list[object], variables: dict[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until(self, holds: Callable[[], object], seconds: float = 60) -> None:
        """Waits until the process is ready; fails with its log if it ends or takes too long."""

        def ready() -> object:
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self._process.returncode}")
            return holds()

        try:
            wait_until(f"{self.name} is ready", ready, seconds, pause=0.05)
        except (RuntimeError, TimeoutError) as error:
            self.kill()
            raise RuntimeError(f"{error}\n{self.tail()}") from error

    def tail(self, lines: int = 60) -> str:
        """Returns the last lines of the log."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return f"--- {self.name} ---\n" + "\n".join(text.splitlines()[-lines:])

    def kill(self) -> None:
        """Kills the processes. Some servers take minutes to end after SIGTERM."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
