"""`book.decision`: what is recorded of a call, and that the call is what it was without it."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import contextvars
import dataclasses
import functools
import gc
import hashlib
import inspect
import pickle
import threading
import traceback
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest
from faking import FakeBook, in_loop, part
from hypothesis import given
from hypothesis import strategies as st

import causebook
import causebook._context as causebook_context
from causebook._arguments import Misfit, arguments_of
from causebook._errors import CausebookError, RecordError, SettingError
from causebook._held import Rules

book_of_module = FakeBook()


@book_of_module.decision(model="module@1")
def at_module_level(amount: int) -> int:
    """Doubles."""
    return amount * 2


@pytest.fixture
def book() -> FakeBook:
    return FakeBook()


# What is recorded


def test_arguments_by_name_are_the_input_and_what_is_returned_the_output(book: FakeBook) -> None:
    @book.decision(model="credit", version="v1.2", digest="sha256:00")
    def decide(age: int, income: float = 1.5, *, channel: str = "web") -> dict[str, str]:
        return {"label": "deny"}

    assert decide(30) == {"label": "deny"}
    assert book.last["model"] == {"name": "credit", "version": "v1.2", "digest": "sha256:00"}
    assert book.last["input"] == {"age": 30, "income": 1.5, "channel": "web"}
    assert book.last["output"] == {"label": "deny"}
    assert book.last["context"] == {"function": f"{__name__}.{decide.__qualname__}"}


def test_a_model_that_changes_its_argument_is_recorded_with_what_it_was_given(book: FakeBook) -> None:
    @book.decision(model="m")
    def normalise(features: dict[str, float]) -> float:
        features["x"] /= 10
        return features.pop("x")

    assert normalise({"x": 5.0}) == 0.5
    assert book.last["input"] == {"features": {"x": 5.0}}


def test_an_input_and_an_output_of_nothing_are_on_record(book: FakeBook) -> None:
    book.decision(model="m")(lambda: None)()
    assert (book.last["input"], book.last["output"]) == ({}, None)


def test_a_function_without_a_model_is_its_own_model(book: FakeBook) -> None:
    book.decision()(at_module_level.__wrapped__)(2)  # type: ignore[attr-defined]
    assert book.last["model"] == {"name": f"{__name__}.at_module_level"}


def test_members_are_found_in_arguments_and_result(book: FakeBook) -> None:
    @book.decision(
        model="m",
        decision="labels.0",
        score=lambda arguments, result: result["p"] * arguments["scale"],
        subject="applicant.id",
        explanation="why",
        parameters=lambda arguments, result: {"scale": arguments["scale"]},
        input="applicant",
        output="p",
        automation="sole",
        actor="batch",
        data={"name": "loans"},
        context={"purpose": "test"},
        name="the decider",
    )
    def decide(applicant: dict[str, object], scale: int) -> dict[str, object]:
        return {"labels": ["deny"], "p": 0.25, "why": {"reasons": ["age"]}}

    decide({"id": 7, "age": 30}, 2)
    del book.last["id"]
    assert book.last == {
        "model": {"name": "m"},
        "decision": "deny",
        "score": 0.5,
        "subject": "7",
        "explanation": {"reasons": ["age"]},
        "parameters": {"scale": 2},
        "input": {"id": 7, "age": 30},
        "output": 0.25,
        "automation": "sole",
        "actor": "batch",
        "data": {"name": "loans"},
        "context": {"function": "the decider", "purpose": "test"},
    }


def test_a_path_may_say_whether_it_begins_in_the_input_or_the_output(book: FakeBook) -> None:
    @book.decision(model="m", decision="input.wish", subject="output.who")
    def decide(wish: str) -> dict[str, str]:
        return {"who": "s"}

    decide("approve")
    assert (book.last["decision"], book.last["subject"]) == ("approve", "s")


def test_an_argument_named_input_is_that_argument(book: FakeBook) -> None:
    @book.decision(model="m", subject="input.id", decision="output")
    def decide(input: dict[str, str]) -> bool:
        return True

    decide({"id": "s"})
    assert (book.last["subject"], book.last["decision"]) == ("s", "true")


def test_calls_for_which_when_is_false_are_not_recorded(book: FakeBook) -> None:
    decide = book.decision(model="m", when=lambda arguments: arguments["live"])(lambda live: live)
    assert [decide(True), decide(False)] == [True, False]
    assert len(book.records) == 1


def test_without_input_none_is_recorded(book: FakeBook) -> None:
    book.decision(model="m", input=False)(lambda secret: 1)("s")
    assert "input" not in book.last


# What is held back


def test_arguments_are_excluded_masked_hashed_and_renamed(book: FakeBook) -> None:
    @book.decision(
        model="m",
        exclude=("photo",),
        mask=("applicant.ssn", "others.*.ssn"),
        hash=("email",),
        hash_key=b"0123456789abcdef",
        rename={"x": "income", "applicant.dob": "born"},
    )
    def decide(applicant: dict[str, object], others: list[dict[str, str]], email: str, photo: bytes, x: int) -> str:
        return str(applicant["ssn"]) + others[0]["ssn"] + email

    applicant: dict[str, object] = {"ssn": "1", "dob": "d", "age": 3}
    others = [{"ssn": "2"}, {"ssn": "3", "n": "m"}]
    assert decide(applicant, others, "e@x", b"", 5) == "12e@x"
    recorded = part(book, "input")
    email = recorded.pop("email")
    assert recorded == {
        "applicant": {"ssn": {"masked": True}, "born": "d", "age": 3},
        "others": [{"ssn": {"masked": True}}, {"ssn": {"masked": True}, "n": "m"}],
        "income": 5,
    }
    assert email.startswith("hmac-sha256:")
    assert email != "hmac-sha256:" + hashlib.sha256(b"e@x").hexdigest()
    assert applicant == {"ssn": "1", "dob": "d", "age": 3}
    context = part(book, "context")
    key = context["held_back"].pop("key")
    assert len(key) == 16
    assert context["held_back"] == {
        "excluded": ["photo"],
        "masked": ["applicant.ssn", "others.*.ssn"],
        "hashed": ["email"],
    }


def test_equal_values_have_equal_digests_under_one_key_only(book: FakeBook) -> None:
    def digest(key: bytes, value: object) -> object:
        book.decision(model="m", hash=("value",), hash_key=key)(lambda value: None)(value)
        recorded = part(book, "input")
        return recorded["value"]

    one, other = b"0123456789abcdef", b"fedcba9876543210"
    assert digest(one, "x") == digest(one, "x") != digest(other, "x")
    assert digest(one, {"b": 1, "a": 2}) == digest(one, {"a": 2, "b": 1})
    assert digest(one, object()) == {"masked": True, "reason": "a object has no text that a digest could be made of"}


def test_a_digest_without_a_key_is_refused_when_the_function_is_decorated(book: FakeBook) -> None:
    with pytest.raises(SettingError, match="hash: there is no key"):
        book.decision(model="m", hash=("ssn",))(lambda ssn: None)
    with pytest.raises(SettingError, match="too few"):
        book.decision(model="m", hash=("ssn",), hash_key="short")(lambda ssn: None)
    with pytest.raises(SettingError, match="too few"):
        causebook.connect("http://127.0.0.1:9", hash_key="short")
    keyed = FakeBook(hash_key=b"0123456789abcdef")
    keyed.decision(model="m", hash=("ssn",))(lambda ssn: None)("1")


@pytest.mark.parametrize("setting", ["exclude", "mask", "hash"])
def test_a_misspelt_name_is_refused_because_it_would_hold_nothing_back(book: FakeBook, setting: str) -> None:
    settings: dict[str, Any] = {setting: ("snn",), "hash_key": "0123456789abcdef"}
    with pytest.raises(SettingError, match="'snn' is no argument; there are ssn"):
        book.decision(model="m", **settings)(lambda ssn: None)
    with pytest.raises(SettingError, match="tuple"):
        book.decision(model="m", **{setting: "ssn"})(lambda ssn: None)  # type: ignore[arg-type]


class Applicant:
    def __init__(self, ssn: str) -> None:
        self.ssn = ssn


class Closed:
    __slots__ = ("ssn",)

    def __init__(self) -> None:
        self.ssn = "1"

    def __copy__(self) -> Closed:
        raise RuntimeError


def held(arguments: dict[str, Any], **settings: Any) -> Any:
    """Arguments as they are recorded, as objects."""
    given: dict[str, Any] = {"exclude": (), "mask": (), "hash": (), "rename": {}, "key": None, **settings}
    return Rules(**given).apply(arguments)


def test_a_member_of_an_object_is_held_back_in_a_copy() -> None:
    applicant = Applicant("1")
    shown = held({"a": applicant}, mask=("a.ssn",))["a"]
    assert shown.ssn == {"masked": True}
    assert applicant.ssn == "1"


class Kept:
    """What notices when one of its attributes is set, as objects of a database do."""

    @property
    def ssn(self) -> str:
        return "1"

    @ssn.setter
    def ssn(self, value: object) -> None:
        raise AssertionError("stored")


class Alone:
    """Its copies are itself."""

    ssn: str

    def __init__(self) -> None:
        self.ssn = "1"

    def __copy__(self) -> Alone:
        return self


class Shared(Alone):
    """Its copies share its attributes."""

    def __copy__(self) -> Shared:
        made = Shared.__new__(Shared)
        made.__dict__ = self.__dict__
        return made


@pytest.mark.parametrize("value", [Closed(), Kept(), Alone(), Shared(), "ssn=1", object(), b"1"])
def test_what_cannot_be_taken_apart_is_masked_whole(book: FakeBook, value: object) -> None:
    book.decision(model="m", mask=("a.ssn",))(lambda a: None)(value)
    recorded = part(book, "input")
    assert recorded["a"]["masked"] is True
    assert recorded["a"]["reason"]
    assert getattr(value, "ssn", "1") == "1"


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_a_frame_are_held_back(library: str) -> None:
    frames = pytest.importorskip(library)
    frame = frames.DataFrame({"photo": [0, 0], "ssn": [1, 2], "id": ["a", "a"], "x": [3, 4], "n": [5, 6]})
    shown = held(
        {"frame": frame},
        exclude=("frame.photo",),
        mask=("frame.ssn",),
        hash=("frame.id",),
        key=b"0123456789abcdef",
        rename={"frame.x": "y"},
    )["frame"]
    assert sorted(shown.columns) == ["id", "n", "ssn", "y"]
    assert shown["ssn"].to_list() == ["masked", "masked"]
    assert shown["y"].to_list() == [3, 4]
    first, second = shown["id"].to_list()
    assert first == second
    assert first.startswith("hmac-sha256:")
    assert sorted(frame.columns) == ["id", "n", "photo", "ssn", "x"]


def test_members_of_classes_of_every_sort_are_held_back_in_a_copy() -> None:
    attrs = pytest.importorskip("attrs")
    pydantic = pytest.importorskip("pydantic")

    @dataclasses.dataclass(frozen=True, slots=True)
    class Data:
        ssn: str

    Tupled = collections.namedtuple("Tupled", ["ssn"])
    Defined = attrs.make_class("Defined", ["ssn"], frozen=True)
    Modelled = pydantic.create_model("Modelled", ssn=(str, ...))
    for applicant in (Data("1"), Tupled("1"), Defined("1"), Modelled(ssn="1")):
        shown = held({"a": applicant}, mask=("a.ssn",))["a"]
        assert shown.ssn == {"masked": True}
        assert type(shown) is type(applicant)
        assert applicant.ssn == "1"


def test_arguments_that_do_not_fit_are_masked_whole_where_something_is_held_back(book: FakeBook) -> None:
    def bare(ssn: str) -> None: ...

    decide: Any = book.decision(model="m", mask=("ssn",))(bare)
    with pytest.raises(TypeError):
        decide("1", "2")
    assert book.last["input"] == {"masked": True, "reason": "the arguments do not fit the signature"}


def test_a_message_that_may_repeat_what_is_held_back_is_not_recorded(book: FakeBook) -> None:
    def refuse(ssn: str) -> None:
        raise ValueError(f"bad {ssn}")

    for settings, said in (
        ({"mask": ("ssn",)}, {"type": "ValueError"}),
        ({"mask": ("ssn",), "error_messages": True}, {"type": "ValueError", "message": "bad 1"}),
        ({"error_messages": False}, {"type": "ValueError"}),
        ({}, {"type": "ValueError", "message": "bad 1"}),
    ):
        with pytest.raises(ValueError, match="bad 1"):
            book.decision(model="m", **settings)(refuse)("1")
        context = part(book, "context")
        assert context["error"] == said


# Failures of the function


def test_an_exception_is_recorded_and_raised_as_the_same_object_with_one_frame_more(book: FakeBook) -> None:
    error = ValueError("no such bureau")

    def bare(subject: str) -> None:
        raise error

    decorated = book.decision(model="m", subject="subject", decision="label", score=lambda a, r: r.no)(bare)
    with pytest.raises(ValueError, match="no such bureau") as caught:
        decorated("s-1")
    assert caught.value is error
    assert error.__context__ is None
    assert error.__cause__ is None
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)][1:]
    assert frames[1:] == ["bare"]
    assert book.last["output"] is None
    assert book.last["input"] == {"subject": "s-1"}
    assert book.last["subject"] == "s-1"
    assert "decision" not in book.last
    context = part(book, "context")
    assert context["error"] == {"type": "ValueError", "message": "no such bureau"}
    assert book.failures == []


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_a_call_that_is_broken_off_is_recorded_as_such(book: FakeBook, kind: type[BaseException]) -> None:
    def stop() -> None:
        raise kind

    with pytest.raises(kind):
        book.decision(model="m")(stop)()
    context = part(book, "context")
    assert context["broken_off"]["type"].endswith(kind.__name__)
    assert "error" not in context


def test_a_call_that_does_not_fit_fails_as_ever(book: FakeBook) -> None:
    def same(a: int) -> int:
        return a

    decide: Any = book.decision(model="m")(same)
    with pytest.raises(TypeError, match="missing 1 required"):
        decide()
    with pytest.raises(TypeError, match="unexpected keyword"):
        decide(1, b=2)
    assert book.last["input"] == {"args": [1], "kwargs": {"b": 2}}


def test_an_exception_that_cannot_say_its_message_is_recorded_by_its_type(book: FakeBook) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fail() -> None:
        raise Mute

    with pytest.raises(Mute):
        book.decision(model="m")(fail)()
    context = part(book, "context")
    assert list(context["error"]) == ["type"]


# Failures of recording


def broken(*_: object) -> Any:
    raise ZeroDivisionError("in the user's function")


@pytest.mark.parametrize("setting", ["decision", "score", "subject", "explanation", "parameters", "output", "input"])
def test_a_function_of_the_user_that_fails_costs_its_member_and_nothing_else(book: FakeBook, setting: str) -> None:
    settings: dict[str, Any] = {setting: broken}
    assert book.decision(model="m", **settings)(lambda a: a)(1) == 1
    context = part(book, "context")
    assert context["not_captured"] == {setting: "ZeroDivisionError"}
    assert len(book.failures) == 1
    assert "in the user's function" in str(book.failures[0])
    strict = FakeBook(strict=True)
    with pytest.raises(RecordError, match=setting):
        strict.decision(model="m", **settings)(lambda a: a)(1)
    assert len(strict.records) == (0 if setting == "input" else 1)


def test_when_when_fails_the_call_is_recorded(book: FakeBook) -> None:
    assert book.decision(model="m", when=broken)(lambda a: a)(1) == 1
    assert len(book.records) == len(book.failures) == 1


def test_a_member_that_cannot_be_one_is_left_out_and_counted(book: FakeBook) -> None:
    book.decision(model="m", score="output", decision="output")(lambda: float("nan"))()
    assert book.last["decision"] == "nan"
    assert "score" not in book.last
    assert len(book.failures) == 1


def test_a_book_that_breaks_does_not_break_the_call(book: FakeBook) -> None:
    decide = book.decision(model="m")(lambda a: 1 / a)
    assert decide(1) == 1
    assert causebook_context.last_decision() == book.last["id"]
    book.broken = True
    assert decide(1) == 1
    assert causebook_context.last_decision() is None
    with pytest.raises(ZeroDivisionError) as caught:
        decide(0)
    assert caught.value.__context__ is None
    assert len(book.failures) == 2


def test_a_strict_book_raises_before_the_model_is_asked_and_never_in_place_of_its_error() -> None:
    book = FakeBook(strict=True)
    asked = []
    decide = book.decision(model="m")(lambda unencodable: asked.append(unencodable))
    with pytest.raises(CausebookError):
        decide(1)
    assert asked == []
    book.broken = True
    with pytest.raises(CausebookError):
        book.decision(model="m")(lambda: 1)()
    with pytest.raises(ZeroDivisionError):
        book.decision(model="m")(lambda: 1 / 0)()


# Kinds of functions


def test_methods_are_recorded_without_self_and_cls(book: FakeBook) -> None:
    class Model:
        @book.decision(model="m")
        def method(self, a: int) -> int:
            return a

        @book.decision(model="m")
        @classmethod
        def class_below(cls, a: int) -> int:
            return a

        @classmethod
        @book.decision(model="m")
        def class_above(cls, a: int) -> int:
            return a

        @book.decision(model="m")
        @staticmethod
        def static_below(a: int) -> int:
            return a

        @staticmethod
        @book.decision(model="m")
        def static_above(a: int) -> int:
            return a

        def __call__(self, a: int) -> int:
            return a

        async def later(self, a: int) -> int:
            return a

    model = Model()
    bound = book.decision(model="m")(model.method.__wrapped__.__get__(model))  # type: ignore[attr-defined]
    called = book.decision(model="m")(model)
    for call in (
        model.method,
        Model.class_below,
        model.class_above,
        Model.static_below,
        model.static_above,
        bound,
        called,
    ):
        assert call(3) == 3
        assert book.last["input"] == {"a": 3}
    assert len(book.records) == 7
    assert model.method(a=4) == 4
    assert book.last["input"] == {"a": 4}


def test_what_a_partial_has_set_is_an_argument(book: FakeBook) -> None:
    def add(a: int, b: int, c: int = 0) -> int:
        return a + b + c

    decide: Any = book.decision(model="m")(functools.partial(functools.partial(add, 1), c=5))
    assert decide(2) == 8
    assert book.last["input"] == {"a": 1, "b": 2, "c": 5}
    assert decide(2, c=6) == 9
    assert book.last["input"] == {"a": 1, "b": 2, "c": 6}


def test_functions_of_others_can_be_decorated(book: FakeBook) -> None:
    assert book.decision(model="m")(max)(1, 2) == 2
    assert book.last["input"] == {"args": [1, 2]}
    assert book.decision(model="m")(divmod)(7, 2) == (3, 1)

    def same(a: int) -> int:
        return a

    cached = functools.lru_cache(same)
    assert book.decision(model="m")(cached)(1) == 1
    outside = functools.lru_cache(book.decision(model="m")(same))
    before = len(book.records)
    assert [outside(1), outside(1)] == [1, 1]
    assert len(book.records) == before + 1


@pytest.mark.parametrize("value", [int, property(lambda self: 1), 5, None])
def test_what_is_no_function_is_refused(book: FakeBook, value: object) -> None:
    with pytest.raises(SettingError, match="decorates functions"):
        book.decision(model="m")(value)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "settings",
    [
        {"model": ""},
        {"model": 5},
        {"model": "m@1", "version": "2"},
        {"automation": "robot"},
        {"subject": "nobody.id"},
        {"decision": "a..b"},
        {"decision": 5},
        {"input": ""},
        {"mask": ("a", "a")},
        {"mask": (5,)},
        {"mask": ("a.",)},
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(book: FakeBook, settings: dict[str, Any]) -> None:
    with pytest.raises(CausebookError):
        book.decision(**{"model": "m", **settings})(lambda a: a)


def test_the_wrapper_is_the_function_to_whoever_looks(book: FakeBook) -> None:
    assert at_module_level.__name__ == "at_module_level"
    assert at_module_level.__doc__ == "Doubles."
    assert str(inspect.signature(at_module_level)) == "(amount: 'int') -> 'int'"
    assert pickle.loads(pickle.dumps(at_module_level)) is at_module_level

    async def coroutine() -> None: ...
    def generator() -> Iterator[int]:
        yield 1

    async def async_generator() -> AsyncIterator[int]:
        yield 1

    decorate = book.decision(model="m")
    assert inspect.iscoroutinefunction(decorate(coroutine))
    assert inspect.isgeneratorfunction(decorate(generator))
    assert inspect.isasyncgenfunction(decorate(async_generator))
    assert not inspect.iscoroutinefunction(decorate(lambda: 1))


def test_recursion_makes_a_decision_of_each_call_inside_the_one_around_it(book: FakeBook) -> None:
    @book.decision(model="m")
    def down(n: int) -> int:
        return n and down(n - 1)

    down(2)
    innermost, middle, outer = book.records
    assert parent_of(innermost) == middle["id"]
    assert parent_of(middle) == outer["id"]
    assert parent_of(outer) is None


def parent_of(record: dict[str, object]) -> object:
    context = record["context"]
    assert isinstance(context, dict)
    return context.get("parent_id")


def test_endless_recursion_raises_what_it_raises_without_the_decorator(book: FakeBook) -> None:
    @book.decision(model="m")
    def down(n: int) -> int:
        return down(n + 1)

    with pytest.raises(RecursionError):
        down(0)


def test_threads_do_not_mix_their_decisions(book: FakeBook) -> None:
    inner = book.decision(model="inner")(lambda n: n)
    outer = book.decision(model="outer")(lambda n: inner(n))
    ids: dict[int, object] = {}

    def work(n: int) -> None:
        for _ in range(50):
            outer(n)
        ids[n] = causebook_context.last_decision()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    by_id = {record["id"]: record for record in book.records}
    assert len(by_id) == 800
    for record in book.records:
        if record["model"] == {"name": "inner"}:
            assert by_id[parent_of(record)]["input"] == record["input"]
    assert all(by_id[ids[n]]["input"] == {"n": n} for n in range(8))


def test_what_outlives_a_call_names_its_record(book: FakeBook) -> None:
    inner = book.decision(model="inner")(lambda: 1)
    outer = book.decision(model="outer", output=lambda result: None)(contextvars.copy_context)
    flow = outer()
    outer_id = book.last["id"]
    flow.run(inner)
    assert parent_of(book.last) == outer_id
    book.broken = True
    flow = outer()
    book.broken = False
    flow.run(inner)
    assert parent_of(book.last) is None


# Coroutines


@in_loop
async def test_concurrent_coroutines_do_not_mix_their_decisions(book: FakeBook) -> None:
    @book.decision(model="inner")
    async def inner(n: int) -> int:
        await asyncio.sleep(0)
        return n

    @book.decision(model="outer")
    async def outer(n: int) -> int:
        await asyncio.sleep(0)
        return await inner(n)

    async def ask(n: int) -> tuple[int, object]:
        return await outer(n), causebook_context.last_decision()

    answers = await asyncio.gather(*(ask(n) for n in range(100)))
    by_id = {record["id"]: record for record in book.records}
    for n, (answer, id) in enumerate(answers):
        assert answer == n
        assert by_id[id]["input"] == {"n": n}
        assert by_id[id]["model"] == {"name": "outer"}
    for record in book.records:
        if record["model"] == {"name": "inner"}:
            assert by_id[parent_of(record)]["input"] == record["input"]


@in_loop
async def test_a_coroutine_that_is_cancelled_is_recorded_as_broken_off(book: FakeBook) -> None:
    @book.decision(model="m")
    async def wait() -> None:
        await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    context = part(book, "context")
    assert context["broken_off"] == {"type": "asyncio.exceptions.CancelledError"}


@in_loop
async def test_a_coroutine_that_fails_is_recorded(book: FakeBook) -> None:
    error = KeyError("k")

    @book.decision(model="m")
    async def fail() -> None:
        await asyncio.sleep(0)
        raise error

    with pytest.raises(KeyError) as caught:
        await fail()
    assert caught.value is error
    assert book.last["output"] is None


def test_a_coroutine_that_is_thrown_away_is_recorded_as_broken_off(book: FakeBook) -> None:
    @book.decision(model="m")
    async def wait() -> None:
        await asyncio.sleep(0)

    coroutine = wait()
    coroutine.send(None)
    del coroutine
    gc.collect()
    context = part(book, "context")
    assert context["broken_off"] == {"type": "GeneratorExit"}


@in_loop
async def test_what_a_plain_function_returns_to_be_awaited_or_iterated_is_recorded_when_it_is(book: FakeBook) -> None:
    async def one() -> int:
        return 1

    def two() -> Iterator[int]:
        yield 2

    async def three() -> AsyncIterator[int]:
        yield 3

    async def streaming() -> AsyncIterator[int]:
        return three()

    decorate: Any = book.decision(model="m")
    awaited = decorate(lambda: one())()
    iterated = decorate(lambda: two())()
    assert book.records == []
    assert await awaited == 1
    assert part(book, "output") == 1
    assert list(iterated) == [2]
    assert part(book, "output") == [2]
    assert [item async for item in decorate(lambda: three())()] == [3]
    assert part(book, "output") == [3]
    assert [item async for item in await decorate(streaming)()] == [3]
    assert part(book, "output") == [3]
    assert len(book.records) == 4


# Generators


def test_a_generator_is_recorded_when_it_is_exhausted(book: FakeBook) -> None:
    @book.decision(model="m", output="".join, score=lambda arguments, items: len(items))
    def tokens(prompt: str) -> Iterator[str]:
        yield from prompt

    stream = tokens("abc")
    assert [next(stream), next(stream), next(stream)] == ["a", "b", "c"]
    assert book.records == []
    assert next(stream, None) is None
    assert (book.last["input"], book.last["output"], book.last["score"]) == ({"prompt": "abc"}, "abc", 3)
    assert causebook_context.last_decision() == book.last["id"]


def test_items_are_recorded_as_they_were_when_they_came(book: FakeBook) -> None:
    @book.decision(model="m")
    def same() -> Iterator[list[int]]:
        batch: list[int] = []
        for n in range(3):
            batch.append(n)
            yield batch

    for _ in same():
        pass
    assert book.last["output"] == [[0], [0, 1], [0, 1, 2]]


def test_a_generator_that_is_closed_is_recorded_with_what_it_yielded(book: FakeBook) -> None:
    closed = []

    @book.decision(model="m")
    def count() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    stream = count()
    assert next(stream) == 1
    stream.close()  # type: ignore[attr-defined]
    assert closed == [True]
    assert book.last["output"] == [1]
    context = part(book, "context")
    assert context["broken_off"] == {"type": "GeneratorExit"}
    for _ in count():
        break
    gc.collect()
    assert len(book.records) == 2


def test_a_generator_that_returns_when_it_is_closed_was_broken_off_too(book: FakeBook) -> None:
    @book.decision(model="m")
    def count() -> Iterator[int]:
        with contextlib.suppress(GeneratorExit):
            yield 1

    stream = count()
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    context = part(book, "context")
    assert "broken_off" in context


def talk() -> Generator[object, object, str]:
    """Answers what is sent and thrown in; ends at 'end', fails at 'fail'."""
    said: object = "begun"
    while True:
        try:
            heard = yield said
        except KeyError as error:
            said = ("caught", error)
            continue
        except LookupError as error:
            raise RuntimeError("told on") from error
        if heard == "end":
            return "ended"
        if heard == "fail":
            raise ValueError("failed")
        said = ("heard", heard)


KEY = KeyError("k")
STEPS = st.lists(
    st.one_of(
        st.just(("next", None)),
        st.just(("send", "word")),
        st.just(("send", "end")),
        st.just(("send", "fail")),
        st.just(("throw", KEY)),
        st.just(("throw", IndexError("i"))),
        st.just(("throw", StopIteration("s"))),
        st.just(("close", None)),
    ),
    max_size=8,
)


def played(stream: Generator[object, object, str], steps: list[tuple[str, object]]) -> list[object]:
    """What a generator does when steps are taken with it."""
    told: list[object] = []
    for step, value in [("next", None), *steps]:
        try:
            if step == "next":
                told.append(next(stream))
            elif step == "send":
                told.append(stream.send(value))
            elif step == "throw":
                assert isinstance(value, BaseException)
                told.append(stream.throw(value))
            else:
                stream.close()
                told.append("closed")
        except StopIteration as stop:
            told.append(("stop", stop.value))
        except BaseException as error:
            told.append((type(error), str(error), type(error.__cause__), type(error.__context__)))
    return told


@given(STEPS)
def test_a_generator_takes_what_is_sent_and_thrown_as_it_does_undecorated(steps: list[tuple[str, object]]) -> None:
    book = FakeBook()
    for error in (value for _, value in steps if isinstance(value, BaseException)):
        error.__context__ = error.__cause__ = error.__traceback__ = None
    expected = played(talk(), steps)
    for error in (value for _, value in steps if isinstance(value, BaseException)):
        error.__context__ = error.__cause__ = error.__traceback__ = None
    stream = book.decision(model="m")(talk)()
    assert played(stream, steps) == expected
    stream.close()
    assert len(book.records) == 1
    assert book.failures == []


def test_what_a_generator_returns_is_returned_and_recorded(book: FakeBook) -> None:
    @book.decision(model="m")
    def count() -> Generator[int, None, str]:
        yield 1
        return "done"

    def outer() -> Generator[int, None, str]:
        return (yield from count())

    stream = outer()
    assert next(stream) == 1
    with pytest.raises(StopIteration) as stop:
        next(stream)
    assert stop.value.value == "done"
    assert book.last["output"] == {"items": [1], "returned": "done"}


def test_a_generator_that_yields_nothing_has_no_items(book: FakeBook) -> None:
    none: tuple[int, ...] = ()
    assert list(book.decision(model="m")(lambda: (n for n in none))()) == []
    nothing: Iterator[int] = iter(())

    @book.decision(model="m")
    def empty() -> Iterator[int]:
        yield from nothing

    assert list(empty()) == []
    assert book.last["output"] == []


def test_beyond_the_bound_items_are_counted_and_digested(book: FakeBook) -> None:
    @book.decision(model="m", items_max=3)
    def count(n: int) -> Iterator[str]:
        for i in range(n):
            yield str(i)

    list(count(3))
    assert book.last["output"] == ["0", "1", "2"]
    list(count(5))
    digest = hashlib.sha256(b'"0"\n"1"\n"2"\n"3"\n"4"\n').hexdigest()
    assert part(book, "output") == {"items": ["0", "1", "2"], "count": 5, "kept": 3, "digest": f"sha256:{digest}"}


def test_items_are_bounded_in_size_and_have_no_digest_where_json_has_none(book: FakeBook) -> None:
    @book.decision(model="m", items_bytes_max=100)
    def big() -> Iterator[object]:
        yield b"x" * 50
        yield b"y" * 500
        yield b"z"

    assert [len(item) for item in big()] == [50, 500, 1]  # type: ignore[arg-type]
    assert book.last["output"] == {"items": [b"x" * 50], "count": 3, "kept": 1}


def test_what_the_consumer_decides_between_items_is_not_inside_the_generator(book: FakeBook) -> None:
    inner = book.decision(model="inner")(lambda: 1)

    @book.decision(model="stream")
    def stream() -> Iterator[int]:
        yield inner()
        yield inner()

    for _ in stream():
        inner()
    parents = [parent_of(record) for record in book.records]
    of_stream = book.last["id"]
    assert parents == [of_stream, None, of_stream, None, None]


def test_a_generator_that_is_collected_elsewhere_keeps_the_context_of_its_call(book: FakeBook) -> None:
    @book.decision(model="m")
    def count() -> Iterator[int]:
        yield 1
        yield 2

    with causebook_context.context(subject="s-1"):
        stream = count()
        next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert book.last["subject"] == "s-1"


@in_loop
async def test_an_asynchronous_generator_passes_everything_through(book: FakeBook) -> None:
    @book.decision(model="m")
    async def talk_later() -> Any:
        said: object = "begun"
        while True:
            try:
                heard = yield said
            except KeyError:
                said = "caught"
                continue
            if heard == "end":
                return
            await asyncio.sleep(0)
            said = heard

    stream = talk_later()
    assert await stream.__anext__() == "begun"
    assert await stream.asend("x") == "x"
    assert await stream.athrow(KeyError()) == "caught"
    with pytest.raises(StopAsyncIteration):
        await stream.asend("end")
    assert book.last["output"] == ["begun", "x", "caught"]
    stream = talk_later()
    await stream.__anext__()
    await stream.aclose()
    context = part(book, "context")
    assert context["broken_off"] == {"type": "GeneratorExit"}
    stream = talk_later()
    await stream.__anext__()
    with pytest.raises(IndexError):
        await stream.athrow(IndexError("i"))
    context = part(book, "context")
    assert context["error"] == {"type": "IndexError", "message": "i"}
    assert len(book.records) == 3


@in_loop
async def test_an_asynchronous_generator_that_is_not_to_be_recorded_works(book: FakeBook) -> None:
    @book.decision(model="m", when=lambda arguments: False)
    async def count() -> AsyncIterator[int]:
        yield 1
        yield 2

    @book.decision(model="m", when=lambda arguments: False)
    def sync_count() -> Iterator[int]:
        yield 1

    assert [n async for n in count()] == [1, 2]
    assert list(sync_count()) == [1]
    assert book.records == []


# Arguments


@st.composite
def signatures(draw: st.DrawFn) -> str:
    names = iter("abcdefgh")
    parts: list[str] = []
    defaulted = False
    only = [next(names) for _ in range(draw(st.integers(0, 2)))]
    either = [next(names) for _ in range(draw(st.integers(0, 2)))]
    for name in only + either:
        defaulted = defaulted or draw(st.booleans())
        parts.append(f"{name}={name!r}" if defaulted else name)
    if only:
        parts.insert(len(only), "/")
    rest = draw(st.booleans())
    keywords = [next(names) for _ in range(draw(st.integers(0, 2)))]
    if rest:
        parts.append("*rest")
    elif keywords:
        parts.append("*")
    parts += [f"{name}={name!r}" if draw(st.booleans()) else name for name in keywords]
    if draw(st.booleans()):
        parts.append("**more")
    return ", ".join(parts)


@given(signatures(), st.lists(st.integers(), max_size=6), st.dictionaries(st.sampled_from("abcdefgh"), st.integers()))
def test_arguments_are_bound_as_inspect_binds_them(signature: str, args: list[int], kwargs: dict[str, int]) -> None:
    function = eval(f"lambda {signature}: None")
    try:
        expected = inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        with contextlib.suppress(Misfit):
            arguments_of(function).bind(tuple(args), kwargs)
        return
    expected.apply_defaults()
    bound = arguments_of(function).bind(tuple(args), kwargs)
    known = dict(expected.arguments)
    known["rest"] = list(known.get("rest", ()))
    known = {name: value for name, value in known.items() if name not in ("rest", "more") or value}
    assert bound == known
