"""Accepts everything at once, and keeps it in the order of arrival: the other end of whatever sends over HTTP.

    python sink.py PORT FILE

A request is answered after it was written to FILE (without a sync), as `Kept` lines of JSON followed by the body. It
speaks as much of OTLP, of Langfuse's, Opik's and Causebook's API as their clients need to believe that all is well;
nothing is looked into but what Causebook needs for its receipts. `read` gives back what was kept.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
import sys
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

ANSWERS = {
    "/api/public/projects": {"data": [{"id": "bench", "name": "bench", "organization": {"id": "o", "name": "o"}}]},
    "/api/public/health": {"status": "OK", "version": "3.0.0"},
    "/api/is-alive/ping": {"message": "Healthy Server", "healthy": True},
}


@dataclass(frozen=True)
class Kept:
    method: str
    path: str
    kind: str
    body: bytes


def read(file: Path) -> Iterator[Kept]:
    """What a sink keeps in `file`; a request at the end that is not whole is left out."""
    if not file.exists():
        return
    with file.open("rb") as kept:
        while line := kept.readline():
            if not line.endswith(b"\n"):
                return
            method, path, kind, encoding, length = json.loads(line)
            body = kept.read(length)
            if len(body) < length:
                return
            yield Kept(method, path, kind, decoded(body, encoding))


def decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "deflate":
        return zlib.decompress(body)
    return body


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    file: BinaryIO
    lock = threading.Lock()
    records = 0

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        self.answer(200, json.dumps(ANSWERS.get(path, {})).encode())

    def take(self) -> None:
        body = self.body()
        head = [self.command, self.path, self.headers.get("content-type", ""), self.headers.get("content-encoding", "")]
        with Handler.lock:
            Handler.file.write(json.dumps([*head, len(body)]).encode() + b"\n" + body)
            Handler.file.flush()
        if "/ledgers/" in self.path:
            self.receipts(decoded(body, head[3]))
        elif head[2] == "application/x-protobuf":
            self.answer(200, b"", "application/x-protobuf")
        else:
            self.answer(200, b"{}")

    do_POST = do_PUT = do_PATCH = take

    def receipts(self, body: bytes) -> None:
        """As a ledger answers. The digest is not one: no client can tell without the ledger's own numbers."""
        if self.path.split("?")[0].endswith("/attachments"):
            told = {"digest": f"sha256:{hashlib.sha256(body).hexdigest()}", "size": len(body)}
            return self.answer(201, json.dumps(told).encode())
        lines = []
        for number, line in enumerate(body.splitlines(), 1):
            with Handler.lock:
                index = Handler.records
                Handler.records += 1
            receipt = {"id": json.loads(line)["id"], "index": index, "digest": "0" * 64, "repeated": False}
            lines.append(json.dumps({"line": number, **receipt}).encode())
        kind = "application/x-ndjson" if "ndjson" in self.headers.get("content-type", "") else "application/json"
        self.answer(200, b"\n".join(lines) + b"\n", kind)

    def body(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), (ConnectionError, socket.timeout)):
            super().handle_error(request, client_address)


def main() -> None:
    port, file = int(sys.argv[1]), Path(sys.argv[2])
    with file.open("ab") as Handler.file, Server(("127.0.0.1", port), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
