"""What a move needs of the views, which are beyond this layer."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol
from uuid import UUID

from lrs.settings import Settings


class Views(Protocol):
    """The views of every shard; settings say of which."""

    def arriving(
        self, settings: Settings, institution: UUID, tell: Callable[[int], None]
    ) -> AbstractContextManager[Callable[[], None]]:
        """Gives what folds all that has arrived until it is called into empty views.

        `tell` is told how many events were folded so far.
        """
        ...

    def purge(self, settings: Settings, institution: UUID) -> None:
        """Deletes all that there is of the institution."""
        ...
