"""The steps of a move, noted in the directory: what is noted holds for every process at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from domain.errors import Conflict
from domain.placements import Placement, State
from lrs.moves.sides import Connection

MOVE_LOCK = 7015


@contextmanager
def alone(directory: Connection, institution: UUID) -> Iterator[None]:
    """Lets nobody else move the institution meanwhile. Raises `Conflict` where somebody does."""
    low = int.from_bytes(institution.bytes[:4], "big", signed=True)
    row = directory.execute("SELECT pg_try_advisory_lock(%s, %s)", [MOVE_LOCK, low]).fetchone()
    if row is None or not row[0]:
        raise Conflict("another process is moving this institution right now")
    try:
        yield
    finally:
        if not directory.closed:
            directory.execute("SELECT pg_advisory_unlock(%s, %s)", [MOVE_LOCK, low])


def begin(directory: Connection, placement: Placement, to: str) -> Placement:
    """Notes that the institution is being copied to a shard."""
    return _note(directory, placement, replace(placement, state=State.COPYING, other=to))


def shut(directory: Connection, placement: Placement) -> Placement:
    """Notes that its writers are shut out for the last of it."""
    return _note(directory, placement, replace(placement, state=State.SHUT))


def flip(directory: Connection, placement: Placement) -> Placement:
    """Notes that it lives at the other shard from here on, and the first is to be cleared."""
    assert placement.other is not None
    flipped = Placement(
        placement.institution,
        shard=placement.other,
        state=State.CLEARING,
        other=placement.shard,
        epoch=placement.epoch + 1,
    )
    return _note(directory, placement, flipped)


def give_up(directory: Connection, placement: Placement) -> Placement:
    """Notes that it stays where it is, and the other shard is to be cleared."""
    return _note(directory, placement, replace(placement, state=State.CLEARING))


def settle(directory: Connection, placement: Placement) -> Placement:
    """Notes that nothing is under way any more."""
    return _note(directory, placement, replace(placement, state=State.SETTLED, other=None))


def age(directory: Connection, institution: UUID) -> float:
    """Returns how many seconds ago the placement was last noted."""
    row = directory.execute(
        "SELECT extract(epoch FROM now() - changed_at)::float8 FROM lrs.placements"
        " WHERE institution = %s",
        [institution],
    ).fetchone()
    return float(row[0]) if row else 0.0


def _note(directory: Connection, was: Placement, now: Placement) -> Placement:
    """Writes the row, if it still is as it `was`; returns what it says then."""
    noted = directory.execute(
        "INSERT INTO lrs.placements AS p (institution, shard, state, other, epoch)"
        " VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (institution) DO UPDATE SET shard = excluded.shard,"
        " state = excluded.state, other = excluded.other, epoch = excluded.epoch,"
        " changed_at = now() WHERE p.state = %s AND p.epoch = %s",
        [now.institution, now.shard, now.state, now.other, now.epoch, was.state, was.epoch],
    ).rowcount
    if not noted:
        raise Conflict("the placement of this institution was changed meanwhile")
    return now
