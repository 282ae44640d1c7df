"""Where a program begins."""

from __future__ import annotations

import os
from collections.abc import Mapping

from causebook._book import Book
from causebook._errors import InstallationError, SettingError, SpoolError
from causebook._load import native
from causebook._settings import SPOOL_BYTES, Delivery, OnFull, Sync, settings


def connect(
    target: str | os.PathLike[str],
    *,
    ledger: str = "main",
    token: str | None = None,
    source: str | None = None,
    context: Mapping[str, object] | None = None,
    delivery: Delivery = "durable",
    sync: Sync = "process",
    on_full: OnFull = "block",
    strict: bool = False,
    spool: str | os.PathLike[str] | None = None,
    spool_bytes: int = SPOOL_BYTES,
    spill: str | os.PathLike[str] | None = None,
    block_timeout: float = 30.0,
    receipt_timeout: float = 30.0,
    exit_timeout: float = 5.0,
    linger: float = 0.05,
    hash_key: bytes | str | None = None,
    allow_plain_http: bool = False,
) -> Book:
    """Opens a book: decisions recorded in it go to a ledger of a server, or to one in a folder.

    Args:
        target: Address of a server (`https://…`), or a folder: then the ledger is in this process, without a server
            (`pip install causebook[embedded]`).
        ledger: Name of the ledger.
        token: What the server knows this program by; also `CAUSEBOOK_TOKEN`.
        source: Name of this program in every record, under which the ledger counts its records and sees gaps. The name
            of the script if none is given.
        context: Members of `context` of every record.
        delivery: `durable`: a record is in a spool on disk before the call returns, and is delivered behind it, by this
            process or, should that be killed, by another. `receipt`: the call returns when the ledger has the record.
            `memory`: nothing on disk; what was not delivered is lost with the process.
        sync: What the spool survives. `process`: the process being killed, at any time; a power cut may lose the last
            seconds. `power`: that too, at the cost of a sync of the disk for each call.
        on_full: What happens when the spool is full: `block` for up to `block_timeout` seconds, `raise`
            `causebook.SpoolFull`, or `spill` into a second folder, `spill`.
        strict: Raise what could not be recorded into the caller, who then must not go on. Otherwise recording never
            raises: it logs to the logger `causebook`, and counts.
        spool: Folder of the spool; also `CAUSEBOOK_SPOOL`. By default under `$XDG_STATE_HOME` (`~/.local/state`), for a
            target in a folder in that folder.
        spool_bytes: The most that the spool holds.
        spill: A second folder for `on_full="spill"`, on another disk if possible.
        block_timeout: Seconds.
        receipt_timeout: Seconds that `receipt` waits.
        exit_timeout: Seconds that the end of the program waits for the delivery of what is left.
        linger: Seconds that are waited for more records before some are sent together.
        hash_key: Key for arguments that are recorded as their keyed digest.
        allow_plain_http: Let a token travel unencrypted to another machine. Not for production.

    >>> with causebook.connect(server, source="loans", context={"environment": "test"}) as book:
    ...     id = book.record(model="credit@v1.2", input={"age": 30}, decision="approve")
    >>> book.counters.delivered
    1

    Raises:
        SettingError: One of these cannot be.
        SpoolError: The spool cannot be made.
    """
    made = settings(
        target,
        ledger=ledger,
        token=token,
        source=source,
        delivery=delivery,
        sync=sync,
        on_full=on_full,
        spool=spool,
        spool_bytes=spool_bytes,
        spill=spill,
        block_timeout=block_timeout,
        receipt_timeout=receipt_timeout,
        exit_timeout=exit_timeout,
        linger=linger,
        strict=strict,
        allow_plain_http=allow_plain_http,
        context=context,
        hash_key=hash_key,
    )
    if made.home is not None and not native.EMBEDDED:
        raise InstallationError(
            f"{made.home}: a ledger in a folder needs the larger package: pip install 'causebook[embedded]'; "
            "for a server, give its address (https://…)"
        )
    try:
        return Book(made)
    except ValueError as error:
        raise SettingError(str(error)) from error
    except OSError as error:
        raise SpoolError(str(error)) from error
