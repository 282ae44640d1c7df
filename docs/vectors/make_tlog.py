#!/usr/bin/env python3
"""Reference implementation of the log formats, from their specifications alone, and maker of the vectors in tlog/.

    make_tlog.py           write docs/vectors/tlog/*.json
    make_tlog.py --check   exit 1 if the files there are not exactly what this script makes

Python 3.11, standard library only, no randomness: running it twice gives the same bytes. It shares no code and no
structure with crates/tlog; it follows the recursive definitions of RFC 6962 and RFC 8032 and the texts of
c2sp.org/tlog-tiles, signed-note, tlog-checkpoint, tlog-cosignature and tlog-proof.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parent / "tlog"


# --- RFC 6962, section 2.1 ---------------------------------------------------------------------------------------


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data)


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    return 1 << ((n - 1).bit_length() - 1)


def tree_hash(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(tree_hash(leaves[:k]), tree_hash(leaves[k:]))


def inclusion(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return inclusion(m, leaves[:k]) + [tree_hash(leaves[k:])]
    return inclusion(m - k, leaves[k:]) + [tree_hash(leaves[:k])]


def subtree_consistency(start: int, end: int, leaves: list[bytes], known: bool = True) -> list[bytes]:
    """SUBTREE_SUBPROOF of draft-ietf-plants-merkle-tree-certs; with start 0, SUBPROOF of RFC 6962."""
    if (start, end) == (0, len(leaves)):
        return [] if known else [tree_hash(leaves)]
    k = split(len(leaves))
    if end <= k:
        return subtree_consistency(start, end, leaves[:k], known) + [tree_hash(leaves[k:])]
    if start >= k:
        return subtree_consistency(start - k, end - k, leaves[k:], known) + [tree_hash(leaves[:k])]
    return subtree_consistency(0, end - k, leaves[k:], False) + [tree_hash(leaves[:k])]


# --- c2sp.org/tlog-tiles -----------------------------------------------------------------------------------------


def tile_path(kind: str, index: int, width: int) -> str:
    digits = str(index)
    digits = digits.zfill((len(digits) + 2) // 3 * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    path = "/".join(["x" + g for g in groups[:-1]] + groups[-1:])
    return f"tile/{kind}/{path}" + (f".p/{width}" if width < 256 else "")


def tiles_of(size: int) -> list[tuple[int, int, int]]:
    """(level, index, width) of every tile of hashes of a log of this size."""
    tiles = []
    for level in range(64):
        hashes = size // 256**level
        if hashes == 0:
            break
        tiles += [(level, n, 256) for n in range(hashes // 256)]
        if hashes % 256:
            tiles.append((level, hashes // 256, hashes % 256))
    return tiles


def tile_data(level: int, index: int, width: int, leaves: list[bytes]) -> bytes:
    span = 256**level
    starts = [(index * 256 + i) * span for i in range(width)]
    return b"".join(tree_hash(leaves[s : s + span]) for s in starts)


def bundle(entries: list[bytes]) -> bytes:
    return b"".join(struct.pack(">H", len(e)) + e for e in entries)


# --- RFC 8032, Ed25519 -------------------------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def point_add(a: Point, b: Point) -> Point:
    s, t = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = t - s, d - c, d + c, t + s
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_mul(n: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = point_add(total, point)
        point = point_add(point, point)
        n >>= 1
    return total


def base_point() -> Point:
    y = 4 * pow(5, P - 2, P) % P
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * I % P
    if x & 1:
        x = P - x
    return (x, y, 1, x * y % P)


B = base_point()


def encode_point(point: Point) -> bytes:
    z = pow(point[2], P - 2, P)
    x, y = point[0] * z % P, point[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def expand(seed: bytes) -> tuple[int, bytes]:
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & ((1 << 254) - 8) | 1 << 254
    return a, h[32:]


def ed25519_public(seed: bytes) -> bytes:
    return encode_point(point_mul(expand(seed)[0], B))


def ed25519_sign(seed: bytes, message: bytes) -> bytes:
    a, prefix = expand(seed)
    public = encode_point(point_mul(a, B))
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % L
    big_r = encode_point(point_mul(r, B))
    k = int.from_bytes(hashlib.sha512(big_r + public + message).digest(), "little") % L
    return big_r + ((r + k * a) % L).to_bytes(32, "little")


# --- c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof -----------------------------------------


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def key_id(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public)[:4]


def vkey(name: str, kind: int, public: bytes) -> str:
    return f"{name}+{key_id(name, kind, public).hex()}+{b64(bytes([kind]) + public)}"


def signature_line(name: str, ident: bytes, signature: bytes) -> str:
    return f"\u2014 {name} {b64(ident + signature)}\n"


def log_signature(name: str, seed: bytes, text: str) -> str:
    ident = key_id(name, 1, ed25519_public(seed))
    return signature_line(name, ident, ed25519_sign(seed, text.encode()))


def cosignature(name: str, seed: bytes, text: str, time: int) -> str:
    ident = key_id(name, 4, ed25519_public(seed))
    message = f"cosignature/v1\ntime {time}\n{text}".encode()
    return signature_line(name, ident, struct.pack(">Q", time) + ed25519_sign(seed, message))


def cosigned_message(name: str, time: int, origin: str, start: int, end: int, root: bytes) -> bytes:
    def opaque(text: str) -> bytes:
        return bytes([len(text.encode())]) + text.encode()

    return b"subtree/v1\n\x00" + opaque(name) + struct.pack(">Q", time) + opaque(origin) + struct.pack(">QQ", start, end) + root


def checkpoint_text(origin: str, leaves: list[bytes]) -> str:
    return f"{origin}\n{len(leaves)}\n{b64(tree_hash(leaves))}\n"


def proof_file(index: int, leaves: list[bytes], note: str, extra: bytes = b"") -> str:
    lines = ["c2sp.org/tlog-proof@v1"]
    if extra:
        lines.append(f"extra {b64(extra)}")
    lines.append(f"index {index}")
    lines += [b64(h) for h in inclusion(index, leaves)]
    return "\n".join(lines) + "\n\n" + note


# --- the vectors -------------------------------------------------------------------------------------------------


def entry(i: int) -> bytes:
    """Entry i of the example log: 32 bytes, as the record digests of a ledger are."""
    return sha256(b"entry " + str(i).encode())


ENTRIES = [entry(i) for i in range(300)]
LEAVES = [leaf_hash(e) for e in ENTRIES]
ORIGIN = "causebook.example/vectors"
LOG_SEED = sha256(b"log seed")
WITNESS = "witness.example/w1"
WITNESS_SEED = sha256(b"witness seed")
MLDSA_NAME = "causebook.example/vectors/mldsa"
TIME = 1_760_000_000


def tree_vectors() -> dict:
    data = [b"", b"\x00", b"abc", entry(0), bytes(range(256)), "Stra\u00dfe".encode()]
    pairs = [(LEAVES[0], LEAVES[1]), (LEAVES[1], LEAVES[0]), (sha256(b""), sha256(b""))]
    return {
        "entry_rule": "entry i = SHA-256 of the ASCII text 'entry <i>', i in decimal",
        "leaves": [{"data": d.hex(), "hash": b64(leaf_hash(d))} for d in data],
        "nodes": [{"left": b64(l), "right": b64(r), "hash": b64(node_hash(l, r))} for l, r in pairs],
        "roots": [{"size": n, "root": b64(tree_hash(LEAVES[:n]))} for n in [*range(71), 255, 256, 257, 300]],
    }


def proof_vectors() -> dict:
    sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17, 31, 32, 33, 70, 255, 256, 257, 300]
    included = [(i, n) for n in sizes for i in sorted({0, 1, n // 3, n // 2, n - 2, n - 1}) if 0 <= i < n]
    pairs = [(m, n) for n in sizes for m in sorted({1, 2, n // 3, n // 2, n - 1, n}) if 1 <= m <= n]
    ranges = [(0, 1), (1, 2), (4, 7), (8, 13), (8, 16), (0, 6), (12, 14), (64, 70), (128, 255), (256, 257), (256, 300)]
    subtrees = [(s, e, n) for s, e in ranges for n in sizes if e <= n]

    def texts(hashes: list[bytes]) -> list[str]:
        return [b64(h) for h in hashes]

    return {
        "inclusion": [{"index": i, "size": n, "proof": texts(inclusion(i, LEAVES[:n]))} for i, n in included],
        "consistency": [
            {"old": m, "new": n, "proof": texts(subtree_consistency(0, m, LEAVES[:n]))} for m, n in pairs
        ],
        "subtree_inclusion": [
            {"index": i, "start": s, "end": e, "root": b64(tree_hash(LEAVES[s:e])), "proof": texts(inclusion(i - s, LEAVES[s:e]))}
            for s, e in ranges
            for i in sorted({s, (s + e) // 2, e - 1})
        ],
        "subtree_consistency": [
            {"start": s, "end": e, "size": n, "root": b64(tree_hash(LEAVES[s:e])), "proof": texts(subtree_consistency(s, e, LEAVES[:n]))}
            for s, e, n in subtrees
        ],
    }


def tile_vectors() -> dict:
    indexes = [0, 1, 9, 10, 99, 100, 999, 1000, 1001, 999_999, 1_000_000, 1_234_067, 2**32, 2**53 + 1, 2**64 - 1]
    paths = [{"level": l, "index": n, "width": w, "path": tile_path(str(l), n, w)} for l in (0, 1, 8, 63) for n in indexes for w in (1, 10, 255, 256)]
    paths += [{"level": "entries", "index": n, "width": w, "path": tile_path("entries", n, w)} for n in indexes for w in (1, 255, 256)]
    bad = [
        "", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/1000", "tile/00/000", "tile/+1/000",
        "tile/-1/000", "tile/64/000", "tile/256/000", "tile/0/x000", "tile/0/x000/001", "tile/0/001/002", "tile/0/x001/x002",
        "tile/0/x001/2", "tile/0/X001/002", "tile/0/x001//002", "tile/0/000/", "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0",
        "tile/0/000.p/01", "tile/0/000.p/256", "tile/0/000.p/257", "tile/0/000.p/-1", "tile/0/000.p/+1", "tile/0/000.p/1/", "tile/0/000.p/1.p/1",
        "tile/0/000.P/1", "/tile/0/000", "tile/0/000 ", " tile/0/000", "tile/0/000\n", "tile/8/0/000", "tile/data/000", "tile/Entries/000",
        "tile/entries/x018/x446/x744/x073/x709/x551/616", "tile/0/x999/x999/x999/x999/x999/x999/999", "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
        "tile/0/x00\u0661/000", "tile/\u0660/000", "tile/0/..", "tile/0/../000", "tile/0/000.p/1\u0660", "checkpoint",
    ]
    logs = []
    for size in [0, 1, 2, 255, 256, 257, 300]:
        tiles = [(tile_path(str(l), n, w), tile_data(l, n, w, LEAVES[:size])) for l, n, w in tiles_of(size)]
        starts = range(0, size, 256)
        bundles = [(tile_path("entries", s // 256, min(256, size - s)), bundle(ENTRIES[s : min(s + 256, size)])) for s in starts]
        logs.append({
            "size": size,
            "hashes": [{"path": p, "sha256": sha256(d).hex(), "bytes": len(d)} for p, d in tiles],
            "entries": [{"path": p, "sha256": sha256(d).hex(), "bytes": len(d)} for p, d in bundles],
        })
    large = [{"size": n, "count": len(t), "partial": [tile_path(str(l), i, w) for l, i, w in t if w < 256]} for n in (65_535, 65_536, 70_000, 16_777_216) for t in [tiles_of(n)]]
    odd = [[b""], [b"", b""], [b"a", b"", b"bcd"], [bytes(65_535)]]
    bundles = [{"entries": [e.hex() if len(e) < 100 else {"zeros": len(e)} for e in es], "sha256": sha256(bundle(es)).hex()} for es in odd]
    return {"paths": paths, "bad_paths": bad, "logs": logs, "large": large, "bundles": bundles}


def note_vectors() -> dict:
    log_public, witness_public = ed25519_public(LOG_SEED), ed25519_public(WITNESS_SEED)
    # RFC 8032, section 7.1, tests 1 to 3: they show that the arithmetic above is Ed25519.
    rfc8032 = [
        ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", ""),
        ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72"),
        ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82"),
    ]
    checkpoints = []
    for size in (0, 1, 7, 256, 300):
        text = checkpoint_text(ORIGIN, LEAVES[:size])
        note = text + "\n" + log_signature(ORIGIN, LOG_SEED, text) + cosignature(WITNESS, WITNESS_SEED, text, TIME + size)
        statement = cosigned_message(MLDSA_NAME, TIME + size, ORIGIN, 0, size, tree_hash(LEAVES[:size]))
        checkpoints.append({"size": size, "text": text, "note": note, "cosign_time": TIME + size, "mldsa_message": statement.hex()})
    plain = "A note.\n\nWith an empty line, \u00e9\u4e2d\U0001f9fe and \u2014 a dash.\n"
    return {
        "ed25519": [{"seed": s, "message": m, "public": ed25519_public(bytes.fromhex(s)).hex(), "signature": ed25519_sign(bytes.fromhex(s), bytes.fromhex(m)).hex()} for s, m in rfc8032],
        "log": {"name": ORIGIN, "seed": LOG_SEED.hex(), "vkey": vkey(ORIGIN, 1, log_public)},
        "witness": {"name": WITNESS, "seed": WITNESS_SEED.hex(), "vkey": vkey(WITNESS, 4, witness_public)},
        "mldsa_name": MLDSA_NAME,
        "notes": [{"text": plain, "note": plain + "\n" + log_signature(ORIGIN, LOG_SEED, plain)}],
        "checkpoints": checkpoints,
        "mldsa_subtrees": [
            {"start": s, "end": e, "message": cosigned_message(MLDSA_NAME, 0, ORIGIN, s, e, tree_hash(LEAVES[s:e])).hex()}
            for s, e in ((0, 6), (4, 7), (8, 13), (256, 300))
        ],
    }


def proof_file_vectors() -> dict:
    cases = []
    for index, size, extra in ((0, 1, b""), (3, 7, b""), (6, 7, b"opaque"), (299, 300, b""), (17, 300, bytes(range(40)))):
        text = checkpoint_text(ORIGIN, LEAVES[:size])
        note = text + "\n" + log_signature(ORIGIN, LOG_SEED, text) + cosignature(WITNESS, WITNESS_SEED, text, TIME)
        cases.append({"index": index, "extra": extra.hex(), "leaf": b64(LEAVES[index]), "file": proof_file(index, LEAVES[:size], note, extra)})
    policy = f"# the example log, and its one witness\nlog {vkey(ORIGIN, 1, ed25519_public(LOG_SEED))} https://causebook.example/vectors\n\nwitness w1 {vkey(WITNESS, 4, ed25519_public(WITNESS_SEED))}\nquorum w1\n"
    return {"policy": policy, "proofs": cases}


FILES = {
    "tree.json": tree_vectors,
    "proofs.json": proof_vectors,
    "tiles.json": tile_vectors,
    "notes.json": note_vectors,
    "proof_files.json": proof_file_vectors,
}


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    stale = 0
    for name, make in FILES.items():
        made = (json.dumps(make(), indent=1, ensure_ascii=True) + "\n").encode()
        path = OUT / name
        if not arguments:
            OUT.mkdir(exist_ok=True)
            path.write_bytes(made)
        elif not path.is_file() or path.read_bytes() != made:
            print(f"{path.name} is not what make_tlog.py makes", file=sys.stderr)
            stale += 1
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
