"""What a privacy budget of epsilon and delta comes to in rho, and back.

Argument. A release that is delta_i-approximately rho_i-zCDP composes with others, each chosen in
sight of those before, by adding the rho_i and adding the delta_i (Bun and Steinke 2016, section 8).
Releases that together cost rho and delta_t are (epsilon, delta_t + delta_c)-differentially private
for each delta_c, with epsilon from OpenDP's `make_zCDP_to_approxDP` (Canonne, Kamath and Steinke
2020, proposition 7). So half of delta pays for the conversion, and half is what releases may spend
on discovering keys.
"""

from dataclasses import dataclass
from math import sqrt

import opendp.prelude as dp

CONVERSION = 0.5  # the conversion's part of delta: sigma depends on it only by its logarithm


@dataclass(frozen=True)
class Budget:
    """What a term may spend: `rho` on noise, `delta` on discovering keys."""

    rho: float
    delta: float


def epsilon(rho: float, delta: float) -> float:
    """Returns the epsilon, at this delta, of releases that cost `rho` in all."""
    if rho <= 0:
        return 0.0
    gaussian = dp.m.make_gaussian(
        dp.atom_domain(T=int), dp.absolute_distance(T=float), scale=sqrt(1 / (2 * rho))
    )
    return float(dp.c.make_zCDP_to_approxDP(gaussian).map(1.0).epsilon(delta * CONVERSION))


def budget(epsilon_: float, delta: float) -> Budget:
    """Returns the most that may be spent so that a term stays within `epsilon_` and `delta`."""
    low, high = 0.0, max(1.0, epsilon_)  # epsilon(rho) > rho, so the answer lies between
    for _ in range(60):
        middle = (low + high) / 2
        if epsilon(middle, delta) <= epsilon_:
            low = middle
        else:
            high = middle
    return Budget(low, delta * (1 - CONVERSION))
