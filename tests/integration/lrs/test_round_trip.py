"""Arbitrary valid statements come back as they were sent, through encryption and the database."""

from typing import Any
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.credentials import Credential
from domain.roles import Role
from domain.statements.equality import canonical
from domain.values.version import Version
from lrs.attachments import attachments_of
from lrs.services import Services
from tests.strategies.statements import statements

TOOL = Credential("tool", uuid4(), "a tool", frozenset({Role.TOOL}))
ASSIGNED = ("id", "stored", "authority", "version", "timestamp")


def sendable(statement: dict[str, Any]) -> dict[str, Any]:
    """Returns the statement as it can be sent alone: without id, its attachments elsewhere."""
    for _, attachment in attachments_of(statement):
        attachment.setdefault("fileUrl", "https://files.example.org/1")
    return {name: value for name, value in statement.items() if name != "id"}


def bare(statement: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name not in ASSIGNED}


@given(data=st.data(), version=st.sampled_from(list(Version)))
@settings(max_examples=150)
def test_what_goes_in_comes_out(services: Services, data: st.DataObject, version: Version) -> None:
    sent = sendable(data.draw(statements(version)))
    (statement_id,) = services.statements.accept(TOOL, [sent], version).ids
    got = services.queries.get(TOOL.institution, statement_id)
    assert bare(got) == bare(sent)
    assert got["timestamp"] == sent.get("timestamp", got["stored"])
    assert UUID(got["id"]) == statement_id
    assert canonical({**sent, "id": got["id"]}) == canonical(
        {name: value for name, value in got.items() if name != "timestamp" or name in sent}
    )


@given(data=st.data())
@settings(max_examples=25)
def test_a_batch_in_any_cut_is_the_same(services: Services, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(statements(Version.V2_0_0), min_size=1, max_size=6))
    batch = [sendable(one) for one in drawn]
    ids = services.statements.accept(TOOL, batch, Version.V2_0_0).ids
    for one, statement_id in zip(batch, ids, strict=True):
        assert bare(services.queries.get(TOOL.institution, statement_id)) == bare(one)
