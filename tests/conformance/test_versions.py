"""Versions: 1.0.3 Communication 3.3 and Data 2.4.10; 2.0.0 4.1.4 and 4.2.4.3."""

import pytest

from tests.conformance.conftest import V1, V2, query
from tests.conformance.requests import (
    ACTIVITIES,
    ACTIVITY_PROFILE,
    AGENT_PROFILE,
    AGENTS,
    COURSE,
    STATE,
    STATEMENTS,
    agent,
)
from tests.integration.api.conftest import Caller, basic
from tests.integration.api.statements import statement

HEADER = "X-Experience-API-Version"
RESOURCES = [STATEMENTS, ACTIVITIES, AGENTS, STATE, ACTIVITY_PROFILE, AGENT_PROFILE]


@pytest.mark.parametrize("path", RESOURCES)
@pytest.mark.parametrize("given", [None, "", "0.9.5", "1.1.0", "2.1.0", "1", "2.0.0.0", "2.0.x"])
def test_comm_3_3_without_a_known_version_400_that_names_one(
    tool: Caller, path: str, given: str | None
) -> None:
    headers = {"Authorization": basic(tool.key, tool.secret)}
    headers |= {} if given is None else {HEADER: given}
    answer = tool.client.get(path, headers=headers)
    assert answer.status_code == 400
    assert answer.headers[HEADER] in (V1, V2)
    assert answer.json["pointer"] == HEADER


@pytest.mark.parametrize(
    ("given", "answered"), [("1.0", V1), ("1.0.0", V1), ("1.0.9", V1), ("2.0", V2), ("2.0.0", V2)]
)
def test_comm_3_3_any_patch_of_a_line_is_that_line(tool: Caller, given: str, answered: str) -> None:
    answer = tool("GET", query(AGENTS, agent=agent()), headers={HEADER: given})
    assert (answer.status_code, answer.headers[HEADER]) == (200, answered)


def test_comm_2_8_about_asks_for_nothing_and_names_both(tool: Caller) -> None:
    answer = tool.client.get("/xapi/about")
    assert answer.status_code == 200
    assert answer.json["version"] == [V1, V2]
    assert HEADER in answer.headers
    assert tool.client.get("/xapi/about?verbose=1").status_code == 400


@pytest.mark.parametrize("written", ["1.0", "1.0.0", "1.0.3", "1.0.17"])
def test_data_2_4_10_a_statements_version_comes_back_as_it_was(lrs: Caller, written: str) -> None:
    sent = statement(version=written)
    assert lrs("POST", STATEMENTS, json=sent).status_code == 200
    found = lrs("GET", query(STATEMENTS, statementId=sent["id"])).json
    assert found["version"] == written


@pytest.mark.parametrize("written", ["0.9.9", "1.1.0", "1", "", "3.0.0", 1.0])
def test_data_2_4_10_other_versions_are_refused(lrs: Caller, written: object) -> None:
    refused = lrs("POST", STATEMENTS, json=statement(version=written))
    assert (refused.status_code, refused.json["pointer"]) == (400, "/version")


def test_data_2_4_10_where_it_is_left_out_the_lrs_says_it(lrs: Caller, version: str) -> None:
    sent = statement()
    lrs("POST", STATEMENTS, json=sent)
    found = lrs("GET", query(STATEMENTS, statementId=sent["id"])).json
    assert found["version"] == {V1: "1.0.0", V2: "2.0.0"}[version]


def test_both_versions_read_one_store(lrs1: Caller, lrs2: Caller) -> None:
    old, new = statement(), statement()
    lrs1("POST", STATEMENTS, json=old)
    lrs2("POST", STATEMENTS, json=new)
    assert lrs2("GET", query(STATEMENTS, statementId=old["id"])).status_code == 200
    assert lrs1("GET", query(STATEMENTS, statementId=new["id"])).status_code == 200
    again = {**old, "object": {"id": COURSE, "definition": {"name": {"en": "Other words"}}}}
    assert lrs2("PUT", query(STATEMENTS, statementId=old["id"]), json=again).status_code == 204
