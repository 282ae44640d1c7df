#!/usr/bin/env python3
"""Makes the test vectors of the record format (docs/format.md), and is a second implementation of it.

    make_record.py            writes docs/vectors/record/*.json
    make_record.py --check    makes them again and compares

It shares no code with the Rust crate or with docs/verify.py, reads JSON with a reader of its own that keeps the digits
of numbers, and needs nothing but Python 3.11. Keys and times are fixed, so the files come out the same every time.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

RECORD_BYTES_MAX = 1 << 20
INPUT_BYTES_MAX = 4 << 20
FACTS_MAX = 4096
PATH_BYTES_MAX = 4096
DESCENT_MAX = 16
NESTING_MAX = 128
ID_BYTES_MAX = 128
LABEL_BYTES_MAX = 1024
INTEGER_END = 1 << 53


class Refused(Exception):
    """A document, record or erasure that the format refuses."""

    def __init__(self, code, pointer="", offset=None):
        super().__init__(f"{code} at {pointer!r}")
        self.code, self.pointer, self.offset = code, pointer, offset


# --- Canonical text -----------------------------------------------------------------------------------------------


class Number(str):
    """A number as it was written."""


class Reader:
    """Strict JSON (RFC 8259) to dict, list, str, Number, True, False and None."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def document(self):
        if self.text.startswith("\ufeff"):
            self.fail("")
        self.skip_space()
        value = self.value("", 0)
        self.skip_space()
        if self.at < len(self.text):
            self.fail("")
        return value

    def value(self, pointer, depth):
        start = self.peek()
        if start == '"':
            return self.string(pointer)
        if start == "{":
            return self.object(pointer, depth + 1)
        if start == "[":
            return self.array(pointer, depth + 1)
        if start and start in "-0123456789":
            return self.number(pointer)
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        self.fail(pointer)

    def object(self, pointer, depth):
        self.check_depth(pointer, depth)
        self.at += 1
        self.skip_space()
        members, duplicates = {}, []
        while self.peek() != "}" or members:
            if members:
                if self.peek() == "}":
                    break
                self.take(",", pointer)
                self.skip_space()
            start = self.at
            if self.peek() != '"':
                self.fail(pointer)
            key = self.string(pointer)
            self.skip_space()
            self.take(":", pointer)
            self.skip_space()
            place = pointer + "/" + escape_token(key)
            value = self.value(place, depth)
            if key in members:
                duplicates.append((place, start))
            members[key] = value
            self.skip_space()
        if duplicates:
            place, start = duplicates[0]
            raise Refused("duplicate-key", place, self.offset(start))
        self.at += 1
        return members

    def array(self, pointer, depth):
        self.check_depth(pointer, depth)
        self.at += 1
        self.skip_space()
        items = []
        while self.peek() != "]" or items:
            if items:
                if self.peek() == "]":
                    break
                self.take(",", pointer)
                self.skip_space()
            items.append(self.value(f"{pointer}/{len(items)}", depth))
            self.skip_space()
        self.at += 1
        return items

    def string(self, pointer):
        self.at += 1
        out = []
        while True:
            ch = self.peek()
            if ch == '"':
                self.at += 1
                return "".join(out)
            if not ch or ch < " ":
                self.fail(pointer)
            if ch == "\\":
                out.append(self.escape(pointer))
            else:
                out.append(ch)
                self.at += 1

    def escape(self, pointer):
        start = self.at
        plain = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
        self.at += 1
        if self.peek() in plain and self.peek():
            self.at += 1
            return plain[self.text[self.at - 1]]
        unit = self.unit(start, pointer)
        if 0xD800 <= unit < 0xDC00 and self.text.startswith("\\u", self.at):
            low_start = self.at
            self.at += 1
            low = self.unit(low_start, pointer)
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        if 0xD800 <= unit < 0xE000:
            raise Refused("lone-surrogate", pointer, self.offset(start))
        return chr(unit)

    def unit(self, start, pointer):
        digits = self.text[self.at + 1 : self.at + 5]
        if self.peek() != "u" or len(digits) < 4 or any(ch not in "0123456789abcdefABCDEF" for ch in digits):
            self.at = start
            self.fail(pointer)
        self.at += 5
        return int(digits, 16)

    def number(self, pointer):
        start = self.at
        if self.peek() == "-":
            self.at += 1
        whole = self.digits(pointer)
        if len(whole) > 1 and whole[0] == "0":
            self.at -= len(whole)
            self.fail(pointer)
        if self.peek() == ".":
            self.at += 1
            self.digits(pointer)
        if self.peek() and self.peek() in "eE":
            self.at += 1
            if self.peek() and self.peek() in "+-":
                self.at += 1
            self.digits(pointer)
        return Number(self.text[start : self.at])

    def digits(self, pointer):
        start = self.at
        while self.peek() and self.peek() in "0123456789":
            self.at += 1
        if self.at == start:
            self.fail(pointer)
        return self.text[start : self.at]

    def check_depth(self, pointer, depth):
        if depth > NESTING_MAX:
            raise Refused("too-deep", pointer)

    def skip_space(self):
        while self.peek() and self.peek() in " \t\n\r":
            self.at += 1

    def take(self, ch, pointer):
        if self.peek() != ch:
            self.fail(pointer)
        self.at += 1

    def peek(self):
        return self.text[self.at : self.at + 1]

    def offset(self, at):
        return len(self.text[:at].encode())

    def fail(self, pointer):
        raise Refused("invalid-json", pointer, self.offset(self.at))


def read(data):
    if len(data) > INPUT_BYTES_MAX:
        raise Refused("input-too-large")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("invalid-utf8", "", error.start) from None
    return Reader(text).document()


def string_text(value):
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
    parts = [short.get(ch) or (f"\\u{ord(ch):04x}" if ch < " " else ch) for ch in value]
    return '"' + "".join(parts) + '"'


def utf16(key):
    return key.encode("utf-16-be")


def text_of(value):
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return string_text(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{string_text(key)}:{text_of(value[key])}" for key in sorted(value, key=utf16)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text_of, value)) + "]"
    return {True: "true", False: "false", None: "null"}[value]


