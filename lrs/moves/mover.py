"""A move, step by step. Killed anywhere, it goes on when asked again, and until the flip it can be
given up: then all is as it was.

Reads go on throughout. Writers are shut out only while the last of it is copied and everything is
compared, and for moments before that where they write faster than it copies: they get 503 and come
back.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from uuid import UUID

import psycopg

from domain.errors import Conflict
from domain.placements import Placement, State
from lrs import shards
from lrs.moves import directory as notes
from lrs.moves.clearing import Clearing
from lrs.moves.copying import Copying, Tell
from lrs.moves.sides import Connection, Side, check_apart, check_clocks, connect, number, side
from lrs.moves.views import Views
from lrs.placements import BELIEVE_SECONDS, read
from lrs.settings import Settings


@dataclass(frozen=True)
class Waits:
    """Seconds: how long processes may believe what was, and how long their reads may take."""

    believe: float = 1.5 * BELIEVE_SECONDS
    reads: float = 12.0


class Mover:
    """Moves one institution, its `views` too. Use as a context."""

    def __init__(
        self,
        settings: Settings,
        institution: UUID,
        *,
        views: Views,
        tell: Tell = lambda *_: None,
        waits: Waits | None = None,
    ) -> None:
        self._settings = settings
        self._institution = institution
        self._views = views
        self._tell = tell
        self._waits = waits or Waits()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._directory: Connection = self._stack.enter_context(connect(self._settings.admin_dsn))
        self._stack.enter_context(notes.alone(self._directory, self._institution))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def move(self, to: str) -> Placement:
        """Moves it to the shard `to`, or goes on with that; returns where it lives then.

        Raises `NotFound` for an unknown shard, `Conflict` where it is on its way to another or is
        being closed, `NotEqual` where the copies differ: then writers are let in again.
        """
        placement = read(self._directory, self._institution)
        shards.at(self._settings, to)
        if placement.state is State.CLEARING:
            placement = self._clear(placement)
        if placement.state is State.SETTLED:
            if placement.shard == to:
                return placement
            placement = self._begin(placement, to)
        if placement.other != to:
            raise Conflict(f"it is on its way to {placement.other}: finish that or give it up")
        with side(self._settings, placement.shard) as source, side(self._settings, to) as target:
            placement = self._copy(placement, source, target)
        return self._clear(placement)

    def give_up(self) -> Placement:
        """Leaves it where it is, removes what was copied, and returns where it lives.

        After the flip that is the other shard: then it only clears what was left.
        """
        placement = read(self._directory, self._institution)
        if placement.state is State.SETTLED:
            return placement
        if placement.state is State.CLEARING:
            return self._clear(placement)
        assert placement.other is not None
        with (
            side(self._settings, placement.shard) as source,
            side(self._settings, placement.other) as target,
        ):
            shut(target, self._institution, "arriving")
            open_(source, self._institution)
        return self._clear(notes.give_up(self._directory, placement))

    def look_after(self, patience: float) -> Placement:
        """Does what must not wait for whoever began the move and is gone; returns where it stands.

        Writers come in again, what was left behind is cleared, and where nothing was noted for
        `patience` seconds it is given up: until then two shards have keys of who may be erased.
        """
        placement = read(self._directory, self._institution)
        copying = placement.state in (State.COPYING, State.SHUT)
        if not copying or notes.age(self._directory, self._institution) >= patience:
            return self.give_up()
        assert placement.other is not None
        with (
            side(self._settings, placement.shard) as source,
            side(self._settings, placement.other) as target,
        ):
            return self._let_in(placement, source, target)

    def _begin(self, placement: Placement, to: str) -> Placement:
        with side(self._settings, placement.shard) as source, side(self._settings, to) as target:
            check_apart(source, target)
            check_clocks(source, target)
            _check_whole(source, self._institution)
            target.log.execute(
                "DELETE FROM lrs.arrivals WHERE institution = %s", [self._institution]
            )
        return notes.begin(self._directory, placement, to)

    def _copy(self, placement: Placement, source: Side, target: Side) -> Placement:
        """Copies, compares and flips."""
        # Also where an earlier attempt had shut the source, or opened the target, already.
        placement = self._let_in(placement, source, target)
        # After this every process asks for each request where to go; an earlier attempt may have
        # ended before.
        time.sleep(self._waits.believe)
        with self._views.arriving(target.settings, self._institution, self._folded) as fold:
            return self._carry(placement, source, target, fold)

    def _carry(
        self, placement: Placement, source: Side, target: Side, fold: Callable[[], None]
    ) -> Placement:
        copying = Copying(
            source,
            target,
            self._institution,
            placement.epoch + 1,
            hold=lambda: _held(source, self._institution),
            fold=fold,
            tell=self._tell,
        )
        copying.most()
        placement = notes.shut(self._directory, placement)
        try:
            last = shut(source, self._institution, "leaving")
            self._tell("shut", 0, 1)
            copying.rest(last)
            open_(target, self._institution)
            self._tell("flip", 0, 1)
        except BaseException:
            # Where this fails as well, whoever goes on does it first.
            with suppress(psycopg.Error):
                self._let_in(placement, source, target)
            raise
        return notes.flip(self._directory, placement)

    def _folded(self, events: int) -> None:
        self._tell("views", events, 0)

    def _let_in(self, placement: Placement, source: Side, target: Side) -> Placement:
        """Lets writers in at the source, and none at the target."""
        shut(target, self._institution, "arriving")
        open_(source, self._institution)
        if placement.state is State.SHUT:
            return notes.begin(self._directory, placement, target.name)
        return placement

    def _clear(self, placement: Placement) -> Placement:
        assert placement.other is not None
        with (
            side(self._settings, placement.shard) as here,
            side(self._settings, placement.other) as left,
        ):
            self._tell("clear", 0, 1)
            Clearing(self._settings, placement, here, left, self._views).run(self._waits.reads)
        settled = notes.settle(self._directory, placement)
        self._tell("settled", 1, 1)
        return settled


def shut(place: Side, institution: UUID, state: str) -> int:
    """Shuts the gate of a shard to an institution; returns the last position of its log."""
    return number(place.log, "SELECT lrs.shut_gate(%s, %s)", [institution, state])


def open_(place: Side, institution: UUID) -> None:
    """Opens the gate."""
    place.log.execute("DELETE FROM lrs.gates WHERE institution = %s", [institution])


@contextmanager
def _held(source: Side, institution: UUID) -> Iterator[None]:
    """Shuts the writers out for a while; whoever goes on after a kill in it lets them in."""
    shut(source, institution, "leaving")
    try:
        yield
    finally:
        open_(source, institution)


def _check_whole(source: Side, institution: UUID) -> None:
    fenced = source.log.execute(
        "SELECT FROM lrs.fences WHERE pseudonym = %s", [institution]
    ).fetchone()
    if fenced is not None:
        raise Conflict("this institution is being closed, or was: there is nothing to move")
