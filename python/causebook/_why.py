"""What is known of why a decision came out as it did: each part as it stands in the ledger, as it was computed by the
registered model or from other decisions, or said not to be there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from causebook._plain import items, members, number
from causebook._records import Decision, Part, Why

HUMAN = ("review", "notice", "correction", "hold", "erasure")
"""Kinds of record that say what people did about a decision."""
CHANGING = ("override", "reverse")
"""Actions of a review that put another decision in force."""


KNOWN = {"recorded": "recorded", "recomputed": "recomputed", "inferred_from_history": "inferred from history"}
"""How a part of the ledger's answer is known, in words."""
ANSWERED = (
    ("replay", "Replay"),
    ("counterfactuals", "What would have changed it"),
    ("contrast", "Similar decisions"),
    ("unusual", "Unusual"),
    ("conversation", "Conversation"),
    ("proof", "Proof"),
)
"""Parts that the ledger answers, with their titles."""


def of(decision: Decision, history: Sequence[Decision], document: dict[str, Any]) -> Why:
    """The parts: what was recorded, what follows from it alone, and what the ledger's answer (docs/why.md) adds."""
    about = [record for record in history if record.refers_to == decision.id]
    parts = [
        _outcome(decision, about),
        _margin(decision),
        _reasons(decision, about) or _answered(document.get("reasons"), "reasons", "Reasons"),
        _attributions(decision, about),
        _recomputed(document),
        *(_answered(document.get(name), name, title) for name, title in ANSWERED),
        _acts(about),
        _linked(decision, history),
        _provenance(decision),
    ]
    return Why(decision, parts, document)


def _answered(block: object, name: str, title: str) -> Part:
    """A part of the ledger's answer."""
    found = members(block)
    if "content" not in found:
        return Part(name, title, "not recorded", note=str(found.get("absent", "the ledger says nothing of it")))
    known = KNOWN.get(str(found.get("basis")), str(found.get("basis")))
    return Part(name, title, known, found["content"], " ".join(str(note) for note in items(found.get("notes"))))


def _recomputed(document: dict[str, Any]) -> Part:
    """Attributions by the registered model, beside those that were recorded."""
    blocks = [block for block in items(document.get("attributions")) if members(block).get("basis") != "recorded"]
    return _answered(blocks[0] if blocks else None, "recomputed", "Attributions, recomputed")


def _outcome(decision: Decision, about: Sequence[Decision]) -> Part:
    plain = decision.record
    said: dict[str, Any] = {name: plain[name] for name in ("decision", "score", "output") if name in plain}
    for record in about:
        review = members(record.record.get("review"))
        if review.get("action") in CHANGING and "after" in review:
            said["in_force"] = review["after"]
    return _part("outcome", "Outcome", said, "neither decision, score nor output was recorded")


def _margin(decision: Decision) -> Part:
    score = number(decision.record.get("score"))
    threshold = number(members(decision.record.get("parameters")).get("threshold"))
    if score is None or threshold is None:
        missing = "a score" if score is None else "a threshold among the parameters"
        return Part("margin", "Margin", "not recorded", note=f"{missing} was not recorded")
    # By their digits: 0.3 - 0.25 is 0.05.
    margin = float(Decimal(str(score)) - Decimal(str(threshold)))
    value = {"score": score, "threshold": threshold, "margin": margin}
    return Part("margin", "Margin", "computed", value, "score minus threshold, both as recorded")


def _reasons(decision: Decision, about: Sequence[Decision]) -> Part:
    found = [reason for explanation in _explanations(decision, about) for reason in items(explanation.get("reasons"))]
    return _part("reasons", "Reasons", found, "no reasons were recorded")


def _attributions(decision: Decision, about: Sequence[Decision]) -> Part:
    for explanation in _explanations(decision, about):
        if explanation.get("attributions") or explanation.get("outputs"):
            told = ("attributions", "outputs", "base_value", "baseline", "scale", "method", "method_version")
            value = {name: explanation[name] for name in told if name in explanation}
            return Part("attributions", "Attributions", "recorded", value)
    return Part("attributions", "Attributions", "not recorded", note="no attributions were recorded")


def _acts(about: Sequence[Decision]) -> Part:
    acts = [record for record in about if record.kind in HUMAN]
    return _part("acts", "Human acts", acts, "nobody has acted on it on record")


def _linked(decision: Decision, history: Sequence[Decision]) -> Part:
    others = [record for record in history if record.index != decision.index and record.kind not in HUMAN]
    return _part("linked", "Linked", others, "no other record is linked to it")


def _provenance(decision: Decision) -> Part:
    plain = decision.record
    told = ("model", "data", "parameters", "source", "actor", "automation", "context", "time", "recorded")
    return _part("provenance", "Provenance", {name: plain[name] for name in told if name in plain}, "nothing is known")


def _explanations(decision: Decision, about: Sequence[Decision]) -> Iterator[dict[str, Any]]:
    """The explanation recorded with the decision, then those that were recorded later."""
    for record in (decision, *(it for it in about if it.kind == "explanation")):
        explanation = members(record.record.get("explanation"))
        if explanation:
            yield explanation


def _part(name: str, title: str, value: Any, missing: str) -> Part:
    if not value:
        return Part(name, title, "not recorded", note=missing)
    return Part(name, title, "recorded", value)
