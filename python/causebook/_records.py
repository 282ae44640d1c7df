"""What reading gives: records, evidence, verdicts, tables. Values are decoded when they are asked for."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, overload

from causebook import _html
from causebook._errors import EvidenceError, NotFoundError
from causebook._plain import items, members, parse

if TYPE_CHECKING:
    import os

    import pandas  # type: ignore[import-untyped,import-not-found,unused-ignore]
    import polars  # type: ignore[import-not-found,unused-ignore]

__all__ = [
    "AttachedFile",
    "CheckedRecord",
    "Claim",
    "Decision",
    "Evidence",
    "Finding",
    "History",
    "Part",
    "Recording",
    "Table",
    "Verification",
    "Why",
]

_PLAIN = frozenset({"attachments", "id", "kind", "model", "recorded", "refers_to", "source", "time", "time_assumed"})
"""Members that are what they are: no value of a program is in them."""


class Recording(NamedTuple):
    """How a record came into the ledger, as the ledger noted it."""

    at: datetime
    by: str
    via: str


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file beside a record. Its bytes are fetched when they are read."""

    name: str
    media_type: str
    size: int
    digest: str
    fetch: Callable[[str], bytes] = field(repr=False, compare=False)

    def read(self) -> bytes:
        """The bytes, held against the digest that the record has of them."""
        return self.fetch(self.digest)


class Origin(Protocol):
    """Where a record came from: asked for what it does not hold itself."""

    def digest(self, id: str) -> str | None: ...

    def attachment(self, digest: str) -> bytes: ...


