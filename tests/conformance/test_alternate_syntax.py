"""The alternate request syntax: 1.0.3 Communication 1.3; in 2.0.0 there is none."""

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import orjson
import pytest

from api.services import Services
from tests.conformance.conftest import V1, query
from tests.conformance.requests import ACTIVITIES, COURSE, STATE, STATEMENTS, named
from tests.integration.api.conftest import Caller, basic
from tests.integration.api.statements import statement

FORM = "application/x-www-form-urlencoded"


def form(lrs: Caller, method: str, path: str, fields: dict[str, Any], **given: Any) -> Any:
    texts = {
        name: orjson.dumps(value).decode() if isinstance(value, dict) else value
        for name, value in fields.items()
    }
    return lrs("POST", f"{path}?method={method}", data=urlencode(texts), content_type=FORM, **given)


def test_every_method_goes_as_a_post(lrs1: Caller) -> None:
    sent = statement()
    chosen = {"statementId": sent["id"]}
    assert form(lrs1, "PUT", STATEMENTS, {**chosen, "content": sent}).status_code == 204
    assert form(lrs1, "GET", STATEMENTS, chosen).json["id"] == sent["id"]
    head = form(lrs1, "HEAD", STATEMENTS, chosen)
    assert (head.status_code, head.data) == (200, b"")
    assert form(lrs1, "POST", STATEMENTS, {"content": statement()}).status_code == 200
    assert form(lrs1, "GET", ACTIVITIES, {"activityId": COURSE}).json["id"] == COURSE


def test_documents_of_any_type(lrs1: Caller) -> None:
    where = named(STATE)
    content = {"content": "pâté & co", "Content-Type": "text/plain"}
    assert form(lrs1, "PUT", STATE, {**where, **content}).status_code == 204
    got = lrs1("GET", query(STATE, **where))
    assert (got.data.decode(), got.headers["Content-Type"]) == ("pâté & co", "text/plain")
    wrong = {"If-Match": '"x"'}
    assert form(lrs1, "PUT", STATE, {**where, **content, **wrong}).status_code == 412
    assert form(lrs1, "DELETE", STATE, where).status_code == 204
    assert lrs1("GET", query(STATE, **where)).status_code == 404


def test_headers_come_from_the_form(tool: Caller) -> None:
    fields = {
        "Authorization": basic(tool.key, tool.secret),
        "X-Experience-API-Version": V1,
        "Content-Length": "7",
        "limit": "1",
    }
    path = f"{STATEMENTS}?method=GET"
    answer = tool.client.post(path, data=urlencode(fields), content_type=FORM)
    assert (answer.status_code, answer.headers["X-Experience-API-Version"]) == (200, V1)
    for name, status in (("Authorization", 401), ("X-Experience-API-Version", 400)):
        fewer = urlencode({n: v for n, v in fields.items() if n != name})
        assert tool.client.post(path, data=fewer, content_type=FORM).status_code == status


@pytest.mark.parametrize(
    ("path", "body", "content_type"),
    [
        (f"{STATEMENTS}?method=GET&limit=1", "", FORM),
        (f"{STATEMENTS}?method=GET&method=PUT", "", FORM),
        (f"{STATEMENTS}?method=PATCH", "", FORM),
        (f"{STATEMENTS}?method=", "", FORM),
        (f"{STATEMENTS}?method=PUT", f"statementId={uuid4()}", FORM),
        (f"{STATEMENTS}?method=PUT", '{"content": 1}', FORM),
        (f"{STATEMENTS}?method=PUT", "content=%7B%7D", "application/json"),
        (f"{STATEMENTS}?method=GET", "limit=1&limit=2", FORM),
        (f"{STATEMENTS}?method=GET", "Limit=1", FORM),
        (f"{STATEMENTS}?method=GET", "method=GET", FORM),
        (f"{STATEMENTS}?method=GET", "If-Match=%0d%0aX: y", FORM),
        (f"{STATEMENTS}?method=GET", "Authorization=%C3%A9", FORM),
        (f"{STATEMENTS}?method=POST", "content=%FF", FORM),
    ],
)
def test_what_is_wrong_is_refused(lrs1: Caller, path: str, body: str, content_type: str) -> None:
    refused = lrs1("POST", path, data=body, content_type=content_type)
    assert refused.status_code == 400, refused.text
    assert "pointer" in refused.json


def test_too_much_413(lrs1: Caller, services: Services) -> None:
    body = "content=" + "x" * services.settings.max_body_bytes
    refused = lrs1("POST", f"{STATEMENTS}?method=POST", data=body, content_type=FORM)
    assert refused.status_code == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize("path", [STATEMENTS, STATE])
def test_2_0_0_knows_no_method_parameter(lrs2: Caller, path: str, method: str) -> None:
    for given in (method, "POST"):
        fields = {**named(STATE), "content": statement()}
        refused = form(lrs2, given, path, fields)
        assert (refused.status_code, refused.json["pointer"]) == (400, "method")
    in_form = form(
        lrs2,
        "GET",
        path,
        {"X-Experience-API-Version": "2.0.0"},
        headers={"X-Experience-API-Version": V1},
    )
    assert (in_form.status_code, in_form.json["pointer"]) == (400, "method")


def test_it_must_be_a_post(lrs1: Caller) -> None:
    for method in ("PUT", "GET", "DELETE"):
        refused = lrs1(method, f"{STATE}?method=POST", data="content=1", content_type=FORM)
        assert refused.status_code == 400
