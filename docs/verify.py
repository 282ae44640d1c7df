#!/usr/bin/env python3
"""Checks a Causebook evidence file offline, with nothing but Python 3.11. The format is docs/format.md.

    verify.py EVIDENCE.json [--key VKEY]    checks an evidence file
    verify.py --vectors FOLDER              checks this script against the vectors of the record format

VKEY is the log's Ed25519 key, had from its operator by another way than the file. Without it the key that the file
names is used, which shows that the file is whole, but not whose it is. Exit: 0 verified, 20 does not verify, 21 could
not be checked, 2 wrong usage.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

NOT_PROVEN = """Not proven by this, or by any evidence file:
  - that what was recorded was true when it was recorded
  - that everything that should have been recorded was sent to the ledger
Not checked here: ML-DSA-44 cosignatures (another algorithm; the causebook binary checks them)."""


class Bad(Exception):
    """The file does not verify."""


class Unchecked(Exception):
    """The file could not be checked."""


class Number(str):
    """A number with the digits it was written with."""


def need(condition, problem):
    if not condition:
        raise Bad(problem)


def printable(text):
    """Without what could deceive a reader of the terminal."""
    return "".join(ch if ch.isprintable() else ascii(ch)[1:-1] for ch in text)


# --- JSON: strict reading, canonical text, facts ---


def read_json(data, number=Number):
    def unique(pairs):
        need(len(dict(pairs)) == len(pairs), "a key is given twice in one object")
        return dict(pairs)

    def constant(word):
        raise Bad(f"{word} is not JSON")

    hooks = {"parse_int": number, "parse_float": number, "parse_constant": constant, "object_pairs_hook": unique}
    try:
        value = json.loads(data.decode("utf-8"), **hooks)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # fails on lone surrogates
    except (ValueError, RecursionError) as error:
        raise Bad(f"not JSON in UTF-8: {error}") from None
    return value


def canonical(value, depth=0):
    """RFC 8785, except that numbers keep their digits."""
    if isinstance(value, Number):
        return str(value)
    if not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    need(depth < 128, "nested deeper than 128 levels")
    if isinstance(value, list):
        return "[" + ",".join(canonical(item, depth + 1) for item in value) + "]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return "{" + ",".join(canonical(key) + ":" + canonical(value[key], depth + 1) for key in keys) + "}"


def facts(value, path="", tokens=0):
    need(len(path.encode()) <= 4096, "a path is longer than 4096 bytes")
    if not isinstance(value, dict) or not value or tokens == 16:
        return [(path, canonical(value))]
    tokens, inner = tokens + 1, []
    for key in value:
        inner += facts(value[key], path + "/" + key.replace("~", "~0").replace("/", "~1"), tokens)
    return sorted(inner, key=lambda fact: fact[0].encode())


def object_of(shown):
    """The object that has the facts shown, and no others."""
    whole = {}
    for path, text in shown:
        place, tokens = whole, [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")[1:]]
        for token in tokens[:-1]:
            place = place.setdefault(token, {})
            need(isinstance(place, dict), f"{path} is under another fact")
        place[tokens[-1] if tokens else ""] = read_json(text.encode())
    need(facts(whole) == shown, "the facts shown are not those of a canonical object")
    return whole


# --- Commitments and the log ---


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def salt(key, i):
    return sha256(b"\x12", key, (i // 2).to_bytes(4, "big"))[16 * (i % 2) :][:16]


def commit(salt_i, path, text):
    return sha256(b"\x10", salt_i, len(path.encode()).to_bytes(4, "big"), path.encode(), text.encode())


def digest(commitments):
    """From the commitments by place, which must be all of them."""
    need(sorted(commitments) == list(range(len(commitments))), "not every fact is shown or hidden")
    ordered = [commitments[i] for i in sorted(commitments)]
    return sha256(b"\x11", len(ordered).to_bytes(4, "big"), *ordered)


def root_from(index, size, leaf, proof):
    """The root to which an inclusion proof leads (RFC 9162 section 2.1.3.2)."""
    node, place, last = leaf, index, size - 1
    need(place <= last, "the index is beyond the size of the log")
    for sibling in proof:
        need(last > 0, "the inclusion proof is too long")
        if place % 2 == 1 or place == last:
            node = sha256(b"\x01", sibling, node)
            while place % 2 == 0 and place > 0:
                place, last = place >> 1, last >> 1
        else:
            node = sha256(b"\x01", node, sibling)
        place, last = place >> 1, last >> 1
    need(last == 0, "the inclusion proof is too short")
    return node


# --- Ed25519 (RFC 8032 section 5.1) ---

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def point_add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    g, h = 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def point_multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        result = point_add(result, point) if scalar & 1 else result
        point, scalar = point_add(point, point), scalar >> 1
    return result


def point_read(data):
    y, sign = int.from_bytes(data, "little") & (2**255 - 1), data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    need(y < P and (x * x - square) % P == 0 and (x or not sign), "a signature or key is not a point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def ed25519_holds(key, message, signature):
    base, s = point_read((4 * pow(5, -1, P) % P).to_bytes(32, "little")), int.from_bytes(signature[32:], "little")
    need(len(signature) == 64 and s < L, "a signature is not one of Ed25519")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = point_multiply(s, base), point_add(point_read(signature[:32]), point_multiply(h, point_read(key)))
    return all((left[n] * right[2] - right[n] * left[2]) % P == 0 for n in (0, 1))


# --- Evidence ---


def shape(value, **types):
    """Checks that an object has exactly these members, of these types."""
    need(isinstance(value, dict) and value.keys() == types.keys(), f"not an object of {', '.join(types)}")
    for name, kind in types.items():
        need(type(value[name]) is kind and (kind is not int or value[name] >= 0), f"{name} is not of its type")


def unbase64(text, length):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Bad("not base64") from None
    need(base64.b64encode(data).decode() == text and length in (None, len(data)), "not base64 of the right length")
    return data


def read_vkey(text):
    name, _, rest = text.partition("+")
    key_id, _, key = rest.partition("+")
    key = unbase64(key, None)
    need(key and key_id == sha256(name.encode(), b"\n", key)[:4].hex(), "a key is not a verifier key")
    need(key[:1] != b"\x01" or len(key) == 33, "a key is not one of Ed25519")
    return name, bytes.fromhex(key_id), key


def read_trusted(text):
    try:
        key = read_vkey(text)
        need(key[2][0] == 1, "it is of another algorithm than Ed25519")
    except Bad as problem:
        raise Unchecked(f"the key given cannot be used: {problem}") from None
    return key


def check_checkpoint(file, trusted):
    """Size and root of the log, if a trusted key signed them and no signature is false."""
    text, empty_line, lines = file["checkpoint"].rpartition("\n\n")
    message, parts = text + "\n", [line.split(" ") for line in lines.split("\n")]
    need(empty_line and parts.pop() == [""], "the checkpoint is not a signed note")
    need(all(len(part) == 3 and part[0] == "\u2014" for part in parts), "a signature line is not well formed")
    signatures = [(name, unbase64(blob, None)) for _, name, blob in parts]
    need(text.count("\n") == 2, "the checkpoint does not have three lines")
    origin, size, root = text.split("\n")
    need(origin == file["origin"], "the checkpoint is of another log than the file says")
    number = size.isascii() and size.isdigit() and len(size) <= 20
    need(number and str(int(size)) == size, "the size of the log is not a number")
    named = [read_vkey(key) for key in file["keys"]]
    trusted, vouched = [trusted] if trusted else named, False
    for key in dict.fromkeys(named + trusted):
        blobs = [blob[4:] for name, blob in signatures if (name, blob[:4]) == key[:2]]
        need(blobs or key not in named, f"{key[0]} is named, but did not sign the checkpoint")
        if key[2][0] == 1:
            holds = [ed25519_holds(key[2][1:], message.encode(), blob) for blob in blobs]
            need(all(holds), f"the signature of {key[0]} is false")
            vouched |= bool(holds) and key in trusted and key[0] == origin
    need(vouched, "no trusted Ed25519 key of this log signed the checkpoint")
    return int(size), unbase64(root, 32)


def check_record(record):
    """The digest of a record, and the facts shown of it; None where its payload is erased."""
    if isinstance(record, dict) and "erased" in record:
        shape(record, index=int, digest=str, erased=bool, inclusion=list)
        need(record["erased"], "erased is not true")
        return unbase64(record["digest"], 32), None
    shape(record, index=int, count=int, facts=list, hidden=list, inclusion=list)
    commitments, shown = {}, []
    for fact in record["facts"]:
        shape(fact, i=int, path=str, text=str, salt=str)
        need(fact["i"] > max(commitments, default=-1), "facts do not ascend")
        commitments[fact["i"]] = commit(unbase64(fact["salt"], 16), fact["path"], fact["text"])
        shown.append((fact["path"], fact["text"]))
    for hidden in record["hidden"]:
        shape(hidden, i=int, commitment=str)
        need(commitments.setdefault(hidden["i"], hidden) is hidden, "a fact is there twice")
        commitments[hidden["i"]] = unbase64(hidden["commitment"], 32)
    places = [hidden["i"] for hidden in record["hidden"]]
    need(places == sorted(places) and 1 <= len(commitments) == record["count"] <= 4096, "facts do not add up")
    object_of(shown)
    return digest(commitments), dict(shown)


def check_evidence(data, key):
    need(len(data) <= 64 << 20, "the file is larger than 64 MiB")
    file = read_json(data, int)
    if not isinstance(file, dict) or file.get("format") != "causebook-evidence/v1":
        raise Unchecked("not an evidence file of version 1")
    shape(file, format=str, origin=str, keys=list, checkpoint=str, records=list)
    need(all(type(text) is str for text in file["keys"]) and len(file["keys"]) <= 64, "keys are not verifier keys")
    need(1 <= len(file["records"]) <= 1024, "not 1 to 1024 records")
    size, root = check_checkpoint(file, read_trusted(key) if key else None)
    report = [f"log {file['origin']}, {size} records"]
    report += ["signed by " + ("the key given" if key else "the key that the file itself names: SELF-ASSERTED")]
    checked = {}
    for record in file["records"]:
        record_digest, shown = check_record(record)
        need(record["index"] not in checked, "a record is there twice")
        need(all(type(node) is str for node in record["inclusion"]), "inclusion is not a list of hashes")
        proof = [unbase64(node, 32) for node in record["inclusion"]]
        leaf = sha256(b"\x00", record_digest)
        need(root_from(record["index"], size, leaf, proof) == root, f"record {record['index']} is not in the log")
        checked[record["index"]] = shown
        first = next(iter(checked.values()))
        if len(checked) > 1 and shown is not None and first is not None:
            ends = [(shown.get("/refers_to"), first.get("/id")), (first.get("/refers_to"), shown.get("/id"))]
            need(any(one and one == other for one, other in ends), f"record {record['index']} is not linked")
        known = "payload erased" if shown is None else f"{len(shown)} of {record['count']} facts shown"
        report += [f"record {record['index']}, digest {record_digest.hex()}, {known}"]
        report += [f"  {path} = {text}" for path, text in (shown or {}).items()]
    return "\n".join(map(printable, report)) + "\n" + NOT_PROVEN


# --- Vectors ---


def check_vectors(folder):
    names = ("canonical.json", "records.json", "refused.json", "evidence.json")
    good, records, refused, evidence = (json.loads((folder / name).read_text()) for name in names)
    for vector in good["objects"] + good["others"]:
        need(canonical(read_json(vector["input"].encode())) == vector["canonical"], vector["name"])
    for vector in good["objects"] + records["records"]:
        text, key = vector.get("record", vector.get("canonical")), bytes.fromhex(vector["key"])
        found = facts(read_json(text.encode()))
        need(found == [(fact["path"], fact["text"]) for fact in vector["facts"]], vector["name"])
        made = digest({i: commit(salt(key, i), *fact) for i, fact in enumerate(found)})
        need(made.hex() == vector["digest"], vector["name"])
    for vector in evidence["verify"]:
        check_evidence(json.dumps(vector["file"]).encode(), evidence["key"])
    for vector in refused["documents"] + evidence["do_not_verify"]:
        try:
            if "file" in vector:
                check_evidence(json.dumps(vector["file"]).encode(), evidence["key"])
            else:
                canonical(read_json(base64.b64decode(vector.get("input_base64", "")) or vector["input"].encode()))
        except Bad:
            continue
        raise Bad(f"{vector['name']} is not refused")
    return "every vector holds"


def main(arguments):
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if len(arguments) == 2 and arguments[0] == "--vectors":
            report = check_vectors(Path(arguments[1]))
        elif len(arguments) == 1 and not arguments[0].startswith("-"):
            report = check_evidence(Path(arguments[0]).read_bytes(), None)
        elif len(arguments) == 3 and arguments[1] == "--key":
            report = check_evidence(Path(arguments[0]).read_bytes(), arguments[2])
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except Bad as problem:
        print(printable(f"DOES NOT VERIFY: {problem}"))
        return 20
    except (Unchecked, OSError) as problem:
        print(f"COULD NOT BE CHECKED: {problem}")
        return 21
    print(report, "VERIFIED", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
