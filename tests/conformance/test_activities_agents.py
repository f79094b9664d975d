"""Activities and agents: 1.0.3 Communication 2.4 and 2.5; 2.0.0 4.1.6.3 and 4.1.6.4."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.conformance.conftest import query
from tests.conformance.requests import ACTIVITIES, AGENTS, COURSE, STATEMENTS, agent
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement


def test_comm_2_5_all_that_statements_say_of_an_activity(lrs: Caller) -> None:
    place = f"{COURSE}/{uuid4()}"
    parts: list[dict[str, Any]] = [
        {"name": {"en": "Algebra"}, "type": "https://types.example/course"},
        {"name": {"fr": "Algèbre"}, "description": {"en": "Numbers"}},
        {"extensions": {"https://x.example/1": 1}},
    ]
    for part in parts:
        sent = statement(object={"objectType": "Activity", "id": place, "definition": part})
        lrs("POST", STATEMENTS, json=sent)
    answer = lrs("GET", query(ACTIVITIES, activityId=place))
    assert answer.status_code == 200
    assert answer.json == {
        "objectType": "Activity",
        "id": place,
        "definition": {
            "name": {"en": "Algebra", "fr": "Algèbre"},
            "description": {"en": "Numbers"},
            "type": "https://types.example/course",
            "extensions": {"https://x.example/1": 1},
        },
    }


def test_comm_2_5_definitions_at_once_lose_nothing(lrs: Caller) -> None:
    place = f"{COURSE}/{uuid4()}"
    tags = ["en", "fr", "sw", "de", "es", "it"]

    def post(tag: str) -> int:
        described = {"id": place, "definition": {"name": {tag: tag}}}
        return lrs("POST", STATEMENTS, json=statement(object=described)).status_code

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(post, tags)) == {200}
    found = lrs("GET", query(ACTIVITIES, activityId=place)).json
    assert found["definition"]["name"] == {tag: tag for tag in tags}


def test_2_0_0_4_1_6_4_an_unknown_activity_is_answered_too(lrs: Caller) -> None:
    place = f"{COURSE}/{uuid4()}"
    answer = lrs("GET", query(ACTIVITIES, activityId=place))
    assert (answer.status_code, answer.json) == (200, {"objectType": "Activity", "id": place})
    head = lrs("HEAD", query(ACTIVITIES, activityId=place))
    assert (head.status_code, head.data) == (200, b"")


@pytest.mark.parametrize("kind", ["mbox", "mbox_sha1sum", "openid", "account"])
def test_comm_2_4_a_person_has_lists(lrs: Caller, kind: str) -> None:
    unique = uuid4().hex
    identifier = {
        kind: {
            "mbox": f"mailto:{unique}@people.example",
            "mbox_sha1sum": unique + "01234567",
            "openid": f"https://id.example/{unique}",
            "account": {"homePage": "https://lms.example", "name": unique},
        }[kind]
    }
    expected = {"objectType": "Person", kind: [identifier[kind]]}
    address = query(AGENTS, agent=identifier)
    assert lrs("GET", address).json == expected
    for name in ("Amina", "Amina O.", "Amina"):
        lrs("POST", STATEMENTS, json=statement(actor={**identifier, "name": name}))
    assert sorted(lrs("GET", address).json["name"]) == ["Amina", "Amina O."]
    head = lrs("HEAD", address)
    assert (head.status_code, head.data) == (200, b"")


def test_another_institution_sees_nothing(lrs: Caller, stranger: Caller) -> None:
    place, person = f"{COURSE}/{uuid4()}", agent(str(uuid4()))
    described = {"id": place, "definition": {"name": {"en": "Private"}}}
    lrs("POST", STATEMENTS, json=statement(actor={**person, "name": "Amina"}, object=described))
    assert "definition" not in stranger("GET", query(ACTIVITIES, activityId=place)).json
    assert "name" not in stranger("GET", query(AGENTS, agent=person)).json
