"""Bodies in gzip and zstd: answers where they are asked for and pay, requests always."""

import gzip
from uuid import uuid4

import orjson
import pytest

from api import coding
from domain.roles import Role
from lrs.settings import Settings
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement

XAPI = "/xapi/statements"
KINDS = sorted(coding.CODERS)
LIMIT = 300_000


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Those of this module, with a small limit of bodies."""
    return settings.model_copy(update={"max_body_bytes": LIMIT})


def plain(name: str, coded: bytes) -> bytes:
    return gzip.decompress(coded) if name == "gzip" else coding.zstd.decompress(coded)


@pytest.mark.parametrize("name", KINDS)
def test_a_page_comes_coded_where_it_is_large(tool: Caller, name: str) -> None:
    verb = f"https://test.example/{uuid4()}"
    tool("POST", XAPI, json=[statement(verb={"id": verb}) for _ in range(20)])
    path = f"{XAPI}?verb={verb}"
    asked = {"Accept-Encoding": name}
    whole, coded = tool("GET", path), tool("GET", path, headers=asked)
    assert "Content-Encoding" not in whole.headers
    assert whole.headers["Vary"] == coded.headers["Vary"] == "Accept-Encoding"
    assert coded.headers["Content-Encoding"] == name
    assert int(coded.headers["Content-Length"]) == len(coded.data) < len(whole.data) / 2
    assert plain(name, coded.data) == whole.data
    head = tool("HEAD", path, headers=asked)
    assert head.data == b"" and head.headers["Content-Length"] == coded.headers["Content-Length"]
    small = tool("GET", f"{path}&limit=1", headers=asked)
    assert "Content-Encoding" not in small.headers and small.headers["Vary"] == "Accept-Encoding"
    forced = tool("GET", f"{path}&limit=1", headers={"Accept-Encoding": f"identity;q=0, {name}"})
    assert forced.headers["Content-Encoding"] == name


def test_api_v1_and_pages_too(callers: dict[Role, Caller]) -> None:
    operator = callers[Role.OPERATOR]
    for path in ("/api/v1/openapi.json", "/docs/api.md", "/metrics"):
        answer = operator("GET", path, headers={"Accept-Encoding": "gzip"})
        assert answer.headers["Content-Encoding"] == "gzip", path
        assert len(gzip.decompress(answer.data)) > coding.PAYS


def test_what_answers_a_post_is_never_coded(callers: dict[Role, Caller]) -> None:
    """It may hold a secret beside what the caller sent."""
    body = {"label": "x" * 150, "roles": ["tool"]}
    asked = {"Accept-Encoding": "gzip;q=1, identity;q=0"}
    answer = callers[Role.OPERATOR]("POST", "/api/v1/credentials", json=body, headers=asked)
    assert answer.status_code == 201 and "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("name", [*KINDS, "x-gzip", "identity"])
def test_statements_may_be_sent_coded(tool: Caller, name: str) -> None:
    sent = [statement() for _ in range(5)]
    content = orjson.dumps(sent)
    coder = coding.CODERS.get(name.removeprefix("x-"), bytes)
    answer = tool(
        "POST",
        XAPI,
        data=coder(content),
        headers={"Content-Type": "application/json", "Content-Encoding": name},
    )
    assert answer.json == [one["id"] for one in sent]


@pytest.mark.parametrize("name", KINDS)
def test_a_document_is_kept_decoded(tool: Caller, name: str) -> None:
    path = f"/xapi/activities/profile?activityId=https://test.example/a&profileId={uuid4()}"
    headers = {"Content-Type": "text/plain", "Content-Encoding": name, "If-None-Match": "*"}
    content = b"a document " * 100
    coded = coding.CODERS[name](content)
    assert tool("PUT", path, data=coded, headers=headers).status_code == 204
    assert tool("GET", path).data == content
    cut = tool("PUT", path, data=coded[:-2], headers=headers | {"If-None-Match": ""})
    assert cut.status_code == 400 and cut.json["pointer"] == "Content-Encoding"
    assert tool("GET", path).data == content


@pytest.mark.parametrize("name", KINDS)
def test_limits_are_of_what_a_body_says(tool: Caller, name: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": name}
    bomb = coding.CODERS[name](b"[" + b" " * 50_000_000 + b"]")
    assert len(bomb) < LIMIT
    assert tool("POST", XAPI, data=bomb, headers=headers).status_code == 413
    fits = coding.CODERS[name](b"[" + b" " * (LIMIT - 2) + b"]")
    assert tool("POST", XAPI, data=fits, headers=headers).status_code == 200


@pytest.mark.parametrize("name", ["br", "deflate", "gzip, zstd"])
def test_an_unknown_coding_415(tool: Caller, name: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": name}
    refused = tool("POST", XAPI, data=b"[]", headers=headers)
    assert refused.status_code == 415
    assert refused.headers["Accept-Encoding"] == "zstd, gzip"
    assert "zstd or gzip" in refused.json["error"]


@pytest.mark.parametrize("name", KINDS)
def test_what_is_no_such_coding_400(tool: Caller, name: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": name}
    refused = tool("POST", XAPI, data=b"[]", headers=headers)
    assert (refused.status_code, refused.json["pointer"]) == (400, "Content-Encoding")
