"""Who a statement names, in which role, and by which identifier they are known.

Pure reading of valid statements. Whether the identifier is known to this store, and under which
pseudonym, is the record store's.
"""

from enum import IntEnum
from typing import Any, NamedTuple

Json = dict[str, Any]

IFIS = ("account", "mbox", "mbox_sha1sum", "openid")


class Role(IntEnum):
    """How a statement names a person. The numbers are stored: never change or reuse one.

    An even number is a member of the Group in the odd role before it; a SubStatement's roles are
    its Statement's plus 100.
    """

    ACTOR = 1
    ACTOR_MEMBER = 2
    OBJECT = 3
    OBJECT_MEMBER = 4
    AUTHORITY = 5
    AUTHORITY_MEMBER = 6
    INSTRUCTOR = 7
    INSTRUCTOR_MEMBER = 8
    TEAM = 9
    TEAM_MEMBER = 10
    CONTEXT_AGENT = 11
    CONTEXT_GROUP = 13
    CONTEXT_GROUP_MEMBER = 14

    SUB_ACTOR = 101
    SUB_ACTOR_MEMBER = 102
    SUB_OBJECT = 103
    SUB_OBJECT_MEMBER = 104
    SUB_INSTRUCTOR = 107
    SUB_INSTRUCTOR_MEMBER = 108
    SUB_TEAM = 109
    SUB_TEAM_MEMBER = 110
    SUB_CONTEXT_AGENT = 111
    SUB_CONTEXT_GROUP = 113
    SUB_CONTEXT_GROUP_MEMBER = 114


# What the `agent` filter looks at, unless `related_agents` widens it to every role: the actor and
# the object, and the members of either that is a Group (1.0.3 Communication 2.1.3).
DIRECT_ROLES = (Role.ACTOR, Role.ACTOR_MEMBER, Role.OBJECT, Role.OBJECT_MEMBER)

_ROLES = {int(role): role for role in Role}
_SUB = 100


class Named(NamedTuple):
    """One occurrence of an Agent or a Group: where it stands, as what, and its identifier.

    `agent` is the very object inside the statement; `ifi` is None for an anonymous Group.
    """

    pointer: str
    role: Role
    agent: Json
    ifi: str | None


def canonical_ifi(agent: Json) -> str | None:
    """Returns the identifier in the form in which identifiers are compared; None if it has none.

    Different kinds are different identifiers, even an mbox and its own hash. The case of a mail
    domain and of hex digits means nothing (1.0.3 Data 2.3.1 and 2.4.2.3); everything else is
    compared as it stands. An account's home page is preceded by its length, so that no two
    accounts read alike.
    """
    if (account := agent.get("account")) is not None:
        home = account["homePage"]
        return f"account:{len(home)}:{home}{account['name']}"
    if (mbox := agent.get("mbox")) is not None:
        local, _, domain = mbox.rpartition("@")
        return f"mbox:{local}@{domain.lower()}"
    if (digest := agent.get("mbox_sha1sum")) is not None:
        return f"mbox_sha1sum:{digest.lower()}"
    if (openid := agent.get("openid")) is not None:
        return f"openid:{openid}"
    return None


def named(statement: Json) -> list[Named]:
    """Returns every Agent and Group of a valid statement, each occurrence.

    In the order actor, object, context, authority, and then the same of a SubStatement; members
    follow their Group.
    """
    found: list[Named] = []
    _collect(found, statement, "", 0)
    return found


def _collect(found: list[Named], statement: Json, at: str, offset: int) -> None:
    _add(found, statement["actor"], f"{at}/actor", Role.ACTOR + offset)
    target = statement["object"]
    kind = target.get("objectType")
    if kind in ("Agent", "Group"):
        _add(found, target, f"{at}/object", Role.OBJECT + offset)
    context = statement.get("context")
    if context:
        if (instructor := context.get("instructor")) is not None:
            _add(found, instructor, f"{at}/context/instructor", Role.INSTRUCTOR + offset)
        if (team := context.get("team")) is not None:
            _add(found, team, f"{at}/context/team", Role.TEAM + offset)
        for index, entry in enumerate(context.get("contextAgents", ())):
            pointer = f"{at}/context/contextAgents/{index}/agent"
            _add(found, entry["agent"], pointer, Role.CONTEXT_AGENT + offset)
        for index, entry in enumerate(context.get("contextGroups", ())):
            pointer = f"{at}/context/contextGroups/{index}/group"
            _add(found, entry["group"], pointer, Role.CONTEXT_GROUP + offset)
    if (authority := statement.get("authority")) is not None:
        _add(found, authority, f"{at}/authority", Role.AUTHORITY)
    if kind == "SubStatement":
        _collect(found, target, f"{at}/object", _SUB)


def _add(found: list[Named], agent: Json, pointer: str, role: int) -> None:
    found.append(Named(pointer, _ROLES[role], agent, canonical_ifi(agent)))
    members = agent.get("member")
    if members:
        as_member = _ROLES[role + 1]
        for index, member in enumerate(members):
            where = f"{pointer}/member/{index}"
            found.append(Named(where, as_member, member, canonical_ifi(member)))
