"""Opik: a trace and a span a call, in batches of JSON, to the API of its server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sink import Kept
from workload import call_in

from .base import Decide, HttpSink, Record, System


class Opik(System):
    name = "opik"
    title = "Opik"
    packages = ("opik",)

    def sink(self, folder: Path, port: int, python: str) -> HttpSink:
        return HttpSink(folder, port, records)

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        return {
            "OPIK_URL_OVERRIDE": f"http://127.0.0.1:{port}/api",
            "OPIK_SENTRY_ENABLE": "false",
            "OPIK_ANALYTICS_ENABLE": "false",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }

    def open(self) -> Traces:
        return Traces()


class Traces:
    def __init__(self) -> None:
        import opik

        self.opik = opik
        self.client = opik.get_global_client()

    def decorate(self, function: Decide) -> Decide:
        decorated: Decide = self.opik.track(function)
        return decorated

    def record(self, given: dict[str, Any], answer: dict[str, Any]) -> None:
        self.client.trace(name="decide", input=given, output=answer)

    def flush(self) -> None:
        self.opik.flush_tracker()


def records(kept: Kept) -> Iterator[Record]:
    """Traces that came with their input and output. Their spans repeat both, and are not counted."""
    if "/private/traces" not in kept.path or not kept.body:
        return
    message = json.loads(kept.body)
    for trace in message.get("traces", [message]):
        call = call_in(json.dumps(trace.get("input")).encode())
        if call and trace.get("output") is not None:
            yield Record(call, trace.get("id") or kept.path.rsplit("/", 1)[-1], len(json.dumps(trace)))
