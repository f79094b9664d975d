"""When two statements are the same statement (1.0.3 Data 2.3.1; 2.0.0 4.2, of immutability).

Both versions list what is left out of the comparison; 1.0.3 adds that no other difference may be
ignored. One rule serves both, so that it never matters in which version a statement came again:

- left out: `id`, `stored`, `authority`, `version` and `timestamp`, which an LRS assigns or may have
  assigned (1.0.3: differences that this could have caused MUST be ignored; 2.0.0 names them);
- left out: `attachments`, the verb's `display` and the definition of activities, which are not
  part of the statement (both);
- members of a Group: in any order, being an unordered list (both);
- a SubStatement's timestamp, which nobody assigns: as an instant, to the millisecond, since its
  serialization may differ (1.0.3 2.3.1) and finer digits may be cut (1.0.3 4.5, 2.0.0 4.2.7);
- contextActivities: one activity is a list of one, as an LRS must return it (1.0.3 2.4.6.2);
- case, where it means nothing: in mail domains, UUIDs, hex digests, language tags (both); not in
  IRIs, which are compared as strings (2.0.0 4.2.7);
- result.duration: as a string, without what is finer than 0.01 s (1.0.3 2.3.1 and 4.6, 2.0.0
  4.2.7);
- numbers: by value, 1 and 1.0 being one number in JSON;
- everything else is compared as it stands: the order of other arrays, an objectType given or left
  out, empty objects.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from domain.values.duration import comparable
from domain.values.timestamp import parse

Json = dict[str, Any]

_LEFT_OUT = frozenset({"id", "stored", "authority", "version", "timestamp", "attachments"})


def canonical(statement: Json) -> bytes:
    """Returns bytes that are equal for statements that are equal, whatever version they came in."""
    return orjson.dumps(_comparable(statement), option=orjson.OPT_SORT_KEYS)


def same(one: Json, other: Json) -> bool:
    """Whether two statements are equal, as a signature's payload and what it signs must be."""
    return canonical(one) == canonical(other)


def _comparable(statement: Json) -> Json:
    result: Json = {}
    for name, value in statement.items():
        if name in _LEFT_OUT:
            continue
        reduce = _REDUCE.get(name)
        result[name] = value if reduce is None else reduce(value)
    return result


def _verb(verb: Json) -> Json:
    return {"id": verb["id"]}


def _activity(activity: Json) -> Json:
    if "objectType" in activity:
        return {"objectType": activity["objectType"], "id": activity["id"]}
    return {"id": activity["id"]}


def _object(target: Json) -> Json:
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        return _activity(target)
    if kind == "StatementRef":
        return {**target, "id": target["id"].lower()}
    return _substatement(target) if kind == "SubStatement" else _actor(target)


def _substatement(target: Json) -> Json:
    result = _comparable(target)
    if "timestamp" in target:
        result["timestamp"] = _timestamp(target["timestamp"])
    return result


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
    # Most of what there is is text.
    kind = type(value)
    if kind is dict:
        return {name: one if type(one) is str else _number(one) for name, one in value.items()}
    if kind is list:
        return [one if type(one) is str else _number(one) for one in value]
    return int(value) if kind is float and value.is_integer() and abs(value) < 2**53 else value


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


_REDUCE: Mapping[str, Any] = {
    "actor": _actor,
    "verb": _verb,
    "object": _object,
    "result": _result,
    "context": _context,
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