def canonicalize(data):
    return text_of(read(data))


# --- Facts, commitments, digest -----------------------------------------------------------------------------------


def escape_token(token):
    return token.replace("~", "~0").replace("/", "~1")


def facts_of(value, path="", tokens=0):
    """Paths and texts of the facts of a value, sorted by path."""
    if isinstance(value, dict) and value and tokens < DESCENT_MAX:
        found = []
        for key, inner in value.items():
            found += facts_of(inner, path + "/" + escape_token(key), tokens + 1)
        return sorted(found, key=lambda fact: fact[0].encode())
    return [(path, text_of(value))]


def salt(key, i):
    pair = hashlib.sha256(b"\x12" + key + (i // 2).to_bytes(4, "big")).digest()
    return pair[16 * (i % 2) :][:16]


def commit(salt_i, path, text):
    path, text = path.encode(), text.encode()
    return hashlib.sha256(b"\x10" + salt_i + len(path).to_bytes(4, "big") + path + text).digest()


def digest(commitments):
    return hashlib.sha256(b"\x11" + len(commitments).to_bytes(4, "big") + b"".join(commitments)).digest()


def seal(text, key):
    """What a sealed text consists of, as it stands in the vectors."""
    facts = []
    for i, (path, fact) in enumerate(facts_of(read(text.encode()))):
        salt_i = salt(key, i)
        commitment = commit(salt_i, path, fact)
        facts.append({"path": path, "text": fact, "salt": salt_i.hex(), "commitment": commitment.hex()})
    commitments = [bytes.fromhex(fact["commitment"]) for fact in facts]
    return {"key": key.hex(), "facts": facts, "digest": digest(commitments).hex()}


# --- Records ------------------------------------------------------------------------------------------------------

KINDS = "decision outcome review explanation notice correction model config erasure hold access gap".split()
REFERRING = {"outcome", "review", "explanation", "notice", "correction", "erasure"}
OWN_MEMBERS = {"outcome", "review", "notice", "correction", "erasure", "hold", "access", "gap", "config"}
MEMBERS = OWN_MEMBERS | set(
    "id kind time time_assumed model input output decision score parameters data explanation subject actor"
    " automation context source attachments refers_to recorded".split()
)


def require(condition, code, pointer):
    if not condition:
        raise Refused(code, pointer)


def is_string(value):
    return isinstance(value, str) and not isinstance(value, Number)


def check_string(value, pointer, filled=False, bytes_max=None):
    require(is_string(value), "wrong-type", pointer)
    require(not filled or value, "invalid-value", pointer)
    require(bytes_max is None or len(value.encode()) <= bytes_max, "invalid-value", pointer)


def check_integer(value, pointer):
    require(isinstance(value, Number), "wrong-type", pointer)
    require(value.isdigit() and int(value) < INTEGER_END, "invalid-value", pointer)


def check_object(value, pointer, needed=()):
    require(isinstance(value, dict), "wrong-type", pointer)
    for name in needed:
        require(name in value, "missing-member", f"{pointer}/{name}")


def check_word(value, pointer, words):
    check_string(value, pointer)
    require(value in words, "invalid-value", pointer)


def check_id(value):
    check_string(value, "/id", True, ID_BYTES_MAX)
    require(not any(ord(ch) < 0x20 or 0x7F <= ord(ch) < 0xA0 for ch in value), "invalid-value", "/id")


def check_members(record):
    """The rules for what callers give."""
    kind = record["kind"]
    for name in sorted(record):
        value, place = record[name], "/" + name
        if name in OWN_MEMBERS:
            require(name == kind, "wrong-kind", place)
            check_object(value, place)
        elif name == "id":
            check_id(value)
        elif name in ("subject", "decision", "refers_to"):
            check_string(value, place, name == "refers_to", LABEL_BYTES_MAX)
        elif name == "automation":
            check_word(value, place, ("sole", "assisted", "human"))
        elif name == "score":
            require(isinstance(value, Number), "wrong-type", place)
        elif name in ("parameters", "explanation"):
            check_object(value, place)
        elif name == "data":
            require(isinstance(value, (dict, list)), "wrong-type", place)
        elif name == "actor":
            require(isinstance(value, dict) or is_string(value), "wrong-type", place)
        elif name == "model":
            check_object(value, place)
            for part in ("name", "version", "digest", "framework"):
                if part in value:
                    check_string(value[part], f"{place}/{part}", False, LABEL_BYTES_MAX)
        elif name == "context":
            check_object(value, place)
            if "trace_id" in value:
                check_string(value["trace_id"], "/context/trace_id", False, LABEL_BYTES_MAX)
        elif name == "source":
            check_object(value, place, ("name", "run", "seq"))
            check_string(value["name"], "/source/name", True, LABEL_BYTES_MAX)
            check_string(value["run"], "/source/run", True, LABEL_BYTES_MAX)
            check_integer(value["seq"], "/source/seq")
        elif name == "attachments":
            check_attachments(value)
    require(kind not in REFERRING or "refers_to" in record, "missing-member", "/refers_to")
    if kind == "decision":
        model = record.get("model", {})
        require(any(model.get(part) for part in ("name", "version", "digest")), "missing-member", "/model")
        require(any(name in record for name in ("input", "output", "decision")), "missing-member", "")
    if kind == "review":
        require("review" in record, "missing-member", "/review")
        check_object(record["review"], "/review", ("action", "who", "role", "reason"))
        check_word(record["review"]["action"], "/review/action", ("confirm", "override", "reverse", "refer"))
        for part in ("who", "role", "reason"):
            check_string(record["review"][part], f"/review/{part}", True)
    if kind == "erasure":
        require("erasure" in record, "missing-member", "/erasure")
        check_object(record["erasure"], "/erasure", ("reason",))
        check_string(record["erasure"]["reason"], "/erasure/reason", True)


def check_attachments(items):
    require(isinstance(items, list), "wrong-type", "/attachments")
    for nth, item in enumerate(items):
        place = f"/attachments/{nth}"
        check_object(item, place, ("name", "media_type", "size", "digest"))
        check_string(item["name"], place + "/name")
        check_string(item["media_type"], place + "/media_type")
        check_integer(item["size"], place + "/size")
        check_string(item["digest"], place + "/digest")
        scheme, _, hexadecimal = item["digest"].partition(":")
        well_formed = len(hexadecimal) == 64 and all(ch in "0123456789abcdef" for ch in hexadecimal)
        require(scheme == "sha256" and well_formed, "invalid-value", place + "/digest")


def read_time(given, pointer):
    """The time as it goes into the record, and whether its zone was assumed."""
    if isinstance(given, Number):
        raise Refused("invalid-time", pointer)
    check_string(given, pointer)
    time = given[:10] + given[10:11].replace(" ", "T").replace("t", "T") + given[11:]
    if time.endswith("z"):
        time = time[:-1] + "Z"
    whole, tail = time[:19], time[19:]
    shape = "".join("0" if ch in "0123456789" else ch for ch in whole)
    require(shape == "0000-00-00T00:00:00", "invalid-time", pointer)
    if tail.startswith("."):
        digits = len(tail[1:]) - len(tail[1:].lstrip("0123456789"))
        require(1 <= digits <= 9, "invalid-time", pointer)
        tail = tail[1 + digits :]
    offset = 0
    if tail not in ("", "Z"):
        shape = "".join("0" if ch in "0123456789" else ch for ch in tail)
        require(shape in ("+00:00", "-00:00"), "invalid-time", pointer)
        hours, minutes = int(tail[1:3]), int(tail[4:6])
        require(hours < 24 and minutes < 60, "invalid-time", pointer)
        offset = (hours * 60 + minutes) * (-1 if tail[0] == "-" else 1)
    year, month, day = int(whole[:4]), int(whole[5:7]), int(whole[8:10])
    hour, minute, second = int(whole[11:13]), int(whole[14:16]), int(whole[17:19])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    require(1 <= month <= 12 and 1 <= day <= lengths[month - 1], "invalid-time", pointer)
    require(hour < 24 and minute < 60 and second < 60, "invalid-time", pointer)
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 + sum(lengths[: month - 1]) + day - 1
    if year == 0:
        days = -366 + sum(lengths[: month - 1]) + day - 1
    seconds = days * 86400 + hour * 3600 + (minute - offset) * 60 + second
    require(0 <= seconds < 315537804000, "invalid-time", pointer)
    return (time + "Z", True) if tail == "" else (time, False)


def draft(data):
    """A caller's record: checked, aliases resolved. A dict."""
    record = read(data)
    require(isinstance(record, dict), "not-an-object", "")
    for name in sorted(record, key=utf16):
        known = name in MEMBERS or name in ("model_version", "timestamp")
        require(known, "unknown-member", "/" + escape_token(name))
    for name in ("recorded", "time_assumed"):
        require(name not in record, "reserved-member", "/" + name)
    check_word(record.setdefault("kind", "decision"), "/kind", KINDS)
    version = record.pop("model_version", None) if "model_version" in record else Refused
    if version is not Refused:
        check_string(version, "/model_version", False, LABEL_BYTES_MAX)
    if is_string(record.get("model")):
        check_string(record["model"], "/model", False, LABEL_BYTES_MAX)
        record["model"] = {"name": record["model"]}
    if version is not Refused:
        model = record.setdefault("model", {})
        check_object(model, "/model")
        require("version" not in model, "alias-conflict", "/model_version")
        model["version"] = version
    if "timestamp" in record:
        require("time" not in record, "alias-conflict", "/timestamp")
        record["time"], assumed = read_time(record.pop("timestamp"), "/timestamp")
    elif "time" in record:
        record["time"], assumed = read_time(record["time"], "/time")
    else:
        assumed = False
    if assumed:
        record["time_assumed"] = "UTC"
    check_members(record)
    check_limits(record)
    return record


def complete(record, generated_id, recorded):
    record = dict(record)
    record.setdefault("id", generated_id)
    check_id(record["id"])
    record["recorded"] = dict(recorded)
    if "time" not in record:
        record["time"], record["time_assumed"] = recorded["at"], "recorded"
    check_limits(record)
    return record


def check_limits(record):
    require(len(text_of(record).encode()) <= RECORD_BYTES_MAX, "record-too-large", "")
    facts = facts_of(record)
    for path, _ in facts:
        tokens, parent = path.split("/")[1:], ""
        for token in tokens:
            place = parent + "/" + token
            require(len(place.encode()) <= PATH_BYTES_MAX, "path-too-long", parent)
            parent = place
    require(len(facts) <= FACTS_MAX, "too-many-facts", "")


def content(record):
    """The record without what the ledger set."""
    record = {name: value for name, value in record.items() if name != "recorded"}
    if record.get("time_assumed") == "recorded":
        del record["time"], record["time_assumed"]
    return record


# --- Disclosure and erasure ---------------------------------------------------------------------------------------


def selects(pointer, path):
    return path == pointer or path.startswith(pointer + "/")


def join(facts):
    """The object that has exactly these facts."""
    whole = {}
    for path, text in facts:
        *parents, last = [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")[1:]]
        inner = whole
        for token in parents:
            inner = inner.setdefault(token, {})
        inner[last] = read(text.encode())
    return text_of(whole)


def disclose(text, key, pointers):
    shown, hidden = [], []
    for i, fact in enumerate(seal(text, key)["facts"]):
        if fact["path"] in ("/id", "/kind") or any(selects(pointer, fact["path"]) for pointer in pointers):
            shown.append({"i": i, "path": fact["path"], "text": fact["text"], "salt": fact["salt"]})
        else:
            hidden.append({"i": i, "commitment": fact["commitment"]})
    return shown, hidden


def erase(text, key, steps):
    """The text that remains, and the redaction, after erasing at the pointers of each step."""
    facts = dict(enumerate(seal(text, key)["facts"]))
    hidden = {}
    count = len(facts)
    for pointers in steps:
        for pointer in pointers:
            paths = [fact["path"] for fact in facts.values() if selects(pointer, fact["path"])]
            require(paths, "nothing-selected", pointer)
            kept = [path for path in paths for member in ("/id", "/kind", "/recorded") if selects(member, path)]
            require(not kept, "protected-fact", pointer)
        for i, fact in list(facts.items()):
            if any(selects(pointer, fact["path"]) for pointer in pointers):
                hidden[i] = fact["commitment"]
                del facts[i]

    remaining = join([(fact["path"], fact["text"]) for fact in facts.values()])
    redaction = {
        "count": Number(count),
        "hidden": {str(i): b64(bytes.fromhex(commitment)) for i, commitment in hidden.items()},
        "salts": b64(bytes.fromhex("".join(fact["salt"] for fact in facts.values()))),
    }
    return remaining, text_of(redaction)


# --- The log and evidence -----------------------------------------------------------------------------------------


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tree_root(leaves):
    """RFC 6962 section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01", tree_root(leaves[:split]), tree_root(leaves[split:]))


def inclusion_proof(index, leaves):
    """RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return inclusion_proof(index, leaves[:split]) + [tree_root(leaves[split:])]
    return inclusion_proof(index - split, leaves[split:]) + [tree_root(leaves[:split])]


class Ed25519:
    """Keys and signatures of RFC 8032 section 5.1, on plain coordinates: slow, and only for vectors."""

    p = 2**255 - 19
    order = 2**252 + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, -1, p) % p
    base = (
        15112221349535400772501151409588531511454012693041857206046113283949847762202,
        46316835694926478169428394003475163141307993866256225615783033603165251855960,
    )

    def __init__(self, seed):
        hashed = hashlib.sha512(seed).digest()
        clamped = bytes([hashed[0] & 248]) + hashed[1:31] + bytes([hashed[31] & 63 | 64])
        self.scalar, self.prefix = int.from_bytes(clamped, "little"), hashed[32:]
        self.public = self.encode(self.multiply(self.scalar))

    @classmethod
    def add(cls, a, b):
        product = cls.d * a[0] * b[0] * a[1] * b[1]
        x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + product, -1, cls.p)
        y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, cls.p)
        return x % cls.p, y % cls.p

    @classmethod
    def multiply(cls, scalar):
        result, point = (0, 1), cls.base
        for bit in range(scalar.bit_length()):
            if scalar >> bit & 1:
                result = cls.add(result, point)
            point = cls.add(point, point)
        return result

    @staticmethod
    def encode(point):
        return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")

    def sign(self, message):
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), "little") % self.order
        nonce = self.encode(self.multiply(r))
        h = int.from_bytes(hashlib.sha512(nonce + self.public + message).digest(), "little")
        return nonce + ((r + h * self.scalar) % self.order).to_bytes(32, "little")


