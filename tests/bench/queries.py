"""Queries of every kind, about statements that a filled store holds (`tests.bench.fill`)."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from domain.values.timestamp import write
from tests.bench.corpus import SEED
from tests.bench.fill import SPREAD, statement
from tests.bench.requests import Maker, Request

Json = dict[str, Any]

PAGE = 50
"""Statements of a page at most."""


def queries(make: Maker, size: int, samples: int) -> dict[str, list[Request]]:
    """Returns for each kind so many queries; each asks for what some stored statement has."""
    draw = Random(SEED)
    found: dict[str, list[Request]] = {}
    for kind, parameters in KINDS.items():
        made: list[Request] = []
        while len(made) < samples:
            asked = parameters(statement(draw.randrange(size)), draw)
            if asked is not None:
                made.append(make.get({**asked, "limit": str(PAGE)}, kind))
        found[kind] = made
    return found


def mixed(make: Maker, size: int, samples: int) -> Iterator[Request]:
    """Yields queries, one of each kind in turn, `samples` of each, all named "query"."""
    for group in zip(*queries(make, size, samples).values(), strict=True):
        for request in group:
            yield Request("query", request.data)


def _moment(draw: Random) -> str:
    return write(datetime.now(UTC) - SPREAD * draw.random())


def _agent(asked: Json, _: Random) -> Json:
    return {"agent": asked["actor"]}


def _activity(asked: Json, _: Random) -> Json:
    return {"activity": asked["object"]["id"]}


def _verb(asked: Json, _: Random) -> Json:
    return {"verb": asked["verb"]["id"]}


def _related_activity(asked: Json, _: Random) -> Json | None:
    around = asked.get("context", {}).get("contextActivities", {})
    for kind in ("parent", "grouping", "category"):
        for activity in around.get(kind, ()):
            return {"activity": activity["id"], "related_activities": "true"}
    return None


def _registration(asked: Json, _: Random) -> Json | None:
    registration = asked.get("context", {}).get("registration")
    return None if registration is None else {"registration": registration}


def _period(draw: Random) -> Json:
    since = datetime.now(UTC) - SPREAD * draw.random()
    return {"since": write(since), "until": write(since + timedelta(days=7))}


KINDS: dict[str, Callable[[Json, Random], Json | None]] = {
    "agent": _agent,
    "activity": _activity,
    "agent and activity": lambda asked, draw: _agent(asked, draw) | _activity(asked, draw),
    "agent, verb and activity": lambda asked, draw: (
        _agent(asked, draw) | _verb(asked, draw) | _activity(asked, draw)
    ),
    "related agents": lambda asked, draw: _agent(asked, draw) | {"related_agents": "true"},
    "related activities": _related_activity,
    "verb": _verb,
    "registration": _registration,
    "since": lambda _, draw: {"since": _moment(draw)},
    "until": lambda _, draw: {"until": _moment(draw)},
    "since and until, a week": lambda _, draw: _period(draw),
    "agent, since": lambda asked, draw: _agent(asked, draw) | {"since": _moment(draw)},
    "nothing: the newest": lambda _, __: {},
}
"""Parameters of a query about what a statement has, or None where it has no such thing."""
