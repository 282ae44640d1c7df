"""The values that survive, and `docs/python/values.md`, which is made from them.

`python tests/values_table.py` writes the page. `test_values.py` holds each row to what it says, and the page to the rows.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import pathlib
import re
import sys
from typing import Any, NamedTuple

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "python" / "values.md"


class Colour(enum.Enum):
    RED = "red"
    PAIR = (1, 2)


class Level(enum.IntEnum):
    HIGH = 3


class Word(enum.StrEnum):
    YES = "yes"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: object
    y: object


@dataclasses.dataclass(frozen=True)
class Applicant:
    age: object
    limits: object = ()


@dataclasses.dataclass(slots=True)
class Slotted:
    a: int


class Name(str):
    """Text of a type of its own."""


class Cents(int):
    def __init__(self, _: object = 0) -> None:
        self.currency = "EUR"


class Settings(dict[str, Any]):
    """A dictionary of a type of its own."""


class Row(NamedTuple):
    """A value by the text that makes it, so that the page can show it."""

    source: str
    needs: tuple[str, ...]
    shown: bool


# A line that ends with " #" is tested, and not shown on the page.

STANDARD = """
None
True
42
2**80
-(2**5000) #
0.1
-0.0
float('nan')
[1.5, float('-inf')]
'naïve text'
'half of a pair: \\ud800'
[1, [2.0, {}], {}]
{'age': 30, 'income': {'net': 52000.5}}
{'$types': 'a key of the program', 'a': 1}
{1: 'one', (2, 3): 'pair'}
{'amount': decimal.Decimal('0.10')}
decimal.Decimal('1E+400')
decimal.Decimal('-0') #
decimal.Decimal('1.2E-7') #
decimal.Decimal('12345678901234567890.123456789') #
decimal.Decimal('sNaN12') #
decimal.Decimal('-Infinity') #
fractions.Fraction(1, 3)
1.5+2j
complex(float('nan'), float('-inf')) #
uuid.UUID('0190163d-8694-739b-aea5-966c26f8ad91')
datetime.datetime(2024, 6, 1, 12, 0, 0, 123456)
datetime.datetime(2024, 6, 1, 12, tzinfo=datetime.UTC)
datetime.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin'))
datetime.datetime(2024, 6, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30), 'IST'))
datetime.datetime(2024, 6, 1, tzinfo=datetime.timezone(-datetime.timedelta(seconds=1, microseconds=5))) #
datetime.datetime(2024, 6, 1, fold=1) #
datetime.date(2024, 6, 1)
datetime.time(12, 30, tzinfo=datetime.UTC)
datetime.timedelta(days=1, microseconds=5)
datetime.timedelta.min #
datetime.timedelta.max #
datetime.timedelta(microseconds=-1) #
zoneinfo.ZoneInfo('Europe/Berlin') #
datetime.timezone(datetime.timedelta(hours=1)) #
datetime.UTC #
b'\\xff\\x00'
b'4 KiB and more' * 300
bytearray(b'ab')
memoryview(b'abcd').cast('H')
memoryview(b'abcd').cast('B', (2, 2)) #
{'b', 'a', 'c'}
frozenset({(1, 2), 'x', 2.5})
(1, (2, 'x'), [])
collections.OrderedDict([('b', 1), ('a', 2)])
collections.OrderedDict([(2, 1), (1, 2)]) #
collections.defaultdict(list, {'a': [1]})
collections.Counter('abracadabra')
collections.deque([1, 2], maxlen=5)
range(1, 9, 2)
slice(None, 5, decimal.Decimal('2.0')) #
...
pathlib.PurePosixPath('/models/credit')
pathlib.PureWindowsPath('C:/models') #
ipaddress.ip_address('192.0.2.7')
ipaddress.ip_network('2001:db8::/32') #
ipaddress.ip_interface('192.0.2.7/24') #
Colour.RED
Colour.PAIR #
Level.HIGH
Word.YES #
Right.READ | Right.WRITE
Right(0) #
Point(1.5, (2, 3))
Applicant(30, limits={'a', 'b'})
Slotted(3) #
Name('Ada')
Cents(250)
Settings(a=1) #
causebook.Attachment('application/pdf', b'%PDF-1.7')
causebook.Opaque('of.the.future', {'a': (1, 2)}, {'unit': 'm'}) #
"""

CLASSES = {
    "attrs": """
Basket(items=['a'], total=decimal.Decimal('9.90'))
""",
    "pydantic": """
