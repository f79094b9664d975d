"""Progress: of an outline, of what was seen; what satisfies, what counts in part."""

import pytest

from projections.progress import Basis, Done, Item, Items, MoveOn, progress, satisfied
from projections.work import MOST_SEGMENTS, union, watched
from tests.learning import ident

A, B = ident("a"), ident("b")


@pytest.mark.parametrize(
    ("move_on", "answers"),
    [
        # neither, passed, completed, both
        (MoveOn.PASSED, [False, True, False, True]),
        (MoveOn.COMPLETED, [False, False, True, True]),
        (MoveOn.COMPLETED_AND_PASSED, [False, False, False, True]),
        (MoveOn.COMPLETED_OR_PASSED, [False, True, True, True]),
        (MoveOn.NOT_APPLICABLE, [True, True, True, True]),
    ],
)
def test_move_on(move_on: MoveOn, answers: list[bool]) -> None:
    cases = [(False, False), (True, False), (False, True), (True, True)]
    assert [satisfied(move_on, passed=p, completed=c) for p, c in cases] == answers


def test_weights_of_an_outline() -> None:
    items = Items(Basis.OUTLINE, 4.0, {A: Item(3.0), B: Item(1.0)})
    done = [Done(A, passed=True, completed=False), Done(ident("other"), True, True)]
    assert progress(done, items, completed=False) == 0.75
    assert progress([], items, completed=False) == 0.0
    assert progress([], items, completed=True) == 1.0


def test_of_what_was_seen() -> None:
    items = Items(Basis.SEEN, 4.0)
    done = [Done(A, True, True), Done(B, False, False, progress=0.5)]
    assert progress(done, items, completed=False) == 0.375
    assert progress(done, Items(Basis.SEEN, 0.0), completed=False) is None


def test_a_video_counts_by_what_was_played() -> None:
    video = Done(A, False, False, progress=0.2, length=100.0, segments=(0.0, 30.0, 50.0, 60.0))
    assert progress([video], Items(Basis.SEEN, 1.0), completed=False) == 0.4


def test_union_of_segments() -> None:
    assert union([0.0, 10.0], (5.0, 20.0, 30.0, 40.0)) == [0.0, 20.0, 30.0, 40.0]
    assert union([], ()) == []
    assert watched([0.0, 50.0], None) is None
    assert watched([0.0, 500.0], 100.0) == 1.0


def test_segments_do_not_grow_without_end() -> None:
    many = tuple(float(n) for n in range(0, MOST_SEGMENTS * 8))
    assert len(union([], many)) == MOST_SEGMENTS * 2
