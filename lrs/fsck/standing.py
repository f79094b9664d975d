"""How persons stand: known, fenced, erased for good; and whether a destroyed key is explained."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from lrs.arrays import Uuids
from lrs.fsck.session import Connection, rows

UNFINISHED = (
    "(EXISTS (SELECT FROM lrs.erasures e WHERE e.institution = f.institution"
    "  AND e.finished_at IS NULL AND e.requested_at <= f.fenced_at + interval '1 minute')"
    " OR EXISTS (SELECT FROM lrs.closures c WHERE c.institution = f.institution"
    "  AND c.finished_at IS NULL))"
)
"""Whether the fence `f` may belong to an erasure that is still under way: then rows may be left.

An anonymous Group is fenced within the erasure of its last member, after that was asked for; an
institution that is closed is fenced as if it were a person.
"""


@dataclass(frozen=True)
class Standing:
    """Persons of one look; `fenced` says of each whether the erasure may still be under way.

    An institution that was erased is fenced under its own id, and everybody in it with it.
    `strangers` are those who are neither known nor fenced.
    """

    strangers: frozenset[UUID]
    fenced: Mapping[UUID, bool]

    def erased(self, pseudonym: UUID) -> bool:
        """Whether the person is gone for good: nothing may be left."""
        return self.fenced.get(pseudonym) is False


def standing(records: Connection, pseudonyms: Collection[UUID]) -> Standing:
    """Returns how these persons stand in the record store at this moment."""
    asked = Uuids(list(pseudonyms))
    strangers = rows(
        records,
        "SELECT a.pseudonym FROM unnest(%b::uuid[]) AS a (pseudonym)"
        " WHERE NOT EXISTS (SELECT FROM lrs.people p WHERE p.pseudonym = a.pseudonym)"
        " AND NOT EXISTS (SELECT FROM lrs.fences f WHERE f.pseudonym = a.pseudonym)",
        asked,
    )
    fenced = rows(
        records,
        f"SELECT f.pseudonym, {UNFINISHED} FROM lrs.fences f WHERE f.pseudonym = ANY(%b)",
        asked,
    )
    return Standing(frozenset(row[0] for row in strangers), dict(fenced))


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A key that is no more: whose it was, and whether that person may not have another."""

    institution: UUID
    pseudonym: UUID
    fenced: bool


def destroyed(keys: Connection, key_ids: Collection[UUID]) -> dict[UUID, Destroyed]:
    """Returns those of these keys that were destroyed."""
    if not key_ids:
        return {}
    found = rows(
        keys,
        "SELECT DISTINCT k.key_id, k.institution, k.pseudonym, f.pseudonym IS NOT NULL"
        " FROM keystore.data_keys k LEFT JOIN keystore.fences f"
        " ON f.institution = k.institution AND f.pseudonym IN (k.pseudonym, k.institution)"
        " WHERE k.key_id = ANY(%b) AND k.wrapped IS NULL",
        Uuids(list(key_ids)),
    )
    return {key_id: Destroyed(*rest) for key_id, *rest in found}
