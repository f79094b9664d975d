"""Reading again what has not changed: the same ETag, 304, and no body."""

from uuid import uuid4

import pytest

from api.services import Services
from domain.roles import Role
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement

XAPI = "/xapi/statements"
THROUGH = "X-Experience-API-Consistent-Through"


def stored(tool: Caller, **more: object) -> dict[str, object]:
    sent = statement(**more)
    assert tool("POST", XAPI, json=sent).status_code == 200
    return sent


def again(caller: Caller, path: str, etag: str, method: str = "GET", **headers: str) -> int:
    """Returns the status of asking for what has `etag`; a 304 is held to RFC 9110, 15.4.5."""
    answer = caller(method, path, headers={"If-None-Match": etag, **headers})
    if answer.status_code == 304:
        assert answer.data == b""
        assert answer.headers["ETag"] in etag
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Content-Length" not in answer.headers
        assert "Content-Encoding" not in answer.headers
        assert "Content-Type" not in answer.headers
    return answer.status_code


def test_a_statement(tool: Caller) -> None:
    sent = stored(tool)
    path = f"{XAPI}?statementId={sent['id']}"
    first, second = tool("GET", path), tool("GET", path)
    etag = first.headers["ETag"]
    assert etag == second.headers["ETag"] and etag.startswith('W/"')
    for method in ("GET", "HEAD"):
        assert again(tool, path, etag, method) == 304
        assert again(tool, path, f'"other", {etag}', method) == 304
        assert again(tool, path, '"other"', method) == 200
    assert THROUGH in tool("GET", path, headers={"If-None-Match": etag}).headers
    assert tool("HEAD", path).headers["ETag"] == etag
    other = tool("GET", f"{path}&format=ids").headers["ETag"]
    assert other != etag


def test_a_page_until_another_statement_matches(tool: Caller) -> None:
    verb = f"https://test.example/{uuid4()}"
    path = f"{XAPI}?verb={verb}"
    stored(tool, verb={"id": verb})
    etag = tool("GET", path).headers["ETag"]
    stored(tool, verb={"id": f"{verb}/other"})
    assert again(tool, path, etag) == 304
    stored(tool, verb={"id": verb})
    answer = tool("GET", path, headers={"If-None-Match": etag})
    assert answer.status_code == 200 and len(answer.json["statements"]) == 2
    assert answer.headers["ETag"] != etag


def test_a_page_with_more_though_its_cursor_is_sealed_anew(tool: Caller) -> None:
    verb = f"https://test.example/{uuid4()}"
    for _ in range(3):
        stored(tool, verb={"id": verb})
    path = f"{XAPI}?verb={verb}&limit=1"
    first = tool("GET", path)
    assert again(tool, path, first.headers["ETag"]) == 304
    following = tool("GET", first.json["more"])
    assert following.headers["ETag"] != first.headers["ETag"]
    assert again(tool, first.json["more"], following.headers["ETag"]) == 304
    assert tool("GET", f"{XAPI}?verb={verb}&limit=2").headers["ETag"] != first.headers["ETag"]


def test_a_voided_statement_is_not_there_any_more(tool: Caller) -> None:
    sent = stored(tool)
    path = f"{XAPI}?statementId={sent['id']}"
    etag = tool("GET", path).headers["ETag"]
    stored(
        tool,
        verb={"id": "http://adlnet.gov/expapi/verbs/voided"},
        object={"objectType": "StatementRef", "id": sent["id"]},
    )
    assert again(tool, path, etag) == 404


@pytest.mark.parametrize("coding", ["gzip", "zstd", "identity"])
def test_the_etag_holds_for_every_coding(tool: Caller, coding: str) -> None:
    verb = f"https://test.example/{uuid4()}"
    tool("POST", XAPI, json=[statement(verb={"id": verb}) for _ in range(20)])
    path = f"{XAPI}?verb={verb}"
    plain = tool("GET", path)
    coded = tool("GET", path, headers={"Accept-Encoding": coding})
    assert coded.headers.get("Content-Encoding", "identity") == coding
    assert coded.headers["ETag"] == plain.headers["ETag"]
    assert again(tool, path, plain.headers["ETag"], **{"Accept-Encoding": coding}) == 304


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_a_document(tool: Caller, version: str) -> None:
    """Its ETag is strong, so that it serves for If-Match; hence its bytes are never coded."""
    tool = Caller(tool.client, tool.key, tool.secret, version)
    path = f"/xapi/activities/profile?activityId=https://test.example/a&profileId={uuid4()}"
    content = b'{"a": "' + b"x" * 5000 + b'"}'
    json_type = {"Content-Type": "application/json"}
    new = json_type | {"If-None-Match": "*"}
    assert tool("PUT", path, data=content, headers=new).status_code == 204
    read = tool("GET", path, headers={"Accept-Encoding": "gzip, zstd"})
    assert read.data == content and "Content-Encoding" not in read.headers
    etag = read.headers["ETag"]
    assert etag.startswith('"')
    for method in ("GET", "HEAD"):
        answer = tool(method, path, headers={"If-None-Match": etag})
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == etag
    changed = json_type | {"If-Match": etag}
    assert tool("PUT", path, data=b'{"a": 2}', headers=changed).status_code == 204
    answer = tool("GET", path, headers={"If-None-Match": etag})
    assert answer.status_code == 200 and answer.json == {"a": 2}


@pytest.mark.parametrize(
    "path",
    [
        '/xapi/agents?agent={"mbox":"mailto:nobody@test.example"}',
        "/xapi/activities?activityId=https://test.example/activity",
        "/xapi/activities/profile?activityId=https://test.example/none",
        "/xapi/about",
    ],
)
def test_the_other_resources(tool: Caller, path: str) -> None:
    etag = tool("GET", path).headers["ETag"]
    assert again(tool, path, etag) == 304


def test_api_v1(services: Services, callers: dict[Role, Caller]) -> None:
    operator = callers[Role.OPERATOR]
    path = "/api/v1/credentials"
    etag = operator("GET", path).headers["ETag"]
    assert again(operator, path, etag) == 304
    body = {"label": "another", "roles": ["tool"]}
    assert operator("POST", path, json=body).status_code == 201
    answer = operator("GET", path, headers={"If-None-Match": etag})
    assert answer.status_code == 200 and answer.headers["ETag"] != etag
    courses = callers[Role.INSTRUCTOR]
    etag = courses("GET", "/api/v1/courses").headers["ETag"]
    assert again(courses, "/api/v1/courses", etag) == 304


def test_refusals_and_writes_have_no_etag(tool: Caller) -> None:
    assert "ETag" not in tool("GET", f"{XAPI}?statementId={uuid4()}").headers
    assert "ETag" not in tool("GET", f"{XAPI}?unknown=1").headers
    assert "ETag" not in tool("POST", XAPI, json=statement()).headers