Loan(amount='12.50', due='2024-06-01')
Loan.model_construct(amount=decimal.Decimal('1'), due=None) #
Open(a=1, other=(2, 3)) #
""",
}

LIBRARIES = {
    "numpy": """
np.float64(0.1)
np.float32(0.1)
np.float16(0.1) #
np.float64('nan')
np.int64(-5)
np.uint64(2**64 - 1) #
np.int8(-128) #
np.longlong(5) #
np.longdouble('1.1') #
np.bool_(True)
np.str_('text')
np.bytes_(b'text') #
np.complex64(1 + 2j)
np.datetime64('2024-06-01T12:00', 'ns')
np.datetime64('NaT') #
np.timedelta64(5, 's')
np.void(b'abc') #
np.zeros(1, dtype=[('a', 'i4')])[0] #
np.array([1.5, np.nan, np.inf], dtype='float32')
np.arange(6).reshape(2, 3)
np.asfortranarray(np.arange(6.0).reshape(2, 3))
np.array(3.5) #
np.zeros((0, 5)) #
np.zeros((3, 0, 2)) #
np.arange(5, dtype='>i4')
np.array([1.5], dtype='>f8') #
np.array([1.5], dtype='>c16') #
np.array([1 + 2j, complex(np.inf, np.nan)]) #
np.array([True, False]) #
np.array(['a', 'bcd'])
np.array(['a\\ud800']) #
np.array([b'a', b'bcd']) #
np.array(['2024-06-01', 'NaT'], dtype='datetime64[ns]')
np.array(['2024'], dtype='>M8[D]') #
np.array([1, 2], dtype='m8[3h]') #
np.array([1, 'a', None, (1, 2)], dtype=object)
np.array([[1, [2]], [3, {}]], dtype=object) #
np.array([(1, 2.5, b'x')], dtype=[('a', 'i4'), ('b', 'f8'), ('c', 'S3')])
np.zeros(3, dtype=[('a', 'i4', (2,)), ('n', [('x', 'f4')])]) #
np.zeros(3, dtype=np.dtype({'names': ['a'], 'formats': ['i2'], 'offsets': [4], 'itemsize': 8})) #
np.array(['a', 'ü'], dtype=np.dtypes.StringDType()) #
np.array([1.1], dtype=np.longdouble) #
np.arange(10)[::2] #
np.broadcast_to(np.arange(3), (2, 3)) #
np.linspace(0, 1, 5000)
np.asfortranarray(np.linspace(0, 1, 9000).reshape(300, 30)) #
np.ma.array([1, 2, 3], mask=[0, 1, 0])
np.ma.array([1.0, 2.0], fill_value=9.0) #
np.matrix([[1, 2]]) #
np.rec.array([(1, 2.0)], dtype=[('a', 'i4'), ('b', 'f8')]) #
np.dtype('float32') #
[np.float64(1.5), {'a': np.int32(2)}, (np.bool_(False),)] #
""",
    "pandas": """
