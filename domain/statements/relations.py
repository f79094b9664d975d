"""What relates one property of a statement to another: the rules that a shape cannot say.

They run on statements whose shape is right (`model`). The versions differ in their shapes only;
which section each rule comes from is in `sections`.
"""

from collections.abc import Iterable
from typing import Any

from domain.errors import Invalid
from domain.people import IFIS
from domain.statements.references import VOIDED
from domain.statements.sections import section
from domain.values import score as scores
from domain.values.version import Version

Json = dict[str, Any]

SIGNATURE = "http://adlnet.gov/expapi/attachments/signature"

_IFIS = frozenset(IFIS)
_COMPONENTS = ("choices", "scale", "source", "target", "steps")
_INTERACTION = frozenset((*_COMPONENTS, "correctResponsesPattern"))


def check(statement: Json, version: Version) -> None:
    """Raises `Invalid` for the first rule that the statement breaks."""
    _told(statement, "", version)
    if (authority := statement.get("authority")) is not None:
        _authority(authority, version)


def check_actor(agent: Json, version: Version, pointer: str = "") -> None:
    """Raises `Invalid` unless an Agent has one identifier, and a Group one or members."""
    identifiers = len(_IFIS & agent.keys())
    if identifiers > 1:
        raise Invalid(
            pointer,
            "one-identifier",
            "has more than one of mbox, mbox_sha1sum, openid and account: send exactly one",
            section(version, "ifi"),
        )
    if agent.get("objectType") == "Group":
        if identifiers == 0 and "member" not in agent:
            raise Invalid(
                f"{pointer}/member",
                "required",
                "a Group without mbox, mbox_sha1sum, openid or account must list its members",
                section(version, "group"),
            )
        for index, member in enumerate(agent.get("member", ())):
            check_actor(member, version, f"{pointer}/member/{index}")
    elif identifiers == 0:
        raise Invalid(
            pointer,
            "one-identifier",
            "an Agent needs exactly one of mbox, mbox_sha1sum, openid and account",
            section(version, "ifi"),
        )


def _told(statement: Json, at: str, version: Version) -> None:
    """Checks what a Statement and a SubStatement have in common."""
    check_actor(statement["actor"], version, f"{at}/actor")
    target = statement["object"]
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        _activity(target, f"{at}/object", version)
    elif kind in ("Agent", "Group"):
        check_actor(target, version, f"{at}/object")
    elif kind == "SubStatement":
        _told(target, f"{at}/object", version)
    if kind != "StatementRef" and statement["verb"]["id"] == VOIDED:
        raise Invalid(
            f"{at}/object/objectType",
            "voiding-reference",
            "a statement that voids another must have a StatementRef as its object",
            section(version, "voiding"),
        )
    if (result := statement.get("result")) is not None and "score" in result:
        _score(result["score"], f"{at}/result/score", version)
    if (context := statement.get("context")) is not None:
        _context(context, kind, f"{at}/context", version)
    for index, attachment in enumerate(statement.get("attachments", ())):
        _attachment(attachment, f"{at}/attachments/{index}", version)


def _activity(activity: Json, at: str, version: Version) -> None:
    definition = activity.get("definition")
    if definition is None or _INTERACTION.isdisjoint(definition):
        return
    if "interactionType" not in definition:
        used = ", ".join(sorted(_INTERACTION & definition.keys()))
        raise Invalid(
            f"{at}/definition/interactionType",
            "required",
            f"is needed where the definition has {used}",
            section(version, "interaction"),
        )
    for key in _COMPONENTS:
        ids: set[str] = set()
        for index, component in enumerate(definition.get(key, ())):
            if component["id"] in ids:
                raise Invalid(
                    f"{at}/definition/{key}/{index}/id",
                    "distinct",
                    "another component of this list has the same id",
                    section(version, "interaction"),
                )
            ids.add(component["id"])


def _context(context: Json, kind: str, at: str, version: Version) -> None:
    if kind != "Activity":
        for key in ("revision", "platform"):
            if key in context:
                raise Invalid(
                    f"{at}/{key}",
                    "activity-only",
                    f"{key} may only be used where the statement's object is an Activity",
                    section(version, "context"),
                )
    for key in ("instructor", "team"):
        if key in context:
            check_actor(context[key], version, f"{at}/{key}")
    for key, inner in (("contextAgents", "agent"), ("contextGroups", "group")):
        for index, entry in enumerate(context.get(key, ())):
            check_actor(entry[inner], version, f"{at}/{key}/{index}/{inner}")
    for key, value in context.get("contextActivities", {}).items():
        pointer = f"{at}/contextActivities/{key}"
        if isinstance(value, dict):
            _activity(value, pointer, version)
        else:
            _activities(value, pointer, version)


def _activities(activities: Iterable[Json], at: str, version: Version) -> None:
    for index, activity in enumerate(activities):
        if "definition" in activity:
            _activity(activity, f"{at}/{index}", version)


def _score(score: Json, at: str, version: Version) -> None:
    if (problem := scores.problem(score)) is not None:
        key, detail = problem
        raise Invalid(f"{at}/{key}", "range", detail, section(version, "score"))


def _attachment(attachment: Json, at: str, version: Version) -> None:
    if (
        attachment["usageType"] == SIGNATURE
        and attachment["contentType"] != "application/octet-stream"
    ):
        raise Invalid(
            f"{at}/contentType",
            "signature-type",
            "a signature must be sent as application/octet-stream",
            section(version, "signature"),
        )


def _authority(authority: Json, version: Version) -> None:
    """Only OAuth makes a Group of an authority: the application and its user, nobody else."""
    check_actor(authority, version, "/authority")
    if authority.get("objectType") != "Group":
        return
    if not _IFIS.isdisjoint(authority) or len(authority.get("member", ())) != 2:
        raise Invalid(
            "/authority",
            "authority-group",
            "a Group as authority must be anonymous and have exactly two members",
            section(version, "authority"),
        )
