"""Spans in a request of the OpenTelemetry protocol, read from its bytes: the driver needs no library of Protocol
Buffers.

In `trace.proto` of <https://github.com/open-telemetry/opentelemetry-proto> resource_spans hold scope_spans hold spans;
the numbers of these fields, and of a span's id, are below.
"""

from __future__ import annotations

from collections.abc import Iterator

from sink import Kept
from workload import call_in

from .base import Record

RESOURCE_SPANS, SCOPE_SPANS, SPANS, SPAN_ID = 1, 2, 2, 2


def records(kept: Kept) -> Iterator[Record]:
    """The call and id of each span that tells its call."""
    if not kept.path.endswith("/traces") or "protobuf" not in kept.kind:
        return
    for resource in fields(kept.body, RESOURCE_SPANS):
        for scope in fields(resource, SCOPE_SPANS):
            for span in fields(scope, SPANS):
                if call := call_in(span):
                    yield Record(call, next(fields(span, SPAN_ID)).hex(), len(span))


def fields(message: bytes, wanted: int) -> Iterator[bytes]:
    """What fields number `wanted` of a message hold, those of bytes."""
    place = 0
    while place < len(message):
        key, place = varint(message, place)
        kind = key & 7
        if kind == 0:
            _, place = varint(message, place)
        elif kind == 1:
            place += 8
        elif kind == 5:
            place += 4
        else:
            length, place = varint(message, place)
            if key >> 3 == wanted:
                yield message[place : place + length]
            place += length


def varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 127) << shift
        place += 1
        shift += 7
        if byte < 128:
            return value, place
