"""Reading a ledger: records, what became of them, why, answers in SQL, verification and evidence."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from causebook import _html, _why
from causebook._errors import NotFoundError, SettingError
from causebook._load import native
from causebook._plain import items, members, parse
from causebook._records import (
    CheckedRecord,
    Claim,
    Decision,
    Evidence,
    Finding,
    History,
    Table,
    Verification,
    Why,
    from_seconds,
    held_against,
)

if TYPE_CHECKING:
    from causebook._native import Reading as NativeReading

__all__ = ["Listing", "Reading", "check"]

T = TypeVar("T")

PAGE_MAX = 1000
"""Records of a page: the most that a server gives."""
_HERE = "checked here"
_THERE = "the server says"


class Reading:
    """What can be asked of a ledger. A book hands its questions to one of these.

    `target` is the address of a server or the folder of a home. `flush` is called before a record is said not to be
    there: it may still be on its way.
    """

    def __init__(
        self,
        target: str | os.PathLike[str],
        *,
        ledger: str = "main",
        token: str | None = None,
        purpose: str | None = None,
        allow_plain_http: bool = False,
        flush: Callable[[], object] | None = None,
    ) -> None:
        where = os.fspath(target)
        self._native: NativeReading
        if is_address(where):
            token = token or os.environ.get("CAUSEBOOK_TOKEN") or None
            self._native = native.Reading.remote(where, ledger, token, purpose, allow_plain_http)
        else:
            self._native = native.Reading.folder(where, ledger)
        self._flush = flush

    # Records

    def get(self, id: str) -> Decision:
        """The record with exactly this id. Raises `NotFoundError` if there is none."""
        return Decision(self._found(lambda: self._native.item(id)), self)

    def history(self, id: str) -> History:
        """The record, what it refers to, and all that refers to either, in the order in which they were recorded."""
        found = self._found(lambda: self._native.history(id))
        return History([Decision(text, self) for text in found], id)

    def list(self, q: str = "", *, limit: int | None = None, oldest: bool = False) -> Listing:
        """Records that match a filter, newest first; an iterator that fetches page after page.

        `q` is the grammar of docs/filter.md: `decision:deny model:credit@3.* score:<0.4 "thin file"`. All pages show
        the ledger as it was when the first was fetched.
        """
        if limit is not None and limit < 0:
            raise SettingError(f"limit is the most records that are wanted, not {limit}")
        return Listing(self, q, limit, oldest)

    def why(self, id: str, *, all_versions: bool = False) -> Why:
        """What is known of why this decision came out as it did, part by part, each with how it is known.

        With `all_versions` it is compared with the decisions of all versions of its model.
        """
        history = self.history(id)
        answer = self._found(lambda: self._native.why(id, False, all_versions))
        return _why.of(next(record for record in history if record.id == id), history, json.loads(answer))

    def sql(self, query: str, *, rows_max: int | None = None) -> Table:
        """Asks a server in SQL.

        At most `rows_max` rows come (10,000 if not given); `truncated` tells if there are more.
        """
        return Table(self._native.sql(query, rows_max), query)

    # Proof

    def verify(
        self,
        *,
        id: str | None = None,
        quick: bool = False,
        sample: int | None = None,
        keys: str | Sequence[str] = (),
        remember: bool = True,
    ) -> Verification:
        """Whether everything is as it was signed: all records, with `id` one, with `quick` the head alone.

        A ledger in a folder is checked here, record by record. Of a server's, the head, its growth since the head seen
        last and the evidence of `sample` records (8), drawn at random, are checked here; that every record is as it was
        signed is the server's own word. The verdict tells the two apart.

        Without `keys`, the keys are believed that were seen first, and the head seen last is remembered in
        `~/.local/state/causebook/heads`, where the command line has it too. `remember=False` does neither.
        """
        if id is not None and quick:
            raise SettingError("verify one record (id) or the head alone (quick), not both")
        report = json.loads(self._native.verify(quick, id, sample, _keys(keys), remember))
        return _verdict(report, "ledger" if id is None else "record", quick)

    def prove(self, id: str, *, show: str | Sequence[str] = (), linked: bool = False) -> Evidence:
        """Evidence of a record, for whoever shall check it without the ledger.

        `show` names what is shown, as JSON Pointers (`/decision`, `/input/age`); without it everything is. With
        `linked` the records about it, and the one it is about, come along whole. Evidence of a server is held against
        the keys and the head that are known here before it is given.
        """
        shown = [show] if isinstance(show, str) else list(show)
        text, keys = self._found(lambda: self._native.evidence(id, shown, linked))
        return Evidence(text, tuple(keys))

    # What records ask for

    def digest(self, id: str) -> str | None:
        """Digest of a record, in hexadecimal."""
        return self._native.digest(id)

    def attachment(self, digest: str) -> bytes:
        """The bytes of an attachment, held against its digest."""
        return held_against(digest, self._native.attachment(digest))

    def page(
        self, q: str, limit: int | None, oldest: bool, as_of: int | None, cursor: str | None
    ) -> tuple[Sequence[Decision], str | None, int]:
        """A page of records, where to go on, and the size of the ledger that it is of."""
        texts, after, size = self._native.page(q, limit, oldest, as_of, cursor)
        return [Decision(text, self) for text in texts], after, size

    def _found(self, look: Callable[[], T]) -> T:
        try:
            return look()
        except NotFoundError:
            if self._flush is None:
                raise
        self._flush()
        return look()


class Listing(Iterator[Decision]):
    """Records, fetched page by page as they are taken."""

    def __init__(self, reading: Reading, q: str, limit: int | None, oldest: bool) -> None:
        self._reading = reading
        self._q = q
        self._limit = limit
        self._oldest = oldest
        self._ahead: list[Decision] = []
        self._taken = 0
        self._cursor: str | None = None
        self._as_of: int | None = None
        self._ended = limit == 0

    @property
    def as_of(self) -> int | None:
        """Size of the ledger that the records are of; None before the first page."""
        return self._as_of

    def __next__(self) -> Decision:
        self._fetch()
        if not self._ahead:
            raise StopIteration
        self._taken += 1
        return self._ahead.pop(0)

    def pages(self) -> Iterator[History]:
        """The records, a page at a time."""
        while self._fetch():
            page, self._ahead = self._ahead, []
            self._taken += len(page)
            yield History(page, self._title())

    def _fetch(self) -> bool:
        """Whether there is another record."""
        while not self._ahead and not self._ended:
            left = None if self._limit is None else self._limit - self._taken
            if left is not None and left <= 0:
                self._ended = True
                break
            size = PAGE_MAX if left is None else min(left, PAGE_MAX)
            page, self._cursor, self._as_of = self._reading.page(self._q, size, self._oldest, self._as_of, self._cursor)
            self._ahead = list(page if left is None else page[:left])
            self._ended = self._cursor is None
        return bool(self._ahead)

    def _title(self) -> str:
        return f"Records with {self._q}" if self._q else "Records"

    def __repr__(self) -> str:
        return _html.cut(f"<Listing: {self._title().lower()}, {self._taken} taken>", 80)

    def _repr_html_(self) -> str:
        # Shown and not taken: whoever goes on iterating gets them all.
        self._fetch()
        shown = list(islice(self._ahead, _html.ROWS_SHOWN))
        more = len(self._ahead) > len(shown) or not self._ended
        return _html.records(shown, self._title(), more=more)


def check(evidence: Evidence | str | bytes | os.PathLike[str], keys: str | Sequence[str] = ()) -> Verification:
    """Checks evidence: offline, with nothing but the file and the keys that the checker has from elsewhere.

    `evidence` is its text or bytes, what `prove` gave, or the path of a file (as a `pathlib.Path`). `keys` are the keys
    of the log, or a path to a file of them, a line each; without them the file is held against the keys that it names
    itself, which shows that it is whole, not whose it is (`self_asserted`).

    Raises `EvidenceError` if it is not evidence or does not prove what it says.
    """
    if isinstance(evidence, Evidence):
        content = bytes(evidence)
    elif isinstance(evidence, str):
        content = evidence.encode()
    elif isinstance(evidence, bytes):
        content = evidence
    else:
        with open(evidence, "rb") as file:
            content = file.read()
    given = _keys(keys)
    report = json.loads(native.check_evidence(content, given))
    records = tuple(
        CheckedRecord(
            it["index"],
            it["digest"],
            it["link"],
            None if it["text"] is None else parse(it["text"]),
            it["shown"],
            it["hidden"],
        )
        for it in report["records"]
    )
    named = ", which the file names itself" if report["self_asserted"] else ""
    claims = [Claim(f"the head is signed with {it['algorithm']}{named}", _HERE, True) for it in report["signatures"]]
    claims += [Claim(f"record {it.index} is in the log", _HERE, True) for it in records]
    times = [it["time"] for it in report["signatures"] if it["time"] is not None]
    return Verification(
        of="evidence",
        holds=True,
        origin=report["origin"],
        size=report["size"],
        root=report["root"],
        signed=from_seconds(max(times, default=None)),
        keys=tuple(given),
        self_asserted=report["self_asserted"],
        claims=tuple(claims),
        findings=(),
        records=records,
        not_proven=tuple(report["not_proven"]),
        report=report,
    )


def is_address(target: str) -> bool:
    """Whether a target is the address of a server; else it is a folder."""
    return target.startswith(("http://", "https://"))


def _keys(keys: str | Sequence[str]) -> list[str]:
    return [keys] if isinstance(keys, str) else list(keys)


def _verdict(report: dict[str, Any], of: str, quick: bool) -> Verification:
    server = report["server"]
    head = members(report["head"])
    findings = [Finding(it["fault"], it["what"], it["index"], it["id"]) for it in report["findings"]]
    if server is not None:
        said = [members(it) for it in items(server.get("findings"))]
        findings += [
            Finding(str(it.get("fault", "")), str(it.get("what", "")), it.get("index"), it.get("id"), _THERE)
            for it in said
        ]
        if not server["intact"] and not said:
            findings.append(Finding("not-intact", "the server says that it is not as it was signed", by=_THERE))
    return Verification(
        of=of,
        holds=report["intact"],
        origin=report["origin"],
        size=head.get("size"),
        root=head.get("root"),
        signed=from_seconds(head.get("time")),
        keys=tuple(report["keys"] or ()),
        self_asserted=bool(report["first_seen"]),
        claims=tuple(_claims(report, quick)),
        findings=tuple(findings),
        report=report,
    )


def _claims(report: dict[str, Any], quick: bool) -> Iterator[Claim]:
    server, sound = report["server"], not report["findings"]
    if report["keys"] is not None and report["head"] is not None:
        known = "seen for the first time and kept" if report["first_seen"] else "known from before"
        yield Claim(f"the head is signed by {_html.count(len(report['keys']), 'key')}, {known}", _HERE, sound)
    if report["continues"] is not None:
        yield Claim(f"the log continues the {report['continues']:,} records that were seen last", _HERE, True)
    checked = report["records_checked"]
    signed = min(checked, report["head"]["size"]) if report["head"] is not None else 0
    if signed:
        yield Claim(f"{_html.count(signed, 'record')} held against the signed log", _HERE, sound)
    if checked > signed:
        yield Claim(
            f"{_html.count(checked - signed, 'record')} not signed yet: the next head covers them", _HERE, sound
        )
    if report["evidence"]:
        yield Claim(f"evidence of {_html.count(report['evidence'], 'record')} held against the head", _HERE, sound)
    if server is not None:
        claim = "its files fit this head" if quick else "every record is as it was signed"
        yield Claim(claim, _THERE, server["intact"])
    if report["not_remembered"]:
        yield Claim(f"the head could not be remembered: {report['not_remembered']}", _HERE, False)
