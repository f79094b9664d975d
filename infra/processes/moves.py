"""The job that looks after moves which nobody carries on: writers must not wait for an operator,
nor erasures for keys that were copied.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Event
from uuid import UUID

import psycopg
import structlog

from domain.errors import Conflict
from domain.placements import HOME
from infra.processes.schedule import Job
from lrs.moves.mover import Mover
from lrs.services import Services, open_services
from lrs.settings import Settings
from projections.views.purge import ViewsPurger
from stream_processors.arrival import arriving

log = structlog.get_logger("infra.jobs")

LOOK_SECONDS = 30.0
GIVE_UP_SECONDS = 3600.0


def moves(services: Services) -> Job:
    """Lets writers in where a mover is gone, clears what it left, gives up what nobody resumes.

    The jobs of home do: they have the directory, and need the owner's rights for it.
    """
    settings = services.settings

    def look(_: Event) -> None:
        if settings.shard != HOME or not settings.shards:
            return
        for institution in services.placements.moving():
            try:
                with Mover(settings, institution, views=ShardViews()) as mover:
                    placement = mover.look_after(GIVE_UP_SECONDS)
            except Conflict:
                continue  # somebody moves it right now
            except psycopg.Error as error:
                # A shard that is away holds up nobody else.
                log.error("move not looked after", institution=institution, exc_info=error)
            else:
                state = placement.state
                log.warning("nobody went on with a move", institution=institution, state=state)

    return Job("moves", LOOK_SECONDS, look)


class ShardViews:
    """The views of every shard, as a move needs them (`lrs.moves.views`)."""

    @contextmanager
    def arriving(
        self, settings: Settings, institution: UUID, tell: Callable[[int], None]
    ) -> Iterator[Callable[[], None]]:
        """Gives what folds all that has arrived until it is called into empty views."""
        with (
            closing(open_services(settings)) as services,
            arriving(services, institution, tell) as fold,
        ):
            yield fold

    def purge(self, settings: Settings, institution: UUID) -> None:
        """Deletes all that there is of the institution."""
        with closing(open_services(settings)) as services:
            ViewsPurger(services.pool).purge_all(institution)
