"""Who gets in, and what everybody gets: credentials, roles, headers, sizes."""

import io

import pytest
from flask import Flask

from api.services import Services
from domain.roles import Role
from tests.integration.api.conftest import Caller, basic
from tests.integration.api.statements import statement

XAPI = "/xapi/statements"
VERSION = {"X-Experience-API-Version": "2.0.0"}


@pytest.mark.parametrize(
    "header",
    [None, "", "Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer abc", basic("no", "body")],
)
def test_without_good_credentials_401(app: Flask, header: str | None) -> None:
    headers = VERSION | ({} if header is None else {"Authorization": header})
    for path in (XAPI, "/api/v1/credentials"):
        response = app.test_client().get(path, headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic realm=")


def test_a_good_key_with_a_wrong_secret_401(tool: Caller) -> None:
    wrong = Caller(tool.client, tool.key, "wrong")
    assert wrong("GET", XAPI).status_code == 401


def test_roles_403(callers: dict[Role, Caller]) -> None:
    assert callers[Role.INSTRUCTOR]("POST", XAPI, json=statement()).status_code == 403
    refused = callers[Role.TOOL]("GET", "/api/v1/credentials")
    assert refused.status_code == 403
    assert refused.content_type == "application/problem+json"


def test_credentials_are_issued_listed_and_revoked(callers: dict[Role, Caller]) -> None:
    operator = callers[Role.OPERATOR]
    issued = operator(
        "POST", "/api/v1/credentials", json={"label": "Moodle of Ms. Otieno", "roles": ["tool"]}
    )
    assert issued.status_code == 201
    made = Caller(operator.client, issued.json["key"], issued.json["secret"])
    assert made("POST", XAPI, json=statement()).status_code == 200

    listed = operator("GET", "/api/v1/credentials?limit=2").json
    assert set(listed) == {"items", "next", "as_of"} and len(listed["items"]) == 2
    while listed["next"]:
        listed = operator("GET", listed["next"]).json
    assert listed["items"][-1]["label"] == "Moodle of Ms. Otieno"
    assert "secret" not in listed["items"][-1]

    address = f"/api/v1/credentials/{made.key}"
    assert operator("DELETE", address).status_code == 204
    assert operator("DELETE", address).status_code == 204
    assert operator("DELETE", "/api/v1/credentials/nobody").status_code == 404
    assert made("GET", XAPI).status_code == 401


def test_an_operator_reaches_no_other_institution(
    callers: dict[Role, Caller], stranger: Caller
) -> None:
    operator = callers[Role.OPERATOR]
    assert operator("DELETE", f"/api/v1/credentials/{stranger.key}").status_code == 404
    keys = {item["key"] for item in operator("GET", "/api/v1/credentials?limit=500").json["items"]}
    assert stranger.key not in keys


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"label": "x", "roles": []}, "roles"),
        ({"label": "x", "roles": ["king"]}, "roles/0"),
        ({"label": "x", "roles": ["tool"], "more": 1}, "more"),
        ({"label": 5, "roles": ["tool"]}, "label"),
        ([], ""),
    ],
)
def test_wrong_bodies_are_problems(callers: dict[Role, Caller], body: object, pointer: str) -> None:
    refused = callers[Role.OPERATOR]("POST", "/api/v1/credentials", json=body)
    assert refused.status_code == 400
    assert refused.content_type == "application/problem+json"
    assert refused.json["pointer"] == pointer
    assert refused.json["status"] == 400


def test_the_secret_is_nowhere(services: Services, callers: dict[Role, Caller]) -> None:
    caller = callers[Role.TOOL]
    with services.pool.connection() as connection:
        rows = connection.execute("SELECT c::text FROM lrs.credentials c").fetchall()
    text = "".join(row[0] for row in rows)
    assert caller.key in text and caller.secret not in text and "the tool" not in text


def test_too_large_413_even_when_chunked(tool: Caller, services: Services) -> None:
    limit = services.settings.max_body_bytes
    body = b'"' + b"x" * limit + b'"'
    plain = tool("POST", XAPI, data=body, content_type="application/json")
    assert plain.status_code == 413
    chunked = tool(
        "POST",
        XAPI,
        input_stream=io.BytesIO(body),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
        headers={"Transfer-Encoding": "chunked"},
    )
    assert chunked.status_code == 413


def test_every_answer_has_an_id_and_safe_headers(tool: Caller) -> None:
    for path in ("/", XAPI, "/nowhere", "/api/v1/openapi.json", "/metrics"):
        response = tool("GET", path)
        assert len(response.headers["X-Request-Id"]) == 32
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    kept = tool("GET", XAPI, headers={"X-Request-Id": "from-nginx-0001"})
    assert kept.headers["X-Request-Id"] == "from-nginx-0001"
    replaced = tool("GET", XAPI, headers={"X-Request-Id": "amina@students.example"})
    assert "amina" not in replaced.headers["X-Request-Id"]


def test_parameters_are_strict(callers: dict[Role, Caller]) -> None:
    for query, name in (("limit=1&limit=2", "limit"), ("limit=0", "limit"), ("page=2", "page")):
        refused = callers[Role.OPERATOR]("GET", f"/api/v1/credentials?{query}")
        assert (refused.status_code, refused.json["pointer"]) == (400, name)
    wrong = callers[Role.OPERATOR]("GET", "/api/v1/credentials?cursor=abc")
    assert (wrong.status_code, wrong.json["pointer"]) == (400, "cursor")
