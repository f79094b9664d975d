"""What of a statement stands in which box: its body, and the persons whom others may erase.

The body is sealed under the key of its owner, the actor. Every other person is taken out of it and
has a box of their own, so that erasing one leaves the records of the others whole. The authority
stays in the body: it is always the account of a credential of this store, nobody's name.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from domain.people import Role
from domain.statements.events import Deviation, PersonRef, StatementStored

Json = dict[str, Any]

BOXED_AUTHORITY = 1
"""The format in which the authority had a box too: the first release's."""

ERASED_HOME_PAGE = "https://erased.invalid/"
"""homePage of the account that stands for an erased person; `.invalid` belongs to nobody."""

STAYS = frozenset(("objectType", "member"))
"""What of an agent stays in the body: the rest alone says who it is."""

_ESCAPES = re.compile("~[01]")
_ROLES = {int(role): role for role in Role}


def take_apart(event: StatementStored) -> tuple[bytes, list[tuple[UUID, bytes]]]:
    """Returns the body, and what goes into the box of each other person, with the pseudonym."""
    others = _boxed(event.people, event.owner)
    statement, agents = _take_out(event.statement, [person.pointer for person in others])
    body: Json = {
        "statement": statement,
        "version": event.xapi_version,
        "people": [(pointer, role, pseudonym.hex) for pointer, role, pseudonym in event.people],
    }
    if event.people[0].pseudonym is not event.owner:
        body["owner"] = event.owner.hex
    if event.deviations:
        body["deviations"] = [(d.pointer, d.rule) for d in event.deviations]
    boxes = [
        (person.pseudonym, orjson.dumps(agent))
        for person, agent in zip(others, agents, strict=True)
    ]
    return orjson.dumps(body), boxes


def put_together(
    body: bytes, form: int, open_person: Callable[[int], bytes | None], **stream: Any
) -> StatementStored:
    """Returns the event of a body; `open_person` gives what is in the nth other person's box.

    Where it gives None, that person was erased: an anonymous account stands in their place.
    """
    content = orjson.loads(body)
    people = tuple(
        [
            PersonRef(pointer, _ROLES[role], _pseudonym(text))
            for pointer, role, text in content["people"]
        ]
    )
    owner = UUID(content["owner"]) if "owner" in content else people[0].pseudonym
    statement = content["statement"]
    for number, person in enumerate(_boxed(people, owner, form)):
        opened = open_person(number)
        agent = anonymous(person.pseudonym) if opened is None else orjson.loads(opened)
        _put_back(statement, person.pointer, agent)
    return StatementStored.trusted(
        **stream,
        statement=statement,
        xapi_version=content["version"],
        owner=owner,
        people=people,
        deviations=tuple(
            Deviation.model_construct(pointer=pointer, rule=rule)
            for pointer, rule in content.get("deviations", ())
        ),
    )


@lru_cache(maxsize=16_384)
def _pseudonym(text: str) -> UUID:
    # A page names few persons, each often.
    return UUID(text)


def anonymous(pseudonym: UUID) -> Json:
    """Returns the identifier that stands for an erased person."""
    return {"account": {"homePage": ERASED_HOME_PAGE, "name": str(pseudonym)}}


def _boxed(people: tuple[PersonRef, ...], owner: UUID, form: int | None = None) -> list[PersonRef]:
    """Returns those who have boxes of their own, in their order."""
    authority = Role.AUTHORITY if form != BOXED_AUTHORITY else None
    return [
        person
        for person in people
        if person.role is not authority
        and person.pseudonym is not owner
        and person.pseudonym != owner
    ]


def _take_out(statement: Json, pointers: list[str]) -> tuple[Json, list[Json]]:
    """Returns the statement without the agents at `pointers`, and those agents in that order.

    What says nobody's name stays in place; so do a Group's members, who have boxes of their own.
    """
    rest = statement
    agents = []
    copied: set[str] = set()
    for pointer in pointers:
        rest = _copy_path(rest, pointer, copied)
        holder, key = _step(rest, pointer)
        agent = holder[key]
        agents.append({name: value for name, value in agent.items() if name not in STAYS})
        holder[key] = {name: value for name, value in agent.items() if name in STAYS}
        copied.add(pointer)
    return rest, agents


def _copy_path(root: Json, pointer: str, copied: set[str]) -> Json:
    """Returns `root` with every container on the way to `pointer` copied once."""
    if "" not in copied:
        root = dict(root)
        copied.add("")
    holder: Any = root
    path = ""
    for part in _parts(pointer)[:-1]:
        path += f"/{part}"
        index = int(part) if isinstance(holder, list) else part
        if path not in copied:
            holder[index] = (
                list(holder[index]) if isinstance(holder[index], list) else dict(holder[index])
            )
            copied.add(path)
        holder = holder[index]
    return root


def _put_back(statement: Json, pointer: str, agent: Json) -> None:
    holder, key = _step(statement, pointer)
    holder[key] = {**agent, **holder[key]}


def _step(root: Any, pointer: str) -> tuple[Any, Any]:
    *path, last = _parts(pointer)
    for part in path:
        root = root[int(part)] if isinstance(root, list) else root[part]
    return root, int(last) if isinstance(root, list) else last


def _parts(pointer: str) -> list[str]:
    parts = pointer[1:].split("/")
    if "~" not in pointer:
        return parts
    return [_ESCAPES.sub(lambda match: "~" if match[0] == "~0" else "/", part) for part in parts]
