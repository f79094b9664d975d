"""State and profiles: 1.0.3 Communication 2.2, 2.3, 2.6, 2.7, 3.1; 2.0.0 4.1.4 and 4.1.6."""

import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from hashlib import sha1
from typing import Any
from uuid import uuid4

import orjson
import pytest

from api.services import Services
from tests.conformance.conftest import V1, query
from tests.conformance.requests import ACTIVITY_PROFILE, DOCUMENTS, STATE, agent, id_name, named
from tests.integration.api.conftest import Caller

PROFILES = DOCUMENTS[1:]
NEW = {"If-None-Match": "*"}


@pytest.fixture(params=DOCUMENTS)
def path(request: pytest.FixtureRequest) -> str:
    """Each document resource."""
    return str(request.param)


def made(lrs: Caller, path: str, content: bytes = b'{"a":1}', **changes: Any) -> str:
    """Returns the address of a document that was just written."""
    address = query(path, **named(path, **changes))
    answer = lrs("PUT", address, data=content, content_type="application/json", headers=NEW)
    assert answer.status_code == 204
    return address


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"\x00\xff" * 1000, "image/png"),
        (b"", "text/plain"),
        ("naïve".encode(), "text/plain; charset=utf-8"),
        (b'{"broken": ', "application/json"),
        (b"<script>", "text/html"),
        (bytes(range(256)) * 3000, "application/octet-stream"),
    ],
)
def test_comm_2_2_a_document_is_any_bytes_of_any_type(
    lrs: Caller, path: str, content: bytes, content_type: str
) -> None:
    address = query(path, **named(path))
    put = lrs("PUT", address, data=content, content_type=content_type, headers=NEW)
    assert (put.status_code, put.data) == (204, b"")
    got = lrs("GET", address)
    assert (got.status_code, got.data) == (200, content)
    assert got.headers["Content-Type"] == content_type
    assert got.headers["ETag"] == f'"{sha1(content, usedforsecurity=False).hexdigest()}"'
    assert got.headers["Content-Length"] == str(len(content))
    assert "sandbox" in got.headers["Content-Security-Policy"]


def test_comm_2_2_a_type_that_is_not_said_is_octets(lrs: Caller, path: str) -> None:
    address = query(path, **named(path))
    assert lrs("PUT", address, data=b"x", headers=NEW).status_code == 204
    assert lrs("GET", address).headers["Content-Type"] == "application/octet-stream"


def test_comm_1_1_head_is_get_without_its_body(lrs: Caller, path: str) -> None:
    address = made(lrs, path)
    head, got = lrs("HEAD", address), lrs("GET", address)
    assert (head.status_code, head.data) == (200, b"")
    for name in ("ETag", "Last-Modified", "Content-Type", "Content-Length"):
        assert head.headers[name] == got.headers[name]
    several = query(path, **named(path, **{id_name(path): None}))
    assert (lrs("HEAD", several).status_code, lrs("HEAD", several).data) == (200, b"")
    assert lrs("HEAD", query(path, **named(path))).status_code == 404


def test_4_1_6_last_modified_is_when_it_was_written(lrs: Caller, path: str) -> None:
    before = int(time.time())
    address = made(lrs, path)
    first = parsedate_to_datetime(lrs("GET", address).headers["Last-Modified"]).timestamp()
    assert before - 1 <= first <= time.time() + 1
    several = query(path, **named(path, **{id_name(path): None}))
    assert parsedate_to_datetime(lrs("GET", several).headers["Last-Modified"]).timestamp() >= first


