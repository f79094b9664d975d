"""Black box: what the outcomes betray about one learner stays below what the ledger charges.

Each group of one drawn histogram is a trial, so that a sample costs one call. Too little noise, and
groups that are named from the data, must be caught.
"""

from dataclasses import dataclass, replace
from math import ceil, sqrt

import pytest

from clickhouse.mechanisms.accounting import budget, epsilon
from clickhouse.mechanisms.histogram import Histogram
from tests.privacy.bounds import ALPHA, NORMAL, at_least, gaussian_epsilon, proven_epsilon

RHO, DELTA, EACH, CROWD = 0.5, 0.2, 8, 1000  # at this delta a sample proves the most
CLAIMED = gaussian_epsilon(RHO, DELTA)


@dataclass(frozen=True)
class TooQuiet(Histogram):
    """Wrong: draws noise of `factor` times the sigma that its price asks for."""

    factor: float = 1.0

    @property
    def sigma(self) -> float:
        return super().sigma * self.factor


def draws(mechanism: Histogram, count: int, trials: int) -> list[int]:
    """Returns `trials` noised values of a group of `count`, none of them suppressed."""
    return list(mechanism.noise(dict.fromkeys(range(trials), count), range(trials)).values())


def proven(mechanism: Histogram, trials: int) -> float:
    """Returns the epsilon at DELTA that the mechanism certainly exceeds, by the best of cuts."""
    with_learner, without = (draws(mechanism, CROWD + more, trials) for more in (EACH, 0))
    return max(
        proven_epsilon(
            sum(value > CROWD + cut for value in with_learner),
            sum(value > CROWD + cut for value in without),
            trials,
            DELTA,
        )
        for cut in (4, 6, 8, 10)
    )


def mechanism(factor: float = 1.0) -> TooQuiet:
    return TooQuiet(bound=1, each=EACH, rho=RHO, factor=factor)


def caught(trials: int, factor: float) -> bool:
    return proven(mechanism(factor), trials) > CLAIMED


def test_no_more_is_betrayed_than_charged() -> None:
    assert mechanism().cost.rho == pytest.approx(RHO)
    assert not caught(20_000, 1.0)


@pytest.mark.parametrize("factor", [0.8, 0.5])
def test_too_little_noise_is_caught(factor: float) -> None:
    assert caught(20_000, factor)


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "wrong"), [(1.0, False), (0.9, True), (0.8, True), (0.5, True)])
def test_with_many_draws(factor: float, wrong: bool) -> None:
    assert caught(200_000, factor) == wrong


@pytest.mark.parametrize("factor", [1.0, 0.95])
def test_noise_has_the_sigma_that_is_told(factor: float) -> None:
    """Chi-square: the sum of squares over sigma squared has mean n and variance 2n."""
    trials, told = 30_000, mechanism().sigma
    square = sum((value - CROWD) ** 2 for value in draws(mechanism(factor), CROWD, trials))
    far = abs(square / told**2 - trials) / sqrt(2 * trials)
    assert (far < NORMAL.inv_cdf(1 - ALPHA)) == (factor == 1.0)


def test_a_group_of_one_is_named_no_more_often_than_delta_says() -> None:
    """Neighbours without the learner never name the group, so delta alone covers it."""
    discovering = Histogram(bound=1, each=1, rho=0.02, delta=0.005)
    trials = 4_000
    one = {"only": 1}
    named = sum(bool(discovering.noise(one, [])) for _ in range(trials))
    named_from_data = sum(bool(discovering.noise(one, one)) for _ in range(trials))
    assert at_least(named, trials) <= discovering.cost.delta <= 0.005
    assert at_least(named_from_data, trials) > 0.005


def test_public_groups_are_noised_though_nobody_is_in_them() -> None:
    loud = Histogram(bound=1, each=1, rho=0.001)
    published = len(loud.noise({}, range(20_000)))
    expected = 20_000 * (1 - NORMAL.cdf((loud.least - 0.5) / loud.sigma))
    assert abs(published - expected) < 6 * sqrt(expected)


def test_nothing_small_is_published() -> None:
    quiet = replace(Histogram(bound=1, each=1, rho=50), delta=1e-9)
    assert quiet.least == 5
    assert quiet.noise({"few": 3, "some": 40}, ["few"]) == {
        "some": pytest.approx(40, abs=ceil(8 * quiet.sigma))
    }


def test_budget_is_the_inverse_of_epsilon() -> None:
    given = budget(4.0, 1e-6)
    assert given.delta == pytest.approx(5e-7)
    assert epsilon(given.rho, 1e-6) == pytest.approx(4.0, abs=1e-6)
    assert 0.25 < given.rho < 0.32
    assert budget(1.0, 1e-6).rho < budget(2.0, 1e-6).rho < given.rho < budget(8.0, 1e-6).rho
    assert gaussian_epsilon(given.rho, 5e-7) <= epsilon(given.rho, 1e-6)
    assert epsilon(0, 1e-6) == 0
