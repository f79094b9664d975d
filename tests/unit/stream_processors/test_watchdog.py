"""The watchdog: what counts as standing still."""

from lrs.settings import Settings
from stream_processors.partitions import partition_of
from stream_processors.watchdog import Watchdog
from tests.learning import ident

MINE = ("facts", 1)
OTHER = ("facts", 2)


def dog() -> Watchdog:
    return Watchdog(Settings(), lambda: {MINE}, lambda code: None, patience=60)


def test_lag_without_progress_for_a_minute() -> None:
    watchdog = dog()
    assert not watchdog.stalled({MINE: 5}, now=0)
    assert not watchdog.stalled({MINE: 5}, now=59)
    assert watchdog.stalled({MINE: 5}, now=60)


def test_progress_or_catching_up_starts_the_minute_anew() -> None:
    watchdog = dog()
    watchdog.stalled({MINE: 5}, now=0)
    assert not watchdog.stalled({MINE: 6}, now=60)
    assert not watchdog.stalled({}, now=110)
    assert not watchdog.stalled({MINE: 6}, now=125)


def test_the_partitions_of_others_are_theirs() -> None:
    watchdog = dog()
    watchdog.stalled({OTHER: 5}, now=0)
    assert not watchdog.stalled({OTHER: 5}, now=100)


def test_partitions_are_kafkas_own() -> None:
    # As org.apache.kafka.common.utils.Utils.murmur2 places these keys among twelve.
    assert 0 <= partition_of(ident("a"), 12) < 12
    assert {partition_of(ident(str(n)), 12) for n in range(500)} == set(range(12))
