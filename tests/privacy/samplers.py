"""A sampler with a seed, and ways of bounding that are wrong on purpose."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, TypeAlias
from uuid import UUID

from clickhouse.bounding import Sampler, bounded

Rows: TypeAlias = Iterable[tuple[UUID, int, int]]
Bounding: TypeAlias = Callable[[Rows, int, int, Sampler], Counter[int]]


def seeded(seed: int) -> Sampler:
    """Returns a sampler whose choice for a learner depends on the seed and this learner alone."""

    def sample(learner: UUID, keys: Sequence[Any], size: int) -> list[Any]:
        return Random(f"{seed}/{learner}").sample(keys, size)

    return sample


def without_dedupe(rows: Rows, bound: int, each: int, sample: Sampler) -> Counter[int]:
    """Wrong: each row counts, as often as it comes."""
    counts: Counter[int] = Counter()
    for _, key, amount in rows:
        counts[key] += amount
    return counts


def without_bound(rows: Rows, bound: int, each: int, sample: Sampler) -> Counter[int]:
    """Wrong: a learner counts in every group that they are in."""
    return bounded(rows, 10**9, each, sample)


def without_clip(rows: Rows, bound: int, each: int, sample: Sampler) -> Counter[int]:
    """Wrong: a learner counts in few groups, but for any amount."""
    return bounded(rows, bound, 10**9, sample)


def with_one_stream_of_randomness(
    rows: Rows, bound: int, each: int, sample: Sampler
) -> Counter[int]:
    """Wrong: choices depend on who else is there, so that one learner moves everyone's."""
    shared = Random(1)
    return bounded(rows, bound, each, lambda learner, keys, size: shared.sample(keys, size))
