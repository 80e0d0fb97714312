"""Processes that a test needs: started with a log of their own, waited for, ended hard."""

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
    """Ports that nobody listens on, all different."""
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
    """What `holds` answers once it is true; fails after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        if answer := holds():
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(pause)


def environment(**variables: str) -> dict[str, str]:
    """A process's environment: the machine's without AWS's and Quarry's variables, and the given ones."""
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
        # Profiles of whoever runs the tests are not to be found.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    } | variables


class Process:
    """A process and all that it starts."""

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
        """Waits for the process to be ready; fails with its log if it ends or takes too long."""

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
        """The last lines of the log."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return f"--- {self.name} ---\n" + "\n".join(text.splitlines()[-lines:])

    def kill(self) -> None:
        """Ends it at once. Some servers linger for minutes after a polite request."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
