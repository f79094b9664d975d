"""The three forms in which statements are returned (1.0.3 Communication 2.1.3, 2.0.0 4.1.6.1).

- `exact`: as it was received;
- `ids`: of agents, activities, verbs and groups only what identifies them, and no names of people;
- `canonical`: activities and verbs as the LRS knows them, each language map cut to the one entry
  that the reader prefers; agents and groups as received.

In every form contextActivities are lists (1.0.3 Data 2.4.6.2) and timestamps are in UTC (4.5).
What is returned shares whatever did not change with what was given: neither may be altered
afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

from domain.people import IFIS
from domain.values.language_tag import choose
from domain.values.timestamp import to_utc

Json = dict[str, Any]
Format: TypeAlias = Literal["exact", "ids", "canonical"]

FORMATS: tuple[Format, ...] = get_args(Format)

_COMPONENTS = ("choices", "scale", "source", "target", "steps")
_Change: TypeAlias = Callable[[Json], Json]


def render(
    statement: Json,
    format: Format,
    languages: Sequence[str] = (),
    definitions: Mapping[str, Json] | None = None,
    displays: Mapping[str, Json] | None = None,
) -> Json:
    """Returns a valid statement in one of the forms.

    `languages` are the ranges of Accept-Language, best first. `definitions` (by activity) and
    `displays` (by verb) are what the LRS holds as canonical; the statement's own stand in where
    they have nothing. All three matter to `canonical` only.
    """
    if format == "ids":
        return _told(statement, _verb_id, _activity_id, _agent_id)
    if format == "exact":
        return _told(statement, _same, _same, _same)

    def activity(value: Json) -> Json:
        definition = (definitions or {}).get(value["id"]) or value.get("definition")
        if not definition:
            return value
        return {**value, "definition": _definition(definition, languages)}

    def verb(value: Json) -> Json:
        display = (displays or {}).get(value["id"]) or value.get("display")
        return {**value, "display": _one_language(display, languages)} if display else value

    return _told(statement, verb, activity, _same)


def _told(statement: Json, verb: _Change, activity: _Change, agent: _Change) -> Json:
    """Returns a Statement or SubStatement with each of its verbs, activities, agents changed."""
    changed = {
        **statement,
        "actor": agent(statement["actor"]),
        "verb": verb(statement["verb"]),
        "object": _object(statement["object"], verb, activity, agent),
    }
    if "timestamp" in statement:
        changed["timestamp"] = to_utc(statement["timestamp"])
    if "context" in statement:
        changed["context"] = _context(statement["context"], activity, agent)
    if "authority" in statement:
        changed["authority"] = agent(statement["authority"])
    return changed


def _object(target: Json, verb: _Change, activity: _Change, agent: _Change) -> Json:
    match target.get("objectType", "Activity"):
        case "Activity":
            return activity(target)
        case "Agent" | "Group":
            return agent(target)
        case "SubStatement":
            return _told(target, verb, activity, agent)
    return target


def _context(context: Json, activity: _Change, agent: _Change) -> Json:
    changed = dict(context)
    for name in ("instructor", "team"):
        if name in context:
            changed[name] = agent(context[name])
    for name, inner in (("contextAgents", "agent"), ("contextGroups", "group")):
        if name in context:
            changed[name] = [{**entry, inner: agent(entry[inner])} for entry in context[name]]
    if "contextActivities" in context:
        changed["contextActivities"] = {
            name: [activity(one) for one in ([value] if isinstance(value, dict) else value)]
            for name, value in context["contextActivities"].items()
        }
    return changed


def _same(value: Json) -> Json:
    return value


def _verb_id(verb: Json) -> Json:
    return {"id": verb["id"]}


def _activity_id(activity: Json) -> Json:
    return {"id": activity["id"]}


def _agent_id(agent: Json) -> Json:
    """Returns the type and identifier; members only of a Group that has no other identity."""
    kept: Json = {"objectType": agent.get("objectType", "Agent")}
    for name in IFIS:
        if name in agent:
            kept[name] = agent[name]
            return kept
    kept["member"] = [_agent_id(member) for member in agent.get("member", ())]
    return kept


def _definition(definition: Json, languages: Sequence[str]) -> Json:
    changed = dict(definition)
    for name in ("name", "description"):
        if name in definition:
            changed[name] = _one_language(definition[name], languages)
    for name in _COMPONENTS:
        if name in definition:
            changed[name] = [
                {**one, "description": _one_language(one["description"], languages)}
                if "description" in one
                else one
                for one in definition[name]
            ]
    return changed


def _one_language(texts: Json, languages: Sequence[str]) -> Json:
    tag = choose(texts, languages)
    return {} if tag is None else {tag: texts[tag]}
