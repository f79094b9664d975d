"""An import in the name of a tolerant credential is judged as what that credential sends."""

from uuid import UUID, uuid4

from domain.credentials import Credential
from domain.roles import Role
from domain.statements.tolerance import Tolerated
from infra.imports.acceptor import Acceptor
from infra.imports.records import Record
from lrs.services import Services
from tests.integration.lrs.samples import statement


def test_only_what_is_not_tolerated_is_taken_out(services: Services, institution: UUID) -> None:
    tolerance = frozenset({Tolerated.UUID_ACTIVITY})
    tool = Credential(
        "tool", institution, "tool", frozenset({Role.TOOL}), tolerance=tolerance
    )  # fmt: skip
    sent = [
        statement(object={"id": str(uuid4())}),
        statement(object={"id": "no iri"}),
        statement(result={"score": {"min": 1, "max": 1}}),
        statement(),
    ]
    records = [Record(number, one) for number, one in enumerate(sent, 1)]
    outcome = Acceptor(services, tool).submit(records)
    assert outcome.accepted == 2
    assert sorted((each.number, each.pointer) for each in outcome.refused) == [
        (2, "/object/id"),
        (3, "/result/score/max"),
    ]
