"""What can go wrong. Recording raises none of these into the caller unless `strict=True`."""

from __future__ import annotations


class CausebookError(Exception):
    """Anything that Causebook raises."""

    code: str | None = None
    """The kind of problem in a word, as the server's API has it, such as `no-record`."""
    hint: str | None = None
    """What to do about it, where that is known. The message ends with it."""


class InstallationError(CausebookError):
    """The packages that are installed do not fit together."""


class SettingError(CausebookError, ValueError):
    """A setting has a value that it cannot have."""


class RecordError(CausebookError, ValueError):
    """A record cannot be what was given for it."""


class SpoolError(CausebookError, OSError):
    """The spool could not keep a record."""


class SpoolFull(SpoolError):
    """The spool holds as much as it may, and `on_full="raise"` was asked for."""


class RefusedError(CausebookError):
    """The ledger refused a record, or a question."""


class UnavailableError(CausebookError):
    """The ledger could not be reached, or does not answer now."""


class NotFoundError(CausebookError, KeyError):
    """The ledger has no such record."""

    def __str__(self) -> str:
        return " ".join(str(part) for part in self.args)


class EvidenceError(CausebookError, ValueError):
    """What was given is not evidence, or does not prove what it says."""
