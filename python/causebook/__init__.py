"""Causebook: the audit trail for model decisions.

    import causebook

    book = causebook.connect("https://causebook.example.com")

    @book.decision(model="credit-risk", version="v1.2")
    def approve(age, income): ...

Every call of `approve` is a record now: what went in, what came out, when, and by which model. It is on disk before the
call returns, it is delivered behind the program's back, and nobody can change it unnoticed.
"""

from typing import TYPE_CHECKING, Any

from causebook._book import Book as Book
from causebook._connect import connect as connect
from causebook._context import context as context
from causebook._context import last_decision as last_decision
from causebook._counts import Counts as Counts
from causebook._counts import Receipt as Receipt
from causebook._errors import CausebookError as CausebookError
from causebook._errors import EvidenceError as EvidenceError
from causebook._errors import InstallationError as InstallationError
from causebook._errors import NotFoundError as NotFoundError
from causebook._errors import RecordError as RecordError
from causebook._errors import RefusedError as RefusedError
from causebook._errors import SettingError as SettingError
from causebook._errors import SpoolError as SpoolError
from causebook._errors import SpoolFull as SpoolFull
from causebook._errors import UnavailableError as UnavailableError
from causebook._load import native
from causebook._read import check as check
from causebook._records import Decision as Decision
from causebook._records import Evidence as Evidence
from causebook._records import Table as Table
from causebook._records import Verification as Verification
from causebook._records import Why as Why
from causebook._seam import Recorded as Recorded
from causebook._values import Attachment as Attachment
from causebook._values import Opaque as Opaque
from causebook._values import decode as decode
from causebook._values import encode as encode

if TYPE_CHECKING:
    from causebook._shap import explanation as explanation
    from causebook._watch import recorded_by as recorded_by

__version__: str = native.__version__


def __getattr__(name: str) -> Any:
    """Names that few programs use are imported when they are used: `import causebook` is to be fast."""
    if name == "recorded_by":
        from causebook._watch import recorded_by

        return recorded_by
    if name == "explanation":
        from causebook._shap import explanation

        return explanation
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