class Decision(Mapping[str, Any]):
    """A record of a ledger: a decision, or what refers to one.

    Members are attributes and items, as values of the program that recorded them; `record` is the plain document.
    A member that the record does not have is `None` as an attribute, and a `KeyError` as an item.

    >>> decision = Decision.parse('{"index":7,"id":"D-1","kind":"decision","decision":"deny","score":0.25,'
    ...                           '"model":{"name":"credit","version":"v1.2"}}')
    >>> decision.decision, decision["score"], decision.model["name"], decision.index
    ('deny', 0.25, 'credit', 7)
    >>> decision.subject is None
    True
    >>> decision
    <Decision D-1: deny, by credit v1.2, score 0.25, index 7>
    """

    __slots__ = ("_digest", "_from", "_text", "_values", "erased", "erased_facts", "index", "masked", "record")

    index: int
    """Position in the log, from 0."""
    record: dict[str, Any]
    """The record as a plain JSON document."""
    masked: tuple[str, ...]
    """Places that this reader may not see: a word stands there instead."""
    erased: bool
    """Nothing is left but the id; what it was is still proven."""
    erased_facts: int
    """Facts of it that were erased, on record."""

    def __init__(self, text: str, origin: Origin | None = None) -> None:
        document = parse(text)
        self._text = text
        self._from = origin
        self._values: dict[str, Any] = {}
        self._digest: str | None = None
        self.index = document.pop("index")
        self.erased = document.pop("erased", False) is True
        self.erased_facts = document.pop("erased_facts", 0)
        self.masked = tuple(document.pop("masked", ()))
        self.record = document

    @classmethod
    def parse(cls, text: str) -> Decision:
        """A record as a server shows it."""
        return cls(text)

    # Members

    @property
    def id(self) -> str | None:
        """The id of the record; None if it was erased with the rest."""
        return self._word("id")

    @property
    def kind(self) -> str | None:
        """What kind of record it is: `decision`, `outcome`, `review`, ..."""
        return self._word("kind")

    @property
    def model(self) -> dict[str, Any]:
        """What decided: `name`, `version`, `digest`, ... Empty if the record names none."""
        return members(self.record.get("model"))

    @property
    def input(self) -> Any:
        """What the model was given."""
        return self._value("input")

    @property
    def output(self) -> Any:
        """What the model gave."""
        return self._value("output")

    @property
    def decision(self) -> str | None:
        """What was decided, in a word."""
        return self._word("decision")

    @property
    def score(self) -> float | None:
        """The score."""
        return self._value("score")  # type: ignore[no-any-return]

    @property
    def parameters(self) -> Any:
        """Parameters of the model."""
        return self._value("parameters")

    @property
    def explanation(self) -> Any:
        """What was recorded of the reasons."""
        return self._value("explanation")

    @property
    def data(self) -> Any:
        """Which data the model worked on or was made from."""
        return self._value("data")

    @property
    def context(self) -> Any:
        """What was going on around it."""
        return self._value("context")

    @property
    def subject(self) -> str | None:
        """Whom it is about."""
        return self._word("subject")

    @property
    def actor(self) -> Any:
        """Who acted."""
        return self._value("actor")

    @property
    def automation(self) -> str | None:
        """`sole`, `assisted` or `human`."""
        return self._word("automation")

    @property
    def source(self) -> dict[str, Any]:
        """The program that recorded it. Empty if the record does not say."""
        return members(self.record.get("source"))

    @property
    def refers_to(self) -> str | None:
        """The id of the record that this one is about."""
        return self._word("refers_to")

    @property
    def time(self) -> datetime | None:
        """When it was decided, or happened."""
        return _moment(self.record.get("time"))

    @property
    def recorded(self) -> Recording | None:
        """When, by whom and by which way it came into the ledger."""
        recorded = members(self.record.get("recorded"))
        at = _moment(recorded.get("at"))
        return None if at is None else Recording(at, str(recorded.get("by", "")), str(recorded.get("via", "")))

    @property
    def attachments(self) -> tuple[AttachedFile, ...]:
        """The files beside the record."""
        return tuple(
            AttachedFile(
                str(it.get("name", "")),
                str(it.get("media_type", "")),
                int(it.get("size", 0)),
                str(it.get("digest", "")),
                self._attachment,
            )
            for it in map(members, items(self.record.get("attachments")))
            if it
        )

    @property
    def digest(self) -> str | None:
        """The record's digest, in hexadecimal, which its leaf in the log is made from. A server is asked for it."""
        if self._digest is None and self._from is not None and self.id is not None:
            self._digest = self._from.digest(self.id)
        return self._digest

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.record:
            raise AttributeError(f"the record has no member {name!r}")
        return self._value(name)

    def _word(self, name: str) -> str | None:
        word = self.record.get(name)
        return word if isinstance(word, str) else None

    def _value(self, name: str) -> Any:
        if name not in self.record:
            return None
        if name not in self._values:
            self._values[name] = self._decoded(name)
        return self._values[name]

    def _decoded(self, name: str) -> Any:
        plain = self.record[name]
        # Only a document in an object or an array can say more than JSON does.
        if name in _PLAIN or not isinstance(plain, (dict, list)):
            return plain
        from causebook import _values

        return _values.revive(_values.loads(self._text)[name], self._attachment)

    def _attachment(self, digest: str) -> bytes:
        if self._from is None:
            raise NotFoundError(f"attachment {digest}: this record does not come from a ledger that could be asked")
        return self._from.attachment(digest)

    # As a mapping

    def __getitem__(self, name: str) -> Any:
        if name not in self.record:
            raise KeyError(name)
        return self._value(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.record)

    def __len__(self) -> int:
        return len(self.record)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decision) and (self.index, self.record) == (other.index, other.record)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        said = [part for part in (_html.outcome_of(self), _by(self.model), _score(self)) if part]
        if self.erased:
            said = ["erased"]
        said.append(f"index {self.index}")
        return _html.cut(f"<{(self.kind or 'record').capitalize()} {self.id}: {', '.join(said)}>", 80)

    def _repr_html_(self) -> str:
        return _html.decision(self)


class History(Sequence[Decision]):
    """Records in order: a decision, and what became of it."""

    __slots__ = ("_records", "title")

    def __init__(self, records: Sequence[Decision], title: str = "") -> None:
        self._records = tuple(records)
        self.title = title

    @overload
    def __getitem__(self, place: int) -> Decision: ...

    @overload
    def __getitem__(self, place: slice) -> History: ...

    def __getitem__(self, place: int | slice) -> Decision | History:
        if isinstance(place, slice):
            return History(self._records[place], self.title)
        return self._records[place]

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return _html.cut(f"<History of {self.title}: {_html.count(len(self), 'record')}>", 80)

    def _repr_html_(self) -> str:
        return _html.records(self._records, f"History of {self.title}", more=False)


# Evidence and verdicts


class Claim(NamedTuple):
    """One thing that a verification says, and on whose word."""

    what: str
    by: str
    """`checked here`: by this program, with nobody's word for it. `the server says`: of itself."""
    holds: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    fault: str
    what: str
    index: int | None = None
    id: str | None = None
    by: str = "checked here"


