"""Noisy counts per group, where some groups are public and the others must not be betrayed.

Argument. Let each learner contribute at most `each` to each of at most `bound` groups
(`bounding`), so that adding or removing one learner changes the counts by at most
bound * each**2 in squared L2 norm, each count by at most `each`, and at most `bound` counts.

- **Public groups** are named by what is known without the data (the days between two closings of
  the window, courses that were published before). All of them are counted, also those with
  nobody, and get Gaussian noise: the vector's presence and length say nothing.
- **Other groups** exist only because learners are in them, so that naming one may betray a single
  learner. OpenDP's `make_gaussian_threshold` adds the same noise and drops what stays below a
  threshold so high that a group of one learner passes with probability at most delta.

A neighbour's change splits between the two parts, d1**2 + d2**2 <= bound * each**2. Both parts have
noise of the same sigma, drawn independently, so their rho add up, pair by pair of neighbours, to at
most (d1**2 + d2**2) / (2 sigma**2) <= bound * each**2 / (2 sigma**2): the pair costs what one of
them would cost with the whole change, and that is what is charged. The delta is that of the
threshold with all `bound` groups unknown.

What is published afterwards depends on noisy values only: at least 5, and at least 2 sigma.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil, sqrt
from typing import Any, Protocol, TypeVar

import opendp.prelude as dp

from clickhouse.mechanisms.accounting import Budget

LEAST = 5  # no noisy value below this is published

K = TypeVar("K", bound="Ordered")


class Ordered(Protocol):
    """Keys that sort, so that the order of rows says nothing about the order of the data."""

    def __lt__(self, other: Any, /) -> bool: ...
    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class Histogram:
    """A mechanism whose noise is as small as `rho` allows.

    `bound`: groups that a learner may count in; `each`: the most that they count for in one;
    `delta`: what discovering groups may cost; with 0, public groups only.
    """

    bound: int
    each: int
    rho: float
    delta: float = 0.0

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise in each value."""
        return sqrt(self.bound * self.each**2 / (2 * self.rho))

    @property
    def least(self) -> int:
        """The smallest noisy value that is published."""
        return max(LEAST, ceil(2 * self.sigma))

    @property
    def sensitivity(self) -> float:
        """The most, in L2 norm, that one learner can change the counts."""
        return sqrt(self.bound) * self.each

    @cached_property
    def cost(self) -> Budget:
        """What drawing once costs, by OpenDP's privacy maps."""
        rho = float(self._gaussian.map(self.sensitivity))
        if not self.delta:
            return Budget(rho, 0.0)
        rho_found, delta = self._threshold.map(self._change)
        return Budget(max(rho, float(rho_found)), float(delta))

    def noise(self, counts: Mapping[K, int], public: Iterable[K]) -> dict[K, int]:
        """Draws once, and returns what may be published of these bounded counts, in order."""
        known = sorted(set(public))
        drawn = self._gaussian([counts.get(key, 0) for key in known]) if known else []
        values = dict(zip(known, drawn, strict=True))
        if self.delta:
            hidden = {str(i): key for i, key in enumerate(sorted(set(counts) - set(known)))}
            found = self._threshold({name: counts[key] for name, key in hidden.items()})
            values |= {hidden[name]: value for name, value in found.items()}
        return {key: values[key] for key in sorted(values) if values[key] >= self.least}

    @property
    def _change(self) -> tuple[int, float, float]:
        """One learner's change as OpenDP takes it: L0, L2 and L-infinity."""
        return self.bound, self.sensitivity, float(self.each)

    @cached_property
    def _gaussian(self) -> Any:
        space = dp.vector_domain(dp.atom_domain(T=int)), dp.l2_distance(T=float)
        return dp.m.make_gaussian(*space, scale=self.sigma)

    @cached_property
    def _threshold(self) -> Any:
        """The mechanism for unknown groups with the lowest threshold that `delta` allows."""
        low = self.each
        high = self.each + ceil(40 * self.sigma)  # 40 sigma: below any delta that a float can hold
        while low < high:
            middle = (low + high) // 2
            if self._at(middle).map(self._change)[1] <= self.delta:
                high = middle
            else:
                low = middle + 1
        return self._at(low)

    def _at(self, threshold: int) -> Any:
        space = (
            dp.map_domain(dp.atom_domain(T=str), dp.atom_domain(T=int)),
            dp.l02inf_distance(dp.absolute_distance(T=float)),
        )
        return dp.m.make_gaussian_threshold(*space, scale=self.sigma, threshold=threshold)
