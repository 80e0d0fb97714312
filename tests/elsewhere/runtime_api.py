"""The part of Lambda's Runtime API that a function needs to start, to measure when it requests its first event."""

import socket
import subprocess
import time

from processes import LOOPBACK, environment
from release import binary, variables

NEXT = b"GET /2018-06-01/runtime/invocation/next "


def start_seconds(function: str) -> float:
    """Returns the time from the start of the process to the request for its first event."""
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        server.settimeout(10)
        given = environment(
            AWS_LAMBDA_RUNTIME_API=f"{LOOPBACK}:{server.getsockname()[1]}",
            AWS_LAMBDA_FUNCTION_NAME=function,
            AWS_LAMBDA_FUNCTION_VERSION="$LATEST",
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128",
            **variables(function),
        )
        path = binary(function)
        begun = time.perf_counter()
        process = subprocess.Popen([path], env=given, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(10)
                request = connection.recv(4096)
                seconds = time.perf_counter() - begun
        finally:
            process.kill()
            process.wait()
    if not request.startswith(NEXT):
        raise AssertionError(f"{function} began with {request[:100]!r}")
    return seconds
