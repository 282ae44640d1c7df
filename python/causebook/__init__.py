"""Causebook: the audit trail for model decisions."""

from causebook._load import native
from causebook._values import Attachment as Attachment
from causebook._values import Opaque as Opaque
from causebook._values import decode as decode
from causebook._values import encode as encode

__version__: str = native.__version__
