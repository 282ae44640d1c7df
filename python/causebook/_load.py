"""Chooses the native module: that of the package `causebook-embedded`, which holds a ledger too, if it is installed."""

from __future__ import annotations

from causebook import _native as plain
from causebook._errors import InstallationError

native = plain
try:
    from causebook_embedded import _native as embedded  # type: ignore[import-not-found,unused-ignore]
except ModuleNotFoundError:
    pass
else:
    if embedded.__version__ != plain.__version__:
        raise InstallationError(
            f"causebook {plain.__version__} and causebook-embedded {embedded.__version__} do not fit together; "
            f"install causebook-embedded=={plain.__version__}"
        )
    native = embedded

__all__ = ["native"]
