"""When two statements are the same statement (1.0.3 Data 2.3.1, 2.0.0 4.2.4 and 4.2.7).

The specification lists what an LRS may change or assign, demands that differences which those
changes could have caused be ignored, and that no other difference be. Decision by decision,
with the sections of 1.0.3 Data:

- not compared: `stored`, `authority`, `version`, which an LRS assigns or replaces (2.3.1);
- compared where both have them (`same`): `id`, `timestamp`, assigned if left out (2.3.1);
- timestamps, a SubStatement's too: as instants, to the millisecond, since their serialization may
  differ (2.3.1) and finer digits may be cut (4.5);
- not compared: the verb's `display` and the definition of activities, which are not part of the
  statement (2.3.1), nor the data of attachments; the property `attachments` is, in its order;
- members of a Group: in any order, being an unordered list (2.3.1);
- contextActivities: one activity is a list of one, as an LRS must return it (2.4.6.2);
- without regard to case, as 2.3.1 allows where case means nothing: mail domains, UUIDs, hex
  digests, language tags, media types;
- result.duration: as a string, without what is finer than 0.01 s (2.3.1, 4.6);
- numbers: by value, 1 and 1.0 being one number in JSON;
- everything else is compared as it stands, being in no exception: the order of other arrays, an
  objectType given or left out, empty objects.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from domain.statements.relations import SIGNATURE
from domain.values.duration import comparable
from domain.values.timestamp import parse

Json = dict[str, Any]

_ASSIGNED = frozenset({"stored", "authority", "version"})
_MAYBE_ASSIGNED = ("id", "timestamp")
_ACTIVITY = frozenset({"objectType", "id"})


def canonical(statement: Json) -> bytes:
    """Returns bytes that are equal for statements that are equal, whatever version they came in.

    An id or timestamp that was left out differs from one that was given: where that alone may
    be the difference, `same` decides.
    """
    return orjson.dumps(_comparable(statement), option=orjson.OPT_SORT_KEYS)


def same(one: Json, other: Json) -> bool:
    """Whether two statements are equal, what an LRS could have assigned to either left aside.

    This is the comparison of a signature's payload with the statement it signs, and of a statement
    that was read from an LRS with the one that was sent to it.
    """
    left, right = _comparable(one), _comparable(other)
    for name in _MAYBE_ASSIGNED:
        if name not in left or name not in right:
            left.pop(name, None)
            right.pop(name, None)
    options = orjson.OPT_SORT_KEYS
    return orjson.dumps(left, option=options) == orjson.dumps(right, option=options)


def unsigned(statement: Json) -> Json:
    """Returns the statement as it was before its signature was attached (1.0.3 Data 2.6)."""
    kept = [a for a in statement.get("attachments", ()) if a["usageType"] != SIGNATURE]
    bare = {name: value for name, value in statement.items() if name != "attachments"}
    return {**bare, "attachments": kept} if kept else bare


def _comparable(statement: Json) -> Json:
    result: Json = {}
    for name, value in statement.items():
        if name in _ASSIGNED:
            continue
        reduce = _REDUCE.get(name)
        result[name] = value if reduce is None else reduce(value)
    return result


def _verb(verb: Json) -> Json:
    return {"id": verb["id"]}


def _activity(activity: Json) -> Json:
    return {name: value for name, value in activity.items() if name in _ACTIVITY}


def _object(target: Json) -> Json:
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        return _activity(target)
    if kind == "StatementRef":
        return {**target, "id": target["id"].lower()}
    return _comparable(target) if kind == "SubStatement" else _actor(target)


def _actor(agent: Json) -> Json:
    result = dict(agent)
    if "mbox" in agent:
        local, _, domain = agent["mbox"].rpartition("@")
        result["mbox"] = f"{local}@{domain.lower()}"
    elif "mbox_sha1sum" in agent:
        result["mbox_sha1sum"] = agent["mbox_sha1sum"].lower()
    if "member" in agent:
        members = [_actor(member) for member in agent["member"]]
        members.sort(key=lambda member: orjson.dumps(member, option=orjson.OPT_SORT_KEYS))
        result["member"] = members
    return result


def _timestamp(text: str) -> int:
    """Returns milliseconds since 1970; finer digits are cut, never rounded."""
    moment = parse(text)
    return int(moment.timestamp() // 1) * 1000 + moment.microsecond // 1000


def _number(value: Any) -> Any:
    """Returns a JSON value in which every number that is whole is an integer."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, dict):
        return {name: _number(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_number(inner) for inner in value]
    return value


def _result(result: Json) -> Json:
    reduced = dict(result)
    if "duration" in result:
        reduced["duration"] = comparable(result["duration"])
    for name in ("score", "extensions"):
        if name in result:
            reduced[name] = _number(result[name])
    return reduced


def _context(context: Json) -> Json:
    reduced: Json = {}
    for name, value in context.items():
        reduce = _REDUCE_CONTEXT.get(name)
        reduced[name] = value if reduce is None else reduce(value)
    return reduced


def _context_activities(grouped: Json) -> Json:
    return {
        name: [_activity(value)] if isinstance(value, dict) else [_activity(one) for one in value]
        for name, value in grouped.items()
    }


def _entries(name: str) -> Any:
    return lambda entries: [{**entry, name: _actor(entry[name])} for entry in entries]


def _language_map(texts: Mapping[str, str]) -> Json:
    return {tag.lower(): text for tag, text in texts.items()}


def _attachment(attachment: Json) -> Json:
    reduced = dict(attachment)
    for name in ("display", "description"):
        if name in attachment:
            reduced[name] = _language_map(attachment[name])
    media, semicolon, parameters = attachment["contentType"].partition(";")
    reduced["contentType"] = media.lower() + semicolon + parameters
    reduced["sha2"] = attachment["sha2"].lower()
    return reduced


_REDUCE: Mapping[str, Any] = {
    "id": str.lower,
    "actor": _actor,
    "verb": _verb,
    "object": _object,
    "result": _result,
    "context": _context,
    "timestamp": _timestamp,
    "attachments": lambda attachments: [_attachment(one) for one in attachments],
}
_REDUCE_CONTEXT: Mapping[str, Any] = {
    "registration": str.lower,
    "instructor": _actor,
    "team": _actor,
    "contextAgents": _entries("agent"),
    "contextGroups": _entries("group"),
    "contextActivities": _context_activities,
    "language": str.lower,
    "statement": lambda reference: {**reference, "id": reference["id"].lower()},
    "extensions": _number,
}
