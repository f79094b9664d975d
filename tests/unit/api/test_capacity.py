"""How threads are divided: whoever waits never takes the ones that refuse, nor those of streams."""

from hypothesis import given
from hypothesis import strategies as st

from api.capacity import live_streams, shares
from lrs.settings import Settings


@given(
    threads=st.integers(4, 1000),
    most=st.integers(1, 1000),
    streams=st.integers(0, 1000),
)
def test_some_threads_are_always_free_to_refuse(threads: int, most: int, streams: int) -> None:
    settings = Settings(api_threads=threads, max_concurrent=most, live_streams=streams)
    places, waiting = shares(settings)
    assert 1 <= places <= most
    assert waiting >= 0
    assert places + waiting + live_streams(settings) < threads


def test_as_it_is_by_default() -> None:
    assert shares(Settings()) == (64, 45)