def test_comm_2_2_7_posts_merge_top_level_properties(lrs: Caller, path: str) -> None:
    address = query(path, **named(path))
    for content in ({"a": 1, "b": {"x": 1}}, {"b": {"y": 2}, "c": None}):
        assert lrs("POST", address, json=content).status_code == 204
    assert lrs("GET", address).json == {"a": 1, "b": {"y": 2}, "c": None}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((b"text", "text/plain"), (b"{}", "application/json")),
        ((b"{}", "text/plain"), (b"{}", "application/json")),
        ((b"{}", "application/json"), (b"{}", "text/plain")),
        ((b"{}", "application/json"), (b"[]", "application/json")),
        ((b"[]", "application/json"), (b"{}", "application/json")),
        ((b"{}", "application/json"), (b"{", "application/json")),
        ((b"{}", "application/json"), (b'{"a":1,"a":2}', "application/json")),
        ((b"{}", "application/json"), (b"", "application/json")),
    ],
)
def test_comm_2_2_8_nothing_else_merges_and_nothing_changes(
    lrs: Caller, path: str, old: tuple[bytes, str], new: tuple[bytes, str]
) -> None:
    address = query(path, **named(path))
    lrs("PUT", address, data=old[0], content_type=old[1], headers=NEW)
    assert lrs("POST", address, data=new[0], content_type=new[1]).status_code == 400
    got = lrs("GET", address)
    assert (got.data, got.headers["Content-Type"]) == old


def test_comm_2_2_7_a_post_of_what_is_not_there_is_a_put(lrs: Caller, path: str) -> None:
    address = query(path, **named(path))
    assert lrs("POST", address, data=b"x", content_type="text/plain").status_code == 204
    assert lrs("GET", address).data == b"x"
    other = query(path, **named(path))
    assert lrs("POST", other, data=b"{", content_type="application/json").status_code == 400
    assert lrs("GET", other).status_code == 404


def test_comm_3_1_a_wrong_precondition_412_and_nothing_changes(lrs: Caller, path: str) -> None:
    address = made(lrs, path)
    wrong = {"If-Match": '"0123456789012345678901234567890123456789"'}
    for headers in (wrong, NEW):
        assert lrs("PUT", address, json={}, headers=headers).status_code == 412
    assert lrs("POST", address, json={"b": 1}, headers=wrong).status_code == 412
    assert lrs("DELETE", address, headers=wrong).status_code == 412
    assert lrs("GET", address).json == {"a": 1}
    absent = query(path, **named(path))
    for method in ("PUT", "POST", "DELETE"):
        assert lrs(method, absent, json={}, headers={"If-Match": "*"}).status_code == 412
    assert lrs("GET", absent).status_code == 404


def test_comm_3_1_the_right_tag_lets_in(lrs: Caller, path: str) -> None:
    address = made(lrs, path)
    for method, content in (("PUT", {"a": 2}), ("POST", {"b": 3})):
        tag = {"If-Match": lrs("GET", address).headers["ETag"]}
        answer = lrs(method, address, json=content, headers=tag)
        assert answer.status_code == 204
        assert answer.headers["ETag"] == lrs("GET", address).headers["ETag"]
    assert lrs("GET", address).json == {"a": 2, "b": 3}
    tag = {"If-Match": f'"other", {lrs("GET", address).headers["ETag"]}'}
    assert lrs("DELETE", address, headers=tag).status_code == 204
    assert lrs("GET", address).status_code == 404


def test_comm_3_1_replacing_unseen_409_and_nothing_changes(
    lrs: Caller, path: str, version: str
) -> None:
    address = made(lrs, path)
    answer = lrs("PUT", address, json={"b": 2})
    if (path, version) == (STATE, V1):
        assert answer.status_code == 204
        return
    assert answer.status_code == 409
    assert "If-Match" in answer.json["error"]
    assert lrs("GET", address).json == {"a": 1}


def test_comm_3_1_a_new_profile_needs_a_header_in_1_0_3_only(
    lrs: Caller, path: str, version: str
) -> None:
    answer = lrs("PUT", query(path, **named(path)), json={})
    assert answer.status_code == (400 if version == V1 and path in PROFILES else 204)


