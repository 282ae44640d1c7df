"""What refers to a decision is a record of its own: `book.outcome`, `review`, `notice`, `correction`, `explanation`.

What the format requires of them is checked here, so that the error is where the mistake is and not in an answer of the
ledger minutes later. What needs the ledger is left to it: that the decision exists, and that what a review names as the
decision before is the one in force.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable, Mapping
from typing import cast

from causebook._errors import RecordError
from causebook._labels import LABEL_BYTES_MAX, actor_of, label
from causebook._seam import Recorded, Seam, not_captured, submitted


class LinkedFaces(Seam):
    """Records that refer to a decision.

    Every one takes these members of the record as keywords: `id`, `time`, `subject`, `actor`, `context`, `data`,
    `explanation`, `attachments` (bytes by name). Where other keywords are members of what is said, they may have any
    other name.
    """

    def outcome(self, refers_to: str | uuid.UUID, value: object = None, /, **members: object) -> Recorded:
        """What came of a decision later. A word is its `label`, a number or a truth its `value`; or members by name.

        >>> id = book.record(model="credit@v1.2", input={"age": 30}, decision="approve")
        >>> repaid = book.outcome(id, "repaid")
        >>> late = book.outcome(id, defaulted=False, days_late=3, time="2026-09-01T00:00:00Z")
        >>> book.get(repaid).outcome
        {'label': 'repaid'}
        """
        return self._link("outcome", refers_to, members, lambda rest: outcome_of(value, rest))

    def review(
        self,
        refers_to: str | uuid.UUID,
        /,
        *,
        action: str,
        who: str,
        role: str,
        reason: str,
        before: str | None = None,
        after: str | None = None,
        **members: object,
    ) -> Recorded:
        """What a person made of a decision: `action` is `confirm`, `override`, `reverse` or `refer`.

        >>> id = book.record(model="credit@v1.2", input={"age": 30}, decision="deny")
        >>> review = book.review(id, action="override", who="j.doe", role="underwriter", reason="income proved",
        ...                      before="deny", after="approve")
        >>> book.get(review).refers_to == id
        True

        An override, and a reversal, name the decision in force `before` and the other one `after`; the decision on
        record stays as it is.
        """
        said = {"action": action, "who": who, "role": role, "reason": reason, "before": before, "after": after}
        return self._link("review", refers_to, members, lambda rest: review_of(said, rest))

    def notice(
        self,
        refers_to: str | uuid.UUID,
        /,
        text: str | None = None,
        *,
        channel: str | None = None,
        reasons: list[object] | None = None,
        **members: object,
    ) -> Recorded:
        """What the subject was told, and how.

        >>> id = book.record(model="credit@v1.2", input={"age": 30}, decision="deny")
        >>> notice = book.notice(id, "We cannot offer you this loan.", channel="letter", reasons=["income"])
        >>> book.get(notice).kind
        'notice'
        """
        said: dict[str, object] = {"text": text, "channel": channel, "reasons": reasons}
        return self._link("notice", refers_to, members, lambda rest: something("notice", {**said, **rest}))

    def correction(
        self, refers_to: str | uuid.UUID, value: Mapping[str, object] | None = None, /, **members: object
    ) -> Recorded:
        """What should have been on record: right values by name. What was recorded stays.

        >>> id = book.record(model="credit@v1.2", input={"income": 3500.00}, decision="approve")
        >>> correction = book.correction(id, income=2500.00, reason="payslip misread")
        >>> book.get(id).input, book.get(correction).correction["income"]
        ({'income': 3500.0}, 2500.0)
        """
        return self._link(
            "correction", refers_to, members, lambda rest: something("correction", {**(value or {}), **rest})
        )

    def explanation(self, refers_to: str | uuid.UUID, value: object, /, **members: object) -> Recorded:
        """An explanation that was made after the decision: a dict, or an `Explanation` of SHAP.

        >>> id = book.record(model="credit@v1.2", input={"age": 30}, decision="approve")
        >>> explanation = book.explanation(id, {"method": "weights", "attributions": {"age": -0.2}})
        >>> book.get(explanation).explanation["attributions"]
        {'age': -0.2}
        """

        def made(rest: Mapping[str, object]) -> object:
            if rest:
                raise RecordError(
                    f"explanation: {next(iter(rest))!r} is no member of a record; put it into the explanation"
                )
            return something("explanation", self._explanation(value))

        return self._link("explanation", refers_to, members, made)

    def _link(
        self,
        kind: str,
        refers_to: object,
        given: Mapping[str, object],
        make: Callable[[Mapping[str, object]], object],
    ) -> Recorded:
        try:
            members = {"refers_to": target(refers_to), **self._of_record(given)}
            members[kind] = make({name: value for name, value in given.items() if name not in OF_RECORD})
        except Exception as error:
            return self._fail(not_captured(kind, error))
        return submitted(self, kind, members)

    def _of_record(self, given: Mapping[str, object]) -> dict[str, object]:
        """The members of the record among the keywords."""
        members: dict[str, object] = {name: given[name] for name in OF_RECORD if given.get(name) is not None}
        for name in ("id", "subject"):
            if name in members:
                members[name] = label(name, members[name])
        if "actor" in members:
            members["actor"] = actor_of(members["actor"])
        if "explanation" in members:
            members["explanation"] = self._explanation(members["explanation"])
        if isinstance(files := members.get("attachments"), Mapping):
            named = cast("Mapping[str, object]", files)
            members["attachments"] = [{"name": name, "data": data} for name, data in named.items()]
        return members


def target(refers_to: object) -> str:
    if isinstance(refers_to, uuid.UUID):
        return str(refers_to)
    if not isinstance(refers_to, str):
        raise RecordError(f"refers_to: the id of a decision is a text, not a {type(refers_to).__name__}")
    if not refers_to:
        raise RecordError("refers_to: the id is empty; the decision was not recorded, or this is not its id")
    if len(refers_to.encode()) > LABEL_BYTES_MAX:
        raise RecordError(f"refers_to: longer than {LABEL_BYTES_MAX} bytes; this is not an id")
    # Exactly a `str`: of a class of its own, as `Recorded` is, the class would be recorded too.
    return str(refers_to)


def outcome_of(value: object, members: Mapping[str, object]) -> dict[str, object]:
    if value is None:
        said: dict[str, object] = {}
    elif isinstance(value, Mapping):
        said = dict(cast("Mapping[str, object]", value))
    elif isinstance(value, str | enum.Enum):
        said = {"label": label("outcome.label", value)}
    else:
        said = {"value": value}
    return something("outcome", {**said, **members})


def review_of(said: Mapping[str, object], members: Mapping[str, object]) -> dict[str, object]:
    if said["action"] not in ACTIONS:
        raise RecordError(f"review.action: {said['action']!r} is none of {', '.join(ACTIONS)}")
    for name in ("who", "role", "reason"):
        if not isinstance(said[name], str) or not said[name]:
            raise RecordError(
                f"review.{name}: a review says {name}, in a text that is not empty; it was {said[name]!r}"
            )
    review = {name: value for name, value in said.items() if value is not None}
    for name in ("before", "after"):
        if name in review:
            review[name] = label(f"review.{name}", review[name])
        elif said["action"] in CHANGING:
            raise RecordError(
                f"review.{name}: {said['action']} changes a decision, and says what it was before and is after"
            )
    if said["action"] in CHANGING and review["before"] == review["after"]:
        raise RecordError("review.after: the same as before; to let a decision stand is to confirm it")
    return {**members, **review}


def something(kind: str, said: Mapping[str, object]) -> dict[str, object]:
    given = {name: value for name, value in said.items() if value is not None}
    if not given:
        raise RecordError(f"{kind}: nothing was said; give members by name")
    return given


OF_RECORD = ("id", "time", "subject", "actor", "context", "data", "explanation", "attachments")
ACTIONS = ("confirm", "override", "reverse", "refer")
CHANGING = ("override", "reverse")
