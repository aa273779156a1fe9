"""A subscriber for measurements: verifies every message and writes down when which one came.

`python bench/listener.py ADDRESS PORT FILE SECONDS` with `{path: secret}` as JSON in LISTENER_SECRETS. Each message is
held for SECONDS before it is answered, so that two at once for one id can be seen. One line of FILE for each: path,
Webhook-Id, EventID, arrival and answer in seconds of the system's monotonic clock, and whether it verified.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import TextIO

from standardwebhooks import Webhook, WebhookVerificationError


class Listener:
    """Takes messages and writes them down."""

    def __init__(self, secrets: dict[str, str], out: TextIO, hold: float) -> None:
        self._webhooks = {path: Webhook(secret) for path, secret in secrets.items()}
        self._out, self._hold = out, hold

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                raw = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
                body = await reader.readexactly(int(raw.get("content-length", 0)))
                begun = time.monotonic()
                path = head[0].split(" ")[1]
                verified = self._verify(path, body, raw)
                await asyncio.sleep(self._hold)
                line = [path, raw["webhook-id"], json.loads(body)["EventID"], begun, time.monotonic(), verified]
                self._out.write(json.dumps(line) + "\n")
                self._out.flush()
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _verify(self, path: str, body: bytes, headers: dict[str, str]) -> bool:
        try:
            self._webhooks[path].verify(body, headers)
        except (KeyError, WebhookVerificationError):
            return False
        return True


async def main() -> None:
    """Listen until killed."""
    _, address, port, file, hold = sys.argv
    with Path(file).open("a") as out:
        listener = Listener(json.loads(os.environ["LISTENER_SECRETS"]), out, float(hold))
        server = await asyncio.start_server(listener.serve, address, int(port), backlog=512)
        async with server:
            await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