def test_comm_3_1_of_writers_at_once_with_one_tag_one_wins(lrs: Caller, path: str) -> None:
    address = made(lrs, path)
    tag = {"If-Match": lrs("GET", address).headers["ETag"]}
    with ThreadPoolExecutor(6) as threads:
        answers = list(
            threads.map(lambda n: lrs("PUT", address, json={"n": n}, headers=tag), range(6))
        )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [204, *[412] * 5]
    won = next(n for n, answer in enumerate(answers) if answer.status_code == 204)
    assert lrs("GET", address).json == {"n": won}


def test_comm_2_2_merges_at_once_lose_nothing(lrs: Caller) -> None:
    address = query(STATE, **named(STATE))
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda n: lrs("POST", address, json={f"k{n}": n}), range(4)))
    assert {answer.status_code for answer in answers} == {204}
    assert lrs("GET", address).json == {f"k{n}": n for n in range(4)}


def test_comm_2_3_ids_since(lrs: Caller, path: str) -> None:
    activity, person = f"https://courses.example/{uuid4()}", agent(str(uuid4()))
    holder = {"activityId": activity} if path != DOCUMENTS[2] else {}
    holder |= {"agent": person} if path != ACTIVITY_PROFILE else {}  # type: ignore[dict-item]
    name = id_name(path)

    def ids(**more: str) -> Any:
        answer = lrs("GET", query(path, **named(path, **holder, **more, **{name: None})))
        assert answer.status_code == 200
        return answer.json

    assert ids() == []
    made(lrs, path, **holder, **{name: "one"})
    middle = _now()
    made(lrs, path, **holder, **{name: "two, with more: ünd so"})
    assert sorted(ids()) == ["one", "two, with more: ünd so"]
    assert ids(since=middle) == ["two, with more: ünd so"]
    assert ids(since=_now()) == []
    assert sorted(ids(since="2020-01-01T00:00:00+01:00")) == ["one", "two, with more: ünd so"]
    lrs("POST", query(path, **named(path, **holder, **{name: "one"})), json={"b": 1})
    assert sorted(ids(since=middle)) == ["one", "two, with more: ünd so"]


def _now() -> str:
    time.sleep(0.01)
    moment = time.time()
    time.sleep(0.01)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    return f"{whole}.{int(moment % 1 * 1000):03}Z"


def test_comm_2_3_registrations_keep_states_apart(lrs: Caller) -> None:
    person, one, two = agent(str(uuid4())), str(uuid4()), str(uuid4())
    for registration in (None, one, two):
        content = orjson.dumps({"of": registration})
        made(lrs, STATE, content, agent=person, stateId="s", registration=registration)
    for registration in (None, one, two):
        address = query(STATE, **named(STATE, agent=person, stateId="s", registration=registration))
        assert lrs("GET", address).json == {"of": registration}
    several = named(STATE, agent=person, stateId=None)
    assert lrs("GET", query(STATE, **several, registration=one)).json == ["s"]
    assert lrs("DELETE", query(STATE, **several, registration=one)).status_code == 204
    assert lrs("GET", query(STATE, **several, registration=one)).json == []
    assert lrs("GET", query(STATE, **several, registration=two)).json == ["s"]
    assert lrs("DELETE", query(STATE, **several)).status_code == 204
    assert lrs("GET", query(STATE, **several, registration=two)).json == []


def test_comm_2_2_deleting_what_is_not_there_is_done_already(lrs: Caller, path: str) -> None:
    assert lrs("DELETE", query(path, **named(path))).status_code == 204


def test_reading_makes_nobody_known(lrs: Caller, services: Services) -> None:
    def people() -> Any:
        with services.pool.connection() as connection:
            return connection.execute("SELECT count(*) FROM lrs.people").fetchone()

    before = people()
    address = query(STATE, **named(STATE, agent=agent(str(uuid4()))))
    assert lrs("GET", address).status_code == 404
    assert lrs("DELETE", address).status_code == 204
    assert people() == before


def test_another_institution_sees_nothing(lrs: Caller, stranger: Caller, path: str) -> None:
    address = made(lrs, path)
    assert stranger("GET", address).status_code == 404
