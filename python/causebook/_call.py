"""One call of a decorated function, from before its code runs until its decision is recorded."""

from __future__ import annotations

import contextvars
import logging
from typing import TYPE_CHECKING

from causebook._context import Parent, current, last
from causebook._errors import CausebookError
from causebook._items import Items
from causebook._seam import MISSING, Recorded, failure_of, not_captured, type_name

if TYPE_CHECKING:
    from causebook._plan import Plan


class Call:
    """The watch of one call. Until it has ended, it is the parent of decisions that are made inside."""

    # Defaults stand in the class, because a call that has nothing to tell then sets three attributes and not nine.
    _id: str | None = None
    _items: Items | None = None
    _lacking: dict[str, object] | None = None
    _failures: list[CausebookError] | None = None
    _flow: contextvars.Context | None = None
    _ended: bool = False
    _token: contextvars.Token[Parent | None]

    input: object = MISSING
    """What is recorded of the arguments."""

    def __init__(self, plan: Plan, arguments: dict[str, object]) -> None:
        self._plan = plan
        self.arguments = arguments
        if plan.is_stream:
            # Whoever closes a generator, at worst the garbage collector, is in another context than who called it.
            self._flow = contextvars.copy_context()

    def identify(self) -> str | None:
        """The id, of which only decisions inside make a need before the end.

        What outlives the call, a task for one, may ask later: then the id is that of the record, if there is one.
        """
        if self._id is None and not self._ended:
            self._id = self._plan.book._new_id()
        return self._id

    def enter(self) -> None:
        self._token = current.set(self)

    def leave(self) -> None:
        try:
            current.reset(self._token)
        except ValueError:
            # A coroutine that is thrown away ends in the context of whoever collects it.
            pass

    def item(self, item: object) -> None:
        if self._items is None:
            self._items = Items(*self._plan.items_max)
        self._items.add(item)

    def returned(self, value: object) -> None:
        plan = self._plan
        members = plan.fixed.copy()
        if self.input is not MISSING:
            members["input"] = self.input
        if plan.returns_output and self._items is None:
            members["output"] = value
        else:
            value = self.add_output(members, value)
        if plan.selects:
            self.add_selected(members, value)
        self.submit(members)
        if self._failures is not None:
            for failure in self._failures:
                plan.book._fail(failure)

    def failed(self, error: BaseException) -> None:
        """Records that nothing came of the call. The caller gets the error of the function, not one of ours."""
        try:
            plan = self._plan
            members = plan.fixed.copy()
            if self.input is not MISSING:
                members["input"] = self.input
            members["output"] = self._items.output(self._items.kept) if self._items is not None else None
            if plan.selects:
                self.add_subject(members)
            self.add_context(members, failure_of(error, message=plan.tells_messages))
            self.submit(members)
        except Exception:
            _log.exception(
                "a call of %s that failed with %s could not be recorded", self._plan.function, type_name(error)
            )

    def add_output(self, members: dict[str, object], value: object) -> object:
        """Adds the output; gives the result in which members are found: of a generator, the items that were kept."""
        plan, items = self._plan, self._items
        if items is None and plan.is_stream:
            items = Items(*plan.items_max)
        result = value if items is None else items.kept
        shown = result
        if plan.output is not None:
            try:
                shown = plan.output(result)
            except Exception as error:
                self.lacks_later("output", error)
                shown = None
        members["output"] = shown if items is None else items.output(shown, value)
        return result

    def add_selected(self, members: dict[str, object], result: object) -> None:
        for member, select, made in self._plan.selects:
            try:
                found = select(self.arguments, result)
                if found is not None:
                    members[member] = made(member, found)
            except Exception as error:
                self.lacks_later(member, error)

    def add_subject(self, members: dict[str, object]) -> None:
        """Whom it was about, of a call without a result. Where it cannot be told, that is no failure of its own."""
        for member, select, made in self._plan.selects:
            if member == "subject":
                try:
                    found = select(self.arguments, None)
                    if found is not None:
                        members[member] = made(member, found)
                except Exception:
                    _log.debug(
                        "the subject of a call of %s that failed is not known", self._plan.function, exc_info=True
                    )

    def lacks(self, member: str, error: Exception) -> None:
        """The record will say what it lacks, though not the message, which may repeat what is held back."""
        self._lacking = {**(self._lacking or {}), member: type_name(error)}

    def lacks_later(self, member: str, error: Exception) -> None:
        """A failure that is told once the rest is recorded, for a strict book raises it."""
        self.lacks(member, error)
        self._failures = [*(self._failures or ()), not_captured(f"{self._plan.function}: {member}", error)]

    def add_context(self, members: dict[str, object], more: dict[str, object]) -> None:
        context = members["context"]
        assert isinstance(context, dict)
        members["context"] = {**context, **more}

    def submit(self, members: dict[str, object]) -> None:
        book = self._plan.book
        self._ended = True
        if self._id is not None:
            members["id"] = self._id
        if self._lacking is not None:
            self.add_context(members, {"not_captured": self._lacking})
        recorded: Recorded | None = None
        try:
            if self._flow is None:
                recorded = book._submit("decision", members)
            else:
                recorded = self._flow.run(book._submit, "decision", members)
        except CausebookError:
            raise
        except Exception as error:
            book._fail(not_captured(self._plan.function, error))
        finally:
            self._id = str(recorded) if recorded else None
            last.set(recorded or None)


_log = logging.getLogger("causebook")
