"""Evidence is checked offline, and whatever is changed in it is noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from causebook._errors import EvidenceError, SettingError
from causebook._read import check
from causebook._records import Evidence

SPECIFIED = Path(__file__).parents[2] / "docs" / "format.md"


@pytest.fixture(scope="module")
def text() -> str:
    """The example of the specification."""
    page = SPECIFIED.read_text(encoding="utf-8")
    start = page.index('{\n  "format": "causebook-evidence/v1"')
    return page[start : page.index("```", start)]


@pytest.fixture(scope="module")
def key(text: str) -> str:
    return str(json.loads(text)["keys"][0])


def test_evidence_holds_by_the_key_of_its_log(text: str, key: str, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(text, encoding="utf-8")
    for evidence in (text, text.encode(), path, Evidence(text)):
        for keys in (key, [key], (key,)):
            verdict = check(evidence, keys=keys)
            assert verdict and verdict.of == "evidence" and not verdict.self_asserted
            assert verdict.origin == "ledger.example/loans" and verdict.size == 1
            assert verdict.signed is not None or verdict.report["signatures"][0]["time"] is None
            (record,) = verdict.records
            assert record.index == 0 and record.link == "asked"
            assert record.record is not None and record.record["decision"] == "deny"
            assert (record.shown, record.hidden) == (3, 6)
            assert {claim.by for claim in verdict.claims} == {"checked here"}


def test_without_keys_it_says_that_they_are_the_files_own_word(text: str) -> None:
    verdict = check(text)
    assert verdict.self_asserted and verdict.keys == ()
    assert "the file names itself" in verdict.claims[0].what
    assert "self-asserted" in repr(verdict)
    assert "own word" in verdict._repr_html_()
    assert any("was true" in said for said in verdict.not_proven)


def test_a_key_of_another_log_proves_nothing(text: str) -> None:
    other = "example.com/log+0a552a40+AS0ftxWhEHMZop2jDjRV84HFQg9Vs9EHgO3gBnk6jH7M"
    with pytest.raises((EvidenceError, SettingError)):
        check(text, keys=other)
    with pytest.raises(SettingError, match="is not a key"):
        check(text, keys="nonsense")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [it for name, item in value.items() for it in places(item, (*path, name))]
    if isinstance(value, list):
        return [it for place, item in enumerate(value) for it in places(item, (*path, place))]
    return [path]


def test_whatever_is_changed_is_noticed(text: str, key: str) -> None:
    document = json.loads(text)
    tried = 0
    for path in places(document):
        changed = json.loads(text)
        holder = changed
        for step in path[:-1]:
            holder = holder[step]
        value = holder[path[-1]]
        holder[path[-1]] = value + 1 if isinstance(value, int) else chr(ord(value[0]) ^ 1) + value[1:]
        with pytest.raises(EvidenceError) as caught:
            check(json.dumps(changed), keys=key)
        assert caught.value.code in ("false-evidence", "not-evidence")
        tried += 1
    assert tried > 20


def test_what_is_no_evidence_says_so(text: str) -> None:
    for content in ("", "{}", "[]", "<html>", text[:-40], b"\xff\xfe", b"\0" * 100):
        with pytest.raises(EvidenceError) as caught:
            check(content)
        assert caught.value.code == "not-evidence" and caught.value.hint
    with pytest.raises(FileNotFoundError):
        check(Path("nowhere.json"))
