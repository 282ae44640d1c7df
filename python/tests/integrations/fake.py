"""A book that keeps what it is given, for tests of what captures."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any


class FakeBook:
    """Keeps records as dicts. A batch becomes a record a row, as it does in a ledger."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.batches: list[dict[str, Any]] = []
        self.failures: list[Exception] = []

    def record(self, *, kind: str = "decision", **members: Any) -> str:
        self.records.append({"kind": kind, **members})
        return f"id-{len(self.records)}"

    def log_batch(self, inputs: Any, outputs: Any, **members: Any) -> list[str]:
        self.batches.append({"inputs": inputs, "outputs": outputs, **members})
        count = len(next(iter(inputs.values()))) if isinstance(inputs, Mapping) else len(inputs)
        return [f"batch-{len(self.batches)}-{row}" for row in range(count)]

    def _new_id(self) -> str:
        return str(uuid.uuid4())

    def _fail(self, error: Exception) -> str:
        self.failures.append(error)
        return ""

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["kind"] == kind]

    @property
    def decisions(self) -> list[dict[str, Any]]:
        return self.of_kind("decision")