def b64(data):
    return base64.b64encode(data).decode()


def key_id(origin, public):
    return sha256(origin.encode(), b"\n\x01", public)[:4]


def vkey(origin, signer):
    return f"{origin}+{key_id(origin, signer.public).hex()}+{b64(bytes([1]) + signer.public)}"


def checkpoint(origin, leaves, signer):
    text = f"{origin}\n{len(leaves)}\n{b64(tree_root(leaves))}\n"
    signature = b64(key_id(origin, signer.public) + signer.sign(text.encode()))
    return f"{text}\n\u2014 {origin} {signature}\n"


def evidence_record(index, vector, pointers, leaves):
    shown, hidden = disclose(vector["record"], bytes.fromhex(vector["key"]), pointers)
    return {
        "index": index,
        "count": len(shown) + len(hidden),
        "facts": [{**fact, "salt": b64(bytes.fromhex(fact["salt"]))} for fact in shown],
        "hidden": [{"i": one["i"], "commitment": b64(bytes.fromhex(one["commitment"]))} for one in hidden],
        "inclusion": [b64(node) for node in inclusion_proof(index, leaves)],
    }


def evidence(origin, signer, leaves, records):
    return {
        "format": "causebook-evidence/v1",
        "origin": origin,
        "keys": [vkey(origin, signer)],
        "checkpoint": checkpoint(origin, leaves, signer),
        "records": records,
    }