pd.Timestamp('2024-06-01 12:00:00.123456789', tz='Europe/Berlin')
pd.Timestamp('2024-06-01') #
pd.Timestamp('2024-06-01', tz='UTC') #
pd.Timestamp('2024-06-01T00:00+05:30') #
pd.Timestamp('2024-10-27 01:30:00+01:00').tz_convert('Europe/Berlin') #
pd.Timedelta('1 days 00:00:00.000000001')
pd.Timedelta(5, 's') #
pd.NaT
pd.NA
pd.Period('2024-06', 'M')
pd.Interval(1, 2, 'left')
pd.Interval(pd.Timestamp('2024'), pd.Timestamp('2025')) #
pd.RangeIndex(1, 9, 2, name='x') #
pd.Index([1, 2, 3]) #
pd.Index(['a', 'b'], name='n') #
pd.Index(['a', 1, None], dtype=object) #
pd.date_range('2024', periods=3, freq='D', tz='Europe/Berlin')
pd.DatetimeIndex(['2024-06-01', '2025-05-05']) #
pd.timedelta_range('1h', periods=3) #
pd.period_range('2024', periods=3, freq='Q') #
pd.interval_range(0, 3) #
pd.CategoricalIndex(['a', 'b', 'a']) #
pd.MultiIndex.from_tuples([('a', 1), ('b', 2)], names=['x', None])
pd.Categorical(['a', 'b', None], ordered=True)
pd.array([1, None, 3], dtype='Int64')
pd.array([1.5, None], dtype='Float32') #
pd.array([True, None], dtype='boolean') #
pd.array(['a', None], dtype='string') #
pd.array(['a', None], dtype='string[python]') #
pd.arrays.SparseArray([0, 0, 1]) #
pd.Series([1.5, np.nan], index=['a', 'b'], name='s')
pd.Series(['a', None, 'c']) #
pd.Series(['a', None, 1], dtype=object) #
pd.Series(pd.to_datetime(['2024-06-01', None])) #
pd.Series(pd.date_range('2024', periods=2, tz='UTC')) #
pd.Series(pd.date_range('2024', periods=2, tz='+05:30')) #
pd.Series([1, None], dtype='Int8', name=('a', 1)) #
pd.Series(['a', 'b'], dtype='category') #
pd.Series(pd.timedelta_range('1h', periods=3)) #
pd.Series(pd.interval_range(0, 3)) #
pd.Series(pd.period_range('2024', periods=3, freq='M')) #
pd.Series([], dtype=float) #
pd.DataFrame({'age': [30, 41], 'income': [52000.0, np.nan], 'since': pd.to_datetime(['2020', '2021'])})
pd.DataFrame({'a': [1, 2]}, index=['x', 'y'])
pd.DataFrame({'s': ['x', None], 'c': pd.Categorical(['q', 'w'])}) #
pd.DataFrame({1: [1], 2: [2.5]}) #
pd.DataFrame([[1, 2]], columns=['a', 'a']) #
pd.DataFrame() #
pd.DataFrame({'a': []}) #
pd.DataFrame(index=range(3)) #
pd.DataFrame({'a': [1]}, dtype=object) #
pd.DataFrame({'a': [{'k': (1, 2)}, [1]]}) #
pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([('a', 1), ('b', 2)])) #
pd.DataFrame({'a': pd.array([1, None], dtype='Int64')}, index=pd.MultiIndex.from_tuples([(1, 2), (3, 4)])) #
pd.DataFrame(np.linspace(0, 1, 30000).reshape(1000, 30), columns=[f'c{i}' for i in range(30)])
pd.DataFrame({'x': np.arange(3000.0), 's': ['v'] * 3000, 't': pd.date_range('2024', periods=3000, tz='UTC')}) #
pd.CategoricalDtype(['a']) #
""",
    "polars": """
pl.DataFrame({'age': [30, 41], 'income': [52000.0, float('nan')], 'name': ['x', None]})
pl.DataFrame() #
pl.DataFrame({'a': pl.Series([1.1], dtype=pl.Float32), 'n': [None]}) #
pl.DataFrame({'t': [datetime.datetime(2024, 6, 1)], 'l': [[1, 2]], 's': [{'a': 1}]})
pl.DataFrame({'c': pl.Series(['x'], dtype=pl.Categorical), 'e': pl.Series(['x'], dtype=pl.Enum(['x']))}) #
pl.DataFrame({'d': [decimal.Decimal('1.20')], 'b': [b'x']}) #
pl.DataFrame({f'c{i}': np.linspace(0, 1, 1000) for i in range(30)}) #
pl.Series('a', [1, 2], dtype=pl.Int8)
pl.Series('t', [datetime.date(2024, 6, 1)]) #
pl.Series([], dtype=pl.Float64) #
pl.Series('z', [datetime.datetime(2024, 6, 1)], dtype=pl.Datetime('ns', 'Europe/Berlin')) #
pl.Int8() #
""",
    "pyarrow": """
pa.table({'a': [1, None], 'b': [1.5, float('inf')], 'c': ['x', 'y']})
pa.table({'a': [1]}).replace_schema_metadata({'k': 'v'}) #
pa.RecordBatch.from_pydict({'a': [1, None]}) #
pa.RecordBatch.from_pydict({'a': []}, schema=pa.schema([('a', pa.int8())])) #
pa.table({'a': [datetime.datetime(2024, 6, 1)], 'l': [[1]]})
pa.table({'x': np.linspace(0, 1, 5000)}) #
pa.table({}) #
pa.array([1, None, 3])
pa.array([1.1], pa.float32()) #
pa.array([[1]]) #
pa.array(['a', 'b']).dictionary_encode() #
pa.chunked_array([[1], [2]]) #
pa.scalar(5)
pa.scalar(None, pa.int8()) #
pa.scalar(decimal.Decimal('1.10')) #
pa.scalar([1, 2]) #
pa.timestamp('ns', 'UTC') #
pa.schema([('a', pa.int8())]) #
""",
    "torch": """
