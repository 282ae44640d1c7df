"""How results look: a line for a terminal, static HTML for a notebook.

The HTML has inline styles and no script, everything that comes from a record is escaped, and colours leave text and
background to the page, so that it can be read on dark ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any, TypeGuard

from causebook._plain import count as count
from causebook._plain import items, members, number

if TYPE_CHECKING:
    from causebook._records import Decision, Evidence, Part, Verification, Why

ROWS_SHOWN = 20
"""Rows of a table, or records of a list, that are shown."""
_BARS_SHOWN = 10
_OUTPUTS_SHOWN = 3
_TEXT_SHOWN = 2000
_CELL_SHOWN = 120

_FRAME = "border:1px solid rgba(128,128,128,.4);border-radius:6px;padding:10px 14px;max-width:60em;line-height:1.4"
_FAINT = "opacity:.7"
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0"
_CODE = "font-family:ui-monospace,monospace;font-size:.92em;white-space:pre-wrap;overflow-wrap:anywhere"
_UP, _DOWN, _GOOD, _BAD = "#c8743c", "#4a86c5", "#3a9a5c", "#d0453f"


# Text


def cut(text: str, width: int) -> str:
    """One line of at most so many characters, without what a terminal would act on."""
    plain = _printable(text[: width + 1])
    return plain if len(plain) <= width else plain[: width - 1] + "…"


def _printable(text: str, besides: str = "") -> str:
    return "".join(c if c.isprintable() or c in besides else "\N{REPLACEMENT CHARACTER}" for c in text)


def one_line(value: object) -> str:
    """A value in a few words."""
    if isinstance(value, str):
        return value
    if _are_records(value):
        return ", ".join(f"{it.kind} {it.id}" for it in value)
    return json.dumps(value, ensure_ascii=False, default=repr)


def outcome_of(record: Decision) -> str:
    """What was decided, in a word or two."""
    plain = record.record
    if record.decision is not None:
        return record.decision
    for name in (record.kind or "", "output"):
        if name in plain:
            return cut(one_line(plain[name]), 40)
    return ""


# HTML


def decision(record: Decision) -> str:
    """A record as a card."""
    plain = record.record
    title = f"{(record.kind or 'record').capitalize()} {record.id}"
    facts = [
        ("decision", plain.get("decision")),
        ("score", plain.get("score")),
        ("model", _model(record.model) or None),
        ("time", plain.get("time")),
        ("refers to", plain.get("refers_to")),
        ("recorded", _recorded(plain.get("recorded"))),
        ("index", record.index),
    ]
    body = [_pairs((name, _inline(value)) for name, value in facts if value is not None)]
    if record.erased:
        body.append(_note("Its content is erased. That it was recorded is still proven."))
    elif record.erased_facts:
        body.append(_note(f"{count(record.erased_facts, 'fact')} of it erased, on record."))
    if record.masked:
        body.append(_note("Masked for this reader: " + ", ".join(record.masked)))
    if plain.get("explanation"):
        body.append(_explanation(members(plain["explanation"])))
    for name in ("input", "output", "outcome", "review", "notice", "correction", "parameters", "data", "context"):
        if name in plain:
            body.append(_folded(name, _document(plain[name]), is_open=name in ("input", "output", record.kind)))
    return _card(title, "".join(body))


def records(found: Sequence[Decision], title: str, *, more: bool) -> str:
    """Records as a table."""
    head = ("index", "id", "kind", "time", "model", "outcome")
    rows = [
        (
            str(record.index),
            record.id or "",
            record.kind or "",
            str(record.record.get("time", "")),
            " ".join(str(v) for v in (record.model.get("name"), record.model.get("version")) if v),
            outcome_of(record),
        )
        for record in found[:ROWS_SHOWN]
    ]
    said = f"{title}: {count(len(found), 'record')}{' and more' if more else ''}"
    return _card(said, _grid(head, rows))


def table(columns: Sequence[tuple[str, str]], rows: Sequence[tuple[Any, ...]], total: int, truncated: bool) -> str:
    """The answer to a statement."""
    head = [name for name, _ in columns]
    cells = [["" if value is None else _plain(value) for value in row] for row in rows]
    shown = "" if len(rows) == total else f", {len(rows)} shown"
    more = "; there were more, cut off" if truncated else ""
    return _card(f"{count(total, 'row')}{shown}{more}", _grid(head, cells))


def verification(verdict: Verification) -> str:
    """A verdict, with who says what."""
    word, colour = ("holds", _GOOD) if verdict.holds else ("does not hold", _BAD)
    badge = f'<b style="color:{colour}">{escape(verdict.of)} {word}</b>'
    facts = [
        ("log", verdict.origin),
        ("signed head", None if verdict.size is None else f"{count(verdict.size, 'record')}, root {verdict.root}"),
        ("signed at", None if verdict.signed is None else _time(verdict.signed)),
    ]
    body = [_pairs((name, _inline(value)) for name, value in facts if value is not None)]
    for finding in verdict.findings[:ROWS_SHOWN]:
        where = " ".join(
            [*([] if finding.index is None else [f"index {finding.index}"]), *([finding.id] if finding.id else [])]
        )
        said = f"{finding.fault}: {finding.what}" + (f" ({where})" if where else "") + f", {finding.by}"
        body.append(f'<div style="color:{_BAD}">{escape(said)}</div>')
    claims = [(claim.by, claim.what if claim.holds else f"not: {claim.what}") for claim in verdict.claims]
    if claims:
        body.append(_grid(("on whose word", "what"), claims))
    for checked in verdict.records:
        kept = f", {checked.hidden} kept back" if checked.hidden else ""
        body.append(
            _folded(
                f"record at index {checked.index}: {count(checked.shown, 'fact')} shown{kept}",
                _document("erased" if checked.record is None else checked.record),
                is_open=checked.link == "asked",
            )
        )
    if verdict.self_asserted:
        own = (
            "The keys are the file's own word."
            if verdict.of == "evidence"
            else "The keys were seen for the first time."
        )
        body.append(_note(f"{own} Give keys= to hold it against keys that you trust."))
    body.append(_note("Not proven: " + "; ".join(verdict.not_proven) + "."))
    return _card("", badge + "".join(body))


def evidence(file: Evidence, origin: str, number: int, shown: int, hidden: int) -> str:
    """A file, by what it says of itself."""
    kept = f", {hidden} kept back" if hidden else ""
    said = [
        ("log", origin),
        ("records", str(number)),
        ("facts", f"{shown} shown{kept}"),
        ("size", count(len(bytes(file)), "byte")),
    ]
    body = _pairs((name, _inline(value)) for name, value in said)
    return _card("Evidence", body + _note("Not checked yet: .check() checks it, .save(path) writes it."))


def why(answer: Why) -> str:
    """Why, part by part."""
    title = f"Why {answer.decision.id}: {outcome_of(answer.decision) or 'no outcome recorded'}"
    return _card(title, "".join(_part(part) for part in answer.parts))


# Pieces


def _part(part: Part) -> str:
    tag = f'<span style="{_FAINT};font-size:.85em"> {escape(part.known)}</span>'
    head = f'<div style="margin-top:8px"><b>{escape(part.title)}</b>{tag}</div>'
    if not part:
        return head + _note(part.note)
    value = part.value
    if part.name == "attributions":
        body = _explanation(value)
    elif _are_records(value):
        rows = [(it.kind or "", it.id or "", _human(it)) for it in value[:ROWS_SHOWN]]
        body = _grid(("kind", "id", "what"), rows)
    elif members(value):
        body = _pairs((name, _inline(item)) for name, item in members(value).items())
    else:
        body = _document(value)
    return head + body + (_note(part.note) if part.note else "")


def _are_records(value: object) -> TypeGuard[list[Decision]]:
    found = items(value)
    return bool(found) and hasattr(found[0], "record")


def _human(record: Decision) -> str:
    review = members(record.record.get("review"))
    if not review:
        return outcome_of(record)
    change = f": {review['before']} → {review['after']}" if "after" in review and "before" in review else ""
    who = " ".join(str(review[name]) for name in ("who", "role") if name in review)
    return f"{review.get('action', '')}{change}, by {who}: {review.get('reason', '')}"


def _model(model: Mapping[str, Any]) -> str:
    """What people call it first, its digest last."""
    first = [name for name in ("name", "version", "framework") if name in model]
    return " ".join(str(model[name]) for name in [*first, *(name for name in model if name not in first)])


def _explanation(explanation: Mapping[str, Any]) -> str:
    body = ""
    reasons = items(explanation.get("reasons"))
    if reasons:
        listed = "".join(f"<li>{escape(cut(_reason(it), 300))}</li>" for it in reasons[:ROWS_SHOWN])
        body += f'<ol style="margin:4px 0 4px 1.5em;padding:0">{listed}</ol>'
    body += _contributions(explanation, explanation)
    for name, output in list(members(explanation.get("outputs")).items())[:_OUTPUTS_SHOWN]:
        body += f"<div>{escape(cut(name, 80))}</div>{_contributions(members(output), explanation)}"
    by = " ".join(str(explanation[name]) for name in ("method", "method_version") if name in explanation)
    return body + (_note(f"By {by}.") if by and body else "")


def _contributions(one: Mapping[str, Any], explanation: Mapping[str, Any]) -> str:
    """The attributions of one output, with what is said of all."""
    found = attributions(one.get("attributions"))
    if not found:
        return ""
    against = explanation.get("baseline")
    baseline = _note(f"Measured against {cut(one_line(against), 300)}.") if against else ""
    return bars(found, one.get("base_value"), explanation.get("scale")) + baseline


def _reason(reason: object) -> str:
    said = members(reason)
    for name in ("text", "description", "reason", "code"):
        if isinstance(said.get(name), str):
            return str(said[name])
    return one_line(reason)


def attributions(recorded: object) -> list[tuple[str, float]]:
    """Names and contributions, of the forms in which they are recorded: an object, or a list of objects."""
    pairs: list[tuple[object, object]] = list(members(recorded).items())
    pairs += [
        (_first(it, "attribute", "feature", "name"), _first(it, "contribution", "attribution", "value"))
        for it in map(members, items(recorded))
    ]
    return [(str(name), float(weight)) for name, value in pairs if (weight := number(value)) is not None]


def _first(item: Mapping[str, Any], *names: str) -> object:
    return next((item[name] for name in names if name in item), None)


def bars(found: Sequence[tuple[str, float]], base: object, scale: object) -> str:
    """Contributions as a waterfall that begins at the base value; without one, at nothing, and says so."""
    strongest = sorted(found, key=lambda it: -abs(it[1]))
    steps = list(strongest[:_BARS_SHOWN])
    rest = strongest[_BARS_SHOWN:]
    if rest:
        steps.append((f"{len(rest)} more together", sum(weight for _, weight in rest)))
    based = number(base)
    start = 0.0 if based is None else float(based)
    at = start
    spans: list[tuple[str, float, float, float]] = []
    for name, weight in steps:
        spans.append((name, weight, at, at + weight))
        at += weight
    low = min([start, at, *(min(a, b) for _, _, a, b in spans)])
    high = max([start, at, *(max(a, b) for _, _, a, b in spans)])
    room, left, row = 320.0, 210.0, 20
    span = (high - low) or 1.0

    def x(value: float) -> float:
        return left + (value - low) / span * room

    named = "no base value recorded: from 0" if based is None else f"base value {start:.4g}"
    unit = f" ({scale})" if isinstance(scale, str) else ""
    height = row * (len(spans) + 2) + 6
    origin = f'x1="{x(start):.1f}" x2="{x(start):.1f}" y1="18" y2="{height - row}"'
    drawn = [
        f'<text x="{x(start):.1f}" y="13" text-anchor="middle" opacity=".7">{escape(cut(named + unit, 60))}</text>',
        f'<line {origin} stroke="currentColor" opacity=".4"/>',
    ]
    for place, (name, weight, begin, end) in enumerate(spans):
        y = row * (place + 1) + 2
        colour = _UP if weight >= 0 else _DOWN
        width = max(abs(x(end) - x(begin)), 1.0)
        drawn.append(f'<text x="{left - 8:.0f}" y="{y + 12}" text-anchor="end">{escape(cut(name, 30))}</text>')
        drawn.append(
            f'<rect x="{min(x(begin), x(end)):.1f}" y="{y}" width="{width:.1f}" height="{row - 6}" fill="{colour}"/>'
        )
        drawn.append(f'<text x="{left + room + 12:.0f}" y="{y + 12}">{weight:+.4g}</text>')
    drawn.append(f'<text x="{x(at):.1f}" y="{height - 5}" text-anchor="middle" opacity=".7">comes to {at:.4g}</text>')
    label = escape(f"Contributions, from {named}{unit} to {at:.4g}", quote=True)
    return (
        f'<svg viewBox="0 0 620 {height}" width="620" style="max-width:100%" role="img" aria-label="{label}" '
        f'font-family="sans-serif" font-size="12" fill="currentColor">{"".join(drawn)}</svg>'
    )


def _card(title: str, body: str) -> str:
    head = f'<div style="font-weight:600;margin-bottom:4px">{escape(cut(title, 200))}</div>' if title else ""
    return f'<div style="{_FRAME}">{head}{body}</div>'


def _pairs(items: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr style="background:none"><td style="{_CELL};{_FAINT}">{escape(name)}</td>'
        f'<td style="{_CELL};overflow-wrap:anywhere">{value}</td></tr>'
        for name, value in items
    )
    return f'<table style="border:0;border-collapse:collapse">{rows}</table>'


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return _note("none")
    first = "".join(f'<th style="{_CELL};{_FAINT};font-weight:400">{escape(cut(name, 60))}</th>' for name in head)
    line = "border-top:1px solid rgba(128,128,128,.25);background:none"
    body = "".join(
        f'<tr style="{line}">'
        + "".join(f'<td style="{_CELL}">{escape(cut(cell, _CELL_SHOWN))}</td>' for cell in row)
        + "</tr>"
        for row in rows
    )
    table = f'<table style="border:0;border-collapse:collapse"><tr style="background:none">{first}</tr>{body}</table>'
    return f'<div style="overflow-x:auto">{table}</div>'


def _folded(title: str, body: str, *, is_open: bool) -> str:
    return f"<details{' open' if is_open else ''}><summary>{escape(title)}</summary>{body}</details>"


def _document(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=repr)
    shown = _printable(text[:_TEXT_SHOWN], "\n\t") + ("\n…" if len(text) > _TEXT_SHOWN else "")
    return f'<pre style="{_CODE};margin:2px 0 6px 1em;background:none;color:inherit">{escape(shown)}</pre>'


def _inline(value: object) -> str:
    return escape(cut(_plain(value), 300))


def _note(text: str) -> str:
    return f'<div style="{_FAINT}">{escape(_printable(text))}</div>'


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return _time(value)
    return str(value) if isinstance(value, (int, float, Decimal)) else one_line(value)


def _recorded(recorded: object) -> str | None:
    said = members(recorded)
    return f"{said.get('at', '')} by {said.get('by', '')} via {said.get('via', '')}" if said else None


def _time(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="seconds")
