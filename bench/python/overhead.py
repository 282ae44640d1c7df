#!/usr/bin/env python3
"""What recording costs the caller: Causebook, plain logging and other systems, call by call, in one run.

    python bench/python/overhead.py             # the table; README.md says how it is measured
    python bench/python/overhead.py --quick     # a smoke test

Round after round every system runs in a fresh process, one after the other and each round beginning with another, so
that whatever else the machine does meets them all. The table goes to standard output.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

import bench
from bench import Bench, row, tell
from systems import SYSTEMS
from systems.base import NotRun, System

KINDS = {
    "decorator": "decorator, dict of 25 fields",
    "record": "plain record, dict of 25 fields",
    "frame": "decorator, frame of 1,000 x 30",
}
RATES = {"decorator": 500.0, "record": 500.0, "frame": 20.0}
CALLS = {"decorator": 2_000, "record": 2_000, "frame": 100}
BASE = "logging"
# A part that takes longer than this ends with the calls that it made.
PART_SECONDS_MAX = 20.0
# A program still sends what it holds when its last call has returned; after so long it is ended.
EXIT_SECONDS_MAX = 90.0


def main() -> None:
    arguments = bench.options(__doc__ or "", "--rounds", 5).parse_args()
    if arguments.quick:
        arguments.rounds = 1
    systems = bench.chosen(arguments, list(SYSTEMS))
    prepared = Bench.prepare(arguments, systems)
    results: dict[str, Any] = {"machine": bench.machine(prepared), "quick": arguments.quick, "systems": {}}
    for system in systems:
        results["systems"][system.name] = {"title": system.title, "rounds": [], "not_run": prepared.missing(system)}
    for number in range(arguments.rounds):
        first = number % len(systems)
        for system in systems[first:] + systems[:first]:
            measured = results["systems"][system.name]
            if measured["not_run"]:
                continue
            tell(f"round {number + 1} of {arguments.rounds}: {system.name}")
            try:
                measured["rounds"].append(one_round(prepared, system, parts(system, arguments.quick)))
            except NotRun as reason:
                measured["not_run"] = str(reason)
            file = bench.write_results(arguments.results, "overhead.json", results)
    print(table(results))
    tell(f"everything measured is in {file}")


def parts(system: System, quick: bool) -> list[dict[str, Any]]:
    """Quiet: on a schedule. Burst: one call after the other. A part begins when the one before it is sent."""
    all_parts = []
    for kind in KINDS:
        for pace, rate in (("quiet", RATES[kind]), ("burst", 0.0)):
            calls = min(system.calls_max, max(5, CALLS[kind] // 20) if quick else CALLS[kind])
            limits = {"seconds_max": 3.0 if quick else PART_SECONDS_MAX, "warm": max(2, calls // 20)}
            all_parts.append({"name": f"{kind}-{pace}", "kind": kind, "rate": rate, "calls": calls, **limits})
    return all_parts


def one_round(prepared: Bench, system: System, all_parts: list[dict[str, Any]]) -> dict[str, Any]:
    with bench.place(prepared, system) as place:
        sink = place.sink()
        sink.start()
        try:
            return measured(place, sink, all_parts)
        finally:
            sink.stop()


def measured(place: bench.Place, sink: Any, all_parts: list[dict[str, Any]]) -> dict[str, Any]:
    report = place.folder / "report.json"
    limit = sum(part["seconds_max"] for part in all_parts) + EXIT_SECONDS_MAX
    began = time.monotonic()
    program = place.start({"what": "overhead", "parts": all_parts, "report": str(report)})
    ended = program.wait(limit)
    seconds = time.monotonic() - began
    if not report.exists():
        raise NotRun(program.said()[-1] if program.said() else f"ended with {program.code} and said nothing")
    time.sleep(0.2)
    arrived = sink.arrived()
    taken = json.loads(report.read_text())
    for name, part in taken.items():
        sizes = [size for call, size in arrived.sizes.items() if call.split(".")[1] == name]
        part["arrived"] = len(sizes)
        part["bytes"] = statistics.median(sizes) if sizes else None
    return {"parts": taken, "seconds": seconds, "ended": ended, "code": program.code, "said": program.said()[-5:]}


def table(results: dict[str, Any]) -> str:
    written = [f"Overhead of a call, in microseconds. {bench.machine_line(results['machine'])}"]
    if results["quick"]:
        written.append("\nA smoke test: these figures say nothing about speed.")
    for kind, title in KINDS.items():
        quiet, burst = f"{kind}-quiet", f"{kind}-burst"
        written.append(f"\n### {title}\n")
        written.append(row(
            "system", f"p50 at {RATES[kind]:.0f}/s", "p99", "max", "× logging (p50)", "burst p50", "burst p99",
            "burst max", "burst calls/s", "× logging (calls/s)", "arrived", "bytes of a record",
        ))  # fmt: skip
        written.append(row("---", *["---:"] * 11))
        base = results["systems"].get(BASE, {"rounds": []})
        for measured in results["systems"].values():
            if measured["not_run"]:
                written.append(row(measured["title"], f"not run: {measured['not_run']}", *[""] * 10))
            else:
                cells = [
                    *latencies(measured, quiet),
                    times(median(measured, quiet), median(base, quiet)),
                    *latencies(measured, burst),
                ]
                rate = per_second(measured, burst)
                cells += [
                    f"{rate:,.0f}",
                    times(rate, per_second(base, burst)),
                    share_arrived(measured, (quiet, burst)),
                    size(measured, quiet),
                ]
                written.append(row(measured["title"], *cells))
    return "\n".join([*written, "", *notes(results)])


def notes(results: dict[str, Any]) -> list[str]:
    """Programs that did not come to their end."""
    written = []
    for measured in results["systems"].values():
        for number, taken in enumerate(measured["rounds"], 1):
            if not taken["ended"] or taken["code"]:
                how = f"ended with {taken['code']}" if taken["ended"] else "was ended because it took too long"
                said = f"; it said: {taken['said'][-1]}" if taken["said"] else ""
                written.append(f"- {measured['title']}, round {number}: {how}{said}")
    return written


def samples(measured: dict[str, Any], part: str) -> list[int]:
    """All rounds' calls together, sorted."""
    return sorted(ns for taken in measured["rounds"] if part in taken["parts"] for ns in taken["parts"][part]["ns"])