torch.tensor([1.5, 2.0])
torch.tensor([0.5, 3.0], dtype=torch.bfloat16)
torch.tensor([1.0], requires_grad=True)
torch.nn.Parameter(torch.zeros(2, 2)) #
torch.tensor(3) #
torch.zeros(0, 3) #
torch.arange(12.0).reshape(3, 4).T #
torch.tensor([1 + 2j]).conj() #
torch.linspace(0, 1, 10000)
torch.linspace(0, 1, 3000, dtype=torch.bfloat16) #
torch.tensor([0.5, 3.0]).to(torch.float8_e4m3fn) #
torch.float32 #
torch.device('cpu') #
torch.Size([1, 2]) #
""",
    "PIL": """
PIL.Image.new('RGB', (16, 9), 'red')
PIL.Image.new('1', (13, 7)) #
PIL.Image.new('L', (13, 7), 5) #
PIL.Image.new('LA', (13, 7)) #
PIL.Image.new('RGBA', (13, 7)) #
PIL.Image.new('I;16', (13, 7)) #
PIL.Image.new('F', (13, 7)) #
PIL.Image.new('CMYK', (13, 7)) #
PIL.Image.new('RGB', (16, 9), 'red').convert('P', palette=PIL.Image.Palette.ADAPTIVE) #
""",
    "scipy": """
scipy.sparse.csr_array(np.eye(3))
scipy.sparse.csc_matrix(np.eye(3)) #
scipy.sparse.coo_array(np.eye(3)) #
scipy.sparse.bsr_array(np.eye(4)) #
scipy.sparse.dia_array(np.eye(3)) #
scipy.sparse.lil_array(np.eye(3)) #
scipy.sparse.dok_array(np.eye(3)) #
""",
}

IMPORTS = {
    "numpy": ("numpy", "np"),
    "pandas": ("pandas", "pd"),
    "polars": ("polars", "pl"),
    "pyarrow": ("pyarrow", "pa"),
    "torch": ("torch", "torch"),
    "PIL": ("PIL.Image", "PIL"),
    "scipy": ("scipy.sparse", "scipy"),
    "attrs": ("attrs", "attrs"),
    "pydantic": ("pydantic", "pydantic"),
}
WITH_NUMPY = {"pandas", "polars", "pyarrow", "scipy"}


def rows_of(text: str, needs: tuple[str, ...] = ()) -> list[Row]:
    lines = [line for line in text.splitlines() if line]
    return [Row(line.removesuffix(" #"), needs, not line.endswith(" #")) for line in lines]


def needs_of(name: str) -> tuple[str, ...]:
    return (name, "numpy") if name in WITH_NUMPY else (name,)


ROWS: dict[str, list[Row]] = {
    "Python": rows_of(STANDARD),
    **{name: rows_of(text, (name,)) for name, text in CLASSES.items()},
    **{name: rows_of(text, needs_of(name)) for name, text in LIBRARIES.items()},
}


def missing(row: Row) -> list[str]:
    """Libraries that are not installed."""
    absent = []
    for name in row.needs:
        try:
            importlib.import_module(IMPORTS[name][0])
        except ImportError:
            absent.append(name)
    return absent


def make(row: Row) -> Any:
    """The value of a row."""
    names: dict[str, Any] = dict(vars(sys.modules[__name__]))
    for module in (
        "causebook", "collections", "datetime", "decimal", "fractions", "ipaddress", "pathlib", "uuid", "zoneinfo",
    ):  # fmt: skip
        names[module] = importlib.import_module(module)
    for name in row.needs:
        module, short = IMPORTS[name]
        found = importlib.import_module(module)
        names[short] = importlib.import_module(short) if "." in module else found
    if "attrs" in row.needs:
        names["Basket"] = importlib.import_module("values_models_attrs").Basket
    if "pydantic" in row.needs:
        models = importlib.import_module("values_models_pydantic")
        names |= {"Loan": models.Loan, "Open": models.Open}
    return eval(row.source, names)


# The page

HEAD = """# Values that survive

<!-- Made by python/tests/values_table.py from the rows that the tests hold. Do not edit. -->

