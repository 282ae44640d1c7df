"""Writes python_repr.jsonl: values as Python's repr writes them, and the same values as JSON.

Run with any Python 3.8 or newer: python3 make_python_repr.py > python_repr.jsonl
`normal` marks values that a text line prints back exactly: keys sorted, nothing that JSON writes in another way.
"""

import json
import random

CHARACTERS = (
    [chr(code) for code in range(0x00, 0x180)]
    + list("'\"\\{}[]:, \t\n\r")
    + list("Ωж日本語한글ע\u0301\u200b\u2028\u2029\u202e\ufeff\ue000\ufdd0😀𝒳")
    + ["\U0010ffff", "\U000e0001", "\u3000", "\u00ad"]
)


def text(source):
    return "".join(source.choice(CHARACTERS) for _ in range(source.randrange(12)))


def number(source):
    return source.choice(
        [
            source.randrange(-100, 100),
            source.randrange(-(10**30), 10**30),
            source.uniform(-1, 1),
            source.uniform(-1, 1) * 10 ** source.randrange(-300, 300),
            0.0,
            -0.0,
        ]
    )


def value(source, depth, plain):
    kind = source.randrange(4 if depth == 0 else 7)
    if kind == 0:
        return source.choice([None, True, False])
    if kind == 1:
        return number(source)
    if kind in (2, 3):
        return text(source)
    size = source.randrange(4)
    if kind == 4 and not plain:
        return tuple(value(source, depth - 1, plain) for _ in range(size))
    if kind in (4, 5):
        return [value(source, depth - 1, plain) for _ in range(size)]
    keys = sorted({text(source) for _ in range(size)}, key=lambda key: key.encode("utf-16-be"))
    return {key: value(source, depth - 1, plain) for key in keys}


def main():
    source = random.Random(20240601)
    for index in range(600):
        plain = index % 2 == 0
        one = value(source, 3, plain)
        line = {"repr": repr(one), "json": json.dumps(one), "normal": plain}
        print(json.dumps(line))


main()