def percentile(ordered: list[int], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1000 if ordered else None


def latencies(measured: dict[str, Any], part: str) -> list[str]:
    ordered = samples(measured, part)
    return [figure(percentile(ordered, share)) for share in (0.5, 0.99, 1.0)]


def median(measured: dict[str, Any], part: str) -> float | None:
    return percentile(samples(measured, part), 0.5)


def per_second(measured: dict[str, Any], part: str) -> float:
    taken = [taken["parts"][part] for taken in measured["rounds"] if part in taken["parts"]]
    nanoseconds = sum(sum(part["ns"]) for part in taken)
    return 1e9 * sum(len(part["ns"]) for part in taken) / nanoseconds if nanoseconds else 0.0


def times(figure: float | None, base: float | None) -> str:
    return f"{figure / base:.2f}" if figure and base else "–"


def share_arrived(measured: dict[str, Any], parts: tuple[str, ...]) -> str:
    taken = [taken["parts"][part] for taken in measured["rounds"] for part in parts if part in taken["parts"]]
    calls, arrived = sum(len(part["ns"]) for part in taken), sum(part["arrived"] for part in taken)
    return f"{arrived:,} of {calls:,}"


def size(measured: dict[str, Any], part: str) -> str:
    sizes = [taken["parts"][part]["bytes"] for taken in measured["rounds"] if part in taken["parts"]]
    known = [size for size in sizes if size]
    return f"{statistics.median(known):,.0f}" if known else "–"


def figure(microseconds: float | None) -> str:
    if microseconds is None:
        return "–"
    return f"{microseconds:,.0f}" if microseconds >= 100 else f"{microseconds:.1f}"


if __name__ == "__main__":
    main()
