"""The small wheel alone, in an environment with nothing else: a program, not a test of pytest, which is not there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Imports quickly and alone, records, reads, proves, checks; says what a folder needs."""
    begun = time.perf_counter()
    import causebook

    print(f"import causebook: {(time.perf_counter() - begun) * 1e3:.0f} ms")
    heavy = {"numpy", "pandas", "asyncio", "ssl", "http.client"} & sys.modules.keys()
    assert not heavy, f"importing causebook imports {heavy}"

    try:
        causebook.connect("./decisions")
    except causebook.InstallationError as error:
        assert "pip install 'causebook[embedded]'" in str(error), error
    else:
        raise AssertionError("the small wheel holds no ledger")
    assert not Path("decisions").exists()

    binary = os.environ["CAUSEBOOK_BINARY"]
    home = Path(tempfile.mkdtemp())
    os.environ["XDG_STATE_HOME"] = str(home / "state")
    subprocess.run([binary, "init", "--home", str(home)], check=True, capture_output=True)
    server = subprocess.Popen(
        [binary, "serve", "--home", str(home), "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = next(line.split()[-1] for line in server.stdout if line.startswith("listening at "))
        book = causebook.connect(url)

        @book.decision(model="credit", version="v1.2", decision="decision")
        def approve(age: int, income: float) -> dict[str, object]:
            return {"decision": "approve" if income > 1_000 * age else "deny", "p": 0.81}

        approve(30, 52_000.0)
        id = causebook.last_decision()
        assert id
        decision = book.get(id)
        assert (decision.input, decision.decision) == ({"age": 30, "income": 52_000.0}, "approve")
        evidence = book.prove(id)
        assert causebook.check(evidence), "evidence does not prove what it says"
        assert book.close().delivered == 1
    finally:
        server.terminate()
        server.wait(30)
    print("recorded, read, proven and checked")


if __name__ == "__main__":
    main()