# --- The vectors --------------------------------------------------------------------------------------------------


def fixed_key(name):
    return hashlib.sha256(b"causebook record vectors: " + name.encode()).digest()[:16]


def nested(levels):
    return '{"k":' * levels + "1" + "}" * levels


CANONICAL = {
    "white-space-goes": ' { "b" : [ 1 , 2 ] ,\r\n\t"a" : { "d" : null , "c" : true } } ',
    "keys-sorted-at-every-depth": '{"b":{"z":1,"a":[{"y":1,"x":2}]},"a":false}',
    "keys-sorted-by-utf16-not-by-code-point": '{"\uffff":1,"\ue000":2,"😀":3,"\ud7ff":4,"é":5,"z":6}',
    "keys-sorted-after-unescaping": '{"\\u0062":1,"a":2,"\\u0000":3,"\\"":4,"!":5,"#":6,"\\\\":7,"[":8,"]":9}',
    "keys-that-begin-alike": '{"aa":1,"a":2,"":3,"a\\u0000":4,"aA":5}',
    "paths-sorted-by-bytes-not-as-keys": '{"a":{"b":1},"a!":2,"a-b":3,"a/b":4,"a0":5,"\uffff":6,"😀":7}',
    "tilde-and-slash-in-keys": '{"~":1,"/":2,"~1":3,"a/b":{"c~d":4},"~0":5}',
    "nul-in-a-key": '{"a\\u0000b":1,"\\u0000":{"\\u0000":2}}',
    "empty-key": '{"":{"":{"":1}},"a":{"":2}}',
    "int64": '{"max":9223372036854775807,"min":-9223372036854775808}',
    "uint64": '{"max":18446744073709551615}',
    "beyond-double-precision": '{"n":9007199254740993}',
    "forty-digit-decimal": '{"n":1234567890123456789012345678901234567890.0000000000000000000000000000000000000001}',
    "exponents-as-written": '{"a":1e400,"b":1E5,"c":1e+05,"d":1e-7,"e":0e0}',
    "negative-zero": '{"a":-0,"b":-0.0,"c":0}',
    "one-point-zero-is-not-one": '{"a":1.0,"b":1,"c":1.00}',
    "empty-objects-are-facts": '{"a":{},"b":{"c":{}},"d":[{}]}',
    "the-empty-object": "{}",
    "empty-arrays-are-facts": '{"a":[],"b":[[],[[]]]}',
    "an-array-is-one-fact": '{"a":[{"c":1,"b":[2,{"e":3,"d":4}]},"x",null]}',
    "words": '{"t":true,"f":false,"n":null}',
    "control-characters": '{"s":"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u000e\\u001F"}',
    "only-the-first-32-are-escaped": '{"s":"\\u007f\\u0080\\u2028\\u2029\\uFEFF\\ufffd\\/\\u002f"}',
    "quotes-and-backslashes": '{"s":"\\"\\\\\\u0022\\u005c"}',
    "surrogate-pairs-become-characters": '{"s":"\\uD83D\\ude00","\\ud800\\udc00":1,"t":"\\udbff\\udfff"}',
    "escapes-of-letters": '{"\\u00e9":"\\u0041\\u00E9\\u65e5"}',
    "characters-are-not-normalised": '{"é":1,"e\u0301":2,"s":"\u212b\u00c5"}',
    "long-string": '{"s":"' + "long " * 400 + '"}',
    "sixteen-levels": nested(16),
    "seventeen-levels-end-in-one-fact": nested(17),
    "empty-object-at-the-seventeenth": '{"k":' * 16 + "{}" + "}" * 16,
    "one-hundred-and-twenty-eight-levels": nested(128),
    "many-facts": "{" + ",".join(f'"f{n:02}":{n}' for n in range(33)) + "}",
}

