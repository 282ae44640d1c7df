"""Causebook: the audit trail for model decisions."""

from causebook._load import native

__version__: str = native.__version__
