"""What a dump holds: something of every kind, put in as clients put it in, over HTTP.

Only interfaces that do not change between releases are used (xAPI, `/api/v1`), so that the same
file fills the next release too.
"""

import gzip
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid5

import orjson

from infra.local.demo import COURSE
from tests.integration.api.conftest import Caller

Json = dict[str, Any]

XAPI = "/xapi/statements"
NAMES = UUID("5f0c1c62-7b1c-4bbd-9d40-5f6f3f8f5b11")
ITEM = "https://upgrade.example/item"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
LEARNERS = 12
DOCUMENT_BYTES = 300_000


def ident(name: str) -> str:
    """Returns the id of the statement that goes by this name here."""
    return str(uuid5(NAMES, name))


def agent(name: str) -> Json:
    """Returns an agent known by an account."""
    return {"account": {"homePage": "https://upgrade.example", "name": name}, "name": name.title()}


def statement(name: str, actor: Json | str = "amina", **more: Any) -> Json:
    """Returns a statement whose id its name gives."""
    return {
        "id": ident(name),
        "actor": agent(actor) if isinstance(actor, str) else actor,
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en": "answered"}},
        "object": {"id": f"{ITEM}/1", "definition": {"name": {"en": "Item", "fr": "Épreuve ①"}}},
        "timestamp": "2026-02-03T04:05:06.789Z",
        **more,
    }


def refers(name: str, target: str, **more: Any) -> Json:
    """Returns a statement about another."""
    return statement(name, object={"objectType": "StatementRef", "id": ident(target)}, **more)


def course() -> Iterator[Json]:
    """Yields what some learners did in the demo course (OULAD, CC BY 4.0)."""
    chosen: dict[str, int] = {}
    with gzip.open(COURSE) as lines:
        for number, line in enumerate(lines):
            one: Json = orjson.loads(line)
            name = one["actor"]["account"]["name"]
            if len(chosen) < LEARNERS:
                chosen.setdefault(name, 0)
            if chosen.get(name, 99) < 25:
                chosen[name] += 1
                yield {"id": ident(f"course {number}"), **one}


def kinds() -> list[list[Json]]:
    """Returns batches of statements, in the order in which they are sent."""
    ifis = [
        {"mbox": "mailto:badru@upgrade.example"},
        {"mbox_sha1sum": "ebd31e95054c018b10727ccffd2ef2ec3a016ee9"},
        {"openid": "https://upgrade.example/people/chiku"},
        agent("dalila"),
    ]
    group = {"objectType": "Group", "name": "Four", "member": ifis}
    team = {"objectType": "Group", "member": ifis[:2], "mbox": "mailto:team@upgrade.example"}
    context = {
        "registration": ident("registration"),
        "instructor": agent("mwalimu"),
        "team": team,
        "language": "sw",
        "contextActivities": {
            "parent": [{"id": f"{ITEM}/parent"}],
            "grouping": [{"id": "https://upgrade.example/course"}],
            "category": [{"id": "https://upgrade.example/profile"}],
            "other": [{"id": f"{ITEM}/other"}],
        },
        "extensions": {"https://upgrade.example/x": {"deep": [1, 2.5, None, "ü", True]}},
    }
    result = {
        "score": {"scaled": 0.75, "raw": 7.5, "min": 0, "max": 10},
        "success": True,
        "completion": False,
        "duration": "PT1H2M3.45S",
        "response": "answer " * 600,
    }
    inner = {k: v for k, v in statement("inner", "dalila").items() if k != "id"}
    sub = {**inner, "objectType": "SubStatement"}
    ended = {
        "usageType": "https://upgrade.example/file",
        "display": {"en": "Elsewhere"},
        "contentType": "text/plain",
        "length": 3,
        "sha2": sha256(b"far").hexdigest(),
        "fileUrl": "https://upgrade.example/far.txt",
    }
    return [
        [statement(f"actor {n}", ifi) for n, ifi in enumerate(ifis)],
        [statement("anonymous group", group), statement("identified group", team)],
        [statement("full", context=context, result=result)],
        [
            statement("substatement", object=sub),
            statement("to a person", object={"objectType": "Agent", **agent("ema")}),
        ],
        [statement("elsewhere", attachments=[ended])],
        [statement("target"), refers("reference after its target", "target", actor="badru")],
        [refers("reference before its target", "late target", actor="badru")],
        [refers("reference to a reference", "reference before its target")],
        [statement("late target", verb={"id": "https://upgrade.example/verbs/late"})],
        [statement("voided"), statement("kept beside the voided")],
        [refers("voids", "voided", verb={"id": VOIDED})],
        [refers("voids before its target", "voided later", verb={"id": VOIDED})],
        [statement("voided later")],
        [
            statement("of the erased", "zawadi"),
            statement("names the erased", context={"instructor": agent("zawadi")}),
        ],
        [statement("seals with a rotated key", "farida")],
    ]