CANONICAL_NOT_OBJECTS = {
    "a-string": ' "\\u0061" ',
    "a-number": "-0.10E+2",
    "a-word": "\tnull\n",
    "an-array": '[ {"b":1,"a":2}, [] ]',
}

REFUSED = {
    "nothing": "",
    "white-space-alone": " \n",
    "duplicate-key": '{"a":1,"b":2,"a":1}',
    "duplicate-key-escaped": '{"a":1,"\\u0061":2}',
    "duplicate-key-escaped-pair": '{"😀":1,"\\ud83d\\ude00":2}',
    "duplicate-key-in-an-array": '{"x":[0,{"a/b":{},"a/b":3}]}',
    "duplicate-empty-key": '{"":1,"":1}',
    "lone-high-surrogate": '{"a":"x\\ud83d"}',
    "lone-low-surrogate": '{"a":["\\ude00"]}',
    "surrogates-in-the-wrong-order": '{"a":"\\ude00\\ud83d"}',
    "two-high-surrogates": '{"a":"\\ud83d\\ud83d\\ude00"}',
    "lone-surrogate-in-a-key": '{"a":{"\\udfff":1}}',
    "one-hundred-and-twenty-nine-levels": nested(129),
    "one-hundred-and-twenty-nine-arrays": "[" * 129 + "]" * 129,
    "trailing-comma-in-an-object": '{"a":1,}',
    "trailing-comma-in-an-array": '{"a":[1,]}',
    "leading-comma": '{,"a":1}',
    "two-commas": "[1,,2]",
    "nan": '{"a":{"b":NaN}}',
    "infinity": '{"a":-Infinity}',
    "python-words": '{"a":True}',
    "word-in-capitals": '{"a":NULL}',
    "word-cut-short": '{"a":tru}',
    "word-too-long": '{"a":nulls}',
    "byte-order-mark": '\ufeff{"a":1}',
    "two-documents": '{"a":1} {"a":1}',
    "bytes-after-the-document": '{"a":1}x',
    "leading-zero": '{"a":01}',
    "leading-zero-negative": '{"a":-01}',
    "plus-sign": '{"a":+1}',
    "point-without-digits": '{"a":1.}',
    "point-without-whole": '{"a":.5}',
    "exponent-without-digits": '{"a":1e+}',
    "minus-alone": '{"a":-}',
    "hexadecimal": '{"a":0x1F}',
    "single-quotes": "{'a':1}",
    "bare-key": "{a:1}",
    "number-as-key": "{1:1}",
    "missing-colon": '{"a" 1}',
    "missing-value": '{"a":}',
    "raw-control-in-a-string": '{"a":"x\ny"}',
    "raw-nul-in-a-key": '{"a\u0000":1}',
    "unknown-escape": '{"a":"\\x41"}',
    "escape-cut-short": '{"a":"\\u12"}',
    "escape-with-a-sign": '{"a":"\\u+041"}',
    "string-without-end": '{"a":"x',
    "object-without-end": '{"a":[1]',
    "array-closed-as-object": '{"a":[1}',
    "comment": '{"a":1/*x*/}',
    "other-white-space": '{"a":\u00a01}',
    "form-feed": '{"a":\u000c1}',
}

REFUSED_BYTES = {
    "invalid-utf8": b'{"a":"\xff"}',
    "overlong-utf8": b'{"a":"\xc0\xaf"}',
    "utf8-surrogate": b'{"a":"\xed\xa0\xbd"}',
    "utf8-beyond-unicode": b'{"a":"\xf4\x90\x80\x80"}',
    "utf8-cut-short": b'{"a":"\xe2\x82',
    "utf-16": '{"a":1}'.encode("utf-16-le"),
}

# Texts that a reader of stored text must not take facts from: other canonical texts have the same paths and values.
NOT_CANONICAL = {
    "keys-out-of-order": '{"b":1,"a":2}',
    "key-twice": '{"a":1,"a":2}',
    "object-split": '{"a":{"b":1},"a":{"c":2}}',
    "key-escaped-needlessly": '{"\\u0061":1}',
    "key-with-escaped-slash": '{"a":{"\\/":1}}',
    "key-with-raw-control": '{"a\n":1}',
    "white-space-before": ' {"a":1}',
    "white-space-after": '{"a":1}\n',
    "white-space-inside": '{"a": 1}',
    "trailing-comma": '{"a":1,}',
    "keys-in-order-of-code-points": '{"\uffff":1,"😀":2}',
    "an-array": "[1]",
}

