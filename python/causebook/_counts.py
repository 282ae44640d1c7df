"""What became of records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Receipt:
    """Says that a record is in the ledger, durably and with its place."""

    id: str
    index: int
    """Its position in the log."""
    digest: str
    """In hexadecimal."""
    repeated: bool = False
    """It was there already, with the same content."""


class Counts(NamedTuple):
    """What became of the records of this process so far; numbers of records unless something else is said."""

    recorded: int
    """Kept: in the spool, or in memory if that was chosen."""
    delivered: int
    """In the ledger, for certain."""
    pending: int
    """Kept, and not yet delivered."""
    refused: int
    """Refused by the ledger for good; they and the reasons are kept in the spool, in `refused.ndjson`, without the content of
    those that have been erased."""
    lost: int
    """Not kept, because the spool was full or the disk failed. Their numbers are missing in the ledger, which sees the gap."""
    failed: int
    """Could not be made records; the reasons are in the log."""
    spilled: int
    """Kept in the second folder, because the first was full."""
    adopted: int
    """Delivered for processes that are gone; not in the other numbers."""
    bytes: int
    """Bytes that the spool holds."""
    trouble: str | None
    """Why nothing can be delivered now; None if nothing hinders."""
