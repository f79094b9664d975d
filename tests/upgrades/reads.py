"""What a store answers, in a form that can be kept and compared by a later release.

An answer is kept with the request that gave it. Of pages all are kept, however many a release cuts
the answer into; of what `/api/v1` says later releases may say more.
"""

from base64 import b64encode
from email import message_from_bytes
from typing import Any
from urllib.parse import urlencode

import orjson

from tests.integration.api.conftest import Caller
from tests.upgrades.content import ITEM, XAPI, agent, documents, ident

Json = dict[str, Any]

V1 = "/api/v1"
MOVING = {"as_of", "etag"}


def requests(statements: list[str]) -> list[tuple[str, str]]:
    """Returns who asks for which address."""
    asked = [("tool", f"{XAPI}?statementId={one}") for one in statements]
    asked += [("tool", f"{XAPI}?voidedStatementId={ident(n)}") for n in ("voided", "voided later")]
    gone = ("voided", "voided later", "of the erased", "never sent")
    asked += [("tool", f"{XAPI}?statementId={ident(name)}") for name in gone]
    for shape in ("ids", "canonical"):
        asked.append(("tool", f"{XAPI}?format={shape}&statementId={ident('full')}"))
    asked.append(("tool", f"{XAPI}?attachments=true&statementId={ident('attached')}"))
    asked += [("tool", address) for address, _, _ in documents()]
    person = _json(agent("amina"))
    asked += [
        (
            "tool",
            "/xapi/activities/state?" + urlencode({"activityId": ITEM + "/1", "agent": person}),
        ),
        ("tool", "/xapi/agents?" + urlencode({"agent": person})),
        ("tool", "/xapi/activities?" + urlencode({"activityId": ITEM + "/1"})),
    ]
    filters: list[Json] = [
        {},
        {"ascending": "true", "limit": "7"},
        {"agent": person},
        {"agent": _json({"mbox": "mailto:badru@upgrade.example"})},
        {"agent": _json({"mbox": "mailto:badru@upgrade.example"}), "related_agents": "true"},
        {"agent": _json(agent("mwalimu")), "related_agents": "true"},
        {"agent": _json(agent("zawadi")), "related_agents": "true"},
        {"verb": "http://adlnet.gov/expapi/verbs/answered"},
        {"verb": "https://upgrade.example/verbs/late"},
        {"activity": ITEM + "/1"},
        {"activity": ITEM + "/parent"},
        {"activity": ITEM + "/parent", "related_activities": "true"},
        {"activity": "https://demo.example.org/course/ddd-2013j", "related_activities": "true"},
        {"activity": ITEM + "/1", "agent": person, "limit": "3"},
        {"registration": ident("registration")},
    ]
    asked += [("tool", f"{XAPI}?{urlencode(narrow)}") for narrow in filters]
    asked += [
        ("instructor", f"{V1}/courses"),
        ("operator", f"{V1}/credentials?limit=100"),
        ("operator", f"{V1}/forwardings?limit=100"),
        ("officer", f"{V1}/erasures?limit=100"),
        ("tool", f"{V1}/quarantine?limit=100"),
    ]
    return asked


def learners(caller: Caller) -> list[tuple[str, str]]:
    """Returns the requests for the learners of each course."""
    courses = caller("GET", f"{V1}/courses").json
    assert courses is not None
    return [
        ("instructor", f"{V1}/courses/{each['id']}/learners?limit=100") for each in courses["items"]
    ]


def answer(caller: Caller, address: str) -> Json:
    """Returns status and content of an answer, pages joined."""
    given = caller("GET", address)
    found: Json = {"status": given.status_code}
    kind = given.headers.get("Content-Type", "")
    if given.status_code != 200:
        return found
    if kind.startswith("multipart/"):
        found["parts"] = _parts(kind, given.data)
    elif kind.startswith("application/json"):
        body = orjson.loads(given.data)
        if isinstance(body, dict) and "statements" in body:
            body = {"statements": _all(caller, body)}
        if address.startswith(V1):
            body = {key: value for key, value in body.items() if key not in MOVING}
        found["json"] = body
    else:
        found["bytes"] = b64encode(given.data).decode()
    if any(address == one for one, _, _ in documents()):
        found["etag"] = given.headers["ETag"]
        found["type"] = kind
    return found


def contains(new: Any, old: Any) -> bool:
    """Returns whether `new` says all that `old` does; objects may say more."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(
            key in new and contains(new[key], value) for key, value in old.items()
        )
    if isinstance(old, list):
        return isinstance(new, list) and len(new) == len(old) and all(map(contains, new, old))
    return bool(new == old)


def _all(caller: Caller, page: Json) -> list[Json]:
    statements: list[Json] = list(page["statements"])
    while more := page.get("more"):
        following = caller("GET", more).json
        assert following is not None
        page = following
        statements += page["statements"]
    return statements


def _parts(kind: str, body: bytes) -> list[Json]:
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    return [
        {
            "type": part.get_content_type(),
            "hash": part.get("X-Experience-API-Hash"),
            "content": b64encode(part.get_payload(decode=True)).decode(),  # type: ignore[arg-type]
        }
        for part in message.walk()
        if not part.is_multipart()
    ]


def _json(agent_: Json) -> str:
    return orjson.dumps({key: v for key, v in agent_.items() if key != "name"}).decode()