RECORDED = {"at": "2024-06-01T12:00:00.123456Z", "by": "loans-api", "via": "http"}

RECORDS = {
    "written-by-hand": '{"model_version": "v1.2", "input": {"age": 30, "income": 52000.00}, "output": "approved",\n'
    ' "timestamp": "2024-06-01 12:00:00"}',
    "least-decision": '{"model":"credit","decision":"deny"}',
    "model-as-a-name-with-its-version": '{"model":"credit","model_version":"7","output":null}',
    "model-object-with-version-beside-it": '{"model":{"name":"credit","zone":"eu"},"model_version":"7","output":0}',
    "time-with-offset-and-fraction": '{"id":"D-1","model":"m","output":1,"time":"2024-06-01T14:00:00.1200+02:00"}',
    "time-in-small-letters": '{"id":"D-1","model":"m","output":1,"time":"2024-02-29t00:00:00.123456789z"}',
    "time-without-zone": '{"id":"D-1","model":"m","output":1,"time":"2024-06-01T12:00:00"}',
    "id-with-quotes": '{"id":"a\\"b\\\\c/é😀","model":"m","output":1}',
    "every-member": '{"id":"D-2024-000001","kind":"decision","time":"2024-06-01T12:00:00Z","model":{"name":"credit",'
    '"version":"v4.2.1","digest":"sha256:9f86d081","framework":"xgboost"},"input":{"age":42,"amount":12500.00,'
    '"purpose":"car","history":[1,0,2]},"output":{"label":"deny","probability":0.7342156},"decision":"deny",'
    '"score":0.7342156,"parameters":{"threshold":0.5},"data":[{"name":"bureau","version":"2024-05"}],'
    '"explanation":{"method":"treeshap","attributions":{"age":-0.01,"amount":0.31}},"subject":"cust-8a7f",'
    '"actor":{"service":"loans"},"automation":"sole","context":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",'
    '"purpose":"consumer credit"},"source":{"name":"loans-api","run":"r1","seq":182734},"attachments":[{"name":'
    '"letter.pdf","media_type":"application/pdf","size":18231,"digest":"sha256:' + "ab" * 32 + '"}]}',
    "longest-path": '{"model":"m","output":1,"context":{"a":{"' + "k" * 4085 + '":1}}}',
    "outcome": '{"kind":"outcome","refers_to":"D-1","outcome":{"repaid":true},"time":"2025-06-01T00:00:00Z"}',
    "review": '{"kind":"review","refers_to":"D-1","review":{"action":"override","who":"j.doe","role":"credit officer",'
    '"reason":"income proved","before":"deny","after":"approve"}}',
    "erasure": '{"kind":"erasure","refers_to":"D-1","erasure":{"reason":"GDPR art. 17","facts":["/input"]}}',
    "largest-sequence-number": '{"model":"m","output":1,"source":{"name":"s","run":"r","seq":9007199254740991}}',
}

DECISION = '{"model":"m","output":1,%s}'

RECORDS_REFUSED = {
    "not-an-object": "[]",
    "unknown-member": DECISION % '"inputs":1',
    "unknown-member-with-slash": DECISION % '"a/b~c":1',
    "recorded-given": DECISION % '"recorded":{}',
    "time-assumed-given": DECISION % '"time_assumed":"UTC"',
    "unknown-kind": DECISION % '"kind":"verdict"',
    "kind-null": DECISION % '"kind":null',
    "member-of-another-kind": DECISION % '"review":{}',
    "model-version-twice": '{"model":{"version":"1"},"model_version":"1","output":1}',
    "model-version-a-number": '{"model_version":1,"output":1}',
    "time-and-timestamp": DECISION % '"time":"2024-06-01T12:00:00Z","timestamp":"2024-06-01T12:00:00Z"',
    "time-in-seconds": DECISION % '"time":1717243200',
    "timestamp-in-seconds": DECISION % '"timestamp":1717243200.5',
    "time-of-no-day": DECISION % '"time":"2024-02-30T00:00:00Z"',
    "time-of-no-leap-year": DECISION % '"time":"1900-02-29T00:00:00Z"',
    "time-with-leap-second": DECISION % '"time":"2016-12-31T23:59:60Z"',
    "time-of-hour-24": DECISION % '"time":"2024-06-01T24:00:00Z"',
    "time-without-seconds": DECISION % '"time":"2024-06-01T12:00Z"',
    "time-with-ten-digits": DECISION % '"time":"2024-06-01T12:00:00.1234567890Z"',
    "time-with-empty-fraction": DECISION % '"time":"2024-06-01T12:00:00.Z"',
    "time-with-offset-without-colon": DECISION % '"time":"2024-06-01T12:00:00+0200"',
    "time-with-offset-of-24-hours": DECISION % '"time":"2024-06-01T12:00:00+24:00"',
    "time-before-year-1": DECISION % '"time":"0001-01-01T00:00:00+00:01"',
    "time-after-the-range": DECISION % '"time":"9999-12-30T22:00:00Z"',
    "date-alone": DECISION % '"time":"2024-06-01"',
    "decision-without-model": '{"output":1}',
    "decision-with-unnamed-model": '{"model":{"framework":"x","name":""},"output":1}',
    "decision-that-says-nothing": '{"model":"m"}',
    "id-empty": DECISION % '"id":""',
    "id-too-long": DECISION % ('"id":"' + "é" * 65 + '"'),
    "id-with-control": DECISION % '"id":"a\\u0085"',
    "subject-too-long": DECISION % ('"subject":"' + "s" * 1025 + '"'),
    "score-null": DECISION % '"score":null',
    "score-a-string": DECISION % '"score":"0.5"',
    "automation-unknown": DECISION % '"automation":"full"',
    "parameters-an-array": DECISION % '"parameters":[]',
    "trace-id-a-number": DECISION % '"context":{"trace_id":7}',
    "source-without-run": DECISION % '"source":{"name":"s","seq":1}',
    "source-seq-too-large": DECISION % '"source":{"name":"s","run":"r","seq":9007199254740992}',
    "source-seq-with-point": DECISION % '"source":{"name":"s","run":"r","seq":1.0}',
    "attachment-without-size": DECISION % '"attachments":[{"name":"a","media_type":"b","digest":"c"}]',
    "attachment-digest-in-capitals": DECISION
    % ('"attachments":[{"name":"a","media_type":"b","size":1,"digest":"sha256:' + "AB" * 32 + '"}]'),
    "outcome-of-nothing": '{"kind":"outcome","outcome":{}}',
    "review-without-reason": '{"kind":"review","refers_to":"x","review":{"action":"confirm","who":"a","role":"b"}}',
    "review-of-unknown-action": '{"kind":"review","refers_to":"x","review":{"action":"undo","who":"a","role":"b",'
    '"reason":"c"}}',
    "erasure-without-reason": '{"kind":"erasure","refers_to":"x","erasure":{}}',
    "path-too-long": DECISION % ('"context":{"a":{"' + "k" * 4086 + '":1}}'),
    "path-too-long-by-escapes": DECISION % ('"context":{"' + "~" * 2044 + '":{"b":1}}'),
    "too-many-facts": DECISION % ('"context":{' + ",".join(f'"{n}":0' for n in range(FACTS_MAX - 2)) + "}"),
}

