"""Objects that misbehave are recorded and do not raise; documents that misbehave are refused and do nothing."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import fractions
import hashlib
import io
import json
import pathlib
import re
import sys
import threading
from typing import Any

import pytest
import values_table
from hypothesis import given, settings
from hypothesis import strategies as st
from test_values import encoded, json_values, run, survives
from values_same import same

import causebook
from causebook import _values
from causebook._errors import CausebookError

# Objects of strangers


class ReprRaises:
    def __repr__(self) -> str:
        raise ValueError("no")


class ReprIsHuge:
    def __repr__(self) -> str:
        return "x" * 10_000_000


class ReprIsBroken:
    def __repr__(self) -> str:
        return "\ud800\x00"


class Meta(type):
    @property
    def __module__(cls) -> str:  # type: ignore[override]
        raise RuntimeError("no")


class OfMeta(metaclass=Meta):
    pass


class Lies:
    @property
    def __class__(self) -> type:  # type: ignore[override]
        raise RuntimeError("no")


class AnyAttribute:
    def __getattr__(self, name: str) -> object:
        return AnyAttribute()


class NoAttribute:
    def __getattribute__(self, name: str) -> object:
        raise SystemError(name)


class ArrayRaises:
    def __array__(self, *_: object, **__: object) -> object:
        raise RuntimeError("no")


class DictRaises(dict[str, object]):
    def __iter__(self) -> Any:
        raise RuntimeError("no")

    def items(self) -> Any:
        raise RuntimeError("no")


class HashRaises:
    def __hash__(self) -> int:
        raise RuntimeError("no")


@dataclasses.dataclass
class FieldRaises:
    a: int = 1

    def __getattribute__(self, name: str) -> object:
        if name == "a":
            raise RuntimeError("no")
        return object.__getattribute__(self, name)


STRANGERS: dict[str, Any] = {
    "repr raises": ReprRaises,
    "repr is huge": ReprIsHuge,
    "repr is broken": ReprIsBroken,
    "class of a strange metaclass": lambda: OfMeta,
    "object of a strange metaclass": OfMeta,
    "lies about its class": Lies,
    "has any attribute": AnyAttribute,
    "has no attribute": NoAttribute,
    "array raises": ArrayRaises,
    "dictionary raises": lambda: DictRaises(a=1),
    "hash raises": HashRaises,
    "field raises": FieldRaises,
    "object": object,
    "lock": threading.Lock,
    "function": lambda: run,
    "generator": lambda: (x for x in ()),
    "class": lambda: fractions.Fraction,
    "metaclass": lambda: type,
    "module": lambda: sys,
    "built-in": lambda: len,
    "not implemented": lambda: NotImplemented,
    "file": lambda: io.BytesIO(b"x"),
    "exception": lambda: ValueError("x"),
    "pattern": lambda: re.compile("x"),
    "view with gaps": lambda: memoryview(bytearray(8))[::2],
}


@pytest.mark.parametrize("name", STRANGERS)
def test_a_strange_object_is_recorded_and_does_not_raise(name: str) -> None:
    pytest.importorskip("numpy")
    stranger = STRANGERS[name]()
    text, stored = encoded({"a": 1, "strange": stranger, "in": [stranger, {"k": (stranger,)}], "z": 2})
    found = causebook.decode(text, stored.__getitem__)
    assert (found["a"], found["z"]) == (1, 2)
    assert len(text) < 8_000


def test_an_object_that_nobody_can_encode_is_its_type_and_repr() -> None:
    text, _ = encoded(re.compile("a+"))
    assert text == '{"$value":"re.compile(\'a+\')","$types":{"object":[["",{"class":"re.Pattern"}]]}}'
    assert causebook.decode(text) == causebook.Opaque("object", "re.compile('a+')", {"class": "re.Pattern"})
    assert len(json.loads(encoded([ReprIsHuge()])[0])["$value"][0]) == 1_000


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, SystemExit])
def test_what_is_not_about_the_value_passes(error: type[BaseException]) -> None:
    class Raises:
        def __repr__(self) -> str:
            raise error

    with pytest.raises(error):
        causebook.encode({"a": [Raises()]})


def test_containers_may_change_while_they_are_walked() -> None:
    pairs: dict[str, object] = {}
    items: list[object] = []

    class Changes:
        def __repr__(self) -> str:
            pairs.clear()
            pairs.update({str(key): key for key in range(100)})
            items.clear()
            return "changed"

    pairs.update(a=Changes(), b=2, c=3)
    assert json.loads(encoded(pairs)[0])["a"] == "changed"
    items.extend([1, Changes(), 3])
    assert json.loads(encoded(items)[0])["$value"] == [1, "changed"]


def test_what_holds_itself_is_written_up_to_there() -> None:
    cycle: dict[str, Any] = {"a": 1}
    cycle["self"] = cycle
    text, _ = encoded(cycle)
    assert causebook.decode(text)["self"].parameters == {"class": "builtins.dict", "why": "holds itself"}
    limits: list[object] = []
    holder = values_table.Applicant(1, limits=limits)
    limits.append(holder)
    found: Any = causebook.decode(encoded(holder)[0])
    assert found.limits[0].parameters["why"] == "holds itself"
    twice = [1]
    survives([twice, twice, {"again": twice}])


AROUND: dict[str, Any] = {
    "list": lambda inner: [inner],
    "dict": lambda inner: {"a": inner},
    "tuple": lambda inner: (inner,),
    "dataclass": lambda inner: values_table.Applicant(1, inner),
    "other keys": lambda inner: {1: inner},
}


@pytest.mark.parametrize("depth", [98, 99, 100, 101, 102, 128, 200, 254, 255, 256, 257, 1_000, 20_000])
@pytest.mark.parametrize("kind", AROUND)
def test_depth_is_bounded(depth: int, kind: str) -> None:
    chain: list[Any] = [[]]
    for _ in range(depth - 1):
        chain.append(AROUND[kind](chain[-1]))
    text, stored = encoded(chain[-1])
    found = causebook.decode(text, stored.__getitem__)
    if depth <= (60 if kind == "other keys" else 100):
        assert same(found, chain[-1])
    if depth > 256:
        assert '"why":"nested more than 256 deep"' in text + "".join(data.decode() for data in stored.values())
    del found
    while chain:
        # From the outside in, so that nothing is freed recursively.
        chain.pop()


def test_depth_is_bounded_on_a_small_stack() -> None:
    value: Any = []
    for _ in range(300):
        value = {"a": (value,)}
    previous = threading.stack_size(512 * 1024)
    try:
        done: list[str] = []
        thread = threading.Thread(target=lambda: done.append(causebook.encode(value)[0]))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(previous)
    assert len(done) == 1


def test_a_value_that_grows_without_end_is_its_type() -> None:
    value: Any = []
    for _ in range(60):
        value = [value, value]
    text, _ = encoded({"a": value})
    assert json.loads(text)["$value"] == "<builtins.dict>"
    assert "64 MiB" in text


# Documents of strangers


def test_decoding_does_not_change_what_it_is_given() -> None:
    document = {"a": [[1], [2]], "$types": {"tuple": ["/a/0", "/a"]}}
    before = json.dumps(document)
    assert causebook.decode(document) == {"a": ((1,), [2])}
    assert json.dumps(document) == before


def test_only_the_root_is_looked_at() -> None:
    assert causebook.decode('{"a":{"$types":{"tuple":[""]}}}') == {"a": {"$types": {"tuple": [""]}}}
    survives({"a": {"$value": 1, "$types": {}}})
    survives({"$value": 1})
    survives([{"$types": {}}])


def test_a_type_of_the_future_comes_back_whole_and_is_written_again_as_it_was() -> None:
    text = '{"a":[1,2],"$types":{"of.the.future":[["/a",{"unit":"m"}]]}}'
    found = causebook.decode(text)
    assert found == {"a": causebook.Opaque("of.the.future", [1, 2], {"unit": "m"})}
    assert causebook.encode(found)[0] == text


def test_a_class_that_is_not_there_comes_back_as_what_was_written() -> None:
    @dataclasses.dataclass
    class Local:
        a: int

    gone = collections.namedtuple("Gone", "x")(1)
    for value, name in ((Local(1), "dataclass"), (gone, "namedtuple")):
        text, _ = encoded({"v": value})
        found = causebook.decode(text)["v"]
        assert isinstance(found, causebook.Opaque)
        assert found.type == name
        assert causebook.encode({"v": found})[0] == text


def test_without_its_attachments_a_value_is_opaque() -> None:
    text, attachments = causebook.encode({"a": bytes(10_000), "b": 1})
    opaque = causebook.Opaque("bytes", attachments[0][2], {"attachment": True})
    assert causebook.decode(text) == {"a": opaque, "b": 1}


def test_other_bytes_than_those_of_the_digest_are_refused() -> None:
    text, _ = causebook.encode(bytes(10_000))
    with pytest.raises(_values.DecodeError, match="other bytes"):
        causebook.decode(text, lambda _: b"other")


def test_decoding_imports_no_module_and_runs_no_constructor(tmp_path: pathlib.Path) -> None:
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')")
    program = f"""
