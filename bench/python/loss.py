#!/usr/bin/env python3
"""What is lost when programs and sinks end in the ways that they do: Causebook, plain logging and other systems.

    python bench/python/loss.py                 # the table; README.md says what each scenario is
    python bench/python/loss.py --quick         # a smoke test

A call counts as expected once it has returned: the program counts it in a mapped file that survives it. What a sink has
is counted when everything is over, and again after the next program of the same kind has run on the same machine. The
exit code is 1 if Causebook lost or doubled a record or a call of it did not return, 2 if it was asked for and could not
be run.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import bench
from bench import Bench, Place, row, tell
from subject import FORK_CALLS, Tally
from systems.base import Arrived, NotRun, Process, System, listens

RATE = 500.0
SYSTEMS_BY_DEFAULT = ["logging", "causebook", "langfuse", "mlflow-otlp", "opik"]
SLOW_SECONDS = 0.5
# A program that has made its calls is given so long to end, however much it still has to send.
EXIT_SECONDS_MAX = 120.0
# A sink has everything when nothing has come for so long after the program ended.
QUIET_SECONDS = 0.5


@dataclass(frozen=True)
class Length:
    """How much is done."""

    calls: int
    stay_s: float
    """How long a program goes on, without calls, when its sink has come back. Opik looks for it every 10 s."""
    next_s: float
    """How long the next program runs; what is there when it has ended counts."""


QUICK = Length(calls=150, stay_s=1.0, next_s=1.0)


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    run: Callable[[Round], None]
    network: bool = False


class Round:
    """One repetition of one scenario with one system."""

    def __init__(self, place: Place, length: Length, seed: int) -> None:
        self.place = place
        self.length = length
        self.random = random.Random(seed)
        self.sink = place.sink()
        self.file = place.folder / "tally"
        self.tally = Tally.make(self.file)
        self.notes: list[str] = []
        self.calls_wanted = 0
        self.exit_s = 0.0
        self.way: Process | None = None

    def start(self, ending: str, calls: int, stay: float = 0.0) -> bench.Program:
        plan = {"what": "loss", "ending": ending, "calls": calls, "rate": RATE, "part": "parent", "stay": stay}
        return self.place.start({**plan, "tally": str(self.file)})

    def wait_for_calls(self, program: bench.Program, calls: int) -> None:
        self.calls_wanted = max(self.calls_wanted, calls)
        end = time.monotonic() + EXIT_SECONDS_MAX + calls / RATE
        while self.tally.calls(0) < calls:
            if program.code is not None:
                said = program.said()
                raise NotRun(f"ended with {program.code} after {self.tally.calls(0)} calls: {said[-1] if said else ''}")
            if time.monotonic() > end:
                program.kill()
                self.notes.append(f"stood still after {self.tally.calls(0)} of {calls} calls")
                return
            time.sleep(0.001)

    def finish(self, program: bench.Program, calls: int, stay: float = 0.0) -> None:
        """Waits for the program's own end after its last call, and the time that it stays."""
        self.wait_for_calls(program, calls)
        began = time.monotonic()
        if not program.wait(stay + EXIT_SECONDS_MAX):
            self.notes.append(f"did not end within {EXIT_SECONDS_MAX:.0f} s, was killed")
        elif program.code:
            self.notes.append(f"ended with {program.code}")
        self.exit_s = max(0.0, time.monotonic() - began - stay)

    def next_program(self) -> None:
        """Another one that starts on the same machine afterwards, makes a call of its own and ends."""
        other = self.place.folder / "tally-of-next"
        Tally.make(other)
        plan = {"what": "loss", "ending": "next", "calls": 1, "rate": RATE, "part": "next", "stay": self.length.next_s}
        program = self.place.start({**plan, "tally": str(other)})
        if not program.wait(EXIT_SECONDS_MAX):
            self.notes.append("the next program did not end")

    def end(self) -> None:
        if self.way:
            self.way.end()
        self.sink.stop()

    def expected(self) -> set[str]:
        names = {0: "parent", 1: "child"}
        return {
            f"{self.place.run}.{names[slot]}.{number}" for slot in names for number in range(self.tally.calls(slot))
        }

    def settled(self) -> Arrived:
        """What the sink has, once nothing more comes."""
        arrived = self.sink.arrived()
        while True:
            time.sleep(QUIET_SECONDS)
            before, arrived = arrived, self.sink.arrived()
            if arrived.messages == before.messages:
                return arrived


