"""What the tests of integrations share: a book that keeps what it is given, and a table of data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer

sys.path.insert(0, str(Path(__file__).parent))

from fake import FakeBook


@pytest.fixture
def book() -> Any:
    """A book whose recording must not have failed when the test ends."""
    book = FakeBook()
    yield book
    if book.failures:
        raise book.failures[0]


@pytest.fixture(scope="session")
def data() -> tuple[Any, Any]:
    """569 biopsies, four features, and whether the tumour is benign (1)."""
    bunch: Any = load_breast_cancer(as_frame=True)
    return bunch.data.iloc[:, :4], bunch.target
