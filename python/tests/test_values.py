"""Values of programs survive: as plain JSON where it suffices, and equal and of the same type when they come back."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import hashlib
import json
import math
import re
import subprocess
import sys
from typing import Any

import pytest
import values_table
from hypothesis import given, settings
from hypothesis import strategies as st
from values_same import same

import causebook
from causebook import _values
from causebook._types import arrays, columns, frames, media

Stored = dict[str, bytes]
DOCUMENT = "application/vnd.causebook.document+json"


def encoded(value: object) -> tuple[str, Stored]:
    """The document of a value and what is beside it, held to the rules of the format."""
    text, attachments = causebook.encode(value)
    follows_the_format(text)
    for _, media_type, digest, data in attachments:
        assert digest == "sha256:" + hashlib.sha256(data).hexdigest()
        if media_type == DOCUMENT:
            json.loads(data, object_pairs_hook=without_duplicates, parse_constant=refuse)
    return text, {digest: data for _, _, digest, data in attachments}


def survives(value: object) -> object:
    text, stored = encoded(value)
    found = causebook.decode(text, stored.__getitem__)
    assert same(found, value), f"{found!r} is not {value!r}: {text[:400]}"
    stored_text = canonical(json.loads(text, parse_float=Digits, parse_int=Digits))
    assert same(causebook.decode(stored_text, stored.__getitem__), value), f"sorted: {stored_text[:400]}"
    return found


class Digits(str):
    """A number as it was written."""


def canonical(parsed: Any) -> str:
    """The text that a ledger keeps: `docs/format.md`, section 1."""
    if isinstance(parsed, Digits):
        return parsed
    if isinstance(parsed, dict):
        pairs = sorted(parsed.items(), key=lambda pair: pair[0].encode("utf-16-be"))
        return "{" + ",".join(f"{json.dumps(key)}:{canonical(item)}" for key, item in pairs) + "}"
    if isinstance(parsed, list):
        return "[" + ",".join(canonical(item) for item in parsed) + "]"
    return json.dumps(parsed)


def follows_the_format(text: str) -> None:
    """`docs/format.md`, sections 1 and 5.5, with room for the other members of a record."""
    assert len(text.encode()) <= 256 * 1024
    parsed = json.loads(text, object_pairs_hook=without_duplicates, parse_constant=refuse)
    facts, depth, longest = measured(parsed)
    assert facts <= 3_000
    assert depth <= 102
    assert longest <= 4_096 - 128


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs)
    for key in found:
        key.encode()
    return found


def refuse(word: str) -> object:
    raise AssertionError(f"{word} is not JSON")


def measured(parsed: Any) -> tuple[int, int, int]:
    """Facts, open containers, and bytes of the longest path."""
    facts = depth = longest = 0
    waiting: list[tuple[Any, int, int, bool]] = [(parsed, 1, 0, True)]
    while waiting:
        value, level, path, counts = waiting.pop()
        if isinstance(value, (dict, list)):
            depth = max(depth, level)
        if counts and (not isinstance(value, dict) or not value):
            facts, longest, counts = facts + 1, max(longest, path), False
        if isinstance(value, dict):
            waiting += [(item, level + 1, path + 1 + len(key.encode()), counts) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [(item, level + 1, path, counts) for item in value]
    return facts, depth, longest


# The table

TABLE = [row for rows in values_table.ROWS.values() for row in rows]


@pytest.mark.parametrize("row", TABLE, ids=[re.sub(r"[^ -~]", "?", row.source)[:60] for row in TABLE])
def test_a_value_of_the_table_comes_back_equal_and_of_its_type(row: values_table.Row) -> None:
    absent = values_table.missing(row)
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}")
    value = values_table.make(row)
    survives(value)
    survives({"a": value, "b": [value]})


def test_the_page_is_made_from_the_table() -> None:
    absent = sorted({name for row in TABLE for name in values_table.missing(row)})
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}")
    page = values_table.PAGE.read_text(encoding="utf-8")
    assert page == values_table.page(), "run `python tests/values_table.py`"


def test_every_type_is_in_the_format() -> None:
    text = (values_table.PAGE.parents[1] / "format.md").read_text(encoding="utf-8")
    names = {*_values.REVIVERS, *arrays.REVIVERS, *frames.REVIVERS, *columns.REVIVERS, *media.REVIVERS}
    told = {name for name in names if name in arrays.NATIVE or name.partition(".")[0] in ("pathlib", "ipaddress")}
    assert [name for name in sorted(names - told) if f"`{name}`" not in text] == []


def test_what_json_can_say_stays_plain_json() -> None:
    value = {"age": 30, "income": 52000.5, "name": "Ada", "tags": ["a", None, True], "home": {"zip": "1234"}}
    text, stored = encoded(value)
    assert text == json.dumps(value, separators=(",", ":"))
    assert stored == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1e22, "1e22"),
        (-0.0, "-0.0"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e308"),
        (100.0, "100.0"),
        ('a"b\\c\n\x00\x7f\u2028😀', '"a\\"b\\\\c\\n\\u0000\x7f\u2028😀"'),
        (2**63, "9223372036854775808"),
        (-(2**63), "-9223372036854775808"),
        ({"a/b~c": (1,)}, '{"a/b~c":[1],"$types":{"tuple":["/a~1b~0c"]}}'),
        ({}, "{}"),
        ([], "[]"),
    ],
)
def test_the_text_of_a_document(value: object, text: str) -> None:
    assert causebook.encode(value)[0] == text
    survives(value)


def test_equal_values_have_equal_documents() -> None:
    first = {"a": {"x", "y", "z"}, "b": decimal.Decimal(1), "c": decimal.Decimal(2)}
    again = {"a": {"z", "y", "x"}, "b": decimal.Decimal(1), "c": decimal.Decimal(2)}
    assert causebook.encode(first) == causebook.encode(again)


def run(program: str, **environment: str) -> str:
    environment["PYTHONPATH"] = ":".join(path for path in sys.path if path)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_order_of_sets_does_not_depend_on_the_process() -> None:
    value = "[{'a', 'b', 'c'}, {1, 'x', (2, 'y')}, {frozenset({'p', 'q'}), 'r'}]"
    program = f"import causebook; print(causebook.encode({value})[0])"
    assert len({run(program, PYTHONHASHSEED=str(seed)) for seed in range(4)}) == 1


def test_encoding_imports_no_library() -> None:
    libraries = ("numpy", "pandas", "polars", "pyarrow", "torch", "PIL", "scipy", "pydantic", "attrs")
    program = "import sys, causebook; causebook.encode({'a': (1,), 'b': object()});"
    assert run(f"{program} print([name for name in {libraries} if name in sys.modules])") == "[]\n"


# Any value

keys = st.one_of(
    st.text(max_size=8),
    st.integers(-5, 5),
    st.booleans(),
    st.none(),
    st.tuples(st.integers(0, 3), st.text(max_size=3)),
    st.dates(),
    st.uuids(),
    st.binary(max_size=4),
)
any_text = st.text(st.characters(exclude_categories=()), max_size=12)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**700), 10**700),
    st.floats(),
    any_text,
    st.binary(max_size=20),
    st.decimals(),
    st.fractions(),
    st.complex_numbers(),
    st.uuids(),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones())),
    st.times(),
    st.dates(),
    st.timedeltas(),
    st.ip_addresses(),
    st.builds(range, st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 9)),
    st.sampled_from([*values_table.Colour, *values_table.Level, values_table.Right.READ, ...]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(any_text, inner, max_size=4),
        st.dictionaries(st.sampled_from(["$types", "$value", "a", "a/b", "~0", ""]), inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4).map(collections.OrderedDict),
        st.lists(inner, max_size=4).map(collections.deque),
        st.sets(keys, max_size=4),
        st.frozensets(keys, max_size=4),
        st.builds(values_table.Point, inner, inner),
        st.builds(values_table.Applicant, inner, inner),
        st.builds(values_table.Settings, st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    ),
    max_leaves=20,
)


@given(values)
@settings(max_examples=1_000, deadline=None)
def test_any_value_survives(value: object) -> None:
    survives(value)


@given(st.floats(width=32))
@settings(max_examples=1_000, deadline=None)
def test_numbers_of_single_precision_survive_in_nine_digits(number: float) -> None:
    np = pytest.importorskip("numpy")
    survives(np.float32(number))
    text = json.loads(encoded([np.float32(number)])[0], parse_float=str)["$value"][0]
    if math.isfinite(number):
        assert len(re.sub(r"[^0-9]", "", text.partition("e")[0]).strip("0")) <= 9


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
)


@given(json_values)
@settings(max_examples=200, deadline=None)
def test_what_json_can_say_is_read_by_any_parser_of_json(value: Any) -> None:
    text, _ = encoded(value)
    if isinstance(value, dict) and value.keys() & {"$types", "$value"}:
        assert json.loads(text)["$value"] == value
    else:
        assert same(json.loads(text), value)


# Size


def test_a_large_document_goes_beside_the_record() -> None:
    values: list[object] = [
        {"text": "x" * 300_000},
        {f"key {number}": number for number in range(3_500)},
        {"k" * 5_000: 1},
        [decimal.Decimal(number) for number in range(20_000)],
    ]
    for value in values:
        text, attachments = causebook.encode(value)
        assert json.loads(text)["$types"] == {"document": [["", {"attachment": True}]]}
        assert [media_type for _, media_type, _, _ in attachments] == [DOCUMENT]
        survives(value)


def test_large_bytes_go_beside_the_record_once() -> None:
    data = bytes(range(256)) * 40
    text, attachments = causebook.encode({"a": data, "b": [data]})
    assert [(name, media_type) for name, media_type, _, _ in attachments] == [("/a", "application/octet-stream")]
    assert attachments[0][3] == data
    assert len(text) < 400
    survives({"a": data, "b": [data]})


def test_an_attachment_of_the_caller_keeps_its_media_type() -> None:
    value = causebook.Attachment("image/jpeg", b"\xff\xd8")
    name, media_type, _, data = causebook.encode({"photo": value})[1][0]
    assert (name, media_type, data) == ("/photo", "image/jpeg", b"\xff\xd8")
    survives({"photo": value})


# Single types


def test_a_time_without_a_zone_is_given_none() -> None:
    assert encoded({"at": dt.datetime(2024, 6, 1, 12)})[0].startswith('{"at":"2024-06-01T12:00:00",')


def test_an_array_comes_back_writable() -> None:
    np = pytest.importorskip("numpy")
    for size in (10, 10_000):
        found: Any = survives(np.arange(size))
        found[0] = 5


def test_an_object_that_gives_an_array_comes_back_as_the_array() -> None:
    np = pytest.importorskip("numpy")

    class Tensor:
        def __array__(self, dtype: object = None, copy: object = None) -> Any:
            return np.arange(3.0)

    text, _ = encoded({"x": Tensor()})
    assert same(causebook.decode(text)["x"], np.arange(3.0))
    assert "Tensor" in text


def test_a_lazy_frame_is_not_collected() -> None:
    pl = pytest.importorskip("polars")
    text, _ = encoded(pl.LazyFrame({"a": [1]}))
    assert json.loads(text)["$types"]["object"][0][1]["class"].endswith("LazyFrame")


# Numbers of readers


def test_numbers_keep_their_digits_if_text_is_given() -> None:
    text = '{"a": 0.10, "b": 0.10, "t": [0.50, 1.50], "$types": {"decimal": ["/a", "/t/1"], "tuple": ["/t"]}}'
    found = causebook.decode(text)
    assert same(found, {"a": decimal.Decimal("0.10"), "b": 0.1, "t": (0.5, decimal.Decimal("1.50"))})
    assert same(causebook.decode(text.encode()), found)
    assert same(_values.revive(_values.loads(text)), found)
    assert same(causebook.decode(json.loads(text))["a"], decimal.Decimal("0.1"))
