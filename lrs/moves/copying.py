"""What a move copies and compares, in which order; again and again until both sides are the same.

Who is let in meanwhile, and when the placement flips, is `mover`.
"""

import sys
from collections.abc import Callable
from uuid import UUID

from lrs.keys.blind_index import BlindIndex
from lrs.keys.file import KeyFile
from lrs.moves.index import IndexMirror
from lrs.moves.log import Compared, LogCopy, NotEqual
from lrs.moves.sampling import compare_sample
from lrs.moves.sides import Side
from lrs.moves.tables import KEYS, TABLES, Mirror

LITTLE = 2000
"""Positions left to copy that the writers may be shut out for."""

ROUNDS = 20
"""Times to catch up at most; fewer, where the rest does not become smaller any more."""

PATIENCE = 3
"""Rounds in which it does not, before that counts: a busy machine takes turns."""

PASSES = 3
"""Times to look at everything with the writers shut out: the second finds nothing to copy."""

Tell = Callable[[str, int, int], None]
"""Is told the step, how much of it is done, of how much (0: unknown)."""


class Copying:
    """One institution on its way between two sides; `epoch` is that of the placement to be.

    `fold` brings what has arrived into the views of the target.
    """

    def __init__(
        self,
        source: Side,
        target: Side,
        institution: UUID,
        epoch: int,
        *,
        fold: Callable[[], None],
        tell: Tell,
    ) -> None:
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
        self._reached = 0

    def most(self) -> None:
        """Copies and compares while the writers go on. Raises `NotEqual`."""
        self._catch_up()
        self._log.compare(self._compared, self._reached, self._of("compare log"))
        self._index.run()
        self._catch_up()
        self._index.run()

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
        """Copies until little is left."""
        reached = max(self._reached, self._log.reached())
        least, idle = sys.maxsize, 0
        for _ in range(ROUNDS):
            # The keys that an event needs were issued before it was written.
            head = self._log.head()
            self._keys.run(KEYS)
            self._tables.run(TABLES)
            behind, reached = head - reached, self._log.copy(reached, head, self._of("copy log"))
            self._fold()
            idle = 0 if behind < least else idle + 1
            least = min(least, behind)
            if behind <= LITTLE or idle == PATIENCE:
                break
        self._reached = reached

    def _of(self, step: str) -> Callable[[int, int], None]:
        return lambda done, whole: self._tell(step, done, whole)
