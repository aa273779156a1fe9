"""Workwire's REST API as one account, with nothing but the standard library."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode


class Workwire:
    """Calls of one account; an answer that is no success raises `urllib.error.HTTPError`."""

    def __init__(self, base: str, account: str, password: str) -> None:
        self._api = f"{base.rstrip('/')}/api/v1"
        self._token = ""
        self._token = self.post("/tokens", {"username": account, "password": password})["token"]

    @classmethod
    def from_environment(cls) -> Workwire:
        """Sign in as the variables BASE, ACCOUNT and PASSWORD say."""
        return cls(os.environ.get("BASE", "http://localhost:8000"), os.environ["ACCOUNT"], os.environ["PASSWORD"])

    def get(self, path: str, **query: str) -> Any:
        """Read one thing."""
        return json.loads(self.content(path, **query))

    def each(self, path: str, **query: str) -> Iterator[Any]:
        """Read a list to its end, page by page."""
        while True:
            page = self.get(path, **query)
            yield from page["items"]
            if not page["next_cursor"]:
                return
            query["cursor"] = page["next_cursor"]

    def content(self, path: str, **query: str) -> bytes:
        """Read bytes as they are."""
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path, None, {})

    def post(self, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> Any:
        """Do something; a `key` makes sure that what is asked twice is done once. None where the answer is empty."""
        answer = self._call("POST", path, body, {"Idempotency-Key": key} if key else {})
        return json.loads(answer) if answer else None

    def put(self, path: str, body: dict[str, Any]) -> Any:
        """Set something to what the body says."""
        return json.loads(self._call("PUT", path, body, {}))

    def delete(self, path: str) -> None:
        """Remove something."""
        self._call("DELETE", path, None, {})

    def _call(self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> bytes:
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._api + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())
