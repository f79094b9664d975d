"""Places and who waits for them: in turn, and never on the threads that refuse."""

from queue import SimpleQueue
from threading import Semaphore, Thread
from time import sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.capacity import Places, live_streams, shares
from domain.errors import Overloaded
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
    assert shares(Settings()) == (64, 381)


def test_who_came_first_is_next() -> None:
    places, order = Places(1, 10), SimpleQueue[int]()
    places.take(0)

    def one(number: int) -> None:
        places.take(30)
        order.put(number)
        places.give()

    threads = []
    for number in range(5):
        threads.append(Thread(target=one, args=(number,)))
        threads[-1].start()
        while len(places._waiting) <= number:
            sleep(0.001)
    places.give()
    assert [order.get(timeout=30) for _ in range(5)] == list(range(5))
    for thread in threads:
        thread.join()
    assert places.take(0) == 0


def test_who_finds_neither_place_nor_room_is_refused_and_leaves_nothing_behind() -> None:
    places = Places(1, 1)
    places.take(0)
    for _ in range(3):
        with pytest.raises(Overloaded):
            places.take(0.01)
    assert not places._waiting
    waiting = Thread(target=places.take, args=(30,))
    waiting.start()
    while not places._waiting:
        sleep(0.001)
    with pytest.raises(Overloaded, match="and waiting"):
        places.take(30)
    places.give()
    waiting.join()
    places.give()
    assert places.take(0) == 0


def test_a_crowd_never_has_more_places_than_there_are() -> None:
    places, inside, most = Places(3, 100), Semaphore(3), []

    def one() -> None:
        for _ in range(200):
            places.take(30)
            most.append(inside.acquire(blocking=False))
            inside.release()
            places.give()

    threads = [Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 4000 and all(most)
    assert [places.take(0) for _ in range(3)] == [0, 0, 0]
