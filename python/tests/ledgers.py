"""Ledgers to read from: what several tests need of them."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from causebook._load import native

EMBEDDED: bool = native.EMBEDDED
needs_embedded = pytest.mark.skipif(not EMBEDDED, reason="the package causebook-embedded is not installed")


def post(url: str, path: str, body: bytes, media_type: str = "application/json") -> Any:
    """Sends something to the ledger `main` of a server."""
    request = urllib.request.Request(f"{url}/v1/ledgers/main/{path}", body, {"content-type": media_type})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def record(url: str, **members: object) -> None:
    """Records something on a server, and waits until evidence of it can be had."""
    post(url, "records?wait=proof", json.dumps(members).encode())
