"""What one credential sent, and nobody else's: not by references, not by being named."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.credentials import Credential
from domain.errors import NotFound
from domain.roles import Role
from domain.scopes import Scope
from domain.values.version import Version
from lrs.queries import Filter
from lrs.services import Services

VOIDED = {"id": "http://adlnet.gov/expapi/verbs/voided"}
ACTIVITY = "https://courses.example/own"


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "actor": {"mbox": "mailto:amina@students.example"},
        "verb": {"id": "https://verbs.example/tried"},
        "object": {"id": ACTIVITY},
        **changes,
    }


def test_only_ones_own(services: Services) -> None:
    institution = uuid4()
    mine, other = (
        Credential(key, institution, key, frozenset({Role.TOOL})) for key in ("mine", "other")
    )
    me = services.statements.authority(mine)
    own = [statement() for _ in range(3)]
    services.statements.accept(mine, own, Version.V2_0_0)
    foreign = [
        statement(),
        statement(object={"objectType": "StatementRef", "id": own[0]["id"]}),
        statement(context={"instructor": me}),
        statement(actor=me),
        statement(verb=VOIDED, object={"objectType": "StatementRef", "id": own[1]["id"]}),
    ]
    services.statements.accept(other, foreign, Version.V2_0_0)

    def seen(limit: int = 10, **narrower: Any) -> list[str]:
        wanted = Filter(authority=me, **narrower)
        found: list[str] = []
        page = services.queries.page(institution, wanted, limit, None)
        found += [one["id"] for one in page.statements]
        while page.next is not None:
            page = services.queries.page(institution, wanted, limit, page.next)
            found += [one["id"] for one in page.statements]
        return found

    assert seen() == [own[2]["id"], own[0]["id"]]
    assert seen(limit=1) == [own[2]["id"], own[0]["id"]]
    assert seen(ascending=True) == [own[0]["id"], own[2]["id"]]
    assert seen(activity=ACTIVITY) == [own[2]["id"], own[0]["id"]]
    assert seen(agent=me, related_agents=True) == [own[2]["id"], own[0]["id"]]
    assert seen(verb="https://verbs.example/other") == []
    nobody = services.statements.authority(Credential("nobody", institution, "", frozenset()))
    assert services.queries.page(institution, Filter(authority=nobody), 10, None).statements == []

    for one in (own[0], own[2]):
        assert services.queries.get(institution, UUID(one["id"]), authority=me)["id"] == one["id"]
    voided = UUID(own[1]["id"])
    assert services.queries.get(institution, voided, voided=True, authority=me)
    for one in foreign:
        with pytest.raises(NotFound):
            services.queries.get(institution, UUID(one["id"]), authority=me)
        with pytest.raises(NotFound):
            services.queries.get(institution, UUID(one["id"]), authority=nobody)


def test_an_equal_statement_stays_the_first_senders(services: Services) -> None:
    institution = uuid4()
    first, second = (
        Credential(key, institution, key, frozenset({Role.TOOL})) for key in ("first", "second")
    )
    sent = statement()
    for credential in (first, second):
        services.statements.accept(credential, [sent], Version.V2_0_0)
    own = [
        services.queries.page(
            institution, Filter(authority=services.statements.authority(credential)), 5, None
        ).statements
        for credential in (first, second)
    ]
    assert [len(found) for found in own] == [1, 0]


def test_definitions_are_merged_for_those_who_may_define(services: Services) -> None:
    institution = uuid4()
    definer = Credential("definer", institution, "", frozenset({Role.TOOL}))
    writer = Credential(
        "writer", institution, "", frozenset({Role.TOOL}), frozenset({Scope.WRITE, Scope.READ})
    )
    iri = f"https://courses.example/{uuid4()}"
    described = {"id": iri, "definition": {"name": {"en": "Algebra"}}}
    catalogue = services.activities
    identity = catalogue.identify(institution, iri)

    services.statements.accept(writer, [statement(object=described)], Version.V2_0_0)
    assert catalogue.describe(institution, [identity])[identity].definition == {}
    services.statements.accept(definer, [statement(object=described)], Version.V2_0_0)
    assert catalogue.describe(institution, [identity])[identity].name() == "Algebra"
    renamed = {"id": iri, "definition": {"name": {"en": "Geometry"}}}
    services.statements.accept(writer, [statement(object=renamed)], Version.V2_0_0)
    assert catalogue.describe(institution, [identity])[identity].name() == "Algebra"
