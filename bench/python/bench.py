"""What both drivers need: the environment that the systems are installed in, programs under a plan, the machine, the
results.

The drivers themselves need Python 3.11 and nothing else. The systems are installed from `requirements.txt` into an
environment below the build's folder, once; it is made again when the requirements change.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import platform
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from systems import SYSTEMS
from systems.base import Sink, System

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
BUILD = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
WORK = BUILD / "bench-python"
QUICK = ["nothing", "logging", "causebook", "langfuse"]


def options(description: str, rounds: str, rounds_default: int) -> argparse.ArgumentParser:
    summary = description.splitlines()[0]
    parser = argparse.ArgumentParser(description=summary, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test in less than a minute; says nothing about speed"
    )
    parser.add_argument("--systems", help=f"of {', '.join(SYSTEMS)}; with --quick {', '.join(QUICK)}")
    parser.add_argument(rounds, type=int, default=rounds_default, dest="rounds", help="how often everything is done")
    parser.add_argument(
        "--python", type=Path, help="interpreter that has the systems, in place of an environment made for it"
    )
    parser.add_argument("--wheel", type=Path, help="wheel of causebook to install into the environment")
    parser.add_argument("--server", type=Path, default=BUILD / "release" / "causebook", help="binary of the server")
    parser.add_argument(
        "--folder", type=Path, default=WORK / "scratch", help="whose disk is written to; emptied at the end"
    )
    parser.add_argument(
        "--results", type=Path, default=WORK / "results", help="folder for everything measured, as JSON"
    )
    return parser


def chosen(arguments: argparse.Namespace, systems: list[str]) -> list[System]:
    names = arguments.systems.split(",") if arguments.systems else QUICK if arguments.quick else systems
    if unknown := [name for name in names if name not in SYSTEMS]:
        sys.exit(f"no such system: {', '.join(unknown)}; there are {', '.join(SYSTEMS)}")
    return [SYSTEMS[name] for name in names]


@dataclass
class Bench:
    """Where the systems are installed, and where a run may write."""

    python: Path
    folder: Path
    versions: dict[str, str]

    @classmethod
    def prepare(cls, arguments: argparse.Namespace, systems: list[System]) -> Bench:
        # So that what was started is ended also then.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        python = arguments.python or environment(systems, arguments.wheel)
        if arguments.server.exists():
            os.environ["BENCH_CAUSEBOOK"] = str(arguments.server.resolve())
        arguments.folder.mkdir(parents=True, exist_ok=True)
        return cls(python, arguments.folder.resolve(), versions(python))

    def missing(self, system: System) -> str | None:
        """Why a system cannot be run, if it is not installed."""
        absent = [package for package in system.packages if package not in self.versions]
        return f"{', '.join(absent)} is not installed" if absent else None


@dataclass
class Place:
    """A folder, a sink in it and the programs that send there, all gone afterwards."""

    bench: Bench
    system: System
    folder: Path
    port: int
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    programs: list[Program] = field(default_factory=list)

    def start(self, plan: dict[str, Any]) -> Program:
        plan = {"system": self.system.name, "run": self.run, **plan}
        file = self.folder / f"plan{len(self.programs)}.json"
        file.write_text(json.dumps(plan))
        home = self.folder / "home-of-user"
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        surroundings = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        surroundings |= {"HOME": str(home), "TMPDIR": str(home / "tmp")}
        surroundings |= self.system.environment(self.folder, self.port)
        self.programs.append(Program(str(self.bench.python), file, home, surroundings))
        return self.programs[-1]

    def sink(self, port: int | None = None) -> Sink:
        return self.system.sink(self.folder, port or self.port, str(self.bench.python))


@contextlib.contextmanager
def place(bench: Bench, system: System) -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix=f"{system.name}-", dir=bench.folder))
    made = Place(bench, system, folder, free_port())
    try:
        yield made
    finally:
        for program in made.programs:
            if program.code is None:
                program.kill()
        shutil.rmtree(folder, ignore_errors=True)


class Program:
    """`subject.py` under a plan, with all that it starts in a group of processes of its own."""

    def __init__(self, python: str, plan: Path, cwd: Path, surroundings: dict[str, str]) -> None:
        self.log = plan.with_suffix(".log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [python, str(HERE / "subject.py"), str(plan)],
                cwd=cwd, env=surroundings, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait(self, seconds: float) -> bool:
        """Whether it ended by itself in that time. If not it is killed, and all that it started."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        self.kill_group()
        return True

    def kill(self) -> None:
        self.kill_group()
        self.process.wait()

    def kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    @property
    def code(self) -> int | None:
        return self.process.poll()

    def said(self) -> list[str]:
        return self.log.read_text(errors="replace").strip().splitlines()


def environment(systems: list[System], wheel: Path | None) -> Path:
    """The interpreter of an environment that has what the systems need, and the wheel of Causebook."""
    requirements = HERE / "requirements.txt"
    needed = sorted({"pandas"}.union(*(system.packages for system in systems)) - {"causebook"})
    key = f"{needed} {sys.version} {requirements.read_text()}"
    folder = WORK / f"venv-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    done = folder / "complete"
    if not done.exists():
        tell(f"installing {', '.join(needed)} into {folder}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip(python, "--constraint", str(requirements), *needed)
        done.touch()
    if wheel:
        pip(python, "--force-reinstall", "--no-deps", str(wheel))
    return python


def pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, stdout=sys.stderr)


def versions(python: Path) -> dict[str, str]:
    listed = "{d.name.lower(): d.version for d in importlib.metadata.distributions()}"
    program = f"import importlib.metadata, json; print(json.dumps({listed}))"
    found: dict[str, str] = json.loads(
        subprocess.run([str(python), "-c", program], check=True, capture_output=True).stdout
    )
    return found


def machine(bench: Bench) -> dict[str, Any]:
    """Where figures come from. The load says whether it did something else."""
    processors = Path("/proc/cpuinfo")
    models = [line.split(":")[1].strip() for line in lines(processors) if line.startswith("model name")]
    memory = [int(line.split()[1]) for line in lines(Path("/proc/meminfo")) if line.startswith("MemTotal")]
    packages = ("causebook", "langfuse", "mlflow", "opik", "opentelemetry-sdk", "pandas", "numpy")
    python = subprocess.run([str(bench.python), "-V"], capture_output=True, text=True, check=True).stdout.split()[-1]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory[0] / (1 << 20), 1) if memory else None,
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
        "python": python,
        "versions": {name: bench.versions[name] for name in packages if name in bench.versions},
    }


def machine_line(told: dict[str, Any]) -> str:
    names = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    return (
        f"{told['processor']}, {told['cores']} cores, {told['memory_gib']} GiB, Linux {told['kernel']}, "
        f"load before {told['load_before']:.1f}; Python {told['python']}, {names}"
    )


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def free_port() -> int:
    """Below those that the kernel gives to connections, of which one could take the port of a sink that is down."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


def write_results(folder: Path, name: str, results: dict[str, Any]) -> Path:
    """Written after every step, so that a run that is broken off leaves what it had."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.with_suffix(".new").write_text(json.dumps(results, indent=1) + "\n")
    file.with_suffix(".new").rename(file)
    return file


def tell(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def row(*cells: object) -> str:
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"
