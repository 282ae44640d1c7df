"""Nothing is recorded: what the clock and the function itself cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .base import Arrived, Decide, System


class Nothing(System):
    name = "nothing"
    title = "nothing recorded"
    over_network = False

    def sink(self, folder: Path, port: int, python: str) -> Nothing:
        return self

    def start(self) -> None:
        pass

    stop = flush = start

    def arrived(self) -> Arrived:
        return Arrived()

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        return {}

    def open(self) -> Nothing:
        return self

    def decorate(self, function: Decide) -> Decide:
        return function

    def record(self, given: dict[str, Any], answer: dict[str, Any]) -> None:
        pass
