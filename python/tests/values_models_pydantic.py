"""Models of pydantic for the table of values."""

import datetime
import decimal
from typing import Any

import pydantic


class Loan(pydantic.BaseModel):
    amount: decimal.Decimal
    due: datetime.date | None = None
    note: str = ""


class Open(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")

    a: int
    _seen: Any = pydantic.PrivateAttr(default=())
