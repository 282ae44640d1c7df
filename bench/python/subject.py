"""The program that is measured: decides, with one system recording, in a process of its own.

    python subject.py PLAN.json

The drivers write the plan and read what comes of it: `overhead` gives the nanoseconds of every call, `loss` counts
every call that has returned in a file that survives the process, however it ends.
"""

from __future__ import annotations

import json
import mmap
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from systems import SYSTEMS
from workload import application, call_name, decide, decide_frame, frame, frame_values

FORK_CALLS = 10


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text())
    {"overhead": overhead, "loss": loss}[plan["what"]](plan)


def overhead(plan: dict[str, Any]) -> None:
    recorder = SYSTEMS[plan["system"]].open()
    kinds = calls(recorder, {part["kind"] for part in plan["parts"]})
    report = Path(plan["report"])
    parts: dict[str, dict[str, Any]] = {}
    for part in plan["parts"]:
        name, rate = part["name"], part["rate"]
        timed(*kinds[part["kind"]], [call_name(plan["run"], f"{name}-warm", n) for n in range(part["warm"])], rate, 5.0)
        recorder.flush()
        names = [call_name(plan["run"], name, n) for n in range(part["calls"])]
        parts[name] = timed(*kinds[part["kind"]], names, rate, part["seconds_max"])
        began = time.perf_counter()
        recorder.flush()
        parts[name]["flush_s"] = time.perf_counter() - began
        report.with_suffix(".new").write_text(json.dumps(parts))
        report.with_suffix(".new").rename(report)


Arguments = Callable[[str], tuple[Any, ...]]


def calls(recorder: Any, kinds: set[str]) -> dict[str, tuple[Arguments, Callable[..., object]]]:
    """By kind: how a call's arguments are made, which is not timed, and what is called."""
    values = frame_values() if "frame" in kinds else None

    def given_and_answer(call: str) -> tuple[Any, ...]:
        given = application(call)
        return given, decide(given)

    return {
        "decorator": (lambda call: (application(call),), recorder.decorate(decide)),
        "record": (given_and_answer, recorder.record),
        # Another frame each time: one that repeats would be compressed, or kept once.
        "frame": (lambda call: (call, frame(values, call)), recorder.decorate(decide_frame)),
    }


def timed(
    arguments_of: Arguments, call: Callable[..., object], names: list[str], rate: float, seconds_max: float
) -> dict[str, Any]:
    """Calls on a schedule, or back to back if `rate` is 0. A late call does not make the following ones hurry."""
    clock = time.perf_counter_ns
    nanoseconds = []
    began = due = time.perf_counter()
    for name in names:
        arguments = arguments_of(name)
        if rate:
            time.sleep(max(0.0, due - time.perf_counter()))
            due = max(due, time.perf_counter() - 1 / rate) + 1 / rate
        start = clock()
        call(*arguments)
        nanoseconds.append(clock() - start)
        if time.perf_counter() - began > seconds_max:
            break
    return {"ns": nanoseconds, "seconds": time.perf_counter() - began}


class Tally:
    """Calls that have returned, by process, in a mapped file: it is right at every moment, also after a kill."""

    SLOTS = 2

    def __init__(self, file: Path) -> None:
        with file.open("r+b") as opened:
            # Numbers of the machine's own width and order: each is written at once.
            self.numbers = memoryview(mmap.mmap(opened.fileno(), 16 * self.SLOTS)).cast("Q")

    @classmethod
    def make(cls, file: Path) -> Tally:
        file.write_bytes(bytes(16 * cls.SLOTS))
        return cls(file)

    def calls(self, slot: int) -> int:
        return self.numbers[2 * slot]

    def longest_ns(self, slot: int) -> int:
        return self.numbers[2 * slot + 1]

    def add(self, slot: int, nanoseconds: int) -> None:
        self.numbers[2 * slot] += 1
        self.numbers[2 * slot + 1] = max(self.longest_ns(slot), nanoseconds)


def loss(plan: dict[str, Any]) -> None:
    """One program that decides and ends in the way that the plan says."""
    if plan["ending"] == "spawn":
        record(plan, "parent", 0, 1)
        child = multiprocessing.get_context("spawn").Process(target=spawned, args=(plan,))
        child.start()
        child.join()
    elif plan["ending"] == "fork":
        decided = record(plan, "parent", 0, 1)
        if (child_id := os.fork()) == 0:
            for number in range(FORK_CALLS):
                one(decided, plan, "child", 1, number)
            os._exit(0)
        os.waitpid(child_id, 0)
        one(decided, plan, "parent", 0, 1)
    else:
        record(plan, plan["part"], 0, plan["calls"])
        time.sleep(plan["stay"])
    sys.exit(0)


def spawned(plan: dict[str, Any]) -> None:
    record(plan, "child", 1, FORK_CALLS)


def record(plan: dict[str, Any], part: str, slot: int, calls: int) -> Callable[..., Any]:
    """Opens the system, and calls so often at the plan's rate."""
    decided = SYSTEMS[plan["system"]].open().decorate(decide)
    due = time.perf_counter()
    for number in range(calls):
        time.sleep(max(0.0, due - time.perf_counter()))
        due += 1 / plan["rate"]
        one(decided, plan, part, slot, number)
    return decided


def one(decided: Callable[..., Any], plan: dict[str, Any], part: str, slot: int, number: int) -> None:
    if plan["tally"] not in tallies:
        tallies[plan["tally"]] = Tally(Path(plan["tally"]))
    given = application(call_name(plan["run"], part, number))
    start = time.perf_counter_ns()
    decided(given)
    tallies[plan["tally"]].add(slot, time.perf_counter_ns() - start)


tallies: dict[str, Tally] = {}

if __name__ == "__main__":
    main()
