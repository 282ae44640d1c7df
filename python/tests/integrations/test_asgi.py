"""The middleware: requests are decisions on record, and pass through as they are."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fake import FakeBook
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from starlette.websockets import WebSocket

from causebook._context import complete
from causebook.asgi import CausebookMiddleware


def application(book: FakeBook, **settings: Any) -> TestClient:
    app = FastAPI()

    @app.post("/models/{name}/score")
    async def score(name: str, request: Request) -> dict[str, Any]:
        members: dict[str, Any] = {}
        complete("decision", members)
        inside.append(members)
        body = await request.json()
        if body.get("amount", 0) < 0:
            raise ValueError("a negative amount")
        return {"decision": "approve", "score": 0.25, "model": name, "applicant": {"name": "N"}}

    @app.post("/stream")
    async def stream(request: Request) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b"piece"

        return StreamingResponse(pieces(), media_type="text/plain")

    @app.post("/large")
    async def large(request: Request) -> dict[str, int]:
        return {"size": len(await request.body())}

    @app.get("/health")
    async def health() -> str:
        return "well"

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    app.add_middleware(CausebookMiddleware, book=book, **{"model": "credit@3", **settings})
    return TestClient(app, raise_server_exceptions=False)


inside: list[dict[str, Any]] = []


@pytest.fixture(autouse=True)
def nothing_inside() -> None:
    inside.clear()


def test_a_request_is_a_decision(book: FakeBook) -> None:
    client = application(book, decision="decision", score="score", subject="applicant.id", parameters={"policy": 7})
    answer = client.post("/models/credit/score", json={"amount": 10, "applicant": {"id": "A-1"}})
    (decision,) = book.decisions
    assert answer.headers["causebook-decision"] == decision["id"]
    assert decision["model"] == "credit@3"
    assert decision["input"] == {"amount": 10, "applicant": {"id": "A-1"}}
    assert decision["output"] == answer.json()
    assert (decision["decision"], decision["score"], decision["subject"]) == ("approve", 0.25, "A-1")
    assert decision["parameters"] == {"policy": 7}
    http = decision["context"]["http"]
    assert http.pop("duration_ms") > 0
    assert http == {
        "method": "POST",
        "path": "/models/credit/score",
        "route": "/models/{name}/score",
        "status": 200,
    }


def test_what_is_recorded_inside_has_request_trace_and_actor(book: FakeBook) -> None:
    async def who(scope: Any) -> dict[str, str]:
        return {"service": "loans"}

    client = application(book, actor=who)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"x-request-id": "R-1", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    client.post("/models/credit/score", json={}, headers=headers)
    assert inside == [{"actor": {"service": "loans"}, "context": {"request_id": "R-1", "trace_id": trace}}]
    assert book.decisions[0]["context"]["request_id"] == "R-1"


def test_without_a_model_there_is_context_and_no_record(book: FakeBook) -> None:
    client = application(book, model=None)
    answer = client.post("/models/credit/score", json={})
    assert answer.status_code == 200
    assert inside[0]["context"]["request_id"]
    assert book.records == []
    assert "causebook-decision" not in answer.headers


def test_a_refused_request_is_recorded_as_failed(book: FakeBook) -> None:
    answer = application(book).post("/nowhere", json={"a": 1})
    assert answer.status_code == 404
    (decision,) = book.decisions
    assert decision["output"] == {"detail": "Not Found"}
    assert decision["context"]["error"] == {"type": "http", "message": "the response has status 404"}


def test_an_exception_is_recorded_and_goes_on(book: FakeBook) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise KeyError("no such thing")

    middleware = CausebookMiddleware(app, book, model="m")
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b"a=1&b=2&b=3"}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        raise AssertionError("nothing is sent")

    with pytest.raises(KeyError):
        asyncio.run(middleware(scope, receive, send))
    (decision,) = book.decisions
    assert decision["input"] == {"a": "1", "b": ["2", "3"]}
    assert decision["output"] is None
    assert decision["context"]["error"]["type"] == "KeyError"


def test_an_error_of_the_application_is_recorded_behind_a_framework(book: FakeBook) -> None:
    answer = application(book).post("/models/credit/score", json={"amount": -1})
    assert answer.status_code == 500
    assert "error" in book.decisions[0]["context"]


def test_a_stream_passes_piece_by_piece_and_is_recorded(book: FakeBook) -> None:
    answer = application(book).post("/stream", content=b"\x00\x01", headers={"content-type": "image/png"})
    assert answer.text == "piece" * 4
    (decision,) = book.decisions
    assert decision["output"]["body"] == "piece" * 4
    assert decision["input"]["body"] == b"\x00\x01"


def test_of_a_long_body_the_beginning_and_the_digest_are_recorded(book: FakeBook) -> None:
    body = b"x" * 1_000
    answer = application(book, body_bytes_max=100).post("/large", content=body, headers={"content-type": "text/plain"})
    assert answer.json() == {"size": 1_000}
    assert book.decisions[0]["input"] == {
        "media_type": "text/plain",
        "size": 1_000,
        "digest": f"sha256:{hashlib.sha256(body).hexdigest()}",
        "beginning": "x" * 100,
    }


def test_excluded_fields_are_in_no_record(book: FakeBook) -> None:
    client = application(book, exclude=["applicant.name", "items.*.name"])
    body = {"applicant": {"name": "N", "age": 3}, "items": [{"name": "N", "price": 1}]}
    client.post("/models/credit/score", json=body)
    client.post("/large", content=b"name=N", headers={"content-type": "application/x-www-form-urlencoded"})
    first, second = book.decisions
    assert first["input"] == {"applicant": {"age": 3}, "items": [{"price": 1}]}
    assert first["output"]["applicant"] == {}
    assert first["context"]["held_back"] == {"excluded": ["applicant.name", "items.*.name"]}
    assert second["input"] == {"media_type": "application/x-www-form-urlencoded", "size": 6, "withheld": True}


def test_only_the_paths_that_were_named_are_recorded(book: FakeBook) -> None:
    client = application(book, paths=["/models/{name}/score", "!/models/secret/*"])
    for path in ("/models/credit/score", "/models/secret/score", "/models/a/b/score", "/large"):
        client.post(path, json={})
    client.get("/health")
    assert [decision["context"]["http"]["path"] for decision in book.decisions] == ["/models/credit/score"]


def test_websockets_and_the_lifespan_are_not_touched(book: FakeBook) -> None:
    with application(book) as client, client.websocket_connect("/live") as socket:
        assert socket.receive_text() == "hello"
    assert book.records == []


def test_a_book_that_fails_does_not_fail_the_request() -> None:
    class Broken(FakeBook):
        def record(self, **members: Any) -> str:
            raise OSError("no space")

    book = Broken()
    client = application(book, decision=lambda output: output["nothing"])
    assert client.post("/models/credit/score", json={}).status_code == 200
    assert client.post("/large", json={}).status_code == 200
    assert len(book.failures) == 2


def test_a_record_in_a_thread_is_made_before_the_response_ends(book: FakeBook) -> None:
    assert application(book, in_thread=True).post("/large", json={}).status_code == 200
    assert len(book.decisions) == 1


def test_a_request_that_is_cancelled_is_on_record(book: FakeBook) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(60)

    async def nothing(*_: Any) -> Any:
        return {"type": "http.request", "body": b""}

    async def run() -> None:
        scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        task = asyncio.create_task(CausebookMiddleware(app, book, model="m")(scope, nothing, nothing))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert book.decisions[0]["context"]["broken_off"]["type"] == "asyncio.exceptions.CancelledError"