DISCLOSURES = {
    "everything": [""],
    "nothing-but-id-and-kind": [],
    "one-fact": ["/output/probability"],
    "a-whole-member": ["/input", "/decision"],
    "a-place-without-a-fact": ["/input/age", "/nothing"],
}

ERASURES = {
    "one-fact": [["/subject"]],
    "a-whole-member": [["/input"]],
    "a-parent-left-empty-goes": [["/explanation/attributions/age", "/explanation/attributions/amount"]],
    "in-two-steps": [["/subject", "/input/age"], ["/input", "/attachments"]],
    "all-that-can-be": [
        ["/" + name for name in sorted(json.loads(RECORDS["every-member"])) if name not in ("id", "kind")]
    ],
}

ERASURES_REFUSED = {
    "nothing-selected": [["/nothing"]],
    "inside-an-array": [["/input/history/0"]],
    "a-prefix-that-is-no-place": [["/inp"]],
    "the-id": [["/id"]],
    "the-kind": [["/subject", "/kind"]],
    "part-of-recorded": [["/recorded/by"]],
    "everything": [[""]],
    "what-was-erased-before": [["/input"], ["/input/age"]],
}


def refusal(action):
    try:
        action()
    except Refused as refused:
        offset = {} if refused.offset is None else {"offset": refused.offset}
        return {"code": refused.code, "pointer": refused.pointer, **offset}
    raise AssertionError("accepted")


def sealed_vector(name, given):
    text = canonicalize(given.encode())
    return {"name": name, "input": given, "canonical": text, **seal(text, fixed_key(name))}


def record_vector(name, given):
    drafted = draft(given.encode())
    record = complete(drafted, "0190163d-8694-739b-aea5-966c26f8ad91", RECORDED)
    texts = {"draft": text_of(drafted), "record": text_of(record), "content": text_of(content(record))}
    return {"name": name, "given": given, **texts, **seal(texts["record"], fixed_key(name))}


def disclosure_vector(name, pointers, whole):
    facts, hidden = disclose(whole["record"], bytes.fromhex(whole["key"]), pointers)
    text = join([(fact["path"], fact["text"]) for fact in facts])
    count = len(facts) + len(hidden)
    return {"name": name, "show": pointers, "text": text, "count": count, "facts": facts, "hidden": hidden}


def erasure_vector(name, steps, whole):
    text, redaction = erase(whole["record"], bytes.fromhex(whole["key"]), steps)
    return {"name": name, "steps": steps, "text": text, "redaction": redaction}


