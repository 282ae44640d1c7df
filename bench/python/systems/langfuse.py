"""Langfuse: spans of OpenTelemetry, to the OTLP endpoint of its server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import otlp
from .base import Decide, HttpSink, System


class Langfuse(System):
    name = "langfuse"
    title = "Langfuse"
    packages = ("langfuse",)

    def sink(self, folder: Path, port: int, python: str) -> HttpSink:
        return HttpSink(folder, port, otlp.records)

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        return {
            "LANGFUSE_BASE_URL": f"http://127.0.0.1:{port}",
            "LANGFUSE_PUBLIC_KEY": "pk-lf-bench",
            "LANGFUSE_SECRET_KEY": "sk-lf-bench",
        }

    def open(self) -> Spans:
        return Spans()


class Spans:
    def __init__(self) -> None:
        import langfuse

        self.client = langfuse.get_client()
        self.observe = langfuse.observe

    def decorate(self, function: Decide) -> Decide:
        decorated: Decide = self.observe()(function)
        return decorated

    def record(self, given: dict[str, Any], answer: dict[str, Any]) -> None:
        self.client.start_observation(name="decide", input=given, output=answer, version="v1.2").end()

    def flush(self) -> None:
        self.client.flush()
