"""Reading statements: 1.0.3 Communication 2.1.3 and Data 2.3.2, 2.5; 2.0.0 4.1.6.1 and 4.2.5."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from api.services import Services
from tests.conformance.conftest import query
from tests.conformance.requests import COURSE, STATEMENTS, agent
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement, voiding

THROUGH = "X-Experience-API-Consistent-Through"


def post(lrs: Caller, *sent: dict[str, Any]) -> None:
    for one in sent:
        assert lrs("POST", STATEMENTS, json=one).status_code == 200


def ids(lrs: Caller, **parameters: Any) -> list[str]:
    """Returns the ids of every page."""
    answer = lrs("GET", query(STATEMENTS, **parameters))
    found: list[str] = []
    while True:
        assert answer.status_code == 200, answer.text
        found += [one["id"] for one in answer.json["statements"]]
        if "more" not in answer.json:
            return found
        answer = lrs("GET", answer.json["more"])


def own_verb() -> dict[str, Any]:
    return {"id": f"https://verbs.example/{uuid4()}"}


def test_comm_2_1_3_every_answer_says_how_far_it_is_complete(lrs: Caller) -> None:
    sent = statement()
    post(lrs, sent)
    addresses = [STATEMENTS, query(STATEMENTS, statementId=sent["id"])]
    addresses += [query(STATEMENTS, limit="1"), query(STATEMENTS, statementId=str(uuid4()))]
    for address in addresses:
        for method in ("GET", "HEAD"):
            assert datetime.fromisoformat(lrs(method, address).headers[THROUGH]).tzinfo
    assert THROUGH in lrs("POST", STATEMENTS, json=statement()).headers


def test_comm_2_1_3_consistent_through_waits_for_writes_still_open(
    lrs: Caller, services: Services
) -> None:
    with services.pool.connection() as connection, connection.transaction():
        row = connection.execute("SELECT now()").fetchone()
        assert row is not None
        answer = lrs("GET", STATEMENTS)
        for _ in range(3):
            answer = lrs("GET", STATEMENTS)
        assert datetime.fromisoformat(answer.headers[THROUGH]) <= row[0]


def test_comm_2_1_3_what_is_consistent_is_in_the_answer(lrs: Caller) -> None:
    """No statement's `stored` lies before the header of an answer that lacks it."""
    verb = own_verb()
    for _ in range(5):
        post(lrs, statement(verb=verb))
    for _ in range(5):
        answer = lrs("GET", query(STATEMENTS, verb=verb["id"]))
        post(lrs, statement(verb=verb))
        newest = lrs("GET", query(STATEMENTS, verb=verb["id"], limit="1")).json["statements"][0]
        assert newest["id"] not in {one["id"] for one in answer.json["statements"]}
        assert newest["stored"] >= answer.headers[THROUGH][:23]


def test_2_0_0_4_1_6_1_last_modified_is_stored(lrs: Caller) -> None:
    sent = statement()
    post(lrs, sent)
    answer = lrs("GET", query(STATEMENTS, statementId=sent["id"]))
    stored = datetime.fromisoformat(answer.json["stored"])
    assert parsedate_to_datetime(answer.headers["Last-Modified"]) == stored.replace(microsecond=0)


def test_comm_1_1_head_has_the_headers_and_no_byte(lrs: Caller) -> None:
    sent = statement()
    post(lrs, sent)
    for address in (STATEMENTS, query(STATEMENTS, statementId=sent["id"]), "/xapi/about"):
        head, got = lrs("HEAD", address), lrs("GET", address)
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert lrs("HEAD", query(STATEMENTS, statementId="1")).status_code == 400
    assert lrs("HEAD", query(STATEMENTS, statementId=str(uuid4()))).status_code == 404


def test_comm_2_1_3_more_gives_each_once_while_statements_arrive(lrs: Caller) -> None:
    verb = own_verb()
    sent = [statement(verb=verb) for _ in range(11)]
    post(lrs, *sent)
    for ascending in ("true", "false"):
        answer = lrs("GET", query(STATEMENTS, verb=verb["id"], limit="3", ascending=ascending)).json
        found = [one["id"] for one in answer["statements"]]
        while "more" in answer:
            assert answer["more"].startswith("/xapi/statements/more/")
            if ascending == "false":
                post(lrs, statement(verb=verb))
            answer = lrs("GET", answer["more"]).json
            found += [one["id"] for one in answer["statements"]]
        expected = [one["id"] for one in sent]
        assert found == (expected if ascending == "true" else [*reversed(expected)])
        if ascending == "true":
            assert ids(lrs, verb=verb["id"], limit="0") == [*reversed(expected)]


def test_more_is_sealed_and_belongs_to_its_institution(lrs: Caller, stranger: Caller) -> None:
    verb = own_verb()
    post(lrs, *[statement(verb=verb) for _ in range(2)])
    more = lrs("GET", query(STATEMENTS, verb=verb["id"], limit="1")).json["more"]
    assert lrs("HEAD", more).status_code == 200
    for wrong in (more[:-4] + "AAAA", more + "A", "/xapi/statements/more/x", more + "?limit=9"):
        assert lrs("GET", wrong).status_code == 400
    assert stranger("GET", more).status_code == 400


def test_comm_2_1_3_since_and_until_compare_stored(lrs: Caller) -> None:
    verb = own_verb()
    sent = [statement(verb=verb, timestamp=f"200{n}-01-01T00:00:00Z") for n in range(3)]
    post(lrs, *sent)
    first, second, third = (one["id"] for one in sent)
    stored = {
        one["id"]: one["stored"]
        for one in lrs("GET", query(STATEMENTS, verb=verb["id"])).json["statements"]
    }
    assert ids(lrs, verb=verb["id"], since=stored[second]) == [third]
    assert ids(lrs, verb=verb["id"], until=stored[second]) == [second, first]
    assert ids(lrs, verb=verb["id"], since=stored[first], until=stored[second]) == [second]
    assert ids(lrs, verb=verb["id"], since="2001-06-01T00:00:00+05:00") == [third, second, first]
    assert ids(lrs, verb=verb["id"], until="2002-06-01T00:00:00Z") == []


