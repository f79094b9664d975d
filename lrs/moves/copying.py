"""What a move copies and compares, in which order; again and again until both sides are the same.

Who is let in meanwhile, and when the placement flips, is `mover`.
"""

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import UUID

from lrs.keys.blind_index import BlindIndex
from lrs.keys.file import KeyFile
from lrs.moves.index import IndexMirror
from lrs.moves.log import Compared, LogCopy, NotEqual
from lrs.moves.sampling import compare_sample
from lrs.moves.sides import Side
from lrs.moves.tables import KEYS, TABLES, Mirror

LITTLE = 2000
"""Events left to copy that the writers may be shut out for."""

PASSES = 3
"""Times to look at everything with the writers shut out: the second finds nothing to copy."""

Tell = Callable[[str, int, int], None]
"""Is told the step, how much of it is done, of how much (0: unknown)."""


class Copying:
    """One institution on its way between two sides; `epoch` is that of the placement to be.

    `hold` shuts the writers out for a moment. `fold` brings what has arrived into the views of the
    target.
    """

    def __init__(
        self,
        source: Side,
        target: Side,
        institution: UUID,
        epoch: int,
        *,
        hold: Callable[[], AbstractContextManager[object]],
        fold: Callable[[], None],
        tell: Tell,
    ) -> None:
        self._hold = hold
        self._fold = fold
        self._log = LogCopy(source, target, institution, epoch)
        self._tell = tell

        def ranges(table: str, copied: int) -> None:
            tell(table, copied, 0)

        self._keys = Mirror(source.keys, target.keys, institution, ranges)
        self._tables = Mirror(source.log, target.log, institution, ranges)
        blind = BlindIndex(KeyFile(source.settings.key_file))
        self._index = IndexMirror(self._log, blind, lambda n: tell("compare index", n, 0))
        self._compared = Compared()
        self._reached = self._head = 0

    def most(self) -> None:
        """Copies and compares while the writers go on. Raises `NotEqual`."""
        self._catch_up()
        self._log.compare(self._compared, self._reached, self._of("compare log"))
        # What was written while the index was compared the first time is less the second time.
        for _ in range(2):
            self._index.run()
            self._catch_up()

    def rest(self, last: int) -> None:
        """Copies the log through its last position, and all else, until nothing differs.

        Writers must be shut out. Raises `NotEqual`.
        """
        self._keys.run(KEYS)
        self._log.copy(self._reached, last, self._of("copy rest"))
        self._log.compare(self._compared, last, self._of("compare rest"))
        for _ in range(PASSES):
            if not self._keys.run(KEYS) + self._tables.run(TABLES) + self._index.run():
                self._fold()
                self._tell("sample", 0, 1)
                compare_sample(self._log)
                return
        raise NotEqual("rows at the target do not stay as they are written")

    def _catch_up(self) -> None:
        """Copies until little is left, in rounds; each copies what was written during the last."""
        self._reached = max(self._reached, self._log.reached())
        last = sys.maxsize
        while (copied := self._round()) > LITTLE:
            if copied > last / 2:
                self._outrun()
                return
            last = copied

    def _outrun(self) -> None:
        """Copies until nothing is left, little at a time, for which the writers wait.

        In between they go on for as long; for half of that each time when the log grows by more
        than half of what it was gone through. So it ends, however fast they are.
        """
        held, share = 0, 1.0
        while True:
            began, reached, head = time.monotonic(), self._reached, self._head
            with self._hold():
                copied = self._round(LITTLE)
            took = time.monotonic() - began
            self._tell("hold", held := held + 1, 0)
            if copied < LITTLE:
                return
            if self._head - head > (self._reached - reached) / 2:
                share /= 2
            time.sleep(took * share)

    def _round(self, most: int = sys.maxsize) -> int:
        """Copies and folds as far as the log goes, or about `most` events; returns how many."""
        # The keys that an event needs were issued before it was written.
        self._head = self._log.head()
        self._keys.run(KEYS)
        self._tables.run(TABLES)
        copied, self._reached = self._log.copy(
            self._reached, self._head, self._of("copy log"), most
        )
        self._fold()
        return copied

    def _of(self, step: str) -> Callable[[int, int], None]:
        return lambda done, whole: self._tell(step, done, whole)
