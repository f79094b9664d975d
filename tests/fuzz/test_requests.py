"""Parameters, headers, multipart bodies, forms and documents of any shape."""

from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api.xapi.filters import NAMES
from tests.fuzz.conftest import many, refusal
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import COURSE, VERB, statement
from tests.strategies.values import iris, json_values, texts

XAPI = "/xapi/statements"
AGENT = '{"mbox": "mailto:amina@students.example"}'
UUID = "a2a2a2a2-0000-4000-8000-000000000000"

PARAMETERS = sorted(
    {*NAMES, "statementId", "voidedStatementId", "activityId", "stateId", "profileId", "method"}
)
GOOD = [AGENT, UUID, VERB, COURSE, "true", "false", "0", "3", "ids", "2020-01-01T00:00:00Z"]
RESOURCES = [
    XAPI,
    f"{XAPI}/more/x",
    "/xapi/about",
    "/xapi/agents",
    "/xapi/agents/profile",
    "/xapi/activities",
    "/xapi/activities/profile",
    "/xapi/activities/state",
]
METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"]

json_texts = json_values.map(lambda one: orjson.dumps(one).decode())
values = st.sampled_from(GOOD) | texts | iris() | json_texts
headers = st.dictionaries(
    st.sampled_from(
        [
            *("X-Experience-API-Version", "Authorization", "Content-Type", "Accept-Language"),
            *("If-Match", "If-None-Match", "Content-Encoding", "Range", "Accept", "Origin"),
            "X-HTTP-Method-Override",
        ]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
    | st.sampled_from(["*", "1.0", "1.0.3", "2.0.0", "2.0.1", "application/json", "Basic Og=="])
    | st.sampled_from(
        ["Bearer x.y.z", "en;q=1.5,*", "multipart/mixed", 'multipart/mixed;boundary="']
    ),
    max_size=3,
)


@many
@given(
    method=st.sampled_from(METHODS),
    resource=st.sampled_from(RESOURCES),
    query=st.lists(st.tuples(st.sampled_from(PARAMETERS) | texts, values), max_size=4),
    given_headers=headers,
    body=st.none() | st.binary(max_size=40) | st.just(orjson.dumps(statement())),
)
def test_any_request(
    tool: Caller, method: str, resource: str, query: Any, given_headers: Any, body: bytes | None
) -> None:
    answer = tool(method, resource, query_string=query, headers=given_headers, data=body)
    refusal(answer, method)


@many
@given(name=st.sampled_from(sorted(NAMES - {"verb", "activity"})), value=texts)
def test_a_bad_parameter_is_named(tool: Caller, name: str, value: str) -> None:
    assume(value not in ("true", "false", "ids", "exact", "canonical") and not value.isdigit())
    answer = tool("GET", XAPI, query_string={name: value})
    found = refusal(answer)
    assert found is not None
    assert found[0].split("/")[0] == name


@many
@given(name=texts)
def test_an_unknown_parameter_is_named(tool: Caller, name: str) -> None:
    assume(name not in PARAMETERS)
    for resource in ("/xapi/about", XAPI):
        found = refusal(tool("GET", resource, query_string={name: "x"}))
        assert found == (name, "unknown-parameter")


@pytest.mark.parametrize("name", ["X-Experience-API-Version"])
@many
@given(value=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=10))
def test_a_bad_version_is_named(tool: Caller, name: str, value: str) -> None:
    assume(not value.strip().startswith(("1.0", "2.0")))
    found = refusal(tool("GET", XAPI, headers={name: value}))
    assert found is not None
    assert found[0] == name


def multipart(contents: list[bytes], sent: dict[str, Any]) -> list[bytes]:
    """Returns the lines and contents of a good multipart body, to be damaged."""
    pieces = [b"--b\r\n", b"Content-Type: application/json\r\n", b"\r\n", orjson.dumps(sent)]
    for content in contents:
        pieces += [
            b"\r\n--b\r\n",
            b"Content-Type: text/plain\r\n",
            b"Content-Transfer-Encoding: binary\r\n",
            b"X-Experience-API-Hash: %b\r\n" % sha256(content).hexdigest().encode(),
            b"\r\n",
            content,
        ]
    return [*pieces, b"\r\n--b--\r\n"]


