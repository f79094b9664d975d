"""Statistics for black-box tests: what a sample proves, and what a Gaussian mechanism may show."""

from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist

NORMAL = NormalDist()
ALPHA = 1e-7  # chance that a sound mechanism fails one of these bounds


def _tail(successes: int, trials: int, chance: float) -> float:
    """Probability of at least `successes` of a binomial variable."""
    if successes <= 0:
        return 1.0
    mean, spread = trials * chance, sqrt(trials * chance * (1 - chance))
    last = min(trials, int(max(successes, mean) + 40 * spread + 60))
    ways = lgamma(trials + 1)
    return sum(
        exp(
            ways
            - lgamma(k + 1)
            - lgamma(trials - k + 1)
            + k * log(chance)
            + (trials - k) * log1p(-chance)
        )
        for k in range(successes, last + 1)
    )


def at_least(successes: int, trials: int) -> float:
    """Lower Clopper-Pearson bound of the chance behind these successes."""
    low, high = 0.0, successes / trials
    for _ in range(30):
        middle = (low + high) / 2
        if middle and _tail(successes, trials, middle) > ALPHA:
            high = middle
        else:
            low = middle
    return low


def at_most(successes: int, trials: int) -> float:
    """Upper Clopper-Pearson bound of the chance behind these successes."""
    return 1 - at_least(trials - successes, trials)


def proven_epsilon(hits_with: int, hits_without: int, trials: int, delta: float) -> float:
    """The epsilon, at this delta, that the mechanism certainly exceeds; 0 if nothing is proven."""
    more, less = at_least(hits_with, trials) - delta, at_most(hits_without, trials)
    return max(0.0, log(more / less)) if more > 0 else 0.0


def gaussian_epsilon(rho: float, delta: float) -> float:
    """The exact epsilon of Gaussian noise that costs `rho` (Balle and Wang 2018, theorem 8)."""
    mu = sqrt(2 * rho)  # sensitivity over sigma

    def delta_of(epsilon: float) -> float:
        return NORMAL.cdf(mu / 2 - epsilon / mu) - exp(epsilon) * NORMAL.cdf(-mu / 2 - epsilon / mu)

    low, high = 0.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if delta_of(middle) > delta else (low, middle)
    return high
