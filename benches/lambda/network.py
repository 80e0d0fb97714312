"""The network of a Lambda function: a bounded rate each way, and a time until the first byte of each response.

It forwards TCP connections to a server on this machine, so the server needs no changes, and every request and response
stays as it is.
"""

import asyncio
import threading
import time

CHUNK = 64 * 1024
# Shorter waits are not exact, so they are collected.
LEAST_WAIT = 0.002


class Rate:
    """A number of bytes per second that all connections share, and what has passed."""

    def __init__(self, bytes_per_second: float) -> None:
        self._bytes_per_second = bytes_per_second
        self._free_at = 0.0
        self.passed = 0

    async def pass_on(self, number: int) -> None:
        """Waits until these bytes have passed."""
        self.passed += number
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + number / self._bytes_per_second
        if self._free_at - now > LEAST_WAIT:
            await asyncio.sleep(self._free_at - now)


class Network:
    """Forwards a port of its own to `port`, on a thread of its own."""

    def __init__(self, port: int, mib_per_second: float, first_byte: float) -> None:
        self._target = port
        self._mib_per_second = mib_per_second
        self._first_byte = first_byte
        self.port = 0
        self.reset()
        self._loop = asyncio.new_event_loop()
        is_listening = threading.Event()
        threading.Thread(target=self._serve, args=[is_listening], daemon=True).start()
        is_listening.wait()

    def reset(self) -> None:
        """Begins to count again."""
        rate = self._mib_per_second * (1 << 20)
        self.sent, self.received = Rate(rate), Rate(rate)
        self.responses = 0

    def _serve(self, is_listening: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)

        async def listen() -> None:
            server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=CHUNK)
            self.port = server.sockets[0].getsockname()[1]
            is_listening.set()

        self._loop.run_until_complete(listen())
        self._loop.run_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection("127.0.0.1", self._target, limit=CHUNK)
        asked_at: list[float] = []  # When the last byte of a request passed that has no response yet.

        async def requests() -> None:
            while chunk := await reader.read(CHUNK):
                await self.sent.pass_on(len(chunk))
                asked_at[:] = [time.monotonic()]
                to_there.write(chunk)
                await to_there.drain()
            to_there.close()

        async def responses() -> None:
            while chunk := await there.read(CHUNK):
                if asked_at:
                    self.responses += 1
                    await asyncio.sleep(asked_at.pop() + self._first_byte - time.monotonic())
                await self.received.pass_on(len(chunk))
                writer.write(chunk)
                await writer.drain()
            writer.close()

        # A connection that the function or the server closes is no fault.
        await asyncio.gather(requests(), responses(), return_exceptions=True)
