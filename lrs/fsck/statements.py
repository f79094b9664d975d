"""Judges statements: each event by itself, and beside its rows of the index."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from uuid import UUID

from domain.people import Role
from domain.statements.equality import canonical
from domain.statements.events import StatementStored
from lrs.fsck.expected import Expected, complete, demote, own
from lrs.fsck.findings import Kind
from lrs.fsck.look import IndexRow, Look
from lrs.fsck.opening import Opened
from lrs.keys.blind_index import BlindIndex
from lrs.notifications import Shredded

AUTHORITIES = (Role.AUTHORITY, Role.AUTHORITY_MEMBER)
NOTHING: AbstractSet[tuple[UUID, bool]] = frozenset()


def judge(blind: BlindIndex, look: Look, one: Opened) -> Iterator[Kind]:
    """Gives what is wrong with an event that is, or was, a statement."""
    event, standing = one.event, look.standing
    if standing.fenced and one.institution in standing.fenced:
        yield from _judge_erased(look, one, one.institution)
    elif isinstance(event, Shredded):
        gone = look.destroyed.get(event.key_id)
        yield from _judge_erased(look, one, None if gone is None else gone.pseudonym)
    elif isinstance(event, StatementStored):
        if _whole(look, one, event):
            digest = blind.digest(event.institution, canonical(event.statement))
            if digest != one.digest:
                yield Kind.DIGEST
        if standing.strangers and not standing.strangers.isdisjoint(
            (event.owner, *(person.pseudonym for person in event.people))
        ):
            yield Kind.PERSON_UNKNOWN
        if standing.fenced and event.owner in standing.fenced:
            yield from _judge_erased(look, one, event.owner)
        else:
            yield from _judge_rows(blind, look, one, event)


def explained(look: Look, one: Opened) -> bool:
    """Whether each key of an event that was destroyed belonged to somebody who is fenced."""
    if not look.destroyed:
        return not isinstance(one.event, Shredded)
    gone = [found for key in one.key_ids if (found := look.destroyed.get(key)) is not None]
    fenced = look.standing.fenced
    return all(
        key.fenced
        and key.institution == one.institution
        and (key.pseudonym in fenced or key.institution in fenced)
        for key in gone
    ) and (bool(gone) or not isinstance(one.event, Shredded))


def _whole(look: Look, one: Opened, event: StatementStored) -> bool:
    """Whether the statement opened with everybody who counts for its digest."""
    if not look.destroyed:
        return True
    gone = {look.destroyed[key].pseudonym for key in one.key_ids if key in look.destroyed}
    return not any(p.pseudonym in gone for p in event.people if p.role not in AUTHORITIES)


def _judge_erased(look: Look, one: Opened, owner: UUID | None) -> Iterator[Kind]:
    """Gives what is left of a statement whose owner is gone for good; a void stays in force."""
    if owner is None or not look.standing.erased(owner):
        return
    if one.position in look.index:
        yield Kind.INDEX_ERASED
    if any(not voiding for _, voiding in look.references.get(one.position, ())):
        yield Kind.REFERENCE_EXTRA


def _judge_rows(
    blind: BlindIndex, look: Look, one: Opened, event: StatementStored
) -> Iterator[Kind]:
    wanted = own(blind, event)
    row = look.index.get(one.position)
    if row is None:
        yield Kind.INDEX_MISSING
    else:
        head = wanted.originator.bytes + wanted.owner.bytes + wanted.author.bytes
        if row.head != head or row.voiding != wanted.voiding:
            yield Kind.INDEX_WRONG
        if one.position in look.unposted:
            yield Kind.POSTING_MISSING
        # Nearly all are as they came; only the others are worth the second look.
        if wanted.target is not None or not row.has_just(wanted.terms):
            yield from _judge_terms(blind, look, event, row)
    said = look.references.get(one.position, NOTHING)
    right = NOTHING if wanted.target is None else {(wanted.target, wanted.voiding)}
    if right - said:
        yield Kind.REFERENCE_MISSING
    if said - right:
        yield Kind.REFERENCE_EXTRA


def _judge_terms(
    blind: BlindIndex, look: Look, event: StatementStored, row: IndexRow
) -> Iterator[Kind]:
    fenced = look.standing.fenced
    wanted: Expected = complete(blind, event, look.referred, fenced)
    terms = row.terms
    chain, _ = look.referred.behind(event)
    for named in (event, *chain):
        # An erasure that is under way may have come this far or not.
        demote(blind, named, (person for person in fenced if fenced[person]), terms)
    if wanted.terms - terms:
        yield Kind.TERMS_MISSING
    if not wanted.open_ended and terms - wanted.terms - wanted.also:
        yield Kind.TERMS_EXTRA