def with_attachment() -> tuple[bytes, str]:
    """Returns the body of a POST with an attachment, and its type."""
    content = bytes(range(256)) * 40
    digest = sha256(content).hexdigest()
    told = {
        "usageType": "https://upgrade.example/file",
        "display": {"en": "A file"},
        "contentType": "application/octet-stream",
        "length": len(content),
        "sha2": digest,
    }
    one = orjson.dumps(statement("attached", attachments=[told]))
    body = (
        b"--cut\r\nContent-Type: application/json\r\n\r\n" + one + b"\r\n--cut\r\n"
        b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n"
        b"X-Experience-API-Hash: " + digest.encode() + b"\r\n\r\n" + content + b"\r\n--cut--\r\n"
    )
    return body, "multipart/mixed; boundary=cut"


def documents() -> list[tuple[str, bytes, str]]:
    """Returns address, content and content type of each document."""
    person = orjson.dumps({k: v for k, v in agent("amina").items() if k != "name"}).decode()
    erased = orjson.dumps({k: v for k, v in agent("zawadi").items() if k != "name"}).decode()
    state = {"activityId": f"{ITEM}/1", "agent": person}
    places: list[tuple[str, dict[str, str]]] = [
        ("activities/state", {**state, "stateId": "bookmark"}),
        ("activities/state", {**state, "stateId": "of one", "registration": ident("registration")}),
        ("agents/profile", {"agent": person, "profileId": "settings"}),
        ("activities/profile", {"activityId": f"{ITEM}/1", "profileId": "notes"}),
        ("activities/state", {**state, "agent": erased, "stateId": "of the erased"}),
    ]
    small = [
        (f"/xapi/{path}?{urlencode(query)}", orjson.dumps({"of": path, "n": n}), "application/json")
        for n, (path, query) in enumerate(places)
    ]
    large = urlencode({"activityId": f"{ITEM}/1", "profileId": "large"})
    content = bytes(n * n % 251 for n in range(1000)) * (DOCUMENT_BYTES // 1000)
    return [*small, (f"/xapi/activities/profile?{large}", content, "application/octet-stream")]


def fill(callers: dict[str, Caller]) -> None:
    """Sends everything; `callers` are those of the roles, and `old` one of xAPI 1.0.3."""
    tool = callers["tool"]
    rows = list(course())
    for start in range(0, len(rows), 50):
        _ok(callers["old"]("POST", XAPI, json=rows[start : start + 50]))
    for batch in kinds():
        _ok(tool("POST", XAPI, json=batch))
    body, kind = with_attachment()
    _ok(tool("POST", XAPI, data=body, headers={"Content-Type": kind}))
    for address, content, content_type in documents():
        _ok(tool("POST", address, data=content, headers={"Content-Type": content_type}))
    merged = documents()[0][0]
    _ok(tool("POST", merged, json={"merged": True}))
    gone = merged.replace("bookmark", "deleted")
    _ok(tool("POST", gone, json={"gone": True}))
    _ok(tool("DELETE", gone))
    assert tool("POST", XAPI, json=[statement("bad", {"mbox": "nobody"})]).status_code == 400
    _ok(callers["officer"]("POST", "/api/v1/erasures", json={"actor": _bare("zawadi")}))
    told = {"url": "http://93.184.216.34/xapi", "key": "ours", "secret": "ours"}
    for n in range(2):
        made = callers["operator"]("POST", "/api/v1/forwardings", json=told)
        _ok(made)
        if n:
            assert made.json is not None
            _ok(callers["operator"]("DELETE", f"/api/v1/forwardings/{made.json['id']}"))


def _bare(name: str) -> Json:
    return {k: v for k, v in agent(name).items() if k != "name"}


def _ok(answer: Any) -> None:
    assert answer.status_code < 300, (answer.status_code, answer.text)