@many
@given(data=st.data())
def test_damaged_multipart(tool: Caller, data: st.DataObject) -> None:
    """Parts lost, doubled, moved or overwritten: refused by name, or still all that was said."""
    contents = data.draw(st.lists(st.binary(max_size=20), max_size=3, unique=True))
    described = [
        {
            "usageType": "https://x.example/usage",
            "display": {"en": "x"},
            "contentType": "text/plain",
            "length": len(content),
            "sha2": sha256(content).hexdigest(),
        }
        for content in contents
    ]
    pieces = multipart(contents, statement(attachments=described))
    damage = data.draw(st.sampled_from(["none", "lose", "double", "swap", "replace", "cut"]))
    at = data.draw(st.integers(0, len(pieces) - 1))
    if damage == "lose":
        del pieces[at]
    elif damage == "double":
        pieces.insert(at, pieces[at])
    elif damage == "swap":
        other = data.draw(st.integers(0, len(pieces) - 1))
        pieces[at], pieces[other] = pieces[other], pieces[at]
    elif damage == "replace":
        pieces[at] = data.draw(st.binary(max_size=30))
    body = b"".join(pieces)
    if damage == "cut":
        body = body[: data.draw(st.integers(0, len(body)))]
    mimetype = data.draw(
        st.just("multipart/mixed; boundary=b")
        | st.sampled_from(
            ["multipart/mixed", "multipart/mixed; boundary=", 'multipart/mixed; boundary="b"',
             "multipart/form-data; boundary=b", "multipart/mixed; boundary=é"]
        )
    )  # fmt: skip
    answer = tool("POST", XAPI, data=body, content_type=mimetype)
    found = refusal(answer)
    if damage == "none" and mimetype.endswith(("=b", '"b"')) and "mixed" in mimetype:
        assert found is None
        one = tool("GET", f"{XAPI}?statementId={answer.json[0]}&attachments=true")
        assert all(content in one.data for content in contents)


@many
@given(
    fields=st.lists(
        st.tuples(
            st.sampled_from(
                ["content", "Authorization", "X-Experience-API-Version", "Content-Type", "agent",
                 "statementId", "If-Match", "limit", "activityId", "stateId"]
            ) | texts,
            values,
        ),
        max_size=5,
    ),
    method=st.sampled_from(METHODS) | texts,
    resource=st.sampled_from(RESOURCES),
)  # fmt: skip
def test_forms_instead_of_requests(tool: Caller, fields: Any, method: str, resource: str) -> None:
    """The alternate request syntax of 1.0.3."""
    answer = tool(
        "POST",
        resource,
        query_string={"method": method},
        data=dict(fields),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Experience-API-Version": "1.0.3"},
    )
    refusal(answer, method.upper())


DOCUMENTS = {
    "state": ("/xapi/activities/state", "stateId", {"activityId": COURSE, "agent": AGENT}),
    "activity profile": ("/xapi/activities/profile", "profileId", {"activityId": COURSE}),
    "agent profile": ("/xapi/agents/profile", "profileId", {"agent": AGENT}),
}
etags = (
    st.none()
    | st.sampled_from(["*", '"x"', "x", "", ",", 'W/"x"', '"'])
    | texts.filter(str.isprintable).map(lambda text: text.encode().decode("latin-1"))
)


@pytest.mark.parametrize("kind", DOCUMENTS)
@many
@given(
    method=st.sampled_from(["PUT", "POST"]),
    name=texts,
    content=st.binary(max_size=50) | json_values.map(orjson.dumps),
    mimetype=st.sampled_from(["application/json", "text/plain", "application/json;a=b", "", "x"]),
    if_match=etags,
    if_none_match=etags,
)
def test_any_document(
    tool: Caller,
    kind: str,
    method: str,
    name: str,
    content: bytes,
    mimetype: str,
    if_match: str | None,
    if_none_match: str | None,
) -> None:
    """It is kept as it came, byte for byte, or refused."""
    path, parameter, holder = DOCUMENTS[kind]
    query = {**holder, parameter: name}
    sent = {"If-Match": if_match, "If-None-Match": if_none_match}
    answer = tool(
        method,
        path,
        query_string=query,
        data=content,
        content_type=mimetype,
        headers={header: tag for header, tag in sent.items() if tag is not None},
    )
    if refusal(answer) is None and answer.status_code == 204:
        found = tool("GET", path, query_string=query)
        assert found.status_code == 200
        assert found.headers["ETag"] == answer.headers["ETag"]
        if method == "PUT":
            assert found.data == content
        assert name in tool("GET", path, query_string=holder).json
        assert tool("DELETE", path, query_string=query).status_code == 204
