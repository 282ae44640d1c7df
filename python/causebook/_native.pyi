"""The native module. Not for direct use."""

from collections.abc import Sequence
from os import PathLike
from typing import Any, final

__version__: str
EMBEDDED: bool
"""Whether ledgers in folders can be opened."""

# Reading and checking (python/src/read.rs, check.rs)

def check_evidence(evidence: bytes, keys: Sequence[str]) -> str: ...

@final
class Reading:
    @staticmethod
    def remote(
        url: str,
        ledger: str,
        token: str | None = None,
        purpose: str | None = None,
        allow_plain_http: bool = False,
    ) -> Reading: ...
    @staticmethod
    def folder(home: str | PathLike[str], ledger: str) -> Reading: ...
    def item(self, id: str) -> str: ...
    def history(self, id: str) -> list[str]: ...
    def page(
        self,
        q: str,
        limit: int | None = None,
        oldest: bool = False,
        as_of: int | None = None,
        cursor: str | None = None,
    ) -> tuple[list[str], str | None, int]: ...
    def digest(self, id: str) -> str | None: ...
    def evidence(self, id: str, show: Sequence[str], linked: bool) -> tuple[str, list[str]]: ...
    def attachment(self, digest: str) -> bytes: ...
    def sql(self, statement: str, rows_max: int | None = None) -> Answer: ...
    def verify(
        self,
        quick: bool,
        id: str | None,
        sample: int | None,
        keys: Sequence[str],
        remembering: bool,
    ) -> str: ...

@final
class Answer:
    @property
    def truncated(self) -> bool: ...
    @property
    def rows(self) -> int: ...
    @property
    def columns(self) -> list[tuple[str, str]]: ...
    def values(self, start: int, count: int) -> list[tuple[Any, ...]]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

# The ledger in the process (python/src/embedded.rs): there only if EMBEDDED

_Stored = tuple[str, int, str, bool]
_Refused = tuple[str, str]

@final
class Embedded:
    def __new__(cls, home: str | PathLike[str], ledger: str, by: str | None = None) -> Embedded: ...
    def deliver(
        self, parcels: Sequence[tuple[str, int, bytes]]
    ) -> tuple[int, list[tuple[_Stored | None, _Refused | None]], list[str], str | None]: ...
    def idle(self) -> None: ...
