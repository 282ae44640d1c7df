"""`@book.decision(…)`: every call of a function is a decision on record.

The arguments are taken before the call, because a model may change them; the result after it. A call that raises is
recorded with the output null and `context.error`: it was made, and nothing came of it. So it is found by its error, and
is not taken for an intent of which the outcome is missing, which has no output at all. The exception goes on as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, Protocol, TypeVar, cast, overload

from causebook._errors import SettingError
from causebook._held import listed
from causebook._items import BYTES_MAX, KEPT_MAX
from causebook._plan import Plan, Settings
from causebook._seam import Seam
from causebook._select import Select
from causebook._wrapping import wrap

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Decorator(Protocol):
    """What `book.decision(…)` returns: it gives back a function of the same type."""

    @overload
    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def __call__(self, function: classmethod[T, P, R], /) -> classmethod[T, P, R]: ...


class DecisionFace(Seam):
    """`book.decision`."""

    def decision(
        self,
        *,
        model: str | Mapping[str, object] | None = None,
        version: str | None = None,
        digest: str | None = None,
        name: str | None = None,
        input: str | Callable[[dict[str, Any]], object] | bool = True,
        output: str | Callable[[Any], object] | None = None,
        decision: str | Select | None = None,
        score: str | Select | None = None,
        subject: str | Select | None = None,
        explanation: str | Select | None = None,
        exclude: Iterable[str] = (),
        mask: Iterable[str] = (),
        hash: Iterable[str] = (),
        hash_key: bytes | str | None = None,
        rename: Mapping[str, str] | None = None,
        parameters: Mapping[str, object] | Select | None = None,
        data: Mapping[str, object] | list[object] | None = None,
        actor: str | Mapping[str, object] | None = None,
        automation: str | None = None,
        context: Mapping[str, object] | None = None,
        when: Callable[[dict[str, Any]], object] | None = None,
        error_messages: bool | None = None,
        items_max: int = KEPT_MAX,
        items_bytes_max: int = BYTES_MAX,
    ) -> Decorator:
        """Records every call of a function as a decision: its arguments are the input, what it returns the output.

        >>> @book.decision(model="credit@v1.2", decision="label", subject="applicant.id", mask=("applicant.ssn",))
        ... def decide(applicant, amount):
        ...     return {"label": "approve" if amount < 10_000 else "deny"}
        >>> decide({"id": "a-7", "ssn": "078-05-1120"}, amount=5_000)
        {'label': 'approve'}
        >>> book.get(causebook.last_decision()).input["applicant"]["ssn"]
        {'masked': True}

        Works on functions, `async` functions, generators (of both kinds; the items are the output, as a list, once the
        generator is exhausted or closed), methods, class methods and static methods (above or below their decorator),
        `functools.partial`, objects that can be called, and functions of others:
        `book.decision(model="m")(lib.predict)`.
        `causebook.last_decision()` gives the id of the decision just recorded.

        `model`: a name, `"name@version"`, or a dict with `name`, `version`, `digest`; without one the name of the
        function. `version`, `digest`: of the model. `name`: what `context.function` says; the full name of the function
        if there is none.

        `input`: a path (`"applicant"`) or a function of the arguments, to record that in place of all arguments; False
        for none. `output`: the same for the result; for a generator it is given the list of items.

        `decision`, `score`, `subject`, `explanation`: a path in the result (of `subject`: in the arguments), which may
        begin with `input.` or `output.`; or a function of the arguments, a dict by name, and the result.

        `exclude`, `mask`, `hash`: arguments that are left out, replaced by `{"masked": true}`, or by their HMAC-SHA256
        under `hash_key` (or that of `causebook.connect`). `rename`: another name to record one under. Names may be
        paths: `"applicant.ssn"`, `"applicants.*.ssn"`. `context.held_back` says in the record what was held back.

        `parameters`: members of `parameters`, or a function that makes them as above. `data`, `actor`, `automation`,
        `context`: members of the record.

        `when`: a function of the arguments; a call for which it is false is not recorded.

        `error_messages`: whether messages of exceptions are recorded beside their type. Left out, they are unless
        something is held back: a message may repeat it.

        `items_max`, `items_bytes_max`: how much is kept of what a generator yields.

        SettingError is raised at once for a setting that cannot be, so that a misspelt name holds nothing back in vain.
        """
        asked = Settings(
            model=model,
            version=version,
            digest=digest,
            name=name,
            input=input,
            output=output,
            decision=decision,
            score=score,
            subject=subject,
            explanation=explanation,
            exclude=listed("exclude", exclude),
            mask=listed("mask", mask),
            hash=listed("hash", hash),
            hash_key=hash_key,
            rename=dict(rename or {}),
            parameters=parameters,
            data=data,
            actor=actor,
            automation=automation,
            context=context,
            when=when,
            error_messages=error_messages,
            items_max=items_max,
            items_bytes_max=items_bytes_max,
        )

        def decorate(function: Any) -> Any:
            if isinstance(function, staticmethod | classmethod):
                inner = cast("Callable[..., Any]", cast(Any, function).__func__)
                plan = Plan(self, inner, asked, of_class=isinstance(function, classmethod))
                return type(cast(Any, function))(wrap(inner, plan.begin))
            if isinstance(function, type) or not callable(function):
                raise SettingError(f"book.decision decorates functions and methods, not {function!r}")
            return wrap(function, Plan(self, function, asked).begin)

        return cast(Decorator, decorate)
