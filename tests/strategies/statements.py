"""Strategies of statements: every valid one of a version, and invalid ones with what is wrong.

`statements(version)` covers the whole model: groups, SubStatements, references, attachments,
extensions, interactions, context of every kind. `broken_statements(version)` gives a `Broken`: one
fault put into a valid statement, with the JSON pointer and the rule of the refusal that is due.
"""

import copy
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from domain.values.version import Version
from tests.strategies.faults import Fault, faults
from tests.strategies.values import (
    Json,
    durations,
    extensions,
    iris,
    language_maps,
    language_tags,
    media_types,
    scores,
    texts,
    timestamps,
    uuids,
)

_INTERACTIONS = {
    "true-false": (),
    "choice": ("choices",),
    "sequencing": ("choices",),
    "likert": ("scale",),
    "matching": ("source", "target"),
    "performance": ("steps",),
    "fill-in": (),
    "long-fill-in": (),
    "numeric": (),
    "other": (),
}


def _some(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(required, optional=optional)


accounts = _some({"homePage": iris(), "name": texts}, {})
_addresses = st.sampled_from(
    ["mailto:a@example.org", "mailto:Ann.B+x@Example.ORG", "mailto:josé@bücher.example"]
)
_hex = st.sampled_from("0123456789abcdefABCDEF")


def digests(length: int) -> st.SearchStrategy[str]:
    """Hex digests of a length, in either case."""
    return st.text(_hex, min_size=length, max_size=length)


identifiers: st.SearchStrategy[Json] = (
    st.builds(lambda value: {"account": value}, accounts)
    | st.builds(lambda value: {"mbox": value}, _addresses)
    | st.builds(lambda value: {"mbox_sha1sum": value}, digests(40))
    | st.builds(lambda value: {"openid": value}, st.just("https://id.example.org/u%20ser"))
)


@st.composite
def agents(draw: st.DrawFn, *, typed: bool = False) -> Json:
    """An Agent; with its objectType always where `typed`."""
    kind = {"objectType": st.just("Agent")}
    return {
        **draw(identifiers),
        **draw(_some(kind if typed else {}, {"name": texts} | ({} if typed else kind))),
    }


@st.composite
def groups(draw: st.DrawFn) -> Json:
    """A Group: identified with or without members, or anonymous."""
    members = st.lists(agents(), max_size=3)
    shape = {"objectType": st.just("Group")}
    if draw(st.booleans()):
        return draw(_some(shape | {"member": members}, {"name": texts}))
    return {**draw(identifiers), **draw(_some(shape, {"name": texts, "member": members}))}


@st.composite
def components(draw: st.DrawFn) -> list[Json]:
    """Interaction components with distinct ids."""
    return [
        draw(_some({"id": st.just(name)}, {"description": language_maps}))
        for name in draw(st.lists(texts, unique=True, max_size=3))
    ]


@st.composite
def definitions(draw: st.DrawFn) -> Json:
    """A definition of an activity, with the lists of its interaction if it is one."""
    definition = draw(
        _some({}, {"name": language_maps, "description": language_maps, "type": iris(),
                   "moreInfo": iris(), "extensions": extensions})
    )  # fmt: skip
    if draw(st.booleans()):
        kind = draw(st.sampled_from(sorted(_INTERACTIONS)))
        lists = {name: components() for name in _INTERACTIONS[kind]}
        definition |= draw(_some({}, lists | {"correctResponsesPattern": st.lists(texts)}))
        definition["interactionType"] = kind
    return definition


def activities() -> st.SearchStrategy[Json]:
    """An Activity, with or without its objectType and definition."""
    return _some({"id": iris()}, {"objectType": st.just("Activity"), "definition": definitions()})


def references() -> st.SearchStrategy[Json]:
    """A StatementRef."""
    return _some({"objectType": st.just("StatementRef"), "id": uuids}, {})


def verbs() -> st.SearchStrategy[Json]:
    """A Verb that voids nothing."""
    return _some({"id": iris()}, {"display": language_maps})


def results() -> st.SearchStrategy[Json]:
    """A Result, empty or full."""
    truth = st.booleans()
    return _some({}, {"score": scores(), "success": truth, "completion": truth, "response": texts,
                      "duration": durations, "extensions": extensions})  # fmt: skip


@st.composite
def contexts(draw: st.DrawFn, version: Version, *, about_activity: bool) -> Json:
    """A Context; revision and platform only where the object is an Activity."""
    several = activities() | st.lists(activities(), max_size=2)
    optional: dict[str, Any] = {
        "registration": uuids,
        "instructor": agents() | groups(),
        "team": groups(),
        "contextActivities": _some(
            {}, dict.fromkeys(("parent", "grouping", "category", "other"), several)
        ),
        "language": language_tags,
        "statement": references(),
        "extensions": extensions,
    }
    if about_activity:
        optional |= {"revision": texts, "platform": texts}
    if version is Version.V2_0_0:
        types = {"relevantTypes": st.lists(iris(), min_size=1, max_size=2)}
        optional |= {
            f"context{kind}s": st.lists(
                _some({"objectType": st.just(f"context{kind}"), kind.lower(): who}, types),
                max_size=2,
            )
            for kind, who in (("Agent", agents()), ("Group", groups()))
        }
    return draw(_some({}, optional))


def attachments() -> st.SearchStrategy[Json]:
    """The description of an attachment; never a signature."""
    return _some(
        {
            "usageType": iris(),
            "display": language_maps,
            "contentType": media_types,
            "length": st.integers(0, 2**40),
            "sha2": st.sampled_from([56, 64, 96, 128]).flatmap(digests),
        },
        {"description": language_maps, "fileUrl": iris()},
    )


@st.composite
def _told(draw: st.DrawFn, version: Version, target: Json) -> Json:
    about_activity = target.get("objectType", "Activity") == "Activity"
    told = draw(
        _some(
            {"actor": agents() | groups(), "verb": verbs()},
            {
                "result": results(),
                "context": contexts(version, about_activity=about_activity),
                "timestamp": timestamps(version),
                "attachments": st.lists(attachments(), max_size=2),
            },
        )
    )
    return {**told, "object": target}


def _things() -> st.SearchStrategy[Json]:
    return activities() | agents(typed=True) | groups() | references()


def substatements(version: Version) -> st.SearchStrategy[Json]:
    """A SubStatement about anything but another one."""
    return (
        _things()
        .flatmap(lambda target: _told(version, target))
        .map(lambda told: {**told, "objectType": "SubStatement"})
    )


@st.composite
def statements(draw: st.DrawFn, version: Version) -> Json:
    """Any valid statement of a version; a voiding one at times."""
    statement = draw(_told(version, draw(_things() | substatements(version))))
    pair = st.builds(
        lambda one, two: {"objectType": "Group", "member": [one, two]}, agents(), agents()
    )
    versions = ["1.0", "1.0.0", "1.0.3"] + (["2.0.0"] if version is Version.V2_0_0 else [])
    statement |= draw(
        _some({}, {"id": uuids, "stored": timestamps(version), "authority": agents() | pair,
                   "version": st.sampled_from(versions)})
    )  # fmt: skip
    if statement["object"].get("objectType") == "StatementRef" and draw(st.booleans()):
        statement["verb"] = {"id": "http://adlnet.gov/expapi/verbs/voided"}
    return statement


@dataclass(frozen=True)
class Broken:
    """An invalid statement, where it is invalid, and the rule that it breaks."""

    statement: Json
    pointer: str
    rule: str


@st.composite
def broken_statements(draw: st.DrawFn, version: Version) -> Broken:
    """A valid statement into which exactly one fault was put."""
    statement = draw(statements(version))
    possible = sorted(faults(statement), key=lambda fault: (fault.rule, fault.pointer))
    rule = draw(st.sampled_from(sorted({fault.rule for fault in possible})))
    fault: Fault = draw(st.sampled_from([fault for fault in possible if fault.rule == rule]))
    damaged = copy.deepcopy(statement)
    fault.put(damaged)
    return Broken(damaged, fault.pointer, fault.rule)
