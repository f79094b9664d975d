"""Statements out of bytes: every form, every kind of damage, the same ids each time."""

import gzip
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.imports import records as module
from infra.imports.records import Record, records

LONGEST = 1000


def read(content: bytes, longest: int = LONGEST) -> list[Record]:
    return list(records(io.BufferedReader(io.BytesIO(content)), longest))


def rules(found: list[Record]) -> list[tuple[int, str]]:
    return [(record.number, record.fault.rule) for record in found if record.fault]


def test_lines_keep_their_numbers_and_blank_ones_are_none() -> None:
    found = read(b'\xef\xbb\xbf{"id":"a"}\n\n  \n{"id":"b"}\r\n{"id":"c"}')
    assert [(r.number, r.statement["id"]) for r in found] == [(1, "a"), (4, "b"), (5, "c")]


def test_what_is_no_json_is_refused_and_the_rest_is_read() -> None:
    found = read(b'{"id":"a"}\n{"id":\n{"id":"a","id":"b"}\nNaN\n{"id":"c"}\n')
    assert rules(found) == [(2, "json"), (3, "repeated-key"), (4, "json")]
    assert found[-1].statement == {"id": "c"}


def test_a_line_that_is_too_long_is_refused_and_the_rest_is_read() -> None:
    long = b'{"id":"' + b"x" * 3_000_000 + b'"}\n'
    found = read(long + b'{"id":"a"}\n' + long)
    assert rules(found) == [(1, "too-large"), (3, "too-large")]
    assert found[1].statement == {"id": "a"}


def test_the_longest_line_is_read() -> None:
    line = json.dumps({"id": "x" * (LONGEST - 10)}).encode()
    assert rules(read(line + b"\n" + line)) == []


@pytest.mark.parametrize("chunk", [1, 2, 7, 1 << 20])
def test_arrays_are_read_an_element_at_a_time(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", chunk)
    text = ' [ {"id":"a","n":[1,[2]]} ,\n{"id":"é]"}, 12]\n[{"id":"c"}] '.encode()
    found = read(text)
    assert [r.number for r in found] == [1, 2, 3, 4]
    assert [r.statement for r in found] == [
        {"id": "a", "n": [1, [2]]},
        {"id": "é]"},
        12,
        {"id": "c"},
    ]


def test_an_empty_array_has_nothing() -> None:
    assert read(b"[]") == []
    assert read(b"") == []


def test_behind_a_fault_in_an_array_nothing_is_read() -> None:
    found = read(b'[{"id":"a"}, {"id": nonsense}, {"id":"b"}]')
    assert found[0].statement == {"id": "a"}
    assert rules(found) == [(2, "json")]


def test_an_element_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 100)
    assert rules(read(b'[{"id":"' + b"x" * 5000 + b'"}]')) == [(1, "too-large")]


def test_a_damaged_archive_is_said_and_what_came_before_is_read() -> None:
    lines = b"".join(b'{"id":"%d"}\n' % n for n in range(20_000))
    archive = gzip.compress(lines)[:-2000]
    unpacked = io.BufferedReader(gzip.GzipFile(fileobj=io.BytesIO(archive)))  # type: ignore[arg-type]
    found = list(records(unpacked, LONGEST))
    assert len(found) > 1000
    assert rules(found) == [(found[-1].number, "damaged")]


def without_ids(values: list[Any]) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


@given(st.lists(st.fixed_dictionaries({"n": st.integers(0, 3)}), max_size=20))
def test_missing_ids_are_derived_the_same_each_time_and_all_differ(values: list[Any]) -> None:
    ids = [record.statement["id"] for record in read(without_ids(values))]
    assert ids == [record.statement["id"] for record in read(without_ids(values))]
    assert len(set(ids)) == len(values)


def test_a_file_that_grew_keeps_the_ids_of_its_lines() -> None:
    short, long = without_ids([{"n": 1}]), without_ids([{"n": 1}, {"n": 1}])
    assert read(short)[0].statement == read(long)[0].statement