import causebook, dataclasses, sys, types
sys.path.append({str(tmp_path)!r})
@dataclasses.dataclass
class Bomb:
    a: int
    def __post_init__(self): raise SystemExit("built")
    def __setattr__(self, name, value): raise SystemExit("set")
lazy = types.ModuleType("lazy"); sys.modules["lazy"] = lazy
lazy.__getattr__ = lambda name: sys.exit("asked")
for document in (
    '{{"$value":{{"a":1}},"$types":{{"dataclass":[["",{{"class":"trap.Bomb"}}]]}}}}',
    '{{"$value":"x","$types":{{"enum":[["",{{"class":"trap.Colour","name":"X"}}]]}}}}',
    '{{"$value":{{"a":1}},"$types":{{"dataclass":[["",{{"class":"lazy.Bomb"}}]]}}}}',
    '{{"$value":"x","$types":{{"subclass":[["",{{"class":"os.system","of":"str"}}]]}}}}',
    '{{"$value":[],"$types":{{"subclass":[["",{{"class":"sys.modules","of":"list"}}]]}}}}',
    '{{"$value":[],"$types":{{"trap.Bomb":[""]}}}}',
):
    assert isinstance(causebook.decode(document), causebook.Opaque), document
made = causebook.decode('{{"a":1,"$types":{{"dataclass":[["",{{"class":"__main__.Bomb"}}]]}}}}')
assert type(made) is Bomb and made.a == 1
print("done")
"""
    assert run(program) == "done\n"


DAMAGED = [
    "",
    "{",
    "NaN",
    "[" * 100_000,
    '{"$types":[]}',
    '{"$types":{"tuple":{}}}',
    '{"$types":{"tuple":[1]}}',
    '{"$types":{"tuple":[["/a"]]}}',
    '{"$types":{"tuple":["a"]}}',
    '{"$types":{"tuple":["/a"]}}',
    '{"a":1,"$types":{"tuple":["/a"]}}',
    '{"a":[1],"$types":{"decimal":["/a/01"]}}',
    '{"a":[1],"$types":{"decimal":["/a/1"]}}',
    '{"a":[1],"$types":{"decimal":["/a/-1"]}}',
    '{"a":[1],"$types":{"tuple":["/a"],"set":["/a"]}}',
    '{"a":[1],"$types":{"tuple":["/a","/a"]}}',
    '{"a":[1],"$types":{"tuple":["/$types"]}}',
    '{"$value":1,"$types":{},"b":1}',
    '{"$value":"x","$types":{"decimal":[""]}}',
    '{"$value":"x","$types":{"uuid":[""]}}',
    '{"$value":"x","$types":{"datetime":[""]}}',
    '{"$value":1e300,"$types":{"timedelta":[""]}}',
    '{"$value":"1e999999999","$types":{"timedelta":[""]}}',
    '{"$value":"%%%","$types":{"bytes":[""]}}',
    '{"$value":[1,0],"$types":{"fraction":[""]}}',
    '{"$value":[[1,2,3]],"$types":{"dict":[""]}}',
    '{"$value":[1,2],"$types":{"tuple":[["",{"boxed":true}]]}}',
    '{"$value":"sha256:00","$types":{"bytes":[["",{"attachment":true}]]}}',
    '{"$value":5,"$types":{"float":["/a"]}}',
]


@pytest.mark.parametrize("text", DAMAGED, ids=[text[:60] for text in DAMAGED])
def test_a_damaged_document_is_refused(text: str) -> None:
    with pytest.raises(_values.DecodeError):
        causebook.decode(text, lambda _: b"")


CLAIMS = [
    '{"$value":[1],"$types":{"numpy.ndarray":[["",{"dtype":"float64","shape":[1000000000000]}]]}}',
    '{"$value":["a"],"$types":{"numpy.ndarray":[["",{"dtype":"<U1000000000"}]]}}',
    '{"$value":[1],"$types":{"numpy.ndarray":[["",{"dtype":"|O"}]]}}',
    '{"$value":[1],"$types":{"numpy.ndarray":[["",{"dtype":[["a","|O"]]}]]}}',
    (
        '{"$value":{"a":[1]},"$types":{"numpy.ndarray":[["/a",{"dtype":"int64"}]],'
        '"pandas.DataFrame":[["",{"columns":["a"],"labels":"object","rows":1000000000000}]]}}'
    ),
    (
        '{"$value":{"columns":["a"],"rows":1000000000000,"blocks":[[[0],[[1]]]]},"$types":{'
        '"numpy.ndarray":[["/blocks/0/1",{"dtype":"int64","shape":[1,1]}]],"pandas.DataFrame":[["",{"blocks":true}]]}}'
    ),
]


@pytest.mark.parametrize("text", CLAIMS, ids=[text[:100] for text in CLAIMS])
def test_nothing_is_allocated_because_a_document_claims_it(text: str) -> None:
    pytest.importorskip("pandas")
    with pytest.raises(_values.DecodeError):
        causebook.decode(text)


def npy(header: str, data: bytes) -> bytes:
    head = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + data


@pytest.mark.parametrize(
    "data",
    [
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }", bytes(8)),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"\x80\x04N."),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-2,), }", bytes(16)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", bytes(15)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", bytes(24)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", bytes(8)),
        b"\x93NUMPY\x09\x00",
        b"\x80\x04N.",
        b"",
    ],
)
def test_a_file_of_numpy_that_is_not_what_is_said_of_it_is_refused(data: bytes) -> None:
    pytest.importorskip("numpy")
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    parameters = {"dtype": "float64", "shape": [2], "attachment": True}
    text = json.dumps({"$value": digest, "$types": {"numpy.ndarray": [["", parameters]]}})
    with pytest.raises(_values.DecodeError):
        causebook.decode(text, lambda _: data)


LIBRARY_TYPES = (
    "numpy.ndarray",
    "numpy.ma",
    "numpy.scalar",
    "numpy.dtype",
    "pandas.DataFrame",
    "pandas.Series",
    "pandas.array",
    "pandas.Index",
    "torch.Tensor",
    "PIL.Image",
    "scipy.sparse",
    "polars.DataFrame",
    "pyarrow.Table",
)
PARAMETERS = (
    *("class", "dtype", "shape", "fields", "zone", "order", "columns", "rows", "kind", "boxed", "attachment", "maxlen"),
    *(
        "format",
        "of",
        "attributes",
        "npy",
        "unit",
        "blocks",
        "name",
        "fold",
        "surrogates",
        "factory",
        "pairs",
        "missing",
    ),
)
claims = json_values | st.sampled_from(
    ["float64", "U1000000000", [10**9], [10**9, 0], "os.system", 10**12, ["a", "b"], "StringDtype", True, "csr"]
)
hostile_types = st.dictionaries(
    st.sampled_from([*_values.REVIVERS, *LIBRARY_TYPES]),
    st.lists(
        st.tuples(
            st.sampled_from(["", "/a", "/a/0", "/b"]),
            st.dictionaries(st.sampled_from(PARAMETERS), claims, max_size=4),
        ).map(list),
        max_size=2,
    ),
    min_size=1,
    max_size=3,
)


@given(hostile_types, json_values, json_values)
@settings(max_examples=400, deadline=None)
def test_damaged_types_are_refused_by_an_error_of_ours(types: object, a: object, b: object) -> None:
    text = json.dumps({"a": a, "b": b, "$types": types})
    with contextlib.suppress(CausebookError):
        causebook.decode(text, lambda _: b"")


@given(json_values, json_values)
@settings(max_examples=150, deadline=None)
def test_a_document_that_nobody_wrote_is_decoded_or_refused(types: object, plain: object) -> None:
    documents: list[object] = [
        {"$types": types},
        {"$value": plain, "$types": {"tuple": types}},
        {"$value": plain, "$types": {"decimal": [["", types]]}},
    ]
    for document in documents:
        with contextlib.suppress(CausebookError):
            causebook.decode(json.dumps(document))
