"""Parameters of every resource, strictly: 1.0.3 Communication 2 and 3.2; 2.0.0 4.1.6."""

from typing import Any
from uuid import uuid4

import pytest

from tests.conformance.conftest import query
from tests.conformance.requests import (
    ACTIVITIES,
    ACTIVITY_PROFILE,
    AGENT_PROFILE,
    AGENTS,
    COURSE,
    DOCUMENTS,
    STATE,
    STATEMENTS,
    agent,
    id_name,
    named,
)
from tests.integration.api.conftest import Caller

WRONG: dict[str, list[Any]] = {
    "activityId": ["algebra", "", "/relative", "://x"],
    "agent": ["amina", "", "[]", "null", {}, {"mbox": "amina"}, {**agent(), "mail": "x"}],
    "registration": ["1", "", "not-a-uuid", str(uuid4())[:-1]],
    "since": ["yesterday", "", "2026", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00-00:00"],
}
HOLDERS = {
    STATE: ["activityId", "agent"],
    ACTIVITY_PROFILE: ["activityId"],
    AGENT_PROFILE: ["agent"],
}


def refused(answer: Any, name: str) -> None:
    assert answer.status_code == 400, answer.text
    assert answer.json["pointer"].split("/")[0] == name


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_comm_2_2_what_names_a_document_is_required(lrs: Caller, path: str, method: str) -> None:
    for name in HOLDERS[path]:
        refused(lrs(method, query(path, **named(path, **{name: None})), json={}), name)


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_comm_2_2_writes_need_the_documents_id(lrs: Caller, path: str, method: str) -> None:
    if (path, method) == (STATE, "DELETE"):
        return  # deletes all of them: test_documents
    name = id_name(path)
    refused(lrs(method, query(path, **named(path, **{name: None})), json={}), name)
    refused(lrs(method, query(path, **named(path, **{name: ""})), json={}), name)


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_comm_2_2_malformed_parameters_are_named(lrs: Caller, path: str, method: str) -> None:
    wrong = [*HOLDERS[path], *(["registration"] if path == STATE else [])]
    for name in wrong:
        for value in WRONG[name]:
            refused(lrs(method, query(path, **named(path, **{name: value})), json={}), name)


@pytest.mark.parametrize("path", DOCUMENTS)
def test_comm_2_2_since_is_a_timestamp(lrs: Caller, path: str) -> None:
    for value in WRONG["since"]:
        refused(
            lrs("GET", query(path, **named(path, **{id_name(path): None}, since=value))), "since"
        )


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize("other", ["stateid", "ActivityId", "foo", "method", "since"])
def test_comm_3_2_unknown_parameters_and_other_case_are_refused(
    lrs: Caller, path: str, method: str, other: str
) -> None:
    refused(lrs(method, query(path, **named(path, **{other: "1"})), json={}), other)


@pytest.mark.parametrize("path", DOCUMENTS)
def test_comm_3_2_repeated_parameters_are_refused(lrs: Caller, path: str) -> None:
    address = query(path, **named(path))
    refused(lrs("GET", f"{address}&{id_name(path)}=again"), id_name(path))


def test_comm_2_3_only_state_knows_registrations(lrs: Caller) -> None:
    for path in (ACTIVITY_PROFILE, AGENT_PROFILE):
        given = named(path, registration=str(uuid4()))
        refused(lrs("GET", query(path, **given)), "registration")


@pytest.mark.parametrize("value", WRONG["agent"])
def test_comm_2_4_agents_needs_an_agent(lrs: Caller, value: Any) -> None:
    refused(lrs("GET", query(AGENTS, agent=value)), "agent")
    refused(lrs("GET", AGENTS), "agent")
    refused(lrs("GET", query(AGENTS, agent=agent(), name="x")), "name")


@pytest.mark.parametrize("value", WRONG["activityId"])
def test_comm_2_5_activities_needs_an_activity(lrs: Caller, value: str) -> None:
    refused(lrs("GET", query(ACTIVITIES, activityId=value)), "activityId")
    refused(lrs("GET", ACTIVITIES), "activityId")
    refused(lrs("GET", query(ACTIVITIES, activityId=COURSE, agent="{}")), "agent")


BY_ID = ["statementId", "voidedStatementId"]
OTHERS: dict[str, Any] = {
    "agent": agent(),
    "verb": "http://adlnet.gov/expapi/verbs/experienced",
    "activity": COURSE,
    "registration": str(uuid4()),
    "related_activities": "true",
    "related_agents": "true",
    "since": "2026-01-01T00:00:00Z",
    "until": "2026-01-01T00:00:00Z",
    "limit": "1",
    "ascending": "true",
}


@pytest.mark.parametrize("by", BY_ID)
@pytest.mark.parametrize("other", OTHERS)
def test_comm_2_1_3_an_id_stands_alone(lrs: Caller, by: str, other: str) -> None:
    """Also where there is no such statement: 400 goes before 404."""
    refused(lrs("GET", query(STATEMENTS, **{by: str(uuid4()), other: OTHERS[other]})), other)


@pytest.mark.parametrize("by", BY_ID)
def test_comm_2_1_3_an_id_goes_with_format_and_attachments(lrs: Caller, by: str) -> None:
    given = {by: str(uuid4()), "format": "ids", "attachments": "false"}
    assert lrs("GET", query(STATEMENTS, **given)).status_code == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("statementId", "1"),
        ("voidedStatementId", "1"),
        ("agent", "amina"),
        ("agent", {"objectType": "Group", "member": [agent()]}),
        ("verb", "experienced"),
        ("activity", "algebra"),
        ("registration", "1"),
        ("related_activities", "yes"),
        ("related_agents", "1"),
        ("since", "yesterday"),
        ("until", "2026-02-30T00:00:00Z"),
        ("limit", "-1"),
        ("limit", "1.5"),
        ("limit", "many"),
        ("ascending", "True"),
        ("format", "Exact"),
        ("attachments", "0"),
        ("Agent", agent()),
        ("statementid", str(uuid4())),
        ("page", "2"),
    ],
)
def test_comm_2_1_3_wrong_parameters_are_named(lrs: Caller, name: str, value: Any) -> None:
    refused(lrs("GET", query(STATEMENTS, **{name: value})), name)


def test_comm_2_1_1_put_takes_the_id_and_nothing_else(lrs: Caller) -> None:
    refused(lrs("PUT", STATEMENTS, json={}), "statementId")
    refused(lrs("PUT", query(STATEMENTS, statementId="1"), json={}), "statementId")
    given = {"statementId": str(uuid4()), "registration": str(uuid4())}
    refused(lrs("PUT", query(STATEMENTS, **given), json={}), "registration")
    refused(lrs("POST", query(STATEMENTS, statementId=str(uuid4())), json={}), "statementId")
