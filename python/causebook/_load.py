"""Chooses the native module: that of the package `causebook-embedded`, which holds a ledger too, if it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from causebook import _native as plain
from causebook._errors import InstallationError

if TYPE_CHECKING:
    native = plain
else:
    try:
        from causebook_embedded import _native as native
    except ModuleNotFoundError:
        native = plain
    if native.__version__ != plain.__version__:
        raise InstallationError(
            f"causebook {plain.__version__} and causebook-embedded {native.__version__} do not fit together; "
            f"install causebook-embedded=={plain.__version__}"
        )

__all__ = ["native"]
