"""Statements that are broken in one place, or are no statements at all, through the API."""

import random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.values.version import Version
from tests.fuzz.conftest import many, refusal
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement
from tests.strategies.statements import Broken, broken_statements, statements
from tests.strategies.values import json_values

XAPI = "/xapi/statements"
VERSIONS = list(Version)


def post(tool: Caller, body: bytes, version: Version = Version.V2_0_0, **headers: str) -> Any:
    """Returns the answer to a POST of these bytes."""
    return tool(
        "POST",
        XAPI,
        data=body,
        content_type="application/json",
        headers={"X-Experience-API-Version": str(version), **headers},
    )


@pytest.mark.parametrize("version", VERSIONS)
@many
@given(data=st.data())
def test_a_fault_is_named_by_pointer_and_rule(
    tool: Caller, version: Version, data: st.DataObject
) -> None:
    broken: Broken = data.draw(broken_statements(version))
    answer = post(tool, orjson.dumps(broken.statement), version)
    assert refusal(answer) == (broken.pointer, broken.rule)
    in_batch = post(tool, orjson.dumps([statement(), broken.statement]), version)
    assert refusal(in_batch) == (f"/1{broken.pointer}", broken.rule)


@pytest.mark.parametrize("version", VERSIONS)
@many
@given(data=st.data())
def test_whatever_is_valid_is_stored_and_read_in_every_form(
    tool: Caller, version: Version, data: st.DataObject
) -> None:
    """The strangest of strings too; only an id that is taken, or a part that is not sent, is no."""
    sent = data.draw(statements(version))
    answer = post(tool, orjson.dumps(sent), version)
    if refusal(answer) is not None:
        assert refusal(answer)[1].startswith("attachment"), answer.data
        return
    if answer.status_code == 409:
        return
    assert answer.status_code == 200, answer.data
    name = answer.json[0]
    # Another example may have voided it, even beforehand.
    parameter = "statementId"
    if tool("GET", f"{XAPI}?statementId={name}").status_code == 404:
        parameter = "voidedStatementId"
    for form in ("ids", "canonical", "exact"):
        found = tool("GET", f"{XAPI}?{parameter}={name}&format={form}")
        assert found.status_code == 200, found.data
    assert found.json["actor"] == sent["actor"]
    assert tool("GET", f"{XAPI}?limit=5&attachments=true").status_code == 200


@many
@given(body=json_values)
def test_json_that_is_no_statement(tool: Caller, body: Any) -> None:
    answer = post(tool, orjson.dumps(body))
    assert answer.status_code == 400 or body == []
    refusal(answer)


@many
@given(data=st.data())
def test_bytes_that_were_damaged_on_the_way(tool: Caller, data: st.DataObject) -> None:
    """Cut, doubled, overwritten: it is refused, or was still a valid statement."""
    body = bytearray(orjson.dumps(statement()))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        to = data.draw(st.integers(at, len(body)))
        body[at:to] = data.draw(st.binary(max_size=4) | st.just(bytes(body[at:to]) * 2))
    refusal(post(tool, bytes(body)))


RAW = {
    "empty": b"",
    "not UTF-8": b'{"actor": "\xff"}',
    "UTF-16": '{"actor": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "half a surrogate": b'{"actor": "\\ud800"}',
    "NaN": b'{"result": NaN}',
    "infinite": b'{"result": 1e999}',
    "a number of many digits": b"9" * 5000,
    "deep": b"[" * 20000 + b"]" * 20000,
    "deep objects": b'{"a":' * 20000 + b"1" + b"}" * 20000,
    "a key twice": b'{"actor": {}, "actor": {}}',
    "a comment": b"{/* */}",
    "a tail": b"{} {}",
    "a NUL": b'{"actor": "\\u0000"}\x00',
}


@pytest.mark.parametrize("kind", RAW)
def test_bytes_that_are_hard_to_read(tool: Caller, kind: str) -> None:
    assert refusal(post(tool, RAW[kind])) is not None


@pytest.mark.parametrize("depth", [10, 100, 1000, 5000])
def test_valid_but_deep(tool: Caller, depth: int) -> None:
    """Extensions may hold anything: stored and read again, or refused."""
    deep: Any = 1
    for _ in range(depth):
        deep = [deep]
    body = orjson.dumps(statement())[:-1] + b',"result":{"extensions":{"http://x.example/":'
    body += b"[" * depth + b"1" + b"]" * depth + b"}}}"
    answer = post(tool, body)
    if refusal(answer) is None:
        assert tool("GET", f"{XAPI}?statementId={answer.json[0]}").status_code == 200


def test_names_of_any_letters_are_told_apart(tool: Caller) -> None:
    """NUL, line ends, quotes and emoji in what is looked for by."""
    chance = random.Random(1)
    for letter in ("\0", "\n", "'", '"', "%", "\\", "😀", "\ufeff", "\u202e"):
        account = {"homePage": "https://x.example", "name": f"{chance.random()}{letter}"}
        sent = statement(actor={"account": account})
        assert post(tool, orjson.dumps(sent)).status_code == 200
        query = {"agent": orjson.dumps(sent["actor"]).decode()}
        found = tool("GET", XAPI, query_string=query).json["statements"]
        assert [one["id"] for one in found] == [sent["id"]]