@dataclass(frozen=True, slots=True)
class CheckedRecord:
    """A record that evidence proves to be in the log, as far as it is shown."""

    index: int
    digest: str
    link: str
    """`asked`, or how it is linked to the one asked for: `refers`, `referred`, `unproven`."""
    record: dict[str, Any] | None
    """What is shown of it; None if its content is erased."""
    shown: int
    hidden: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found when a ledger, a record or evidence was held against its signatures. True if all holds.

    `claims` tells what was checked here from what a server says of itself; `findings` is what is wrong.
    """

    of: str
    """What was verified: `ledger`, `record` or `evidence`."""
    holds: bool
    """Nothing is wrong."""
    origin: str | None
    """Name under which the log signs."""
    size: int | None
    """Records under the signed head; None before the first head."""
    root: str | None
    """Root of the log at that head."""
    signed: datetime | None
    """When the head was signed, if a signature says so."""
    keys: tuple[str, ...]
    """The keys that were believed."""
    self_asserted: bool
    """Nobody vouched for the keys: they were the file's own word, or seen for the first time."""
    claims: tuple[Claim, ...]
    findings: tuple[Finding, ...]
    records: tuple[CheckedRecord, ...] = ()
    """Of evidence: the records that it proves."""
    not_proven: tuple[str, ...] = (
        "that what was recorded was true when it was recorded",
        "that everything that should have been recorded was sent to the ledger",
    )
    report: dict[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)
    """All that is known, as JSON."""

    def __bool__(self) -> bool:
        return self.holds

    def ensure(self) -> Verification:
        """Itself, if all holds.

        Raises `EvidenceError` with the first finding otherwise.
        """
        if not self.holds:
            first = self.findings[0] if self.findings else Finding("not-intact", "it is not as it was signed")
            error = EvidenceError(f"{first.fault}: {first.what}")
            error.code = first.fault
            raise error
        return self

    def __repr__(self) -> str:
        found = "holds" if self.holds else _html.count(len(self.findings), "finding")
        over = "" if self.size is None else f", {_html.count(self.size, 'record')} signed"
        own = ", keys self-asserted" if self.self_asserted else ""
        return _html.cut(f"<Verification of {self.of}: {found}{over}{own}>", 80)

    def _repr_html_(self) -> str:
        return _html.verification(self)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A record in a file that proves itself: whoever has it, and the log's key, can check it without the ledger."""

    text: str = field(repr=False)
    """The file, as text."""
    keys: tuple[str, ...] = field(default=(), repr=False)
    """The keys of the log, as they are known on this side. Give them to whoever shall check."""

    def __str__(self) -> str:
        return self.text

    def __bytes__(self) -> bytes:
        return self.text.encode()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the file, and gives its path."""
        target = Path(path)
        target.write_text(self.text, encoding="utf-8")
        return target

    def check(self) -> Verification:
        """Checks it with the keys that are known on this side, not with those that it names itself."""
        from causebook._read import check

        return check(self.text, keys=self.keys)

    def _summary(self) -> tuple[str, int, int, int]:
        """Origin, records, facts shown, facts kept back. The file's own word: nothing is checked."""
        document = json.loads(self.text)
        records = document.get("records", [])
        shown = sum(len(it.get("facts", [])) for it in records)
        hidden = sum(len(it.get("hidden", [])) for it in records)
        return str(document.get("origin", "")), len(records), shown, hidden

    def __repr__(self) -> str:
        origin, records, shown, hidden = self._summary()
        kept = f", {hidden} kept back" if hidden else ""
        said = f"{_html.count(records, 'record')} of {origin}, {_html.count(shown, 'fact')} shown{kept}"
        return _html.cut(f"<Evidence: {said}>", 80)

    def _repr_html_(self) -> str:
        return _html.evidence(self, *self._summary())


# Tables


