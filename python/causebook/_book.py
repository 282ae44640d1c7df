"""A book: what a program records decisions in."""

from __future__ import annotations

import atexit
import datetime
import logging
import os
import sys
import threading
import uuid
import weakref
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from causebook._context import complete
from causebook._counts import Counts, Receipt
from causebook._decide import DecideFace
from causebook._decision import DecisionFace
from causebook._errors import CausebookError, RecordError, RefusedError, SpoolError, SpoolFull, UnavailableError
from causebook._faces import ReadFace, WatchFace
from causebook._labels import actor_of, automation_of, label, model_of, score_of
from causebook._linked import LinkedFaces
from causebook._load import native
from causebook._plain import count
from causebook._seam import MISSING, Recorded, not_captured, uuid7
from causebook._settings import Settings

if TYPE_CHECKING:
    from causebook._native import Capture

_log = logging.getLogger("causebook")

FAILURES_TOLD = 20
"""So many failures are logged one by one; then every thousandth."""
TROUBLED_EXIT = 0.5
"""Seconds that an exit waits for a ledger that does not answer, when everything is kept on disk."""
FOREVER = 1e9
"""Seconds that stand for as long as it takes."""


class Book(DecisionFace, DecideFace, LinkedFaces, WatchFace, ReadFace):
    """Records decisions. Made by `causebook.connect`; one for a program, used by all of its threads and tasks.

    A fork of the program goes on with a stream of its own: nothing is shared with the parent, and nothing is lost.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._hash_key = settings.hash_key
        self._lock = threading.RLock()
        self._failed = 0
        self._models: dict[object, object] = {}
        self._closed: Counts | None = None
        self._capture: Capture | None = self._open()
        _books.add(self)

    def record(
        self,
        *,
        model: str | Mapping[str, object] | None = None,
        version: object = None,
        digest: str | None = None,
        input: object = MISSING,
        output: object = MISSING,
        decision: object = None,
        score: object = None,
        parameters: Mapping[str, object] | None = None,
        data: object = None,
        explanation: object = None,
        subject: object = None,
        actor: str | Mapping[str, object] | None = None,
        automation: str | None = None,
        context: Mapping[str, object] | None = None,
        refers_to: object = None,
        id: str | None = None,
        time: str | datetime.datetime | None = None,
        attachments: Mapping[str, bytes] | None = None,
        kind: str = "decision",
        **members: object,
    ) -> Recorded:
        """Records a decision, or with `kind` something else, and returns its id.

        Nothing is raised, unless the book is strict or asked for `on_full="raise"`: what cannot be recorded is logged
        and counted, and the id that is returned is empty.

        >>> id = book.record(model="credit@v1.2", input={"age": 30}, output={"p": 0.81}, decision="approve", score=0.81)
        >>> book.flush().delivered
        1
        """
        try:
            made: dict[str, object] = dict(members)
            if model is not None or version is not None or digest is not None:
                made["model"] = self._model(model, version, digest)
            if input is not MISSING:
                made["input"] = input
            if output is not MISSING:
                made["output"] = output
            if decision is not None:
                made["decision"] = decision if type(decision) is str else label("decision", decision)
            if score is not None:
                made["score"] = score if type(score) is float else score_of("score", score)
            if subject is not None:
                made["subject"] = label("subject", subject)
            if actor is not None:
                made["actor"] = actor_of(actor)
            if automation is not None:
                made["automation"] = automation_of(automation)
            if refers_to is not None:
                made["refers_to"] = label("refers_to", refers_to)
            if explanation is not None:
                made["explanation"] = self._explanation(explanation)
            for name, value in (("parameters", parameters), ("data", data), ("context", context)):
                if value is not None:
                    made[name] = value
            if id is not None:
                made["id"] = id
            if time is not None:
                made["time"] = time
            if attachments is not None:
                made["attachments"] = [{"name": name, "data": bytes_} for name, bytes_ in attachments.items()]
        except Exception as error:
            return self._fail(not_captured(kind, error))
        return self._submit(kind, made)

    def log_batch(
        self,
        inputs: object = None,
        outputs: object = None,
        *,
        model: str | Mapping[str, object] | None = None,
        version: object = None,
        digest: str | None = None,
        decision: object = None,
        score: object = None,
        subject: object = None,
        **members: object,
    ) -> list[str]:
        """Records a decision for each row, and returns their ids.

        `inputs` and `outputs` are frames (pandas, Polars, pyarrow, anything with the Arrow PyCapsule interface), or
        dicts of columns; `decision`, `score` and `subject` are columns. Any other member (`parameters`, `context`,
        `data`, `automation`, `time`, …) holds for every row.

        >>> inputs = {"age": [30, 41], "income": [38_000, 52_000]}
        >>> ids = book.log_batch(inputs, {"p": [0.52, 0.38]}, model="credit@v1.2", score=[0.52, 0.38])
        >>> book.get(ids[1]).score
        0.38

        Nothing is raised, as with `record`: what cannot be recorded is logged and counted, and no ids are returned.
        """
        from causebook._batch import Batch

        try:
            batch = Batch(inputs, outputs, {"decision": decision, "score": score, "subject": subject})
            shared = dict(members)
            if model is not None or version is not None or digest is not None:
                shared["model"] = self._model(model, version, digest)
            shared.setdefault("time", self._now())
            refuse_strangers(shared)
            columnar = batch.columnar() if self._settings.delivery != "receipt" else None
            if columnar is None:
                return [str(self._submit("decision", {**shared, **row})) for row in batch.records()]
            columns, types = columnar
            complete("decision", shared, self._settings.context)
            if not isinstance(shared["time"], str):
                shared["time"] = moment(shared["time"])
            made = cast("dict[object, object]", {"kind": "decision", **shared, **types})
        except CausebookError as error:
            self._fail(error)
            return []
        except Exception as error:
            self._fail(not_captured("log_batch", error))
            return []
        return self._submit_batch(made, columns, batch.rows)

    def _submit_batch(self, members: dict[object, object], columns: list[Any], rows: int) -> list[str]:
        settings = self._settings
        block = settings.block_timeout if settings.on_full == "block" else 0.0
        try:
            while True:
                try:
                    return self._living().submit_batch(members, columns, rows, block)
                except native.Forked:
                    self._forked()
        except native.NotSynced as error:
            self._fail(SpoolError(f"log_batch: the batch is kept and sent, but a power cut may lose it: {error}"))
            return []
        except Exception as error:
            self._not_kept("log_batch", error, numbered=True)
            return []

    @property
    def counters(self) -> Counts:
        """What became of the records of this process so far.

        >>> id = book.record(model="credit@v1.2", input={"age": 30}, decision="approve")
        >>> book.counters.recorded, book.flush().pending
        (1, 0)
        """
        capture, closed = self._capture, self._closed
        if closed is not None:
            return closed
        return self._counts(NOTHING if capture is None else capture.counters())

    def flush(self, timeout: float | None = 30.0) -> Counts:
        """Waits until everything recorded so far is in the ledger, for at most `timeout` seconds; None is for ever.

        Says how far it came.
        """
        capture = self._capture
        if capture is not None:
            try:
                capture.flush(FOREVER if timeout is None else timeout)
            except native.Forked:
                self._forked()
            except RuntimeError:
                _log.debug("the book was closed while it was flushed")
        return self.counters

    async def aflush(self, timeout: float | None = 30.0) -> Counts:
        """As `flush`, without holding up the event loop."""
        # Of the standard library the slowest to load, and loaded already where it is used.
        import asyncio

        return await asyncio.to_thread(self.flush, timeout)

    def close(self, timeout: float | None = None) -> Counts:
        """Delivers what is left, for at most `timeout` seconds (`exit_timeout` if none is given), and ends the book.

        That is what this process recorded, and what processes that are gone have left. What could not be delivered is
        kept, and said; the next process that records to the same ledger delivers it.
        """
        with self._lock:
            closed, capture = self._closed, self._capture
            if closed is None:
                # What comes from here on, also from a signal handler while this waits, finds a closed book.
                self._closed = self._counts(NOTHING if capture is None else capture.counters())
                self._capture = None
        if closed is not None:
            return closed
        counts = self._closed or self._counts(NOTHING)
        if capture is not None:
            wait = self._settings.exit_timeout if timeout is None else timeout
            try:
                counts = self._counts(capture.close(wait))
            except native.Forked:
                capture.forsake()
            except BaseException:
                # Ctrl-C ends the wait, and not what is to be said.
                self._tell(counts)
                raise
        self._closed = counts
        _books.discard(self)
        self._tell(counts)
        return counts

    def __enter__(self) -> Book:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<causebook.Book {self._settings.destination}>"

    def _submit(self, kind: str, members: dict[str, object]) -> Recorded:
        settings = self._settings
        id: str | None = None
        try:
            refuse_strangers(members)
            complete(kind, members, settings.context)
            id = identifier(members.pop("id", None))
            time = members.pop("time", None)
            attachments = members.pop("attachments", None)
            when = time if time is None or isinstance(time, str) else moment(time)
            attached = None if attachments is None else files(attachments)
            wanted = settings.delivery == "receipt"
            if id is None and settings.sync == "power":
                # Named before, for a record that is kept and not synced.
                id = self._new_id()
            block = settings.block_timeout if settings.on_full == "block" else 0.0
            while True:
                try:
                    made, seq = self._living().submit(kind, id, when, members, attached, wanted, block)
                    break
                except native.Forked:
                    self._forked()
        except native.NotSynced as error:
            # It is in the spool, and this process delivers it: only a power cut would lose it.
            self._fail(SpoolError(f"{kind} {id}: it is kept and sent, but a power cut may lose it: {error}"))
            return Recorded(id or "")
        except Exception as error:
            return self._not_kept(kind, error)
        if not wanted:
            return Recorded(made, seq)
        try:
            return self._received(made, seq)
        except RuntimeError:
            self._fail(UnavailableError(f"record {made}: the book was closed before its receipt came; it is kept"))
            return Recorded(made, seq)

    def _received(self, id: str, seq: int) -> Recorded:
        """Waits for the receipt of a record."""
        timeout = self._settings.receipt_timeout
        told = self._living().outcome(seq, timeout)
        if told is None:
            why = self.counters.trouble or "it was not confirmed"
            self._fail(
                UnavailableError(f"record {id}: no receipt within {timeout:g} s; it is kept and sent later: {why}")
            )
            return Recorded(id, seq)
        if len(told) == 3:
            return self._fail(RefusedError(f"record {id} was refused ({told[1]}): {told[2]}"))
        return Recorded(id, seq, Receipt(*told[1:]))

    def _not_kept(self, kind: str, error: Exception, *, numbered: bool = False) -> Recorded:
        """A record is not in the spool. Its number is used up, if it was not `numbered` before, so that it is missed."""
        if isinstance(error, native.Full):
            if not numbered:
                self._lose()
            full = SpoolFull(f"{kind}: {error}; the ledger does not take records fast enough, or not at all")
            if self._settings.on_full == "raise":
                self._failed += 1
                raise full from error
            return self._fail(full)
        if isinstance(error, OSError) and not isinstance(error, CausebookError):
            if not numbered:
                self._lose()
            failure = SpoolError(f"{kind}: {error}")
            failure.__cause__ = error
            return self._fail(failure)
        return self._fail(not_captured(kind, error))

    def _flush(self) -> object:
        return self.flush(5.0)

    def _now(self) -> str:
        return datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")

    def _lose(self) -> None:
        capture = self._capture
        if capture is not None:
            capture.lose(1)

    def _encode(self, value: object) -> object:
        return native.Encoded(value)

    def _new_id(self) -> str:
        try:
            return self._living().new_id()
        except native.Forked:
            self._forked()
            return uuid7()
        except Exception:
            # Whether the record can be made is told when it is.
            return uuid7()

    def _fail(self, error: CausebookError) -> Recorded:
        self._failed += 1
        if self._settings.strict:
            raise error
        if self._failed <= FAILURES_TOLD or self._failed % 1_000 == 0:
            _log.error("not recorded (failure %d of this book): %s", self._failed, error)
        return Recorded()

    def _explanation(self, value: object) -> Mapping[str, object]:
        from causebook._shap import explanation

        return explanation(value)

    def _model(self, model: str | Mapping[str, object] | None, version: object, digest: str | None) -> object:
        """The member `model`, encoded once for each name and version."""
        if not isinstance(model, str | None) or not isinstance(version, str | None):
            return model_of(model, version, digest)
        key = (model, version, digest)
        known = self._models.get(key)
        if known is None:
            known = native.Encoded(model_of(model, version, digest))
            if len(self._models) < 256:
                self._models[key] = known
        return known

    def _living(self) -> Capture:
        """The capture of this process."""
        capture = self._capture
        if capture is None:
            with self._lock:
                if self._closed is not None:
                    raise CausebookError("the book is closed")
                if self._capture is None:
                    self._capture = self._open()
                capture = self._capture
        return capture

    def _open(self) -> Capture:
        capture = native.Capture(self._settings.of_run(), _heard)
        # A child of multiprocessing ends without atexit.
        util = sys.modules.get("multiprocessing.util")
        if util is not None:
            util.Finalize(self, _closed_at_exit, args=(weakref.ref(self),), exitpriority=10)
        return capture

    def _forked(self) -> None:
        """In a child: the parent's capture is let go of; the next record opens another."""
        self._lock = threading.RLock()
        capture, self._capture = self._capture, None
        self._failed = 0
        if capture is not None:
            capture.forsake()

    def _counts(self, row: tuple[int, int, int, int, int, int, int, int, str | None]) -> Counts:
        recorded, delivered, refused, lost, spilled, adopted, pending, held, trouble = row
        return Counts(recorded, delivered, pending, refused, lost, self._failed, spilled, adopted, held, trouble)

    def _tell(self, counts: Counts) -> None:
        """Says at the end what is not where it should be."""
        settings = self._settings
        if counts.pending:
            why = f" ({counts.trouble})" if counts.trouble else ""
            if settings.spool is None:
                _log.error("%s not delivered to %s: lost%s", count(counts.pending, "record"), settings.destination, why)
            else:
                _log.warning(
                    "%s not yet delivered to %s%s: kept in %s, and delivered by the next process that records to it",
                    count(counts.pending, "record"),
                    settings.destination,
                    why,
                    settings.spool,
                )
        if counts.lost:
            _log.error("%s could not be kept: lost", count(counts.lost, "record"))
        if counts.failed:
            _log.error("%s while recording", count(counts.failed, "failure"))


