"""Live: follows the log for one reader, for as long as their credential stands.

What matches is `lrs.following`'s to say; how it is sent is `api.v1.live`'s.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from lrs.credentials import Credentials
from lrs.following import Followed, Follower
from lrs.queries import Filter, Queries

POLL_SECONDS = 0.25
BEAT_SECONDS = 15.0
"""How long a stream is silent at most, and how long a revoked credential keeps one open."""
BATCH = 50


@dataclass(frozen=True, slots=True)
class Beat:
    """All that matches up to `reached` was given."""

    reached: int


class Live:
    """Follows filters. Thread-safe; one for each process."""

    def __init__(
        self,
        credentials: Credentials,
        queries: Queries,
        follower: Follower,
        *,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self._credentials = credentials
        self._queries = queries
        self._follower = follower
        self.beat_seconds = beat_seconds

    def follow(
        self, institution: UUID, key: str, wanted: Filter, after: int, admit: Callable[[], Any]
    ) -> Iterator[Followed | Beat]:
        """Yields what matches after position `after` as it comes, and a `Beat` now and then.

        Ends when the credential `key` is revoked; raises what `admit`, asked before each beat,
        raises.
        """
        reached = after
        beat = time.monotonic()
        while True:
            before = reached
            terms = self._queries.terms(institution, wanted)
            if terms is not None:
                look = self._follower.look(institution, terms, reached, BATCH)
                yield from look.found
                reached = look.reached
            if time.monotonic() - beat >= self.beat_seconds:
                beat = time.monotonic()
                if not self._credentials.stands(institution, key):
                    return
                admit()
                yield Beat(reached)
            if reached == before:
                time.sleep(POLL_SECONDS)