def kill(scene: Round) -> None:
    """At another moment each time, so that it meets every state of a batch."""
    scene.sink.start()
    calls = scene.random.randrange(scene.length.calls * 2 // 3, scene.length.calls * 5 // 3)
    program = scene.start("exit", 2 * scene.length.calls)
    scene.wait_for_calls(program, calls)
    program.kill()


def late(scene: Round) -> None:
    """The sink comes when five sixths of the calls are made, and the program stays a while after the last."""
    calls = scene.length.calls
    program = scene.start("exit", calls, scene.length.stay_s)
    scene.wait_for_calls(program, calls * 5 // 6)
    scene.sink.start()
    scene.finish(program, calls, scene.length.stay_s)


def down(scene: Round) -> None:
    scene.finish(scene.start("exit", scene.length.calls), scene.length.calls)
    scene.sink.start()


def fork(scene: Round) -> None:
    scene.sink.start()
    scene.finish(scene.start("fork", 2), 2)
    scene.calls_wanted += FORK_CALLS


def spawn(scene: Round) -> None:
    scene.sink.start()
    scene.finish(scene.start("spawn", 1), 1)
    scene.calls_wanted += FORK_CALLS


def leave(scene: Round) -> None:
    scene.sink.start()
    scene.finish(scene.start("exit", scene.length.calls // 6), scene.length.calls // 6)


def slow(scene: Round) -> None:
    """The program's way to the sink is through `slow.py`, on the port that the program knows."""
    target = bench.free_port()
    scene.sink = scene.place.sink(target)
    scene.sink.start()
    way = [sys.executable, str(bench.HERE / "slow.py"), str(scene.place.port), str(target), str(SLOW_SECONDS)]
    scene.way = Process(way, scene.place.folder)
    scene.way.wait_for(lambda: listens(scene.place.port))
    scene.finish(scene.start("exit", scene.length.calls // 3), scene.length.calls // 3)


SCENARIOS = [
    Scenario("kill", f"kill -9 at {RATE:.0f} calls/s", kill),
    Scenario("late", "sink down at the start, then up", late, network=True),
    Scenario("down", "sink down for the whole run", down, network=True),
    Scenario("fork", f"fork, {FORK_CALLS} calls, os._exit", fork),
    Scenario("spawn", f"multiprocessing spawn, {FORK_CALLS} calls", spawn),
    Scenario("exit", "sys.exit after the last call", leave),
    Scenario("slow", f"sink that answers after {SLOW_SECONDS * 1000:.0f} ms", slow, network=True),
]


def main() -> int:
    parser = bench.options(__doc__ or "", "--repetitions", 20)
    parser.add_argument("--scenarios", default=",".join(scenario.name for scenario in SCENARIOS))
    parser.add_argument("--calls", type=int, default=3_000, help="calls of a run, about; some scenarios need fewer")
    parser.add_argument("--seed", type=int, default=1, help="decides when the kills come")
    parser.add_argument("--jobs", type=int, default=1, help="systems that run at one time; times are then worth less")
    arguments = parser.parse_args()
    length = Length(arguments.calls, stay_s=15.0, next_s=3.0)
    if arguments.quick:
        arguments.rounds, arguments.jobs, length = 1, 4, QUICK
    systems = bench.chosen(arguments, SYSTEMS_BY_DEFAULT)
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in arguments.scenarios.split(",")]
    prepared = Bench.prepare(arguments, systems)
    results: dict[str, Any] = {
        "machine": bench.machine(prepared), "length": asdict(length), "seed": arguments.seed, "jobs": arguments.jobs,
        "scenarios": {scenario.name: scenario.title for scenario in scenarios},
        "systems": {
            system.name: {"title": system.title, "not_run": prepared.missing(system), "rounds": []}
            for system in systems
        },
    }  # fmt: skip
    seeds = random.Random(arguments.seed)
    for number in range(arguments.rounds):
        for scenario in scenarios:
            tell(f"{number + 1} of {arguments.rounds}: {scenario.name}")
            able = [system for system in systems if not results["systems"][system.name]["not_run"]]
            able = [system for system in able if system.over_network or not scenario.network]
            seed = seeds.randrange(1 << 32)
            with ThreadPoolExecutor(arguments.jobs) as pool:
                all_told = pool.map(partial(one_round, prepared, scenario, length, seed), able)
            for system, told in zip(able, all_told, strict=True):
                results["systems"][system.name]["rounds"].append({"scenario": scenario.name, "seed": seed, **told})
            bench.write_results(arguments.results, "loss.json", results)
    print(table(results))
    tell(f"everything counted is in {arguments.results / 'loss.json'}")
    return verdict(results)


def one_round(prepared: Bench, scenario: Scenario, length: Length, seed: int, system: System) -> dict[str, Any]:
    told = tried(prepared, scenario, length, seed, system)
    tell(f"  {system.name}: {in_words(told)}")
    return told


def tried(prepared: Bench, scenario: Scenario, length: Length, seed: int, system: System) -> dict[str, Any]:
    with bench.place(prepared, system) as place:
        try:
            scene = Round(place, length, seed)
        except NotRun as reason:
            return {"not_run": str(reason)}
        try:
            scenario.run(scene)
            before = after = scene.settled()
            # A system that keeps nothing has nothing to bring. That it does not is seen where it lost something.
            if system.keeps or scene.expected() - before.calls.keys():
                scene.next_program()
                after = scene.settled()
            return counted(scene, before, after)
        except NotRun as reason:
            return {"not_run": str(reason)}
        finally:
            scene.end()


def counted(scene: Round, before: Arrived, after: Arrived) -> dict[str, Any]:
    expected = scene.expected()
    lost = sorted(expected - after.calls.keys())
    if (missing := scene.calls_wanted - len(expected)) > 0:
        scene.notes.append(f"{missing} calls did not return")
    return {
        "expected": len(expected),
        "delivered_before_next": len(expected & before.calls.keys()),
        "delivered": len(expected & after.calls.keys()),
        "doubled": sum(len(records) - 1 for records in after.calls.values()),
        "repeated_messages": after.repeats,
        "longest_call_ms": max(scene.tally.longest_ns(slot) for slot in range(Tally.SLOTS)) / 1e6,
        "exit_s": scene.exit_s,
        "lost": lost[:20],
        "calls_that_did_not_return": max(0, missing),
        "notes": scene.notes,
    }


def in_words(told: dict[str, Any]) -> str:
    if "not_run" in told:
        return f"not run: {told['not_run']}"
    notes = "".join(f"; {note}" for note in told["notes"])
    return f"{told['delivered']} of {told['expected']}, {told['doubled']} doubled{notes}"


def table(results: dict[str, Any]) -> str:
    scenarios: dict[str, str] = results["scenarios"]
    written = [
        f"Records delivered of those expected. {bench.machine_line(results['machine'])}; "
        f"kills from seed {results['seed']}\n",
        row(
            "scenario", "system", "delivered", "lost", "doubled", "did not return", "runs that lost",
            "there before the next program ran", "longest call", "longest end",
        ),  # fmt: skip
        row("---", "---", *["---:"] * 8),
    ]  # fmt: skip
    for name, title in scenarios.items():
        for system in results["systems"].values():
            rounds = [told for told in system["rounds"] if told["scenario"] == name]
            if reason := system["not_run"]:
                written.append(row(title, system["title"], f"not run: {reason}", *[""] * 7))
            elif rounds:
                written.append(row(title, system["title"], *cells(rounds)))
    return "\n".join([*written, "", *notes(results)])


def notes(results: dict[str, Any]) -> list[str]:
    """What else happened: programs that did not end, calls that did not return, repetitions that could not be run."""
    counted: dict[str, int] = {}
    for system in results["systems"].values():
        for told in system["rounds"]:
            for note in [f"not run: {told['not_run']}"] if "not_run" in told else told["notes"]:
                text = f"- {results['scenarios'][told['scenario']]}, {system['title']}: {' '.join(note.split())}"
                counted[text] = counted.get(text, 0) + 1
    return [f"{text} ({number} times)" for text, number in counted.items()]


def cells(rounds: list[dict[str, Any]]) -> list[str]:
    ran = [told for told in rounds if "not_run" not in told]
    if not ran:
        return [f"not run: {rounds[0]['not_run']}", *[""] * 7]

    def total(what: str) -> int:
        return sum(told[what] for told in ran)

    lost = total("expected") - total("delivered")
    return [
        f"{total('delivered'):,} of {total('expected'):,}",
        f"{lost:,} ({100 * lost / max(1, total('expected')):.1f} %)" if lost else "0",
        f"{total('doubled'):,}",
        f"{total('calls_that_did_not_return'):,}",
        f"{sum(told['delivered'] < told['expected'] for told in ran)} of {len(ran)}",
        f"{total('delivered_before_next'):,}",
        f"{max(told['longest_call_ms'] for told in ran):,.0f} ms",
        f"{max(told['exit_s'] for told in ran):.1f} s",
    ]


def verdict(results: dict[str, Any]) -> int:
    """Only of what Causebook promises: its mode `memory` promises nothing."""
    ours = {name: told for name, told in results["systems"].items() if name.startswith("causebook")}
    rounds = [told for name, system in ours.items() if name != "causebook-memory" for told in system["rounds"]]
    if any(system["not_run"] for system in ours.values()) or any("not_run" in told for told in rounds):
        return 2
    bad = ("doubled", "calls_that_did_not_return")
    return int(any(told["delivered"] < told["expected"] or any(told[what] for what in bad) for told in rounds))


if __name__ == "__main__":
    sys.exit(main())