NOTHING = (0, 0, 0, 0, 0, 0, 0, 0, None)


MEMBERS = frozenset(
    "id time model input output decision score subject parameters data explanation actor automation context attachments "
    "refers_to outcome review notice correction erasure hold access gap config".split()
)
"""What a record may have (docs/format.md, section 5.1), but for what the book and the ledger set."""


def refuse_strangers(members: Mapping[str, object]) -> None:
    """Refuses what the ledger would refuse: members that no record has."""
    for name in members:
        if name not in MEMBERS:
            raise RecordError(f"{name}: a record has no such member; what is your own goes under context")


def identifier(id: object) -> str | None:
    """The id of a record, as exactly a text."""
    if id is None or type(id) is str:
        return id
    if isinstance(id, str | uuid.UUID):
        return str(id)
    raise RecordError(f"id: a {type(id).__name__} is no id; give a text")


def moment(time: object) -> str:
    """The time of a record. A time without a zone is sent as it is: the ledger takes it for UTC and says so."""
    if isinstance(time, datetime.datetime):
        return time.isoformat()
    raise RecordError(f"time: a {type(time).__name__} is no time; give a datetime or a text as RFC 3339 has it")


def files(attachments: object) -> list[tuple[str, str, bytes]]:
    """Name, media type and bytes of each attachment."""
    made: list[tuple[str, str, bytes]] = []
    for file in cast("Iterable[Mapping[str, object]]", attachments):
        media_type = file.get("media_type") or "application/octet-stream"
        data = cast("Any", file["data"])
        if not isinstance(data, bytes | bytearray | memoryview):
            raise RecordError(f"attachments: {file['name']}: a {type(data).__name__} is no attachment; give its bytes")
        made.append((str(file["name"]), str(media_type), bytes(cast("bytes", data))))
    return made


def _heard(is_error: bool, text: str) -> None:
    _log.log(logging.ERROR if is_error else logging.INFO, "%s", text)


def _closed_at_exit(reference: weakref.ref[Book]) -> None:
    book = reference()
    if book is not None:
        _close(book)


def _close(book: Book) -> None:
    counts = book.counters
    settings = book._settings  # pyright: ignore[reportPrivateUsage]
    kept = settings.spool is not None and counts.trouble is not None
    book.close(min(settings.exit_timeout, TROUBLED_EXIT) if kept else None)


def _close_all() -> None:
    for book in list(_books):
        _close(book)


def _after_fork() -> None:
    for book in list(_books):
        book._forked()  # pyright: ignore[reportPrivateUsage]


# Held until the program ends: what a book holds is to be delivered even if nobody speaks of the book any more.
_books: set[Book] = set()
atexit.register(_close_all)
os.register_at_fork(after_in_child=_after_fork)
