"""Contribution bounding: how much one learner may count, before any noise.

Argument. A learner's share in the counts is a function of this learner's own rows and of
randomness drawn for them alone, so that adding or removing a learner leaves everyone else's share
as it was, and moves the counts by that learner's share: at most `bound` groups, `each` in one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from random import SystemRandom
from typing import Protocol, TypeVar
from uuid import UUID

from clickhouse.mechanisms.histogram import Ordered

K = TypeVar("K", bound=Ordered)


class Sampler(Protocol):
    """Chooses without looking at anything but what it is given. Tests give a seeded one."""

    def __call__(self, learner: UUID, keys: Sequence[K], size: int) -> list[K]:
        """Returns `size` of `keys`, each subset equally likely, independent of other learners."""
        ...


def system_sampler(learner: UUID, keys: Sequence[K], size: int) -> list[K]:  # noqa: ARG001
    """Chooses with the operating system's randomness."""
    return SystemRandom().sample(keys, size)


def bounded(
    rows: Iterable[tuple[UUID, K, int]], bound: int, each: int, sample: Sampler
) -> Counter[K]:
    """Returns the counts per group of rows (learner, group, amount).

    The rows of a learner in one group are one contribution: their sum, at most `each`. Of a
    learner who is in more than `bound` groups, `bound` are chosen at random.
    """
    of_learner: defaultdict[UUID, Counter[K]] = defaultdict(Counter)
    for learner, key, amount in rows:
        of_learner[learner][key] += amount
    counts: Counter[K] = Counter()
    for learner, groups in of_learner.items():
        kept = sorted(groups)
        if len(kept) > bound:
            kept = sample(learner, kept, bound)
        for key in kept:
            counts[key] += min(groups[key], each)
    return counts