class NativeAnswer(Protocol):
    """The native answer to a statement."""

    @property
    def truncated(self) -> bool: ...

    @property
    def rows(self) -> int: ...

    @property
    def columns(self) -> list[tuple[str, str]]: ...

    def values(self, start: int, count: int) -> list[tuple[Any, ...]]: ...

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class Table:
    """The answer to a question in SQL: columns of Arrow, for whoever speaks its PyCapsule interface, without a copy.

    `pyarrow.table(answer)`, `polars.DataFrame(answer)` and `duckdb` take it as it is; without any of them it is an
    iterable of rows.
    """

    __slots__ = ("_answer", "statement")

    def __init__(self, answer: NativeAnswer, statement: str = "") -> None:
        self._answer = answer
        self.statement = statement

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self._answer.rows

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(name for name, _ in self._answer.columns)

    @property
    def truncated(self) -> bool:
        """Whether there were more rows than were asked for, or than the server gives."""
        return self._answer.truncated

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows, each as a dict."""
        names, done, rows = self.columns, 0, self.rows
        while done < rows:
            for values in self._answer.values(done, 1024):
                yield dict(zip(names, values, strict=True))
            done += 1024

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._answer.__arrow_c_stream__(requested_schema)

    def to_arrow(self) -> Any:
        """A `pyarrow.Table`."""
        # pyarrow has no types that a checker could read.
        pyarrow: Any = importlib.import_module("pyarrow")
        return pyarrow.table(self)

    def to_polars(self) -> polars.DataFrame:
        """A `polars.DataFrame`."""
        import polars

        return polars.DataFrame(self)

    def to_pandas(self) -> pandas.DataFrame:
        """A `pandas.DataFrame`: through pyarrow if that is installed, else value by value."""
        import pandas

        if importlib.util.find_spec("pyarrow") is None:
            return pandas.DataFrame(self._answer.values(0, self.rows), columns=list(self.columns))
        frame: pandas.DataFrame = self.to_arrow().to_pandas()
        return frame

    def __repr__(self) -> str:
        more = ", truncated" if self.truncated else ""
        names = ", ".join(self.columns)
        return _html.cut(f"<Table: {_html.count(self.rows, 'row')}{more}; {names}>", 80)

    def _repr_html_(self) -> str:
        return _html.table(self._answer.columns, self._answer.values(0, _html.ROWS_SHOWN), self.rows, self.truncated)


# Why


@dataclass(frozen=True, slots=True)
class Part:
    """One part of why: what is known, and how."""

    name: str
    title: str
    known: str
    """`recorded`: it stands in the ledger. `computed`: from what stands there. `recomputed`: by the registered model.
    `inferred from history`: from other decisions of it. `not recorded`: nothing is known."""
    value: Any = None
    note: str = ""

    def __bool__(self) -> bool:
        return self.known != "not recorded"


class Why(Mapping[str, Part]):
    """What is known of why a decision came out as it did: parts, by name, each with how it is known.

    Nothing is guessed: a part that was not recorded says so.
    """

    __slots__ = ("decision", "document", "parts")

    def __init__(self, decision: Decision, parts: Sequence[Part], document: dict[str, Any] | None = None) -> None:
        self.decision = decision
        self.parts = tuple(parts)
        self.document = document or {}
        """The ledger's whole answer, as docs/why.md describes it."""

    def __getitem__(self, name: str) -> Part:
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(name)

    def __getattr__(self, name: str) -> Part:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no part {name!r}; there are {', '.join(self)}") from None

    def __iter__(self) -> Iterator[str]:
        return (part.name for part in self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        lines = [_html.cut(f"Why {self.decision.id}: {_html.outcome_of(self.decision) or 'no outcome recorded'}", 80)]
        for part in self.parts:
            said = _html.one_line(part.value) if part else part.note
            lines.append(_html.cut(f"  {part.title:<12} ({part.known}) {said}".rstrip(), 80))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return _html.why(self)


# Helpers


def held_against(digest: str, content: bytes) -> bytes:
    """The bytes of an attachment, if they are those that its digest names."""
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if found != digest:
        error = EvidenceError(f"what came as attachment {digest} has the digest {found}")
        error.code = "attachment-changed"
        raise error
    return content


def from_seconds(seconds: int | None) -> datetime | None:
    """A time of a signature."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # Masked, or a leap of the calendar that Python does not know.
        return None


def _by(model: dict[str, Any]) -> str:
    named = " ".join(str(model[name]) for name in ("name", "version") if model.get(name))
    return f"by {named}" if named else ""


def _score(record: Decision) -> str:
    score = record.record.get("score")
    return "" if score is None else f"score {score}"
