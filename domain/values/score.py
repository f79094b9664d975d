"""Scores: the bounds that their numbers keep to each other (1.0.3 Data 2.4.5.1)."""

from collections.abc import Mapping


def problem(score: Mapping[str, float]) -> tuple[str, str] | None:
    """Returns the property that breaks a bound and what is wrong with it, or None.

    The numbers are min < max and min <= raw <= max; `scaled` stands for itself, in -1 to 1.
    """
    low, high, raw = score.get("min"), score.get("max"), score.get("raw")
    if low is not None and high is not None and low >= high:
        return "max", f"max ({high}) must be greater than min ({low})"
    if raw is not None:
        if low is not None and raw < low:
            return "raw", f"raw ({raw}) must not be less than min ({low})"
        if high is not None and raw > high:
            return "raw", f"raw ({raw}) must not be greater than max ({high})"
    return None


def scaled(score: Mapping[str, float]) -> float | None:
    """Returns the score as a number in -1 to 1, or None where it cannot be known.

    `scaled` as it was sent; else `raw` within `min` (0 where left out) and `max`.
    """
    if "scaled" in score:
        return float(score["scaled"])
    low, high, raw = score.get("min", 0.0), score.get("max"), score.get("raw")
    if raw is None or high is None or high <= low:
        return None
    return (raw - low) / (high - low)