def evidence_vectors():
    """Evidence that verifies with the key given, and evidence that does not."""
    origin, signer, other = "ledger.example/loans", Ed25519(fixed_key("log") * 2), Ed25519(fixed_key("other") * 2)
    given = [
        RECORDS["least-decision"],
        RECORDS["written-by-hand"],
        RECORDS["time-with-offset-and-fraction"],
        RECORDS["review"],
        RECORDS["outcome"],
        RECORDS["every-member"],
        RECORDS["erasure"],
    ]
    records = [record_vector(f"record {n}", text) for n, text in enumerate(given)]
    leaves = [sha256(b"\0", bytes.fromhex(record["digest"])) for record in records]
    erased = {
        "index": 4,
        "digest": b64(bytes.fromhex(records[4]["digest"])),
        "erased": True,
        "inclusion": [b64(node) for node in inclusion_proof(4, leaves)],
    }

    def shown(index, pointers, among=leaves):
        return evidence_record(index, records[index], pointers, among)

    def file(*found):
        return evidence(origin, signer, leaves, list(found))

    linked = file(shown(2, ["/output", "/time"]), shown(3, ["/refers_to", "/review"]), erased)
    good = {
        "one-record-in-a-log-of-one": evidence(origin, signer, leaves[:1], [shown(0, ["/decision"], leaves[:1])]),
        "part-of-a-record": file(shown(5, ["/input", "/decision", "/parameters/threshold"])),
        "a-whole-record": file(shown(1, [""])),
        "linked-records-one-erased": linked,
        "an-erased-record": file(erased),
    }

    def changed(change):
        copy = json.loads(json.dumps(linked))
        change(copy, copy["records"][0])
        return copy

    def flipped(note):
        return note[:-20] + ("A" if note[-20] != "A" else "B") + note[-19:]

    def forged(path, text):
        """A log that committed to something that is no fact of an object in canonical text."""
        facts = [("/id", '"a"'), ("/kind", '"decision"'), (path, text)]
        salts = [salt(fixed_key("forged"), i) for i in range(3)]
        leaf = sha256(b"\0", digest([commit(salts[i], *fact) for i, fact in enumerate(facts)]))
        opened = [
            {"i": i, "path": path, "text": text, "salt": b64(salts[i])} for i, (path, text) in enumerate(facts)
        ]
        record = {"index": 0, "count": 3, "facts": opened, "hidden": [], "inclusion": []}
        return evidence(origin, signer, [leaf], [record])

    bad = {
        "fact-changed": changed(lambda file, first: first["facts"][2].update(text='"approved"')),
        "salt-changed": changed(lambda file, first: first["facts"][0].update(salt=b64(bytes(16)))),
        "path-changed": changed(lambda file, first: first["facts"][2].update(path="/outpuu")),
        "place-changed": changed(lambda file, first: first["facts"][0].update(i=1)),
        "fact-left-out": changed(lambda file, first: first["facts"].pop()),
        "hidden-left-out": changed(lambda file, first: first["hidden"].pop()),
        "hidden-twice": changed(lambda file, first: first["hidden"].append(first["hidden"][-1])),
        "shown-and-hidden": changed(lambda file, first: first["hidden"].insert(0, {**first["hidden"][0], "i": 0})),
        "facts-out-of-order": changed(lambda file, first: first["facts"].reverse()),
        "hidden-out-of-order": changed(lambda file, first: first["hidden"].reverse()),
        "count-too-large": changed(lambda file, first: first.update(count=first["count"] + 1)),
        "count-a-string": changed(lambda file, first: first.update(count=str(first["count"]))),
        "commitment-cut-short": changed(lambda file, first: first["hidden"][0].update(commitment="AAAA")),
        "base64-without-padding": changed(lambda f, one: one["facts"][0].update(salt=one["facts"][0]["salt"][:-2])),
        "another-index": changed(lambda file, first: first.update(index=1)),
        "index-beyond-the-log": changed(lambda file, first: first.update(index=7)),
        "proof-cut-short": changed(lambda file, first: first["inclusion"].pop()),
        "proof-too-long": changed(lambda file, first: first["inclusion"].append(first["inclusion"][0])),
        "proof-out-of-order": changed(lambda file, first: first["inclusion"].reverse()),
        "another-origin": changed(lambda file, first: file.update(origin="ledger.example/other")),
        "another-size": changed(lambda f, _: f.update(checkpoint=f["checkpoint"].replace("\n7\n", "\n8\n"))),
        "signature-changed": changed(lambda f, _: f.update(checkpoint=flipped(f["checkpoint"]))),
        "no-signature": changed(lambda f, _: f.update(checkpoint=f["checkpoint"].split("\u2014")[0])),
        "named-key-that-did-not-sign": changed(lambda file, first: file["keys"].append(vkey(origin, other))),
        "signed-by-another": evidence(origin, other, leaves, [shown(2, [])]),
        "signed-under-another-name": evidence("ledger.example/other", signer, leaves, [shown(2, [])]),
        "unknown-member": changed(lambda file, first: file.update(note="x")),
        "unknown-member-of-a-fact": changed(lambda file, first: first["facts"][0].update(name="x")),
        "member-missing": changed(lambda file, first: first.pop("hidden")),
        "erased-and-disclosed": changed(lambda file, first: first.update(erased=True)),
        "erased-false": changed(lambda file, first: file["records"][2].update(erased=False)),
        "no-records": changed(lambda file, first: file["records"].clear()),
        "record-twice": changed(lambda file, first: file["records"].append(first)),
        "not-linked": file(shown(2, []), shown(1, [])),
        "link-not-shown": file(shown(2, []), shown(3, [])),
        "text-not-canonical": forged("/output", "1 "),
        "text-of-an-object": forged("/output", '{"a":1}'),
        "text-of-two-members": forged("/output", '1,"p":2'),
        "path-not-a-pointer": forged("/o~2", "1"),
        "path-under-another-fact": forged("/kind/x", "1"),
    }
    return {
        "key": vkey(origin, signer),
        "verify": [{"name": name, "file": file} for name, file in good.items()],
        "do_not_verify": [{"name": name, "file": file} for name, file in bad.items()],
    }


def make():
    """Every file, by name."""
    whole = record_vector("every-member", RECORDS["every-member"])
    base = {name: whole[name] for name in ("record", "key", "digest")}
    given = {"generated_id": "0190163d-8694-739b-aea5-966c26f8ad91", "recorded": RECORDED}

    def refused_bytes(data):
        return {"input_base64": base64.b64encode(data).decode(), **refusal(lambda: canonicalize(data))}

    def refused_text(text):
        return {"input": text, **refusal(lambda: canonicalize(text.encode()))}

    def refused_erasure(steps):
        return {"steps": steps, **refusal(lambda: erase(base["record"], bytes.fromhex(base["key"]), steps))}

    return {
        "canonical.json": {
            "objects": [sealed_vector(name, text) for name, text in CANONICAL.items()],
            "others": [
                {"name": name, "input": text, "canonical": canonicalize(text.encode())}
                for name, text in CANONICAL_NOT_OBJECTS.items()
            ],
        },
        "refused.json": {
            "documents": [{"name": name, **refused_text(text)} for name, text in REFUSED.items()]
            + [{"name": name, **refused_bytes(data)} for name, data in REFUSED_BYTES.items()],
            "not_canonical": [{"name": name, "text": text} for name, text in NOT_CANONICAL.items()],
        },
        "records.json": {
            **given,
            "records": [record_vector(name, text) for name, text in RECORDS.items()],
            "refused": [
                {"name": name, "given": text, **refusal(lambda text=text: draft(text.encode()))}
                for name, text in RECORDS_REFUSED.items()
            ],
        },
        "disclosures.json": {
            **base,
            "disclosures": [disclosure_vector(name, shown, whole) for name, shown in DISCLOSURES.items()],
        },
        "erasures.json": {
            **base,
            "erasures": [erasure_vector(name, steps, whole) for name, steps in ERASURES.items()],
            "refused": [{"name": name, **refused_erasure(steps)} for name, steps in ERASURES_REFUSED.items()],
        },
        "evidence.json": evidence_vectors(),
    }


def main(arguments):
    folder = Path(__file__).parent / "record"
    stale = []
    for name, vectors in make().items():
        text = json.dumps(vectors, indent=1) + "\n"
        if arguments == ["--check"]:
            if not (folder / name).is_file() or (folder / name).read_text() != text:
                stale.append(name)
        else:
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(text)
    for name in stale:
        print(f"{name} is not what this script makes", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
