"""What is recorded: an application of 25 fields, a frame of 1,000 x 30 floats, and a small answer.

Every call carries a text of its own, `call.RUN.PART.NUMBER`, by which a sink's records are told apart. Systems in this
folder are given the same values in the same order.
"""

from __future__ import annotations

import re
from typing import Any

FRAME_ROWS = 1_000
FRAME_COLUMNS = 30
CALL = re.compile(rb"call\.([0-9a-z]+\.[0-9a-z-]+\.\d+)")


def call_in(data: bytes) -> str | None:
    """The call that is named first in a record."""
    found = CALL.search(data)
    return found[1].decode() if found else None


def call_name(run: str, part: str, number: int) -> str:
    return f"call.{run}.{part}.{number}"


def application(call: str) -> dict[str, Any]:
    return {
        "application_id": call,
        "age": 34,
        "income": 48_250.75,
        "amount": 12_500.0,
        "term_months": 48,
        "purpose": "car",
        "employment": "permanent",
        "employment_years": 6.5,
        "housing": "rent",
        "housing_years": 3.25,
        "existing_credits": 2,
        "dependants": 1,
        "savings": 4_310.4,
        "checking": "0-200",
        "utilisation": 0.4275,
        "inquiries_6m": 1,
        "delinquencies_2y": 0,
        "oldest_account_months": 121,
        "debt_to_income": 0.3127,
        "region": "Nordrhein-Westfalen",
        "channel": "branch",
        "foreign_worker": False,
        "guarantor": False,
        "score_bureau": 612,
        "score_internal": 0.68123,
    }


def decide(application: dict[str, Any]) -> dict[str, Any]:
    return {"decision": "approve", "score": 0.7312, "limit": application["amount"]}


def decide_frame(call: str, frame: Any) -> dict[str, Any]:
    return {"call": call, "decision": "approve", "score": 0.7312, "rows": len(frame)}


def frame_values() -> Any:
    import numpy

    return numpy.random.default_rng(1).normal(size=(FRAME_ROWS, FRAME_COLUMNS))


def frame(values: Any, call: str) -> Any:
    """The values, all of them moved a little by the number of the call."""
    import pandas

    moved = values + int(call.rsplit(".", 1)[1])
    return pandas.DataFrame(moved, columns=[f"feature_{number:02}" for number in range(FRAME_COLUMNS)])