def test_comm_2_1_3_filters_and_related_filters(lrs: Caller) -> None:
    me, name, place = agent(f"me-{uuid4()}"), f"{uuid4()}", f"https://a.example/{uuid4()}"
    registration = str(uuid4())
    direct = statement(actor=me, object={"id": place}, context={"registration": registration})
    as_object = statement(object=me)
    member = statement(
        actor={"objectType": "Group", "mbox": f"mailto:{name}@g.example", "member": [me]}
    )
    instructor = statement(context={"instructor": me})
    category = statement(context={"contextActivities": {"category": {"id": place}}})
    inside = statement(
        object={
            "objectType": "SubStatement",
            "actor": me,
            "verb": {"id": "https://v.example/"},
            "object": {"id": place},
        }
    )
    post(lrs, direct, as_object, member, instructor, category, inside)
    close = [member["id"], as_object["id"], direct["id"]]
    assert ids(lrs, agent=me) == close
    assert ids(lrs, agent=me, related_agents="true") == [inside["id"], instructor["id"], *close]
    assert ids(lrs, activity=place) == [direct["id"]]
    assert ids(lrs, activity=place, related_activities="true") == [
        inside["id"],
        category["id"],
        direct["id"],
    ]
    assert ids(lrs, registration=registration.upper()) == [direct["id"]]
    assert ids(lrs, agent=me, activity=place, registration=registration) == [direct["id"]]
    group = {"objectType": "Group", "mbox": f"mailto:{name}@g.example"}
    assert ids(lrs, agent=group) == [member["id"]]
    assert ids(lrs, agent=agent(str(uuid4()))) == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_comm_2_1_3_filters_follow_references_in_any_order(
    lrs: Caller, order: tuple[int, ...]
) -> None:
    verb = own_verb()
    target = statement(verb=verb)
    referring = statement(object={"objectType": "StatementRef", "id": target["id"]})
    again = statement(object={"objectType": "StatementRef", "id": referring["id"]})
    sent = [target, referring, again]
    post(lrs, *(sent[n] for n in order))
    assert set(ids(lrs, verb=verb["id"])) == {one["id"] for one in sent}


@pytest.mark.parametrize("void_first", [True, False])
def test_data_2_3_2_voided_in_any_order_of_arrival(lrs: Caller, void_first: bool) -> None:
    verb = own_verb()
    target = statement(verb=verb)
    void = voiding(target["id"])
    post(lrs, *([void, target] if void_first else [target, void]))
    assert lrs("GET", query(STATEMENTS, statementId=target["id"])).status_code == 404
    assert lrs("GET", query(STATEMENTS, voidedStatementId=target["id"])).json["verb"] == verb
    assert lrs("GET", query(STATEMENTS, statementId=void["id"])).status_code == 200
    assert lrs("GET", query(STATEMENTS, voidedStatementId=void["id"])).status_code == 404
    assert ids(lrs, verb=verb["id"]) == [void["id"]]


def test_data_2_3_2_a_voiding_statement_cannot_be_voided(lrs: Caller) -> None:
    target = statement()
    void = voiding(target["id"])
    second = voiding(void["id"])
    post(lrs, target, void, second)
    assert lrs("GET", query(STATEMENTS, statementId=void["id"])).status_code == 200
    assert lrs("GET", query(STATEMENTS, voidedStatementId=void["id"])).status_code == 404
    assert lrs("GET", query(STATEMENTS, statementId=target["id"])).status_code == 404


def test_2_0_0_4_2_5_an_unknown_target_is_no_reason_to_refuse(lrs: Caller) -> None:
    post(lrs, voiding(str(uuid4())))


def test_comm_2_1_3_formats(lrs: Caller) -> None:
    described = {"id": f"{COURSE}/{uuid4()}", "definition": {"name": {"en": "One", "fr": "Un"}}}
    sent = statement(
        actor={**agent(), "name": "Amina"},
        object=described,
        context={"contextActivities": {"parent": [described]}},
    )
    post(lrs, sent)
    address = {"statementId": sent["id"]}
    exact = lrs("GET", query(STATEMENTS, **address, format="exact")).json
    assert {name: exact[name] for name in sent} == sent
    short = lrs("GET", query(STATEMENTS, **address, format="ids")).json
    assert short["actor"] == agent()
    assert short["object"] == {"id": described["id"]}
    assert short["context"]["contextActivities"]["parent"] == [{"id": described["id"]}]
    french = lrs(
        "GET",
        query(STATEMENTS, **address, format="canonical"),
        headers={"Accept-Language": "de;q=0.2, fr-CA, en;q=0.5"},
    ).json
    assert french["verb"]["display"] == {"fr": "a vécu"}
    assert french["object"]["definition"]["name"] == {"fr": "Un"}


def test_comm_2_1_3_canonical_is_what_all_statements_say(lrs: Caller) -> None:
    place = f"{COURSE}/{uuid4()}"
    first = statement(object={"id": place})
    post(lrs, first)
    post(lrs, statement(object={"id": place, "definition": {"name": {"sw": "Hisabati"}}}))
    found = lrs("GET", query(STATEMENTS, statementId=first["id"], format="canonical")).json
    assert found["object"]["definition"]["name"] == {"sw": "Hisabati"}
    exact = lrs("GET", query(STATEMENTS, statementId=first["id"])).json
    assert exact["object"] == {"id": place}
