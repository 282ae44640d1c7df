#!/usr/bin/env python3
"""Reads a ledger's table with engines that are not ours and compares every row and value with an export.

    read_table.py TABLE_DIR EXPECTED.ndjson [deltalake] [spark]

TABLE_DIR is the `table` folder of a ledger. EXPECTED.ndjson has one JSON object a row, named by columns, in any order
of rows, with `index` among them: what `causebook sql --format ndjson` prints for a SELECT from `records`; columns of
JSON text may be there as text or as the values they are, and numbers in them must agree to the last digit. Engines:
`deltalake` (Python, arrow-rs below) and `spark` (Spark Connect, served by Sail in this process). Default: both.
Exit 0 if every engine has the same rows with the same values, 1 with the first difference otherwise.
"""

import datetime
import json
import sys
import time


class Digits(str):
    """A JSON number as it was written."""


def parse(text):
    return json.loads(text, parse_int=Digits, parse_float=Digits)


def expected_rows(path):
    """Rows by index."""
    with open(path, encoding="utf-8") as lines:
        rows = [parse(line) for line in lines if line.strip()]
    by_index = {int(row["index"]): row for row in rows}
    if len(by_index) != len(rows):
        raise SystemExit(f"{path}: an index appears twice")
    return by_index


def read_with_deltalake(table, columns):
    from deltalake import DeltaTable

    return DeltaTable(table).to_pyarrow_table(columns=columns).to_pylist()


def read_with_spark(table, columns):
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    host, port = server.listening_address
    spark = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
    try:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
        rows = spark.read.format("delta").load(table).select(*columns).toArrow()
        return rows.to_pylist()
    finally:
        spark.stop()
        server.stop()


def same(read, expected):
    """Whether a value read from the table is the value of the export."""
    if isinstance(read, datetime.datetime):
        instant = datetime.datetime.fromisoformat(expected.replace("Z", "+00:00"))
        return in_utc(read) == in_utc(instant)
    if isinstance(read, datetime.date):
        return read.isoformat() == expected
    if isinstance(read, (int, float)):
        return isinstance(expected, Digits) and type(read)(expected) == read
    if isinstance(read, str) and not (type(expected) is str and read == expected):
        return is_json_of(read, expected)
    return read == expected


def in_utc(instant):
    if instant.tzinfo is None:
        return instant
    return instant.astimezone(datetime.timezone.utc).replace(tzinfo=None)


def is_json_of(text, expected):
    """Whether JSON text from the table says what the export has as a value."""
    try:
        return parse(text) == expected
    except ValueError:
        return False


def compare(engine, rows, expected):
    seen = set()
    for row in rows:
        index = row["index"]
        if index in seen:
            return f"{engine}: row {index} is there twice"
        seen.add(index)
        if index not in expected:
            return f"{engine}: row {index} is not in the export"
        for column, value in expected[index].items():
            if not same(row[column], value):
                return f"{engine}: row {index}, {column}: {row[column]!r} instead of {value!r}"
    missing = sorted(expected.keys() - seen)
    return f"{engine}: row {missing[0]} is missing" if missing else None


def main(arguments):
    readers = {"deltalake": read_with_deltalake, "spark": read_with_spark}
    if len(arguments) < 2 or any(engine not in readers for engine in arguments[2:]):
        raise SystemExit(__doc__)
    table, export, *engines = arguments
    expected = expected_rows(export)
    columns = sorted({column for row in expected.values() for column in row} | {"index"})
    for engine in engines or readers:
        started = time.monotonic()
        rows = readers[engine](table, columns)
        fault = compare(engine, rows, expected)
        if fault:
            print(fault, file=sys.stderr)
            return 1
        seconds = time.monotonic() - started
        print(f"{engine}: {len(rows)} rows, {len(columns)} columns, every value as exported ({seconds:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
