"""MLflow's tracing, both ways that it has: to its tracking server, a real one with SQLite, and to any OTLP endpoint."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from workload import call_in

from . import otlp
from .base import Arrived, Decide, HttpSink, Process, Record, System, answers

# The last: litellm, which Opik installs and MLflow imports if it is there, fetches a price list, and in version 1.105.3
# hangs where it cannot.
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


class MlflowOtlp(System):
    packages = ("mlflow",)
    name = "mlflow-otlp"
    title = "MLflow tracing, OTLP"

    def open(self) -> Traces:
        return Traces()

    def sink(self, folder: Path, port: int, python: str) -> HttpSink:
        return HttpSink(folder, port, otlp.records)

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        return QUIET | {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{port}/v1/traces",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
        }


class MlflowServer(System):
    packages = ("mlflow",)
    name = "mlflow-server"
    title = "MLflow tracing, its server with SQLite"
    # The server takes ten or so traces a second, and a part begins when those of the one before are sent.
    calls_max = 100

    def open(self) -> Traces:
        return ServedTraces()

    def sink(self, folder: Path, port: int, python: str) -> TrackingServer:
        return TrackingServer(folder, port, python)

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        return QUIET | {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}


class Traces:
    def __init__(self) -> None:
        import mlflow

        self.mlflow = mlflow

    def decorate(self, function: Decide) -> Decide:
        decorated: Decide = self.mlflow.trace(function)
        return decorated

    def record(self, given: dict[str, Any], answer: dict[str, Any]) -> None:
        with self.mlflow.start_span(name="decide") as span:
            span.set_inputs(given)
            span.set_outputs(answer)

    def flush(self) -> None:
        from mlflow.tracing.provider import provider

        self.mlflow.flush_trace_async_logging()
        # The public function does not reach the processor of the OTLP export.
        provider.get().force_flush()


class ServedTraces(Traces):
    def __init__(self) -> None:
        super().__init__()
        # As the documentation has it. With MLFLOW_EXPERIMENT_ID instead, every call asks the server for the experiment.
        self.mlflow.set_experiment("bench")


class TrackingServer:
    def __init__(self, folder: Path, port: int, python: str) -> None:
        self.database = folder / "mlflow.db"
        self.port = port
        self.python = python
        self.process: Process | None = None

    def start(self) -> None:
        command = [self.python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--backend-store-uri", f"sqlite:///{self.database}"]
        self.process = Process(command, self.database.parent, os.environ | QUIET)
        self.process.wait_for(lambda: answers(f"http://127.0.0.1:{self.port}/health"))

    def stop(self) -> None:
        if self.process:
            self.process.end()
            self.process = None

    def arrived(self) -> Arrived:
        """Traces of which the spans are there too: a trace without them holds neither input nor output."""
        arrived = Arrived()
        if not self.database.exists():
            return arrived
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30) as database:
            for trace, content in database.execute("SELECT trace_id, content FROM spans"):
                data = content.encode() if isinstance(content, str) else content
                if call := call_in(data):
                    arrived.add(Record(call, trace, len(data)))
        database.close()
        return arrived