What a program gives as input, output or anywhere else in a record is written as a typed document: plain JSON wherever JSON
suffices, and `$types` beside it where it does not ([format, section 11](../format.md#11-values-of-programs)).
`causebook.decode` gives it back: equal, of the same type, and of the same dtype.

```python
>>> import causebook, decimal
>>> text, attachments = causebook.encode({"age": 30, "amount": decimal.Decimal("0.10")})
>>> text
'{"age":30,"amount":0.10,"$types":{"decimal":["/amount"]}}'
>>> causebook.decode(text)
{'age': 30, 'amount': Decimal('0.10')}

```

Each row below, and {hidden} more, is tested: `decode(encode(value))` is equal and of the same type. `sha256:…` names bytes
that are kept beside the record; their media type is said after it.

## What others write

Measured with mlflow 3.17.2, langfuse 5.0.4 and opik 2.2.122, all as they come: the input of a decorated function, as it was
in the record.

| value | MLflow | Langfuse | Opik | Causebook |
|---|---|---|---|---|
| `np.arange(2000, dtype="float32")` | `"[0 1 2 ... 1999]"`, cut | all numbers, type lost | all numbers, type lost | equal, float32 |
| `pandas.DataFrame`, 100 × 3 | text of its `repr`, cut | `{"_mgr":{},…}`, no data | text of its `repr`, cut | equal, dtypes and index too |
| `np.float32(0.1)` | `"0.1"`, a string | `0.10000000149` | `"0.1"`, a string | equal, float32 |
| `Decimal("0.10")` | `"0.10"`, a string | `"<Decimal>"`, lost | `"0.10"`, a string | equal, `0.10` in the JSON |
| `b"\\xff\\x00"` | text of its `repr` | `<not serializable bytes>`, lost | base64, type lost | equal |
| `nan`, `inf` | `NaN` bare: not JSON | `"NaN"`, a string | `NaN` bare: not JSON | equal |
| `2**60` | a number | a string | a number | equal |
| a `datetime` without a zone | without a zone | with `Z`: a zone that nobody gave | with `Z`: a zone that nobody gave | equal, without a zone |
| `{(1, 2): 3}` | text of its `repr` | `"<not serializable object of type: dict>"`, lost | text of its `repr` | equal |
"""

TAIL = """
## What does not come back

- **Order of keys.** Objects of JSON are sorted in the ledger. Two dictionaries with the same members are equal in Python,
  so what comes back is equal; what depends on the order keeps it by being an `OrderedDict`, a frame or a list of pairs.
- **Identity.** A list that stands twice in a value comes back as two equal lists. A list that holds itself is written up
  to the place where it does; there its type stands, marked.
- **Where a value lives.** Strides, views and memory maps become arrays of their own; tensors come back on the CPU, and
  their device is in the record.
- **Classes that are not imported.** Enumerations, dataclasses, attrs, pydantic models, named tuples and subclasses of
  built-in types are brought back if the program has imported their class. `decode` imports no module that a record names
  and runs no constructor. Otherwise the value comes back as `causebook.Opaque`, with all that was written.
- **Everything else** (a lock, a model, a lazy frame, a generator) is recorded as its type and `repr`, cut to 1,000
  characters and marked `object`. Recording never fails because of it.

What is too large for a record (256 KiB, 3,000 facts, 100 levels) is moved into an attachment, whole, and comes back the same
way: give `decode` a callable that has the bytes of a digest. More than 256 levels (one that JSON cannot say counts as two or
three), or 64 MiB of JSON, are not written: the type of the value stands in its place, marked.
"""

TITLES = {"torch": "PyTorch", "PIL": "Pillow", "scipy": "SciPy"}


def page() -> str:
    """The whole page."""
    import causebook

    hidden = sum(not row.shown for rows in ROWS.values() for row in rows)
    parts = [HEAD.replace("{hidden}", str(hidden))]
    for origin, rows in ROWS.items():
        parts.append(f"\n## {TITLES.get(origin, origin)}\n\n| value | document |\n|---|---|\n")
        for row in rows:
            if row.shown:
                text, attachments = causebook.encode(make(row))
                text = re.sub("sha256:[0-9a-f]{64}", "sha256:…", text)
                media = "".join(f" + `{media_type}`" for _, media_type, _, _ in attachments)
                parts.append(f"| {code(row.source)} | {code(text)}{media} |\n")
    parts.append(TAIL)
    return "".join(parts)


def code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


if __name__ == "__main__":
    # Classes of the table are named by the module that tests import.
    import values_table

    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(values_table.page(), encoding="utf-8")
